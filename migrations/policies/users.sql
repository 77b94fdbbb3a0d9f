ALTER TABLE users ENABLE ROW LEVEL SECURITY;
ALTER TABLE users FORCE ROW LEVEL SECURITY;
CREATE POLICY self ON users TO oms_app
  USING (id = (SELECT nullif(current_setting('app.user_id', true), '')::uuid))
  WITH CHECK (id = (SELECT nullif(current_setting('app.user_id', true), '')::uuid));
CREATE POLICY by_email ON users FOR SELECT TO oms_app
  USING (email = (SELECT nullif(current_setting('app.email', true), '')));
CREATE POLICY member ON users FOR SELECT TO oms_app
  USING (id IN (SELECT m.user_id FROM memberships m
                WHERE m.tenant_id = (SELECT nullif(current_setting('app.tenant_id', true), '')::uuid)));
GRANT SELECT, INSERT, UPDATE ON users TO oms_app;
