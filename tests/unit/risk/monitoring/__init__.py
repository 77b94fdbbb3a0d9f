"""Monitoring, pure."""
