ALTER TABLE opening_marks ENABLE ROW LEVEL SECURITY;
ALTER TABLE opening_marks FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON opening_marks TO oms_app
  USING (tenant_id = (SELECT nullif(current_setting('app.tenant_id', true), '')::uuid))
  WITH CHECK (tenant_id = (SELECT nullif(current_setting('app.tenant_id', true), '')::uuid));
GRANT SELECT, INSERT ON opening_marks TO oms_app;
