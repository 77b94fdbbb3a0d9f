"""From an order that somebody wants to the lane of its account, and every change of it on the way."""
