"""Policies of approval over GraphQL, and the decision on an order."""
