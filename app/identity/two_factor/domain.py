"""One-time codes (RFC 6238), recovery codes, challenges, and how long whoever guesses must wait."""

import re
from base64 import b32decode
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from hmac import compare_digest
from typing import Final
from uuid import UUID

from pyotp import HOTP, TOTP

from app.core.ids import SessionId, TenantId, UserId
from app.identity.domain import Principal, base32, digest
from app.identity.errors import NotASessionError

ISSUER: Final = "OMS Trading"
STEP_S: Final = 30
STEPS_AROUND: Final = 1
SECRET_BYTES: Final = 20
ENROLMENT_LIFE: Final = timedelta(minutes=15)
CHALLENGE_LIFE: Final = timedelta(minutes=5)
CHALLENGE_ATTEMPTS_MAX: Final = 5
RECOVERY_CODES: Final = 10
RECOVERY_CODE_BYTES: Final = 10
STEP_UP_LIFE: Final = timedelta(minutes=10)
FREE_FAILURES: Final = 5
BLOCK_FIRST: Final = timedelta(seconds=30)
BLOCK_MAX: Final = timedelta(hours=1)
FAILURES_KEPT: Final = timedelta(days=1)
_CODE_LENGTH_MAX = 64


class Proof(StrEnum):
    """What a person proved who they are with."""

    PASSWORD = "PASSWORD"  # noqa: S105
    TOTP = "TOTP"
    RECOVERY_CODE = "RECOVERY_CODE"


@dataclass(frozen=True, slots=True, kw_only=True)
class Enrolment:
    """A second factor that waits for its first code: what an authenticator needs to make codes, told this once."""

    secret: str
    uri: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Challenge:
    """What login answers to whoever has a second factor; text goes back with the code."""

    text: str
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PresentedChallenge:
    """A challenge as it comes back, taken apart; what it claims is not proven yet."""

    tenant_id: TenantId
    token_hash: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class PresentedCode:
    """A code as typed: six digits, or a recovery code without its dashes."""

    text: str
    is_recovery_code: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Failures:
    """Wrong codes and passwords of a person who is past the first proof, one after the other."""

    count: int
    last_at: datetime

    def blocked_until(self) -> datetime | None:
        """When the next attempt is looked at; None when that is at once.

        Five in a row are free; then half a minute, doubled by each further one up to an hour.
        """
        beyond = self.count - FREE_FAILURES
        if beyond < 0:
            return None
        # Bounded before it is doubled: the count has no bound.
        doubled: int = 2 ** min(beyond, 10)
        return self.last_at + min(BLOCK_FIRST * doubled, BLOCK_MAX)

    def and_another(self, now: datetime) -> "Failures":
        """With one more; what lies more than a day back is forgotten."""
        count = self.count if now - self.last_at < FAILURES_KEPT else 0
        return Failures(count=count + 1, last_at=now)


_BASE32 = r"[a-z2-7]"
_CHALLENGE = re.compile(rf"omc_({_BASE32}{{26}})_({_BASE32}{{52}})", re.ASCII)
_TOTP = re.compile(r"[0-9]{6}", re.ASCII)
_RECOVERY = re.compile(rf"{_BASE32}{{16}}", re.ASCII)


def person_of(principal: Principal) -> tuple[UserId, SessionId]:
    """The person who is signed in, and by which session. Raises NotASessionError for an API key."""
    if principal.user_id is None or principal.session_id is None:
        raise NotASessionError("An API key has no second factor; sign in for that.")
    return principal.user_id, principal.session_id


def step_at(now: datetime) -> int:
    """The time step of the instant: whole half minutes since 1970 (RFC 6238, section 4.2)."""
    return int(now.timestamp()) // STEP_S


def matching_step(secret: str, code: str, *, now: datetime, last_step: int) -> int | None:
    """The step whose code this is, at most one away from now and later than the last that was used; else None."""
    current = step_at(now)
    made = HOTP(secret)
    found = None
    for step in range(current + STEPS_AROUND, current - STEPS_AROUND - 1, -1):
        # All are compared, so that time does not tell which came close.
        if compare_digest(made.at(step).encode(), code.encode()) and step > last_step:
            found = step
    return found


def enrolment_of(secret: bytes, email: str) -> Enrolment:
    """The secret as text, and the otpauth:// address that authenticators read.

    Source: the Key Uri Format of Google Authenticator.
    """
    text = base32(secret).upper()
    return Enrolment(secret=text, uri=TOTP(text).provisioning_uri(name=email, issuer_name=ISSUER))


def presented_code(text: str) -> PresentedCode | None:
    """The code as typed, whatever spaces and dashes are in it; None for what cannot be one."""
    if len(text) > _CODE_LENGTH_MAX:
        return None
    plain = text.replace(" ", "").replace("-", "").lower()
    if _TOTP.fullmatch(plain):
        return PresentedCode(text=plain, is_recovery_code=False)
    if _RECOVERY.fullmatch(plain):
        return PresentedCode(text=plain, is_recovery_code=True)
    return None


def recovery_code_text(raw: bytes) -> str:
    """A recovery code of 80 random bits as it is shown: four groups of four, such as abcd-efgh-2345-mnop."""
    plain = base32(raw)
    return "-".join(plain[place : place + 4] for place in range(0, len(plain), 4))


def recovery_code_hash(user_id: UserId, plain: str) -> bytes:
    """How a recovery code without dashes is stored: SHA-256 with its owner before it, so that no two are alike."""
    return sha256(user_id.bytes + plain.encode()).digest()


def recovery_code_hashes(user_id: UserId, codes: Sequence[str]) -> list[bytes]:
    """How recovery codes as they are shown are stored."""
    return [recovery_code_hash(user_id, code.replace("-", "")) for code in codes]


def challenge_text(tenant_id: TenantId, secret: bytes) -> str:
    """The whole challenge: `omc_<tenant>_<secret>`."""
    return f"omc_{base32(tenant_id.bytes)}_{base32(secret)}"


def parse_challenge(text: str) -> PresentedChallenge | None:
    """The parts of a challenge, or None when the text has not its form."""
    match = _CHALLENGE.fullmatch(text)
    if match is None:
        return None
    tenant_id, secret = match.groups()
    raw = b32decode(tenant_id.upper() + "=" * 6)
    return PresentedChallenge(tenant_id=TenantId(UUID(bytes=raw)), token_hash=digest(secret))


def is_stepped_up(
    *, stepped_up_at: datetime | None, stepped_up_with: Proof | None, has_second_factor: bool, now: datetime
) -> bool:
    """True when the session proved its person within ten minutes; a password is no proof of who has a second factor."""
    if stepped_up_at is None or now - stepped_up_at >= STEP_UP_LIFE:
        return False
    return not (has_second_factor and stepped_up_with is Proof.PASSWORD)
