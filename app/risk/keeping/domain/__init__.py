"""What a change of a limit is, whether it loosens, and the files and templates that limits come from."""
