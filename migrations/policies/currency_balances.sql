ALTER TABLE currency_balances ENABLE ROW LEVEL SECURITY;
ALTER TABLE currency_balances FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON currency_balances TO oms_app
  USING (tenant_id = (SELECT nullif(current_setting('app.tenant_id', true), '')::uuid))
  WITH CHECK (tenant_id = (SELECT nullif(current_setting('app.tenant_id', true), '')::uuid));
GRANT SELECT, INSERT, UPDATE, DELETE ON currency_balances TO oms_app;
