ALTER TABLE tenants ENABLE ROW LEVEL SECURITY;
ALTER TABLE tenants FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON tenants TO oms_app
  USING (id = (SELECT nullif(current_setting('app.tenant_id', true), '')::uuid))
  WITH CHECK (id = (SELECT nullif(current_setting('app.tenant_id', true), '')::uuid));
CREATE POLICY own ON tenants FOR SELECT TO oms_app
  USING (id IN (SELECT m.tenant_id FROM memberships m
                WHERE m.user_id = (SELECT nullif(current_setting('app.user_id', true), '')::uuid)));
CREATE POLICY system ON tenants FOR SELECT TO oms_system USING (true);
GRANT SELECT, INSERT, UPDATE ON tenants TO oms_app;
GRANT SELECT ON tenants TO oms_system;
