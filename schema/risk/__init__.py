"""Risk in GraphQL."""
