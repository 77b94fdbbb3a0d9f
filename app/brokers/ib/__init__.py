"""Interactive Brokers: the TWS protocol, spoken through a client library, to a gateway or to the simulator."""
