-- What the sealer may here came with revision 0026, which lets it prune.
ALTER TABLE restriction_alerts ENABLE ROW LEVEL SECURITY;
ALTER TABLE restriction_alerts FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON restriction_alerts TO oms_app
  USING (tenant_id = (SELECT nullif(current_setting('app.tenant_id', true), '')::uuid))
  WITH CHECK (tenant_id = (SELECT nullif(current_setting('app.tenant_id', true), '')::uuid));
GRANT SELECT, INSERT ON restriction_alerts TO oms_app;
CREATE POLICY batch ON restriction_alerts TO oms_intake
  USING ((SELECT nullif(current_setting('app.tenant_ids', true), '')::uuid[]) @> ARRAY[tenant_id])
  WITH CHECK ((SELECT nullif(current_setting('app.tenant_ids', true), '')::uuid[]) @> ARRAY[tenant_id]);
GRANT INSERT ON restriction_alerts TO oms_intake;
