ALTER TABLE audit_chain ENABLE ROW LEVEL SECURITY;
ALTER TABLE audit_chain FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON audit_chain TO oms_app
  USING (tenant_id = (SELECT nullif(current_setting('app.tenant_id', true), '')::uuid))
  WITH CHECK (tenant_id = (SELECT nullif(current_setting('app.tenant_id', true), '')::uuid));
GRANT SELECT ON audit_chain TO oms_app;
CREATE POLICY sealer_reads ON audit_chain FOR SELECT TO oms_sealer USING (true);
CREATE POLICY sealer_seals ON audit_chain FOR INSERT TO oms_sealer WITH CHECK (true);
CREATE POLICY sealer_prunes ON audit_chain FOR DELETE TO oms_sealer
  USING (created_at < now() - interval '1827 days');
GRANT SELECT, INSERT, DELETE ON audit_chain TO oms_sealer;
