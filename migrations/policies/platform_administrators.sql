ALTER TABLE platform_administrators ENABLE ROW LEVEL SECURITY;
ALTER TABLE platform_administrators FORCE ROW LEVEL SECURITY;
CREATE POLICY asking ON platform_administrators FOR SELECT TO oms_app
  USING (user_id = (SELECT nullif(current_setting('app.platform_user_id', true), '')::uuid));
CREATE POLICY system ON platform_administrators TO oms_system USING (true);
GRANT SELECT ON platform_administrators TO oms_app;
GRANT SELECT, INSERT, DELETE ON platform_administrators TO oms_system;
