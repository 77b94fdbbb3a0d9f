"""The log of what was done: written, sealed, signed, verified, read, pruned."""
