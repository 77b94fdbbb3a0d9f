"""Limits as people keep them."""
