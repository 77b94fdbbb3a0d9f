"""Market data over GraphQL."""
