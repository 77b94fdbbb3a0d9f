"""All SQL of the order core: rows to values, set-based writes, reads for clients."""
