ALTER TABLE audit_retentions ENABLE ROW LEVEL SECURITY;
ALTER TABLE audit_retentions FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON audit_retentions TO oms_app
  USING (tenant_id = (SELECT nullif(current_setting('app.tenant_id', true), '')::uuid))
  WITH CHECK (tenant_id = (SELECT nullif(current_setting('app.tenant_id', true), '')::uuid));
GRANT SELECT, INSERT, UPDATE ON audit_retentions TO oms_app;
CREATE POLICY sealer ON audit_retentions TO oms_sealer USING (true) WITH CHECK (true);
GRANT SELECT ON audit_retentions TO oms_sealer;
