"""Limits kept, measured, drilled and explained, circuit breakers, and the figures of a book."""
