"""Accounts at brokers, their connections, and questions to them."""
