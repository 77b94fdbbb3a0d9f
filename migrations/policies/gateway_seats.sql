ALTER TABLE gateway_seats ENABLE ROW LEVEL SECURITY;
ALTER TABLE gateway_seats FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON gateway_seats TO oms_app
  USING (tenant_id = (SELECT nullif(current_setting('app.tenant_id', true), '')::uuid))
  WITH CHECK (tenant_id = (SELECT nullif(current_setting('app.tenant_id', true), '')::uuid));
GRANT SELECT, INSERT, DELETE ON gateway_seats TO oms_app;
