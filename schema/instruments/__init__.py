"""Instruments over GraphQL."""
