ALTER TABLE restricted_entries ENABLE ROW LEVEL SECURITY;
ALTER TABLE restricted_entries FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON restricted_entries TO oms_app
  USING (tenant_id = (SELECT nullif(current_setting('app.tenant_id', true), '')::uuid))
  WITH CHECK (tenant_id = (SELECT nullif(current_setting('app.tenant_id', true), '')::uuid));
GRANT SELECT, INSERT, UPDATE ON restricted_entries TO oms_app;
CREATE POLICY batch ON restricted_entries TO oms_intake
  USING ((SELECT nullif(current_setting('app.tenant_ids', true), '')::uuid[]) @> ARRAY[tenant_id])
  WITH CHECK ((SELECT nullif(current_setting('app.tenant_ids', true), '')::uuid[]) @> ARRAY[tenant_id]);
GRANT SELECT ON restricted_entries TO oms_intake;
