"""Broker accounts over GraphQL."""
