ALTER TABLE circuit_breakers ENABLE ROW LEVEL SECURITY;
ALTER TABLE circuit_breakers FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON circuit_breakers TO oms_app
  USING (tenant_id = (SELECT nullif(current_setting('app.tenant_id', true), '')::uuid))
  WITH CHECK (tenant_id = (SELECT nullif(current_setting('app.tenant_id', true), '')::uuid));
GRANT SELECT, INSERT, UPDATE ON circuit_breakers TO oms_app;
CREATE POLICY system ON circuit_breakers FOR SELECT TO oms_system USING (is_active);
GRANT SELECT (tenant_id, is_active) ON circuit_breakers TO oms_system;
