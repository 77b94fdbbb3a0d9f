ALTER TABLE risk_watch_places ENABLE ROW LEVEL SECURITY;
ALTER TABLE risk_watch_places FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON risk_watch_places TO oms_app
  USING (tenant_id = (SELECT nullif(current_setting('app.tenant_id', true), '')::uuid))
  WITH CHECK (tenant_id = (SELECT nullif(current_setting('app.tenant_id', true), '')::uuid));
GRANT SELECT, INSERT, UPDATE ON risk_watch_places TO oms_app;
