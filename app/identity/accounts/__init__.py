"""What changes a person's account: registering, confirming an address, passwords, profile and preferences."""
