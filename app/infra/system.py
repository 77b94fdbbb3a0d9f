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
    """UUIDv7 from the machine's clock and the operating system's randomness."""

    def new(self) -> UUID:
        """A new id."""
        return uuid7(datetime.now(UTC), secrets.randbits(74))
