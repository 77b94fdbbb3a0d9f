ALTER TABLE proof_failures ENABLE ROW LEVEL SECURITY;
ALTER TABLE proof_failures FORCE ROW LEVEL SECURITY;
CREATE POLICY self ON proof_failures TO oms_app
  USING (user_id = (SELECT nullif(current_setting('app.user_id', true), '')::uuid))
  WITH CHECK (user_id = (SELECT nullif(current_setting('app.user_id', true), '')::uuid));
GRANT SELECT, INSERT, UPDATE, DELETE ON proof_failures TO oms_app;
