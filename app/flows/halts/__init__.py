"""Trading stopped and let go on, the kill switch among it."""
