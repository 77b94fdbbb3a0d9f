"""The pure part of monitoring."""
