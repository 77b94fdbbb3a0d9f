ALTER TABLE circuit_breaker_trips ENABLE ROW LEVEL SECURITY;
ALTER TABLE circuit_breaker_trips FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON circuit_breaker_trips TO oms_app
  USING (tenant_id = (SELECT nullif(current_setting('app.tenant_id', true), '')::uuid))
  WITH CHECK (tenant_id = (SELECT nullif(current_setting('app.tenant_id', true), '')::uuid));
GRANT SELECT, INSERT ON circuit_breaker_trips TO oms_app;
