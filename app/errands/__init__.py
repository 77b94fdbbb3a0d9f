"""Errands: what is to be done soon after a transaction, at least once, by the worker; above all mails to people."""
