"""Broker accounts, their connections, and the adapters that speak to a broker."""
