"""Positions over GraphQL."""
