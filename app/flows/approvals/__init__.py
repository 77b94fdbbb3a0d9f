"""Orders that need a second person."""
