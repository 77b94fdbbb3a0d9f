"""The rules of identity: roles, addresses, names, passwords, keys."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.errors import InputError
from app.core.ids import TenantId
from app.identity.domain import (
    ROLE_SCOPES,
    Principal,
    Role,
    Scope,
    api_key_text,
    base32,
    bearer_of,
    digest,
    is_address_allowed,
    new_api_key,
    new_password,
    normalized_email,
    parse_api_key,
    parse_refresh_token,
    prepared_password,
    refresh_token_text,
    visible_text,
    written_name,
)
from app.identity.errors import CredentialRefusedError, MissingScopeError, WeakPasswordError

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
TENANT = TenantId(UUID("01936d3e-7c00-7000-8000-000000000001"))
OTHER = TenantId(UUID("01936d3e-7c00-7000-8000-000000000002"))


def test_every_role_has_its_scopes_and_only_the_administrator_has_all() -> None:
    everything = [role for role in Role if ROLE_SCOPES[role] == frozenset(Scope)]

    assert set(ROLE_SCOPES) == set(Role)
    assert everything == [Role.ADMIN]


@pytest.mark.parametrize("role", [Role.COMPLIANCE, Role.VIEWER])
def test_who_controls_or_looks_on_does_not_trade(role: Role) -> None:
    assert not ROLE_SCOPES[role] & {Scope.PLACE_ORDERS, Scope.MODIFY_ORDERS, Scope.RUN_STRATEGIES}


def test_only_the_administrator_manages_people() -> None:
    managers = {role for role in Role if ROLE_SCOPES[role] & {Scope.MANAGE_MEMBERS, Scope.ADMIN_TENANT}}

    assert managers == {Role.ADMIN}


def test_a_principal_without_the_scope_is_refused_by_its_name() -> None:
    principal = Principal(tenant_id=TENANT, scopes=frozenset({Scope.VIEW_ORDERS}), actor="user:x")

    principal.require(Scope.VIEW_ORDERS)
    with pytest.raises(MissingScopeError) as refused:
        principal.require(Scope.PLACE_ORDERS)

    assert refused.value.code == "FORBIDDEN"
    assert refused.value.facts == {"scope": "PLACE_ORDERS"}


@pytest.mark.parametrize(
    ("text", "stored"),
    [(" Ann@Example.COM ", "ann@example.com"), ("a.b+c@x-y.co.uk", "a.b+c@x-y.co.uk"), ("o'neil@a.io", "o'neil@a.io")],
)
def test_an_address_is_stored_trimmed_and_in_lower_case(text: str, stored: str) -> None:
    assert normalized_email(text) == stored


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ann",
        "ann@",
        "@example.com",
        "ann@localhost",
        "a b@example.com",
        "a..b@example.com",
        ".a@example.com",
        "ann@-example.com",
        "ann@example..com",
        "ann@example.com\nbcc: x@example.com",
        "ann@example.com\x00",
        "änn@example.com",
        "ann@exämple.com",
        "ann@example.com, bob@example.com",
        "x" * 65 + "@example.com",
        "ann@" + "a." * 130 + "com",
        "\ud800@example.com",
    ],
)
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(InputError) as refused:
        normalized_email(text)

    assert refused.value.path == ("email",)


@given(st.text(max_size=300))
def test_an_address_is_taken_or_refused_and_a_taken_one_is_stable(text: str) -> None:
    try:
        stored = normalized_email(text)
    except InputError:
        return

    assert normalized_email(stored) == stored
    assert stored == stored.lower()
    assert stored.isascii()


@pytest.mark.parametrize("name", ["", "  ", "a\x00b", "a\nb", "\ud800", "x" * 101])
def test_a_name_that_cannot_be_written_is_refused(name: str) -> None:
    with pytest.raises(InputError) as refused:
        written_name(name, path=["firstName"])

    assert refused.value.path == ("firstName",)


def test_a_name_is_trimmed_and_composed() -> None:
    assert (
        written_name(" Ane\N{COMBINING ACUTE ACCENT} ", path=["firstName"]) == "An\N{LATIN SMALL LETTER E WITH ACUTE}"
    )


def test_a_header_cannot_break_a_log_line() -> None:
    assert visible_text("curl\r\nforged: line\x1b[31m") == "curl\ufffd\ufffdforged: line\ufffd[31m"
    assert len(visible_text("x" * 10_000)) == 500


@pytest.mark.parametrize(
    "password",
    [
        "short",
        "elevenchars",
        "x" * 129,
        "aaaaaaaaaaaaaaaa",
        "abababababababab",
        "abcdefghijklmn",
        "0123456789:;",
        "ponmlkjihgfedc",
        "annabelle-2026!",
        "corr\ud800ect horse battery",
    ],
)
def test_a_weak_password_is_refused(password: str) -> None:
    with pytest.raises(WeakPasswordError) as refused:
        new_password(password, email="annabelle@example.com")

    assert refused.value.code == "PASSWORD_WEAK"
    assert refused.value.path == ("password",)
    assert password not in refused.value.message


@pytest.mark.parametrize(
    "password", ["correct horse battery", "пароль из четырёх слов", "x9" * 6 + "abcd", "a1b2c" * 25]
)
def test_a_long_mixed_password_is_taken(password: str) -> None:
    assert new_password(password, email="annabelle@example.com") == password


def test_a_password_typed_in_either_composition_is_the_same() -> None:
    composed = new_password("caf\N{LATIN SMALL LETTER E WITH ACUTE} au lait x", email="ann@example.com")

    assert prepared_password("cafe\N{COMBINING ACUTE ACCENT} au lait x") == composed


def test_a_key_names_its_tenant_before_anything_is_looked_up() -> None:
    secret = bytes(range(32))

    presented = parse_api_key(api_key_text(TENANT, "abcdefghij", secret))

    assert presented is not None
    assert presented.tenant_id == TENANT
    assert presented.prefix == "abcdefghij"
    assert presented.secret_hash == digest(base32(secret))


@given(st.uuids(), st.binary(min_size=32, max_size=32))
def test_tokens_come_apart_as_they_were_put_together(tenant: UUID, secret: bytes) -> None:
    key = parse_api_key(api_key_text(TenantId(tenant), "abcdefghij", secret))
    token = parse_refresh_token(refresh_token_text(TenantId(tenant), secret))

    assert key is not None
    assert token is not None
    assert key.tenant_id == token.tenant_id == tenant
    assert key.secret_hash == token.token_hash == digest(base32(secret))


@pytest.mark.parametrize(
    "text", ["", "oms_", "oms_a_b_c", "OMS_" + "a" * 26 + "_" + "b" * 10 + "_" + "c" * 52, "x" * 94]
)
def test_what_has_not_the_form_of_a_key_is_none(text: str) -> None:
    assert parse_api_key(text) is None
    assert parse_refresh_token(text) is None


def test_a_key_of_another_tenant_cannot_be_made_by_changing_the_name() -> None:
    secret = bytes(range(32))

    mine = parse_api_key(api_key_text(TENANT, "abcdefghij", secret))
    theirs = parse_api_key(api_key_text(OTHER, "abcdefghij", secret))

    assert mine is not None
    assert theirs is not None
    assert mine != theirs


@pytest.mark.parametrize(
    ("asked", "path"),
    [
        ({"scopes": []}, ("scopes",)),
        ({"name": ""}, ("name",)),
        ({"expires_at": NOW}, ("expiresAt",)),
        ({"requests_per_minute": 0}, ("requestsPerMinute",)),
        ({"ip_allowlist": ["10.0.0.0/8", "nowhere"]}, ("ipAllowlist", "1")),
        ({"ip_allowlist": ["10.0.0.1/8"]}, ("ipAllowlist", "0")),
        ({"ip_allowlist": ["10.0.0.1"] * 101}, ("ipAllowlist",)),
    ],
)
def test_a_key_that_cannot_be_made_is_refused_at_its_field(asked: dict[str, object], path: tuple[str, ...]) -> None:
    terms: dict[str, object] = {"name": "desk", "scopes": [Scope.VIEW_ORDERS], "now": NOW} | asked

    with pytest.raises(InputError) as refused:
        new_api_key(**terms)  # type: ignore[arg-type]

    assert refused.value.path == path


def test_a_key_is_made_of_what_was_asked() -> None:
    key = new_api_key(
        name=" desk ",
        scopes=[Scope.VIEW_ORDERS, Scope.VIEW_ORDERS],
        ip_allowlist=["192.0.2.7", "2001:db8::/32"],
        expires_at=NOW + timedelta(days=1),
        now=NOW,
    )

    assert key.name == "desk"
    assert key.scopes == {Scope.VIEW_ORDERS}
    assert key.ip_allowlist == ("192.0.2.7/32", "2001:db8::/32")


@pytest.mark.parametrize(
    ("address", "is_allowed"),
    [
        ("192.0.2.7", True),
        ("192.0.3.7", False),
        ("::ffff:192.0.2.7", True),
        ("2001:db8::1", True),
        ("2001:db9::1", False),
        ("", False),
        ("localhost", False),
    ],
)
def test_an_allowlist_holds_for_both_families(address: str, is_allowed: bool) -> None:
    assert is_address_allowed(address, ["192.0.2.0/24", "2001:db8::/32"]) is is_allowed


def test_an_empty_allowlist_allows_every_address() -> None:
    assert is_address_allowed("203.0.113.1", [])
    assert is_address_allowed("", [])


def test_a_credential_follows_the_word_bearer() -> None:
    assert bearer_of("Bearer a.b-c_d") == "a.b-c_d"
    assert bearer_of("bearer  oms_x") == "oms_x"
    assert bearer_of(None) is None


@pytest.mark.parametrize(
    "value",
    ["", "Bearer", "Bearer ", "Basic YTpi", "a.b.c", "Bearer a b", "Bearer a\r\nX: y", "Bearer ä", 7, {"a": 1}, []],
)
def test_any_other_value_is_refused(value: object) -> None:
    with pytest.raises(CredentialRefusedError):
        bearer_of(value)
