ALTER TABLE trading_halts ENABLE ROW LEVEL SECURITY;
ALTER TABLE trading_halts FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON trading_halts TO oms_app
  USING (tenant_id = (SELECT nullif(current_setting('app.tenant_id', true), '')::uuid))
  WITH CHECK (tenant_id = (SELECT nullif(current_setting('app.tenant_id', true), '')::uuid));
GRANT SELECT, INSERT, UPDATE ON trading_halts TO oms_app;
CREATE POLICY batch ON trading_halts FOR SELECT TO oms_intake
  USING ((SELECT nullif(current_setting('app.tenant_ids', true), '')::uuid[]) @> ARRAY[tenant_id]);
GRANT SELECT ON trading_halts TO oms_intake;
