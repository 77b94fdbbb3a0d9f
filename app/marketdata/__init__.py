"""Market data: the newest quotes of a tenant's instruments, and the stream of their changes."""
