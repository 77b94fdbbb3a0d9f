"""Orders over GraphQL: placing, changing, cancelling, listing and following them."""
