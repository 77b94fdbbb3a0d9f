ALTER TABLE two_factor_challenges ENABLE ROW LEVEL SECURITY;
ALTER TABLE two_factor_challenges FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON two_factor_challenges TO oms_app
  USING (tenant_id = (SELECT nullif(current_setting('app.tenant_id', true), '')::uuid))
  WITH CHECK (tenant_id = (SELECT nullif(current_setting('app.tenant_id', true), '')::uuid));
GRANT SELECT, INSERT, UPDATE, DELETE ON two_factor_challenges TO oms_app;
