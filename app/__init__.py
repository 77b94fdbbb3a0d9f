"""The order management system: core, rooms, flows and the processes that run them."""
