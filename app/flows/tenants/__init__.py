"""Firms, their members, and who looks after the installation."""
