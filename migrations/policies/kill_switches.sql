ALTER TABLE kill_switches ENABLE ROW LEVEL SECURITY;
ALTER TABLE kill_switches FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON kill_switches TO oms_app
  USING (tenant_id = (SELECT nullif(current_setting('app.tenant_id', true), '')::uuid))
  WITH CHECK (tenant_id = (SELECT nullif(current_setting('app.tenant_id', true), '')::uuid));
GRANT SELECT, INSERT, UPDATE ON kill_switches TO oms_app;
CREATE POLICY system ON kill_switches FOR SELECT TO oms_system USING (true);
GRANT SELECT (tenant_id, id, activated_at, finished_at) ON kill_switches TO oms_system;
