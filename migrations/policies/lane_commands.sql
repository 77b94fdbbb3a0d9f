ALTER TABLE lane_commands ENABLE ROW LEVEL SECURITY;
ALTER TABLE lane_commands FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON lane_commands TO oms_app
  USING (tenant_id = (SELECT nullif(current_setting('app.tenant_id', true), '')::uuid))
  WITH CHECK (tenant_id = (SELECT nullif(current_setting('app.tenant_id', true), '')::uuid));
GRANT SELECT, INSERT, DELETE ON lane_commands TO oms_app;
CREATE POLICY batch ON lane_commands TO oms_intake
  USING (tenant_id = ANY ((SELECT nullif(current_setting('app.tenant_ids', true), '')::uuid[])::uuid[]))
  WITH CHECK (tenant_id = ANY ((SELECT nullif(current_setting('app.tenant_ids', true), '')::uuid[])::uuid[]));
GRANT INSERT ON lane_commands TO oms_intake;
