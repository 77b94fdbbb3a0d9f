ALTER TABLE audit_leases ENABLE ROW LEVEL SECURITY;
ALTER TABLE audit_leases FORCE ROW LEVEL SECURITY;
CREATE POLICY sealer ON audit_leases TO oms_sealer USING (true) WITH CHECK (true);
GRANT SELECT, INSERT, UPDATE ON audit_leases TO oms_sealer;
