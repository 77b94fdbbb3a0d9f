ALTER TABLE errands ENABLE ROW LEVEL SECURITY;
ALTER TABLE errands FORCE ROW LEVEL SECURITY;
CREATE POLICY leave ON errands FOR INSERT TO oms_app
  WITH CHECK ((SELECT concat(current_setting('app.tenant_id', true), current_setting('app.user_id', true),
                             current_setting('app.email', true)) <> ''));
GRANT INSERT ON errands TO oms_app;
CREATE POLICY system ON errands TO oms_system USING (true) WITH CHECK (true);
GRANT SELECT, UPDATE, DELETE ON errands TO oms_system;
