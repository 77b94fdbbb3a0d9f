"""Tenants: the firms, isolated from one another in the database itself."""
