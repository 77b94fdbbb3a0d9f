"""What an order is and how it moves: pure values and decisions."""
