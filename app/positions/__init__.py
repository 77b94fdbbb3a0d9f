"""Positions: what each account holds of each instrument, at what average price, and what open orders may add."""
