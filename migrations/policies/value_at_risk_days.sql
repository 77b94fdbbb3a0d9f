ALTER TABLE value_at_risk_days ENABLE ROW LEVEL SECURITY;
ALTER TABLE value_at_risk_days FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON value_at_risk_days TO oms_app
  USING (tenant_id = (SELECT nullif(current_setting('app.tenant_id', true), '')::uuid))
  WITH CHECK (tenant_id = (SELECT nullif(current_setting('app.tenant_id', true), '')::uuid));
GRANT SELECT, INSERT ON value_at_risk_days TO oms_app;
