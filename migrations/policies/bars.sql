ALTER TABLE bars ENABLE ROW LEVEL SECURITY;
ALTER TABLE bars FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON bars TO oms_app
  USING (tenant_id = (SELECT nullif(current_setting('app.tenant_id', true), '')::uuid))
  WITH CHECK (tenant_id = (SELECT nullif(current_setting('app.tenant_id', true), '')::uuid));
GRANT SELECT, INSERT, UPDATE, DELETE ON bars TO oms_app;
