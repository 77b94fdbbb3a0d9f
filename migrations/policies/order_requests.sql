ALTER TABLE order_requests ENABLE ROW LEVEL SECURITY;
ALTER TABLE order_requests FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON order_requests TO oms_app
  USING (tenant_id = (SELECT nullif(current_setting('app.tenant_id', true), '')::uuid))
  WITH CHECK (tenant_id = (SELECT nullif(current_setting('app.tenant_id', true), '')::uuid));
GRANT SELECT, INSERT, UPDATE ON order_requests TO oms_app;
