"""Access tokens: what is issued is read back, and no forgery passes."""

import base64
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import jwt
import pytest

from app.core.errors import UnauthenticatedError
from app.core.ids import SessionId, TenantId, UserId
from app.infra.tokens import AUDIENCE, ISSUER, TYPE, AccessClaims, AccessTokens
from tests.fakes import SetClock

SECRET = "a key that only this test knows, long enough"
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
CLAIMS = AccessClaims(
    tenant_id=TenantId(UUID(int=1)),
    user_id=UserId(UUID(int=2)),
    session_id=SessionId(UUID(int=3)),
    issued_at=NOW,
    expires_at=NOW + timedelta(minutes=10),
)


def payload(**changes: Any) -> dict[str, Any]:
    """The payload of a good token with changes; None takes a claim away."""
    good = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": str(UUID(int=2)),
        "tid": str(UUID(int=1)),
        "sid": str(UUID(int=3)),
        "iat": int(NOW.timestamp()),
        "exp": int(NOW.timestamp()) + 600,
    }
    return {name: value for name, value in (good | changes).items() if value is not None}


def signed(claims: dict[str, Any], *, key: str = SECRET, algorithm: str = "HS256", typ: str = TYPE) -> str:
    """A token as someone may sign it."""
    return jwt.encode(claims, key, algorithm=algorithm, headers={"typ": typ})


def signed_raw(claims: dict[str, Any]) -> str:
    """A rightly signed token of any claims, also those that a library would not write."""
    return jwt.PyJWS().encode(json.dumps(claims).encode(), SECRET, algorithm="HS256", headers={"typ": TYPE})


def part(document: object) -> str:
    """A part of a token."""
    return base64.urlsafe_b64encode(json.dumps(document).encode()).decode().rstrip("=")


def tokens(now: datetime = NOW) -> AccessTokens:
    """The reader under test at an instant."""
    return AccessTokens(SECRET, SetClock(now))


def test_what_is_issued_is_read_back() -> None:
    token = tokens().issue(CLAIMS)

    assert tokens().read(token) == CLAIMS
    assert tokens().read(signed(payload())) == CLAIMS


def test_a_token_ends_to_the_second() -> None:
    token = tokens().issue(CLAIMS)

    assert tokens(CLAIMS.expires_at - timedelta(microseconds=1)).read(token) == CLAIMS
    with pytest.raises(UnauthenticatedError):
        tokens(CLAIMS.expires_at).read(token)


def test_a_token_that_was_read_before_ends_all_the_same() -> None:
    clock = SetClock(NOW)
    reader = AccessTokens(SECRET, clock)
    token = reader.issue(CLAIMS)
    assert reader.read(token) == reader.read(token) == CLAIMS

    clock.advance(timedelta(minutes=10))

    with pytest.raises(UnauthenticatedError):
        reader.read(token)


def test_a_token_that_was_refused_before_is_refused_again() -> None:
    reader = tokens()
    for _ in range(2):
        with pytest.raises(UnauthenticatedError):
            reader.read(signed(payload(), key="another key that is long enough to sign"))


def test_of_many_tokens_the_newest_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.infra.tokens.REMEMBERED_MAX", 2)
    reader = tokens()
    for number in range(5):
        reader.read(reader.issue(replace(CLAIMS, user_id=UserId(UUID(int=number)))))

    assert len(reader._verified_claims) == 2


def test_a_token_from_the_future_is_refused() -> None:
    token = tokens().issue(CLAIMS)

    with pytest.raises(UnauthenticatedError):
        tokens(NOW - timedelta(minutes=1)).read(token)


@pytest.mark.parametrize("name", ["iss", "aud", "sub", "tid", "sid", "iat", "exp"])
def test_a_token_without_a_claim_is_refused(name: str) -> None:
    with pytest.raises(UnauthenticatedError):
        tokens().read(signed(payload(**{name: None})))


@pytest.mark.parametrize(
    "change",
    [
        {"iss": "someone"},
        {"aud": "another/api"},
        {"aud": [AUDIENCE, "another/api"]},
        {"sub": "not a uuid"},
        {"sub": 2},
        {"tid": ["x"]},
        {"sid": ""},
        {"iat": "now"},
        {"exp": 10**30},
        {"exp": {"$gt": 0}},
        {"exp": True},
        {"nbf": int(NOW.timestamp()) * 2},
    ],
)
def test_a_token_with_a_wrong_claim_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(UnauthenticatedError):
        tokens().read(signed_raw(payload(**change)))


@pytest.mark.parametrize("algorithm", ["none", "None", "NONE", ""])
def test_a_token_without_a_signature_is_refused(algorithm: str) -> None:
    for signature in ("", "x"):
        with pytest.raises(UnauthenticatedError):
            tokens().read(f"{part({'alg': algorithm, 'typ': TYPE})}.{part(payload())}.{signature}")


@pytest.mark.parametrize("algorithm", ["HS384", "HS512"])
def test_a_token_under_another_algorithm_is_refused(algorithm: str) -> None:
    key = SECRET * 2

    with pytest.raises(UnauthenticatedError):
        AccessTokens(key, SetClock(NOW)).read(signed(payload(), key=key, algorithm=algorithm))


@pytest.mark.parametrize("algorithm", ["RS256", "ES256", "PS256", "EdDSA"])
def test_a_token_that_claims_a_public_key_algorithm_is_refused(algorithm: str) -> None:
    header, body, signature = signed(payload()).split(".")
    assert header != part({"alg": algorithm, "typ": TYPE})

    with pytest.raises(UnauthenticatedError):
        tokens().read(f"{part({'alg': algorithm, 'typ': TYPE})}.{body}.{signature}")


@pytest.mark.parametrize("header", [{"jwk": {"kty": "oct", "k": "AAAA"}}, {"jku": "https://x.test"}, {"kid": "../x"}])
def test_a_key_that_comes_with_the_token_is_never_used(header: dict[str, Any]) -> None:
    forged = jwt.encode(payload(), "another key, also long enough for HS256", headers={"typ": TYPE} | header)

    with pytest.raises(UnauthenticatedError):
        tokens().read(forged)


def test_a_token_of_another_type_is_refused() -> None:
    for typ in ("JWT", "refresh", ""):
        with pytest.raises(UnauthenticatedError):
            tokens().read(signed(payload(), typ=typ))


def test_a_token_signed_with_another_key_is_refused() -> None:
    with pytest.raises(UnauthenticatedError):
        tokens().read(signed(payload(), key="another key, also long enough for HS256"))


def test_a_tampered_token_is_refused_wherever_it_was_touched() -> None:
    header, body, signature = tokens().issue(CLAIMS).split(".")
    other = part(payload(tid=str(UUID(int=9))))

    for forged in (
        f"{header}.{other}.{signature}",
        f"{header}.{body}.{signature[::-1]}",
        f"{header}.{body}.",
        "..",
        "",
    ):
        with pytest.raises(UnauthenticatedError):
            tokens().read(forged)


@pytest.mark.parametrize(
    "token", ["x" * 100_000, "a.b.c", "\x00.\x00.\x00", "ä.ö.ü", "\ud800.\ud800.\ud800", "e30.e30.e30"]
)
def test_garbage_is_refused(token: str) -> None:
    with pytest.raises(UnauthenticatedError):
        tokens().read(token)


def test_a_short_key_is_refused_at_the_start() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        AccessTokens("too short", SetClock(NOW))


def test_tokens_of_the_keys_before_still_hold_and_the_newest_key_signs() -> None:
    older = AccessTokens(SECRET, SetClock(NOW))
    rotated = AccessTokens("a newer key of the house, also long enough", SetClock(NOW), previous=[SECRET])
    alone = AccessTokens("a newer key of the house, also long enough", SetClock(NOW))

    assert rotated.read(older.issue(CLAIMS)) == CLAIMS
    assert alone.read(rotated.issue(CLAIMS)) == CLAIMS
    for reader, token in ((older, rotated.issue(CLAIMS)), (alone, older.issue(CLAIMS))):
        with pytest.raises(UnauthenticatedError):
            reader.read(token)


@pytest.mark.parametrize("key_id", ["unknown", "", "../../etc/passwd", "0" * 16])
def test_a_key_that_is_named_and_not_held_opens_nothing(key_id: str) -> None:
    token = jwt.encode(
        payload(), "another key, one that nobody gave us", algorithm="HS256", headers={"typ": TYPE, "kid": key_id}
    )

    with pytest.raises(UnauthenticatedError):
        AccessTokens(SECRET, SetClock(NOW), previous=["a key of yesterday, which is long enough"]).read(token)


def test_a_token_from_before_keys_had_names_is_tried_with_each() -> None:
    rotated = AccessTokens("a newer key of the house, also long enough", SetClock(NOW), previous=[SECRET])

    assert rotated.read(signed(payload())) == CLAIMS


def test_a_previous_key_that_is_too_short_is_refused() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        AccessTokens(SECRET, SetClock(NOW), previous=["too short"])
