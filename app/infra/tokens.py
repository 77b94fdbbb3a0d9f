"""Access tokens: short-lived JWTs signed with HS256, and the random secrets of everything that lives longer."""

import hmac
import secrets
from collections import OrderedDict
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any, Final
from uuid import UUID

import jwt

from app.core.clock import Clock
from app.core.errors import UnauthenticatedError
from app.core.ids import SessionId, TenantId, UserId

ALGORITHM: Final = "HS256"
ISSUER: Final = "oms-trading"
AUDIENCE: Final = "oms-trading/api"
# Source: RFC 9068, section 2.1. Nothing else that may ever be signed with this key passes for an access token.
TYPE: Final = "at+jwt"

KEY_LENGTH_MIN: Final = 32
TOKEN_LENGTH_MAX: Final = 2048
REMEMBERED_MAX: Final = 20_000
SKEW_MAX: Final = timedelta(seconds=30)

_CLAIMS: Final = ("iss", "aud", "sub", "tid", "sid", "iat", "exp")


def new_secret() -> bytes:
    """256 random bits."""
    return secrets.token_bytes(32)


def _name_of(key: bytes) -> str:
    return hmac.digest(key, b"the name of this key", "sha256")[:8].hex()


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessClaims:
    """What an access token says: who, in which tenant, by which session, from when until when."""

    tenant_id: TenantId
    user_id: UserId
    session_id: SessionId
    issued_at: datetime
    expires_at: datetime


class AccessTokens:
    """Issues access tokens under the newest key, and reads those of the keys before it too."""

    def __init__(self, secret: str, clock: Clock, previous: Sequence[str] = ()) -> None:
        """Raises ValueError for a key below 32 bytes (RFC 7518, section 3.2)."""
        keys = [one.encode() for one in (secret, *previous)]
        if any(len(key) < KEY_LENGTH_MIN for key in keys):
            raise ValueError(f"OMS_TOKEN_SECRET needs at least {KEY_LENGTH_MIN} bytes")
        # Read by the name in the header; a token without one was signed before keys had names.
        self._keys = {_name_of(key): key for key in keys}
        self._key = keys[0]
        self._key_id = _name_of(self._key)
        self._clock = clock
        self._verified_claims: OrderedDict[bytes, AccessClaims] = OrderedDict()

    def issue(self, claims: AccessClaims) -> str:
        """The signed token of the claims; times are kept to the second."""
        payload = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": str(claims.user_id),
            "tid": str(claims.tenant_id),
            "sid": str(claims.session_id),
            "iat": int(claims.issued_at.timestamp()),
            "exp": int(claims.expires_at.timestamp()),
        }
        return jwt.encode(payload, self._key, algorithm=ALGORITHM, headers={"typ": TYPE, "kid": self._key_id})

    def read(self, token: str) -> AccessClaims:
        """The claims of a token whose signature, type, issuer, audience and times hold.

        Raises UnauthenticatedError, the same for whatever is wrong.
        """
        try:
            claims = self._remembered(token)
        except (jwt.PyJWTError, LookupError, ValueError, TypeError, OverflowError) as error:
            raise UnauthenticatedError("The credential does not hold.") from error
        now = self._clock.now()
        if claims.expires_at <= now or claims.issued_at > now + SKEW_MAX:
            raise UnauthenticatedError("The credential does not hold.")
        return claims

    def _remembered(self, token: str) -> AccessClaims:
        # What a signature holds stays so; only the times are looked at anew. The token itself is not kept.
        key = sha256(token.encode()).digest()
        claims = self._verified_claims.get(key)
        if claims is None:
            claims = self._claims(self._verified(token))
            self._verified_claims[key] = claims
            if len(self._verified_claims) > REMEMBERED_MAX:
                self._verified_claims.popitem(last=False)
        else:
            self._verified_claims.move_to_end(key)
        return claims

    def _verified(self, token: str) -> dict[str, Any]:
        if len(token) > TOKEN_LENGTH_MAX:
            raise ValueError("too long")
        named = jwt.get_unverified_header(token).get("kid")
        if named is not None:
            return self._verified_by(token, self._keys[named])
        for key in self._keys.values():
            with suppress(jwt.InvalidSignatureError):
                return self._verified_by(token, key)
        raise ValueError("no key fits")

    def _verified_by(self, token: str, key: bytes) -> dict[str, Any]:
        # Times are held against our own clock, in read().
        decoded = jwt.decode_complete(
            token,
            key,
            algorithms=[ALGORITHM],
            audience=AUDIENCE,
            issuer=ISSUER,
            options={"require": list(_CLAIMS), "verify_exp": False, "verify_iat": False, "strict_aud": True},
        )
        if decoded["header"].get("typ") != TYPE:
            raise ValueError("not an access token")
        payload: dict[str, Any] = decoded["payload"]
        return payload

    def _claims(self, payload: dict[str, Any]) -> AccessClaims:
        return AccessClaims(
            tenant_id=TenantId(UUID(str(payload["tid"]))),
            user_id=UserId(UUID(str(payload["sub"]))),
            session_id=SessionId(UUID(str(payload["sid"]))),
            issued_at=datetime.fromtimestamp(int(payload["iat"]), UTC),
            expires_at=datetime.fromtimestamp(int(payload["exp"]), UTC),
        )
