"""The audit log on a real database: sealing, tampering, signing, retention, erasure."""
