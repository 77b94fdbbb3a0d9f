ALTER TABLE kill_switch_accounts ENABLE ROW LEVEL SECURITY;
ALTER TABLE kill_switch_accounts FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON kill_switch_accounts TO oms_app
  USING (tenant_id = (SELECT nullif(current_setting('app.tenant_id', true), '')::uuid))
  WITH CHECK (tenant_id = (SELECT nullif(current_setting('app.tenant_id', true), '')::uuid));
GRANT SELECT, INSERT, UPDATE ON kill_switch_accounts TO oms_app;
