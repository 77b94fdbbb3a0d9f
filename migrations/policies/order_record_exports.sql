ALTER TABLE order_record_exports ENABLE ROW LEVEL SECURITY;
ALTER TABLE order_record_exports FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON order_record_exports TO oms_app
  USING (tenant_id = (SELECT nullif(current_setting('app.tenant_id', true), '')::uuid))
  WITH CHECK (tenant_id = (SELECT nullif(current_setting('app.tenant_id', true), '')::uuid));
CREATE POLICY whole_tenant ON order_record_exports AS RESTRICTIVE TO oms_granted USING (false);
GRANT SELECT, INSERT, UPDATE, DELETE ON order_record_exports TO oms_app;
CREATE POLICY system ON order_record_exports FOR SELECT TO oms_system USING (state IN ('QUEUED', 'RUNNING'));
GRANT SELECT (tenant_id, id, state, due_at) ON order_record_exports TO oms_system;
