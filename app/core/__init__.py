"""The pure kernel: the words of the field, messages, money, ids, clock, errors and the matching engine."""
