"""Risk over time, pure."""
