"""The rules of compliance, pure: restricted lists and their files, calendars, execution quality, surveillance."""
