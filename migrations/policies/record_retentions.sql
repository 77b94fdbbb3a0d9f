ALTER TABLE record_retentions ENABLE ROW LEVEL SECURITY;
ALTER TABLE record_retentions FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON record_retentions TO oms_app
  USING (tenant_id = (SELECT nullif(current_setting('app.tenant_id', true), '')::uuid))
  WITH CHECK (tenant_id = (SELECT nullif(current_setting('app.tenant_id', true), '')::uuid));
GRANT SELECT, INSERT, UPDATE ON record_retentions TO oms_app;
CREATE POLICY sealer ON record_retentions FOR SELECT TO oms_sealer USING (true);
GRANT SELECT ON record_retentions TO oms_sealer;
