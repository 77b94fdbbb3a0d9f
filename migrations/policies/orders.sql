ALTER TABLE orders ENABLE ROW LEVEL SECURITY;
ALTER TABLE orders FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON orders TO oms_app
  USING (tenant_id = (SELECT nullif(current_setting('app.tenant_id', true), '')::uuid))
  WITH CHECK (tenant_id = (SELECT nullif(current_setting('app.tenant_id', true), '')::uuid));
GRANT SELECT, INSERT, UPDATE ON orders TO oms_app;
CREATE POLICY batch ON orders TO oms_intake
  USING ((SELECT nullif(current_setting('app.tenant_ids', true), '')::uuid[]) @> ARRAY[tenant_id])
  WITH CHECK ((SELECT nullif(current_setting('app.tenant_ids', true), '')::uuid[]) @> ARRAY[tenant_id]);
GRANT SELECT, INSERT ON orders TO oms_intake;
