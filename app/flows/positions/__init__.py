"""What is held, what it is worth and what it earned."""
