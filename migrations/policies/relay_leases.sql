ALTER TABLE relay_leases ENABLE ROW LEVEL SECURITY;
ALTER TABLE relay_leases FORCE ROW LEVEL SECURITY;
CREATE POLICY system ON relay_leases TO oms_system USING (true) WITH CHECK (true);
GRANT SELECT, INSERT, UPDATE ON relay_leases TO oms_system;
