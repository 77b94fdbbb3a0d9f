ALTER TABLE order_record_pieces ENABLE ROW LEVEL SECURITY;
ALTER TABLE order_record_pieces FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON order_record_pieces TO oms_app
  USING (tenant_id = (SELECT nullif(current_setting('app.tenant_id', true), '')::uuid))
  WITH CHECK (tenant_id = (SELECT nullif(current_setting('app.tenant_id', true), '')::uuid));
CREATE POLICY whole_tenant ON order_record_pieces AS RESTRICTIVE TO oms_granted USING (false);
GRANT SELECT, INSERT, DELETE ON order_record_pieces TO oms_app;
