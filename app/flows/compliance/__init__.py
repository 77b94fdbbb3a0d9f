"""What may not be dealt, when exchanges are open, what is looked into, and what a regulator is given."""
