ALTER TABLE risk_utilisation_samples ENABLE ROW LEVEL SECURITY;
ALTER TABLE risk_utilisation_samples FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON risk_utilisation_samples TO oms_app
  USING (tenant_id = (SELECT nullif(current_setting('app.tenant_id', true), '')::uuid))
  WITH CHECK (tenant_id = (SELECT nullif(current_setting('app.tenant_id', true), '')::uuid));
GRANT SELECT, INSERT, UPDATE, DELETE ON risk_utilisation_samples TO oms_app;
