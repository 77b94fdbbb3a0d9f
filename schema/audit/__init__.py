"""The audit log: searching, verifying, retention, and what a person may ask of it."""
