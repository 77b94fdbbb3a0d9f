"""The outbox: messages that commit with the facts they tell of, and leave through the relay."""
