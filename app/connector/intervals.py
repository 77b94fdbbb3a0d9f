"""How often a connection looks, and how long it waits."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Intervals:
    """The intervals of one account's connection, in seconds."""

    poll_s: float = 0.25
    linger_s: float = 0.006
    full_s: float = 0.02
    probe_s: float = 1.0
    values_s: float = 1.0
    throttled_s: float = 1.0
    rest_s: float = 5.0
    unreadable_s: float = 1.0
    doubt_s: float = 2.0
    open_orders_s: float = 10.0
    unknown_s: float = 60.0
    commission_s: float = 10.0
    release_s: float = 1.0
    window_s: float = 1.0
    alarm_s: float = 60.0
    positions_s: float = 30.0
    settle_s: float = 2.0
