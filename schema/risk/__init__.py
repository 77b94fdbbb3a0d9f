"""Risk over GraphQL."""
