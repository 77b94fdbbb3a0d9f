"""Time as the house takes it: aware, UTC, from a clock that is handed in."""

from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """A source of the present."""

    def now(self) -> datetime:
        """This instant, aware and in UTC."""
        ...


def as_utc(moment: datetime) -> datetime:
    """The same instant in UTC.

    Raises ValueError for a naive datetime: its instant cannot be known.
    """
    if moment.tzinfo is None:
        raise ValueError("a time needs an offset from UTC")
    return moment.astimezone(UTC)
