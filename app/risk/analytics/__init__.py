"""Figures about positions that are held: exposure, value at risk, stress, correlation, concentration, greeks. Pure.

Money is Decimal where it comes in and goes out. Statistics between are in binary floating point, as every estimate
from a few hundred days is far less exact than that.
"""
