ALTER TABLE registrations ENABLE ROW LEVEL SECURITY;
ALTER TABLE registrations FORCE ROW LEVEL SECURITY;
CREATE POLICY self ON registrations TO oms_app
  USING (id = (SELECT nullif(current_setting('app.user_id', true), '')::uuid))
  WITH CHECK (id = (SELECT nullif(current_setting('app.user_id', true), '')::uuid));
GRANT SELECT, INSERT, UPDATE ON registrations TO oms_app;
CREATE POLICY system ON registrations FOR DELETE TO oms_system USING (true);
CREATE POLICY system_times ON registrations FOR SELECT TO oms_system USING (true);
GRANT DELETE ON registrations TO oms_system;
GRANT SELECT (expires_at) ON registrations TO oms_system;
