"""What limits came to over time, and what was at risk at the end of each day: for who looks back."""
