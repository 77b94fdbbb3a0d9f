ALTER TABLE paper_executions ENABLE ROW LEVEL SECURITY;
ALTER TABLE paper_executions FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON paper_executions TO oms_app
  USING (tenant_id = (SELECT nullif(current_setting('app.tenant_id', true), '')::uuid))
  WITH CHECK (tenant_id = (SELECT nullif(current_setting('app.tenant_id', true), '')::uuid));
GRANT SELECT, INSERT ON paper_executions TO oms_app;
