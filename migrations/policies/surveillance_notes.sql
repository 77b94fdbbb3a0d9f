-- What the sealer may here came with revision 0026, which lets it prune.
ALTER TABLE surveillance_notes ENABLE ROW LEVEL SECURITY;
ALTER TABLE surveillance_notes FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON surveillance_notes TO oms_app
  USING (tenant_id = (SELECT nullif(current_setting('app.tenant_id', true), '')::uuid))
  WITH CHECK (tenant_id = (SELECT nullif(current_setting('app.tenant_id', true), '')::uuid));
GRANT SELECT, INSERT ON surveillance_notes TO oms_app;
