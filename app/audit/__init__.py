"""Audit: who did what to which resource, with the values before and after; rows are only ever added."""
