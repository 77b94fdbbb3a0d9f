"""The event log: told to the bus, replayed to any instant, held against the tables."""
