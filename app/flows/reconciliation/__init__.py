"""Our books held against the broker's, and what persons do about the differences."""
