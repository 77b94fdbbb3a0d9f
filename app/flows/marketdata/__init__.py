"""Instruments and their markets, asked of brokers and kept."""
