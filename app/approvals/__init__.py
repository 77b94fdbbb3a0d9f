"""Approvals: which orders a second person must agree to, and what became of each request for it."""
