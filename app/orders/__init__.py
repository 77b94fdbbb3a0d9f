"""Orders: their terms, states and requests, the execution ledger, the event log and the lanes to the connector."""
