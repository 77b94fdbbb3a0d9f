ALTER TABLE paper_orders ENABLE ROW LEVEL SECURITY;
ALTER TABLE paper_orders FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON paper_orders TO oms_app
  USING (tenant_id = (SELECT nullif(current_setting('app.tenant_id', true), '')::uuid))
  WITH CHECK (tenant_id = (SELECT nullif(current_setting('app.tenant_id', true), '')::uuid));
GRANT SELECT, INSERT, UPDATE ON paper_orders TO oms_app;
