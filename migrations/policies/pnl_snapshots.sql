ALTER TABLE pnl_snapshots ENABLE ROW LEVEL SECURITY;
ALTER TABLE pnl_snapshots FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON pnl_snapshots TO oms_app
  USING (tenant_id = (SELECT nullif(current_setting('app.tenant_id', true), '')::uuid))
  WITH CHECK (tenant_id = (SELECT nullif(current_setting('app.tenant_id', true), '')::uuid));
GRANT SELECT, INSERT ON pnl_snapshots TO oms_app;
