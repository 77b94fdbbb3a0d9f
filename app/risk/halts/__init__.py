"""Halts of trading and kill switches: who stopped what, why, and how far a kill switch has come."""
