"""IO: settings, database, Redis, bus, lanes, queue, secrets, telemetry and embedded servers."""
