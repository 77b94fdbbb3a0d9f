"""What the rooms of the GraphQL face share."""
