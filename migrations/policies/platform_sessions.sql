ALTER TABLE platform_sessions ENABLE ROW LEVEL SECURITY;
ALTER TABLE platform_sessions FORCE ROW LEVEL SECURITY;
CREATE POLICY asking ON platform_sessions TO oms_app
  USING (user_id = (SELECT nullif(current_setting('app.platform_user_id', true), '')::uuid))
  WITH CHECK (user_id = (SELECT nullif(current_setting('app.platform_user_id', true), '')::uuid));
GRANT SELECT, INSERT, UPDATE ON platform_sessions TO oms_app;
