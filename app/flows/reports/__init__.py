"""What a broker tells of orders and executions becomes state."""
