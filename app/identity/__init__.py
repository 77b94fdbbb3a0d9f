"""Who may: people, memberships with roles and scopes, sessions with rotating tokens, API keys, and the principal."""
