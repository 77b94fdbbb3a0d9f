ALTER TABLE person_tokens ENABLE ROW LEVEL SECURITY;
ALTER TABLE person_tokens FORCE ROW LEVEL SECURITY;
CREATE POLICY self ON person_tokens TO oms_app
  USING (user_id = (SELECT nullif(current_setting('app.user_id', true), '')::uuid))
  WITH CHECK (user_id = (SELECT nullif(current_setting('app.user_id', true), '')::uuid));
GRANT SELECT, INSERT, UPDATE, DELETE ON person_tokens TO oms_app;
