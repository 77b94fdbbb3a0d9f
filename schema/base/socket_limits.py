"""What a socket may do, and how many there may be: of an address, of a credential, of messages in a second."""

import time
from collections import Counter
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Final

from app.core.errors import OmsError
from app.identity.domain import Principal

OPERATIONS_MAX: Final = 50
MESSAGES_PER_SECOND: Final = 50
MESSAGES_BURST: Final = 250
INIT_TIMEOUT_S: Final = 10.0
IDLE_S: Final = 600.0
WATCH_EVERY_S: Final = 1.0
# Source: graphql-transport-ws takes 44xx for its own rules; these say what HTTP would say with 429.
TOO_MANY_MESSAGES: Final = 4290
TOO_MANY_SOCKETS: Final = 4291
IDLE: Final = 4298
NO_POWER: Final = 4403


@dataclass(frozen=True, slots=True, kw_only=True)
class SocketLimits:
    """The limits of a process's sockets."""

    per_address: int = 1_000
    per_credential: int = 200
    operations: int = OPERATIONS_MAX
    messages_per_second: float = MESSAGES_PER_SECOND
    messages_burst: int = MESSAGES_BURST
    init_timeout_s: float = INIT_TIMEOUT_S
    idle_s: float = IDLE_S
    watch_every_s: float = WATCH_EVERY_S


class SocketsTooManyError(OmsError):
    """The address or the credential has as many sockets open as it may."""

    code = "SOCKETS_TOO_MANY"
    is_retryable = True

    def __init__(self, limit: int) -> None:
        super().__init__(f"At most {limit} sockets at once.", limit=limit)


class OperationsTooManyError(OmsError):
    """The socket has as many operations as one may."""

    code = "OPERATIONS_TOO_MANY"

    def __init__(self, limit: int) -> None:
        super().__init__(f"A socket has at most {limit} operations at once.", limit=limit)


class Places:
    """How many are taken, by whom, of a number that each may take."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._taken: Counter[Hashable] = Counter()

    def take(self, holder: Hashable) -> None:
        """Takes a place. Raises SocketsTooManyError."""
        if self._taken[holder] >= self._limit:
            raise SocketsTooManyError(self._limit)
        self._taken[holder] += 1

    def give_back(self, holder: Hashable) -> None:
        """Gives a place back."""
        self._taken[holder] -= 1
        if self._taken[holder] <= 0:
            del self._taken[holder]

    def taken(self, holder: Hashable) -> int:
        """How many the holder has."""
        return self._taken[holder]


class Pace:
    """So many in a second, and some more at once after silence."""

    def __init__(self, per_second: float, burst: int, now: Callable[[], float] = time.monotonic) -> None:
        self._per_second = per_second
        self._burst = burst
        self._now = now
        self._left = float(burst)
        self._at = now()

    def allows(self) -> bool:
        """Takes one; False when there is none left."""
        now = self._now()
        self._left = min(self._burst, self._left + (now - self._at) * self._per_second)
        self._at = now
        if self._left < 1:
            return False
        self._left -= 1
        return True


def credential_of(principal: Principal) -> Hashable:
    """What a socket's places are counted by: its session or its API key."""
    return principal.tenant_id, principal.session_id or principal.api_key_id
