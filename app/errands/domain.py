"""What an errand is, and when it is tried again."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

VALUE_LENGTH_MAX: Final = 2_000
LEASE: Final = timedelta(minutes=2)
MAIL_LASTS: Final = timedelta(days=3)
KEPT_AFTER_END: Final = timedelta(days=7)
_WAITS: Final = tuple(timedelta(seconds=seconds) for seconds in (5, 20, 60, 180, 600, 1_800, 3_600))


class ErrandKind(StrEnum):
    """What is to be done. Whoever leaves all but MAIL does not look whether the address is known: the worker does."""

    MAIL = "MAIL"
    REGISTRATION = "REGISTRATION"
    PASSWORD_RESET = "PASSWORD_RESET"  # noqa: S105
    EMAIL_CHANGE = "EMAIL_CHANGE"
    SIGN_IN_REFUSED = "SIGN_IN_REFUSED"


class ErrandState(StrEnum):
    """WAITING until it is done, or given up: then nobody will try it again."""

    WAITING = "WAITING"
    DONE = "DONE"
    GIVEN_UP = "GIVEN_UP"


@dataclass(frozen=True, slots=True, kw_only=True)
class Errand:
    """One errand as the worker takes it. recipient is an e-mail address; what it is about is sealed.

    attempts counts this one. After expires_at nobody needs it any more.
    """

    id: UUID
    kind: ErrandKind
    recipient: str
    sealed: bytes
    wrapped_key: bytes
    master_version: str
    attempts: int
    created_at: datetime
    expires_at: datetime

    def next_at(self, now: datetime) -> datetime | None:
        """When it is tried again after this attempt failed; None when it is given up."""
        due_at = now + _WAITS[min(self.attempts, len(_WAITS)) - 1]
        return due_at if due_at < self.expires_at else None


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrandCount:
    """How many errands of a kind are in a state, the oldest of them, and what the last failure of one said."""

    kind: ErrandKind
    state: ErrandState
    count: int
    oldest_at: datetime
    last_error: str | None
