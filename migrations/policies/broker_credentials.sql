ALTER TABLE broker_credentials ENABLE ROW LEVEL SECURITY;
ALTER TABLE broker_credentials FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON broker_credentials TO oms_app
  USING (tenant_id = (SELECT nullif(current_setting('app.tenant_id', true), '')::uuid))
  WITH CHECK (tenant_id = (SELECT nullif(current_setting('app.tenant_id', true), '')::uuid));
GRANT SELECT, INSERT, UPDATE, DELETE ON broker_credentials TO oms_app;
