"""The machine's own clock and randomness, handed to whoever asks for a Clock or for Ids."""

import secrets
from datetime import UTC, datetime
from uuid import UUID

from app.core.ids import uuid7


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """This instant, in UTC."""
        return datetime.now(UTC)


class SystemIds:
    """UUIDv7 from the machine's clock and the operating system's randomness, each above the one before."""

    def __init__(self) -> None:
        self._last = UUID(int=0)

    def new(self) -> UUID:
        """A new id. Those of one source sort in the order in which they were made, also within a millisecond."""
        made = uuid7(datetime.now(UTC), secrets.randbits(74))
        if made <= self._last:
            made = UUID(int=self._last.int + 1)
        self._last = made
        return made
