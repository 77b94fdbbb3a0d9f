"""The bundled simulator's faults, for tenants who rehearse."""
