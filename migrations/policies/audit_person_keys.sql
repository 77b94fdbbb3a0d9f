ALTER TABLE audit_person_keys ENABLE ROW LEVEL SECURITY;
ALTER TABLE audit_person_keys FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON audit_person_keys TO oms_app
  USING (tenant_id = (SELECT nullif(current_setting('app.tenant_id', true), '')::uuid))
  WITH CHECK (tenant_id = (SELECT nullif(current_setting('app.tenant_id', true), '')::uuid));
GRANT SELECT, INSERT, UPDATE, DELETE ON audit_person_keys TO oms_app;
CREATE POLICY sealer ON audit_person_keys TO oms_sealer USING (true) WITH CHECK (true);
GRANT SELECT, INSERT ON audit_person_keys TO oms_sealer;
