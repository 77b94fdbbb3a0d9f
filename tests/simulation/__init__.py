"""Seeded schedules of faults over the connector's own code, on virtual time."""
