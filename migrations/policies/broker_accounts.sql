ALTER TABLE broker_accounts ENABLE ROW LEVEL SECURITY;
ALTER TABLE broker_accounts FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON broker_accounts TO oms_app
  USING (tenant_id = (SELECT nullif(current_setting('app.tenant_id', true), '')::uuid))
  WITH CHECK (tenant_id = (SELECT nullif(current_setting('app.tenant_id', true), '')::uuid));
GRANT SELECT, INSERT, UPDATE ON broker_accounts TO oms_app;
CREATE POLICY batch ON broker_accounts TO oms_intake
  USING ((SELECT nullif(current_setting('app.tenant_ids', true), '')::uuid[]) @> ARRAY[tenant_id])
  WITH CHECK ((SELECT nullif(current_setting('app.tenant_ids', true), '')::uuid[]) @> ARRAY[tenant_id]);
GRANT SELECT ON broker_accounts TO oms_intake;
CREATE POLICY system ON broker_accounts TO oms_system USING (true);
GRANT SELECT ON broker_accounts TO oms_system;
