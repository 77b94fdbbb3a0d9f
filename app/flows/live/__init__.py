"""Live tables and streams: what followers are told as it happens."""
