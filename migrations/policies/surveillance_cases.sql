-- What the sealer may here came with revision 0026, which lets it prune.
ALTER TABLE surveillance_cases ENABLE ROW LEVEL SECURITY;
ALTER TABLE surveillance_cases FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON surveillance_cases TO oms_app
  USING (tenant_id = (SELECT nullif(current_setting('app.tenant_id', true), '')::uuid))
  WITH CHECK (tenant_id = (SELECT nullif(current_setting('app.tenant_id', true), '')::uuid));
GRANT SELECT, INSERT, UPDATE ON surveillance_cases TO oms_app;
