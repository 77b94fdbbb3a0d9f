ALTER TABLE api_key_accounts ENABLE ROW LEVEL SECURITY;
ALTER TABLE api_key_accounts FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON api_key_accounts TO oms_app
  USING (tenant_id = (SELECT nullif(current_setting('app.tenant_id', true), '')::uuid))
  WITH CHECK (tenant_id = (SELECT nullif(current_setting('app.tenant_id', true), '')::uuid));
GRANT SELECT, INSERT, DELETE ON api_key_accounts TO oms_app;
