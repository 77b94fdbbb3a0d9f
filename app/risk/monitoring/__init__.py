"""Monitoring: how much of each limit is used as things stand, warnings and breaches of it, and circuit breakers."""
