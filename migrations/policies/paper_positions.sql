ALTER TABLE paper_positions ENABLE ROW LEVEL SECURITY;
ALTER TABLE paper_positions FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON paper_positions TO oms_app
  USING (tenant_id = (SELECT nullif(current_setting('app.tenant_id', true), '')::uuid))
  WITH CHECK (tenant_id = (SELECT nullif(current_setting('app.tenant_id', true), '')::uuid));
GRANT SELECT, INSERT, UPDATE ON paper_positions TO oms_app;
