"""The second factor of people: one-time codes, recovery codes, the challenge of a login, and stepping up."""
