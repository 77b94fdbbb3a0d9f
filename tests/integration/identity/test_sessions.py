"""Registering, logging in, refreshing and logging out, on the real database under the application's role."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import asyncpg
import pytest

from app.core.errors import InputError, OmsError
from app.flows.identity.authenticate import VERDICT_LIFE_S
from app.flows.identity.door import Door
from app.flows.identity.log_in import log_in
from app.flows.identity.log_out import log_out
from app.flows.identity.refresh_session import refresh_session
from app.flows.identity.register import Registration
from app.flows.identity.view_identity import view_self, view_sessions
from app.flows.tenants.manage_members import list_members
from app.flows.tenants.open_tenant import open_tenant
from app.identity.domain import Role, Scope, TokenPair
from app.identity.errors import (
    CredentialRefusedError,
    EmailTakenError,
    LoginRefusedError,
    RefreshRefusedError,
    TenantChoiceError,
    WeakPasswordError,
)
from app.infra.tokens import AccessClaims
from tests.fakes import SetClock
from tests.integration.identity.conftest import CLIENT, PASSWORD, Firm, Found, from_address


async def enter(door: Door, firm: Firm) -> TokenPair:
    """Another login of the firm's administrator."""
    entered = await log_in(door, email=firm.registration.email, password=PASSWORD, tenant_slug=None, client=CLIENT)
    assert isinstance(entered, TokenPair)
    return entered


async def test_who_registers_is_the_administrator_and_signed_in(door: Door, found: Found) -> None:
    firm = await found()

    principal = await door.authenticator.authenticate(firm.registered.tokens.access_token, CLIENT)
    viewer = await view_self(door, principal)

    assert principal.tenant_id == firm.registered.tenant.id
    assert principal.actor == f"user:{firm.registered.user.id}"
    assert principal.scopes == frozenset(Scope)
    assert viewer.user is not None
    assert viewer.user.email == firm.registration.email
    assert viewer.membership is not None
    assert viewer.membership.membership.role is Role.ADMIN
    assert [member.tenant.slug for member in viewer.memberships] == [firm.registered.tenant.slug]
    assert viewer.api_key is None


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"tenant_name": " "}, ("tenantName",)),
        ({"email": "no address"}, ("email",)),
        ({"first_name": "a\x00b"}, ("firstName",)),
        ({"last_name": "\ud800"}, ("lastName",)),
        ({"password": "short"}, ("password",)),
    ],
)
async def test_a_bad_registration_stores_nothing(
    door: Door, owner: asyncpg.Connection, change: dict[str, str], path: tuple[str, ...]
) -> None:
    good = Registration(
        tenant_name="Never Stored", email="never@example.com", password=PASSWORD, first_name="A", last_name="B"
    )

    with pytest.raises(InputError) as refused:
        await open_tenant(door, replace(good, **change), CLIENT)

    assert refused.value.path == path
    assert await owner.fetchval("SELECT count(*) FROM users WHERE email = 'never@example.com'") == 0
    assert await owner.fetchval("SELECT count(*) FROM tenants WHERE name = 'Never Stored'") == 0


async def test_a_weak_password_has_a_code_of_its_own(door: Door) -> None:
    weak = Registration(tenant_name="W", email="w@example.com", password="aaaaaaaaaaaaa", first_name="A", last_name="B")

    with pytest.raises(WeakPasswordError):
        await open_tenant(door, weak, CLIENT)


async def test_an_address_registers_once_however_it_is_written(door: Door, found: Found) -> None:
    firm = await found()

    with pytest.raises(EmailTakenError):
        await open_tenant(door, replace(firm.registration, email=f" {firm.registration.email.upper()} "), CLIENT)


async def test_of_two_who_register_an_address_at_once_one_wins_and_nothing_is_left_of_the_other(
    door: Door, owner: asyncpg.Connection
) -> None:
    both = Registration(
        tenant_name="Race Firm", email="race@example.com", password=PASSWORD, first_name="A", last_name="B"
    )

    answers = await asyncio.gather(*(open_tenant(door, both, CLIENT) for _ in range(4)), return_exceptions=True)

    assert [type(answer) for answer in answers if isinstance(answer, BaseException)] == [EmailTakenError] * 3
    assert await owner.fetchval("SELECT count(*) FROM tenants WHERE name = 'Race Firm'") == 1


async def test_firms_of_the_same_name_get_slugs_of_their_own(door: Door) -> None:
    def named(number: int) -> Registration:
        return Registration(
            tenant_name="Gleich & Söhne",
            email=f"same-{number}@example.com",
            password=PASSWORD,
            first_name="A",
            last_name="B",
        )

    first = await open_tenant(door, named(1), CLIENT)
    second = await open_tenant(door, named(2), CLIENT)

    assert first.tenant.slug == "gleich-sohne"
    assert second.tenant.slug.startswith("gleich-sohne-")


async def test_a_login_opens_a_session_of_its_own(door: Door, found: Found) -> None:
    firm = await found()

    tokens = await log_in(
        door,
        email=firm.registration.email.upper(),
        password=PASSWORD,
        tenant_slug=firm.registered.tenant.slug,
        client=from_address("198.51.100.9"),
    )
    assert isinstance(tokens, TokenPair)
    principal = await door.authenticator.authenticate(tokens.access_token, CLIENT)
    sessions = await view_sessions(door, principal)

    assert [session.ip_address for session in sessions] == ["198.51.100.9", "192.0.2.7"]
    assert sessions[0].id == principal.session_id


async def test_every_refused_login_reads_alike(door: Door, found: Found, owner: asyncpg.Connection) -> None:
    firm, suspended, left = await found(), await found(), await found()
    await owner.execute("UPDATE users SET is_active = false WHERE id = $1", suspended.registered.user.id)
    await owner.execute("UPDATE memberships SET is_active = false WHERE user_id = $1", left.registered.user.id)
    attempts = [
        (firm.registration.email, "wrong horse battery", None),
        ("unknown@example.com", PASSWORD, None),
        ("no address", PASSWORD, None),
        (firm.registration.email, "", None),
        (firm.registration.email, "x" * 100_000, None),
        (firm.registration.email, "\ud800", None),
        (firm.registration.email, PASSWORD, "another-firm"),
        (suspended.registration.email, PASSWORD, None),
        (left.registration.email, PASSWORD, None),
    ]

    answers: list[OmsError] = []
    for email, password, slug in attempts:
        with pytest.raises(LoginRefusedError) as refused:
            await log_in(door, email=email, password=password, tenant_slug=slug, client=CLIENT)
        answers.append(refused.value)

    assert len({(answer.code, answer.message, tuple(answer.facts)) for answer in answers}) == 1


async def test_who_belongs_to_several_firms_names_one(door: Door, found: Found, owner: asyncpg.Connection) -> None:
    home, other = await found(), await found()
    await owner.execute(
        "INSERT INTO memberships (tenant_id, id, user_id, role, is_active, created_at) "
        "VALUES ($1, gen_random_uuid(), $2, 'VIEWER', true, now())",
        other.registered.tenant.id,
        home.registered.user.id,
    )
    slugs = sorted([home.registered.tenant.slug, other.registered.tenant.slug])

    with pytest.raises(TenantChoiceError) as refused:
        await enter(door, home)
    tokens = await log_in(
        door,
        email=home.registration.email,
        password=PASSWORD,
        tenant_slug=other.registered.tenant.slug,
        client=CLIENT,
    )
    assert isinstance(tokens, TokenPair)
    principal = await door.authenticator.authenticate(tokens.access_token, CLIENT)

    assert refused.value.facts == {"slugs": slugs}
    assert principal.tenant_id == other.registered.tenant.id
    assert principal.scopes == {Scope.VIEW_ORDERS, Scope.VIEW_POSITIONS, Scope.VIEW_MARKET_DATA}
    assert len((await view_self(door, principal)).memberships) == 2
    assert {member.user.email for member in await list_members(door, principal, first=10, after=None)} == {
        home.registration.email,
        other.registration.email,
    }


async def test_a_refresh_token_gives_the_next_pair(door: Door, found: Found, clock: SetClock) -> None:
    first = (await found()).registered.tokens

    clock.advance(timedelta(minutes=9))
    second = await refresh_session(door, first.refresh_token, CLIENT)
    third = await refresh_session(door, second.refresh_token, CLIENT)
    clock.advance(timedelta(minutes=2))

    with pytest.raises(CredentialRefusedError):
        await door.authenticator.authenticate(first.access_token, CLIENT)
    assert (await door.authenticator.authenticate(third.access_token, CLIENT)).session_id is not None
    assert len({first.refresh_token, second.refresh_token, third.refresh_token}) == 3


async def test_a_refresh_token_used_twice_kills_its_family(door: Door, found: Found, owner: asyncpg.Connection) -> None:
    firm = await found()
    stolen = firm.registered.tokens
    unharmed = await enter(door, firm)
    successor = await refresh_session(door, stolen.refresh_token, CLIENT)
    principal = await door.authenticator.authenticate(successor.access_token, CLIENT)

    with pytest.raises(RefreshRefusedError):
        await refresh_session(door, stolen.refresh_token, from_address("203.0.113.66"))

    for access_token in (stolen.access_token, successor.access_token):
        with pytest.raises(CredentialRefusedError):
            await door.authenticator.authenticate(access_token, CLIENT)
    with pytest.raises(RefreshRefusedError):
        await refresh_session(door, successor.refresh_token, CLIENT)
    assert (await door.authenticator.authenticate(unharmed.access_token, CLIENT)).session_id is not None
    audited = await owner.fetchrow(
        "SELECT action, ip_address FROM audit_log WHERE tenant_id = $1 AND resource_id = $2 "
        "AND action = 'session.revoked'",
        principal.tenant_id,
        str(principal.session_id),
    )
    assert audited["ip_address"] == "203.0.113.66"


async def test_of_many_who_use_a_refresh_token_at_once_one_wins_and_the_family_dies(door: Door, found: Found) -> None:
    token = (await found()).registered.tokens.refresh_token

    answers = await asyncio.gather(*(refresh_session(door, token, CLIENT) for _ in range(6)), return_exceptions=True)

    won = [answer for answer in answers if isinstance(answer, TokenPair)]
    assert len(won) == 1
    assert [type(answer) for answer in answers if isinstance(answer, BaseException)] == [RefreshRefusedError] * 5
    with pytest.raises(CredentialRefusedError):
        await door.authenticator.authenticate(won[0].access_token, CLIENT)


async def test_a_page_that_lost_the_answer_gets_another_pair_and_the_lost_one_is_spent(
    door: Door, found: Found, clock: SetClock
) -> None:
    token = (await found()).registered.tokens.refresh_token
    lost = await refresh_session(door, token, CLIENT, is_page=True)

    clock.advance(timedelta(seconds=9))
    again = await refresh_session(door, token, CLIENT, is_page=True)
    held = await refresh_session(door, again.refresh_token, CLIENT, is_page=True)

    assert (await door.authenticator.authenticate(held.access_token, CLIENT)).session_id is not None
    clock.advance(timedelta(seconds=9))
    with pytest.raises(RefreshRefusedError):
        await refresh_session(door, lost.refresh_token, CLIENT, is_page=True)
    with pytest.raises(RefreshRefusedError):
        await refresh_session(door, held.refresh_token, CLIENT, is_page=True)


@pytest.mark.parametrize("has_used_the_next", [False, True])
async def test_a_spent_token_of_a_page_kills_its_family_later_or_once_the_next_was_used(
    door: Door, found: Found, clock: SetClock, has_used_the_next: bool
) -> None:
    token = (await found()).registered.tokens.refresh_token
    held = await refresh_session(door, token, CLIENT, is_page=True)
    if has_used_the_next:
        held = await refresh_session(door, held.refresh_token, CLIENT, is_page=True)
    else:
        clock.advance(timedelta(seconds=10))

    with pytest.raises(RefreshRefusedError):
        await refresh_session(door, token, CLIENT, is_page=True)

    with pytest.raises(RefreshRefusedError):
        await refresh_session(door, held.refresh_token, CLIENT, is_page=True)


async def test_a_refresh_token_ends(door: Door, found: Found, clock: SetClock) -> None:
    token = (await found()).registered.tokens.refresh_token

    clock.advance(timedelta(days=7))

    with pytest.raises(RefreshRefusedError):
        await refresh_session(door, token, CLIENT)


async def test_a_session_ends_however_often_it_is_refreshed(door: Door, found: Found, clock: SetClock) -> None:
    tokens = (await found()).registered.tokens

    for _ in range(4):
        clock.advance(timedelta(days=6))
        tokens = await refresh_session(door, tokens.refresh_token, CLIENT)
    clock.advance(timedelta(days=6))

    with pytest.raises(RefreshRefusedError):
        await refresh_session(door, tokens.refresh_token, CLIENT)


@pytest.mark.parametrize("token", ["", "x", "omr_" + "a" * 26 + "_" + "a" * 52, "omr_" + "a" * 100_000, "\x00"])
async def test_an_invented_refresh_token_is_refused(door: Door, token: str) -> None:
    with pytest.raises(RefreshRefusedError):
        await refresh_session(door, token, CLIENT)


async def test_a_refresh_token_does_not_work_in_another_firm(door: Door, found: Found) -> None:
    mine, theirs = await found(), await found()
    my_token, their_token = mine.registered.tokens.refresh_token, theirs.registered.tokens.refresh_token
    forged = f"omr_{their_token.split('_')[1]}_{my_token.split('_')[2]}"

    with pytest.raises(RefreshRefusedError):
        await refresh_session(door, forged, CLIENT)

    assert (await refresh_session(door, my_token, CLIENT)).token_type == "Bearer"


async def test_a_logout_ends_the_session_at_once(door: Door, found: Found) -> None:
    tokens = (await found()).registered.tokens
    principal = await door.authenticator.authenticate(tokens.access_token, CLIENT)

    await log_out(door, principal)

    with pytest.raises(CredentialRefusedError):
        await door.authenticator.authenticate(tokens.access_token, CLIENT)
    with pytest.raises(CredentialRefusedError):
        await door.authenticator.recheck(principal)
    with pytest.raises(RefreshRefusedError):
        await refresh_session(door, tokens.refresh_token, CLIENT)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE users SET is_active = false WHERE id = $1",
        "UPDATE memberships SET is_active = false WHERE user_id = $1",
        "UPDATE auth_sessions SET revoked_at = now() WHERE user_id = $1",
        "UPDATE tenants SET is_active = false WHERE id = (SELECT tenant_id FROM memberships WHERE user_id = $1)",
    ],
)
async def test_who_lost_power_elsewhere_has_none_here_once_the_verdict_is_old(
    door: Door, open_another: Callable[[], Door], found: Found, owner: asyncpg.Connection, statement: str
) -> None:
    firm = await found()
    tokens = firm.registered.tokens
    principal = await door.authenticator.authenticate(tokens.access_token, CLIENT)

    await owner.execute(statement, firm.registered.user.id)
    fresh = open_another()

    for refused in (
        fresh.authenticator.authenticate(tokens.access_token, CLIENT),
        fresh.authenticator.recheck(principal),
    ):
        with pytest.raises(CredentialRefusedError):
            await refused
    with pytest.raises(RefreshRefusedError):
        await refresh_session(fresh, tokens.refresh_token, CLIENT)
    assert VERDICT_LIFE_S <= 5
    fresh.close()


async def test_a_changed_role_changes_what_the_same_token_may(
    open_another: Callable[[], Door], found: Found, owner: asyncpg.Connection
) -> None:
    firm = await found()

    await owner.execute("UPDATE memberships SET role = 'VIEWER' WHERE user_id = $1", firm.registered.user.id)
    fresh = open_another()
    principal = await fresh.authenticator.authenticate(firm.registered.tokens.access_token, CLIENT)
    fresh.close()

    assert Scope.PLACE_ORDERS not in principal.scopes


async def test_an_open_socket_outlives_the_access_token_but_not_the_session(
    door: Door, found: Found, clock: SetClock, owner: asyncpg.Connection
) -> None:
    tokens = (await found()).registered.tokens
    principal = await door.authenticator.authenticate(tokens.access_token, CLIENT)

    clock.advance(timedelta(minutes=11))
    still = await door.authenticator.recheck(principal)
    clock.advance(timedelta(days=30))

    assert still == principal
    with pytest.raises(CredentialRefusedError):
        await door.authenticator.recheck(principal)


async def test_a_rightly_signed_token_of_another_person_or_firm_opens_nothing(
    door: Door, found: Found, clock: SetClock
) -> None:
    mine, theirs = (await found()).registered.principal, (await found()).registered.principal
    assert mine.user_id is not None
    assert mine.session_id is not None
    assert theirs.user_id is not None
    now = clock.now()
    for tenant_id, user_id in ((mine.tenant_id, theirs.user_id), (theirs.tenant_id, mine.user_id)):
        claims = AccessClaims(
            tenant_id=tenant_id,
            user_id=user_id,
            session_id=mine.session_id,
            issued_at=now,
            expires_at=now + timedelta(minutes=1),
        )

        with pytest.raises(CredentialRefusedError):
            await door.authenticator.authenticate(door.identity.tokens.issue(claims), CLIENT)


async def test_no_secret_is_stored(found: Found, owner: asyncpg.Connection) -> None:
    firm = await found()
    secret = firm.registered.tokens.refresh_token.split("_")[2]

    tables = await owner.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    hits = [
        table["tablename"]
        for table in tables
        for needle in (PASSWORD, secret)
        if await owner.fetchval(f'SELECT count(*) FROM "{table["tablename"]}" t WHERE t::text LIKE $1', f"%{needle}%")
    ]

    assert len(tables) > 10
    assert hits == []


async def test_the_acts_are_audited_with_their_origin(door: Door, found: Found, owner: asyncpg.Connection) -> None:
    firm = await found()
    principal = await door.authenticator.authenticate((await enter(door, firm)).access_token, CLIENT)
    await log_out(door, principal)

    entries = await owner.fetch(
        "SELECT actor, action, resource_type, ip_address, request_id FROM audit_log WHERE tenant_id = $1 ORDER BY id",
        principal.tenant_id,
    )

    actor = f"user:{firm.registered.user.id}"
    assert [tuple(entry) for entry in entries] == [
        (actor, "tenant.registered", "tenant", "192.0.2.7", "request-1"),
        (actor, "session.opened", "session", "192.0.2.7", "request-1"),
        (actor, "session.closed", "session", "192.0.2.7", "request-1"),
    ]
