ALTER TABLE custom_roles ENABLE ROW LEVEL SECURITY;
ALTER TABLE custom_roles FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON custom_roles TO oms_app
  USING (tenant_id = (SELECT nullif(current_setting('app.tenant_id', true), '')::uuid))
  WITH CHECK (tenant_id = (SELECT nullif(current_setting('app.tenant_id', true), '')::uuid));
CREATE POLICY own ON custom_roles FOR SELECT TO oms_app
  USING (id IN (SELECT m.custom_role_id FROM memberships m
                WHERE m.user_id = (SELECT nullif(current_setting('app.user_id', true), '')::uuid)));
GRANT SELECT, INSERT, UPDATE, DELETE ON custom_roles TO oms_app;
