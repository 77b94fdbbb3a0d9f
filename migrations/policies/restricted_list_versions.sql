ALTER TABLE restricted_list_versions ENABLE ROW LEVEL SECURITY;
ALTER TABLE restricted_list_versions FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON restricted_list_versions TO oms_app
  USING (tenant_id = (SELECT nullif(current_setting('app.tenant_id', true), '')::uuid))
  WITH CHECK (tenant_id = (SELECT nullif(current_setting('app.tenant_id', true), '')::uuid));
GRANT SELECT, INSERT ON restricted_list_versions TO oms_app;
