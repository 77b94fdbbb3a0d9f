"""Instruments: what may be traded, on what grid of price and quantity, and by which contract the broker knows it."""
