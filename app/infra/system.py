"""The machine's own clock and randomness, handed to whoever asks for a Clock or for Ids."""

import secrets
from datetime import UTC, datetime, timedelta
from uuid import UUID

from app.core.ids import RANDOM_BITS, uuid7

_STEP_BITS = 32
_MILLISECOND = timedelta(milliseconds=1)


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """This instant, in UTC."""
        return datetime.now(UTC)


class SystemIds:
    """UUIDv7 from the machine's clock and the operating system's randomness, each above the one before.

    Source: RFC 9562, section 6.2, method 2: within a millisecond, and while the clock stands or goes back, the random
    part grows by a random step.
    """

    def __init__(self) -> None:
        self._at = datetime.fromtimestamp(0, UTC)
        self._bits = 0

    def new(self) -> UUID:
        """A new id."""
        now = datetime.now(UTC)
        if now - self._at >= _MILLISECOND:
            self._at = now.replace(microsecond=now.microsecond // 1000 * 1000)
            self._bits = secrets.randbits(RANDOM_BITS - 1)
        else:
            self._bits += 1 + secrets.randbits(_STEP_BITS)
            if self._bits >= 1 << RANDOM_BITS:
                self._at += _MILLISECOND
                self._bits = secrets.randbits(RANDOM_BITS - 1)
        return uuid7(self._at, self._bits)
