ALTER TABLE early_commissions ENABLE ROW LEVEL SECURITY;
ALTER TABLE early_commissions FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON early_commissions TO oms_app
  USING (tenant_id = (SELECT nullif(current_setting('app.tenant_id', true), '')::uuid))
  WITH CHECK (tenant_id = (SELECT nullif(current_setting('app.tenant_id', true), '')::uuid));
GRANT SELECT, INSERT, DELETE ON early_commissions TO oms_app;
