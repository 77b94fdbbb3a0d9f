ALTER TABLE market_data_subscriptions ENABLE ROW LEVEL SECURITY;
ALTER TABLE market_data_subscriptions FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON market_data_subscriptions TO oms_app
  USING (tenant_id = (SELECT nullif(current_setting('app.tenant_id', true), '')::uuid))
  WITH CHECK (tenant_id = (SELECT nullif(current_setting('app.tenant_id', true), '')::uuid));
GRANT SELECT, INSERT, UPDATE ON market_data_subscriptions TO oms_app;
