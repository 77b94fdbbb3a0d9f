ALTER TABLE lane_commands ENABLE ROW LEVEL SECURITY;
ALTER TABLE lane_commands FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON lane_commands TO oms_app
  USING (tenant_id = (SELECT nullif(current_setting('app.tenant_id', true), '')::uuid))
  WITH CHECK (tenant_id = (SELECT nullif(current_setting('app.tenant_id', true), '')::uuid));
GRANT SELECT, INSERT, DELETE ON lane_commands TO oms_app;
CREATE POLICY batch ON lane_commands TO oms_intake
  USING ((SELECT nullif(current_setting('app.tenant_ids', true), '')::uuid[]) @> ARRAY[tenant_id])
  WITH CHECK ((SELECT nullif(current_setting('app.tenant_ids', true), '')::uuid[]) @> ARRAY[tenant_id]);
GRANT INSERT ON lane_commands TO oms_intake;
