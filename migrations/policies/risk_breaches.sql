ALTER TABLE risk_breaches ENABLE ROW LEVEL SECURITY;
ALTER TABLE risk_breaches FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON risk_breaches TO oms_app
  USING (tenant_id = (SELECT nullif(current_setting('app.tenant_id', true), '')::uuid))
  WITH CHECK (tenant_id = (SELECT nullif(current_setting('app.tenant_id', true), '')::uuid));
GRANT SELECT, INSERT, UPDATE ON risk_breaches TO oms_app;
CREATE POLICY system ON risk_breaches FOR SELECT TO oms_system USING (cleared_at IS NULL);
GRANT SELECT (tenant_id, cleared_at) ON risk_breaches TO oms_system;
