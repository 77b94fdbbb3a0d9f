ALTER TABLE bar_ranges ENABLE ROW LEVEL SECURITY;
ALTER TABLE bar_ranges FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON bar_ranges TO oms_app
  USING (tenant_id = (SELECT nullif(current_setting('app.tenant_id', true), '')::uuid))
  WITH CHECK (tenant_id = (SELECT nullif(current_setting('app.tenant_id', true), '')::uuid));
GRANT SELECT, INSERT, UPDATE, DELETE ON bar_ranges TO oms_app;
