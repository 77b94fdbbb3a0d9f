"""Use cases across rooms: one verb, one file, one transaction."""
