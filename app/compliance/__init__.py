"""Compliance: what may not be dealt and when, how orders were executed, what looks like abuse, and what is kept."""
