ALTER TABLE quarantined_reports ENABLE ROW LEVEL SECURITY;
ALTER TABLE quarantined_reports FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON quarantined_reports TO oms_app
  USING (tenant_id = (SELECT nullif(current_setting('app.tenant_id', true), '')::uuid))
  WITH CHECK (tenant_id = (SELECT nullif(current_setting('app.tenant_id', true), '')::uuid));
GRANT SELECT, INSERT ON quarantined_reports TO oms_app;
