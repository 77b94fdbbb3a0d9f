ALTER TABLE outbox ENABLE ROW LEVEL SECURITY;
ALTER TABLE outbox FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON outbox TO oms_app
  USING (tenant_id = (SELECT nullif(current_setting('app.tenant_id', true), '')::uuid))
  WITH CHECK (tenant_id = (SELECT nullif(current_setting('app.tenant_id', true), '')::uuid));
GRANT INSERT ON outbox TO oms_app;
CREATE POLICY batch ON outbox TO oms_intake
  USING ((SELECT nullif(current_setting('app.tenant_ids', true), '')::uuid[]) @> ARRAY[tenant_id])
  WITH CHECK ((SELECT nullif(current_setting('app.tenant_ids', true), '')::uuid[]) @> ARRAY[tenant_id]);
GRANT INSERT ON outbox TO oms_intake;
CREATE POLICY system ON outbox TO oms_system USING (true);
GRANT SELECT, DELETE ON outbox TO oms_system;
