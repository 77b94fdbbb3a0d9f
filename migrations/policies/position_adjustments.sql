ALTER TABLE position_adjustments ENABLE ROW LEVEL SECURITY;
ALTER TABLE position_adjustments FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON position_adjustments TO oms_app
  USING (tenant_id = (SELECT nullif(current_setting('app.tenant_id', true), '')::uuid))
  WITH CHECK (tenant_id = (SELECT nullif(current_setting('app.tenant_id', true), '')::uuid));
GRANT SELECT, INSERT ON position_adjustments TO oms_app;
