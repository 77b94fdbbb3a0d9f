"""A broker of our own that speaks the TWS protocol, so that any Interactive Brokers client connects to it.

Inside: `wire` frames and fields, `messages` what the server says, `requests` what a client asks, `market` the seeded
walk of prices, `accounts` cash and positions, `exchange` the orders' lives, `store` what survives a restart, `session`
one client's connection with its `handlers`, and `server` which holds them together.
"""
