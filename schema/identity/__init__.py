"""Identity over GraphQL: the viewer, sessions, members, API keys, and the ways in and out."""
