ALTER TABLE account_books ENABLE ROW LEVEL SECURITY;
ALTER TABLE account_books FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON account_books TO oms_app
  USING (tenant_id = (SELECT nullif(current_setting('app.tenant_id', true), '')::uuid))
  WITH CHECK (tenant_id = (SELECT nullif(current_setting('app.tenant_id', true), '')::uuid));
GRANT SELECT, INSERT, UPDATE ON account_books TO oms_app;
CREATE POLICY batch ON account_books TO oms_intake
  USING ((SELECT nullif(current_setting('app.tenant_ids', true), '')::uuid[]) @> ARRAY[tenant_id])
  WITH CHECK ((SELECT nullif(current_setting('app.tenant_ids', true), '')::uuid[]) @> ARRAY[tenant_id]);
GRANT SELECT, UPDATE ON account_books TO oms_intake;
