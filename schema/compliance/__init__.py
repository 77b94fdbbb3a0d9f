"""Compliance over GraphQL: restricted lists, calendars, execution quality, surveillance, records for a regulator."""
