ALTER TABLE surveillance_cursors ENABLE ROW LEVEL SECURITY;
ALTER TABLE surveillance_cursors FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON surveillance_cursors TO oms_app
  USING (tenant_id = (SELECT nullif(current_setting('app.tenant_id', true), '')::uuid))
  WITH CHECK (tenant_id = (SELECT nullif(current_setting('app.tenant_id', true), '')::uuid));
GRANT SELECT, INSERT, UPDATE ON surveillance_cursors TO oms_app;
