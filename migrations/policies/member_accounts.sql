ALTER TABLE member_accounts ENABLE ROW LEVEL SECURITY;
ALTER TABLE member_accounts FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON member_accounts TO oms_app
  USING (tenant_id = (SELECT nullif(current_setting('app.tenant_id', true), '')::uuid))
  WITH CHECK (tenant_id = (SELECT nullif(current_setting('app.tenant_id', true), '')::uuid));
GRANT SELECT, INSERT, DELETE ON member_accounts TO oms_app;
