"""API keys: what they may, how they end, and that another firm's are nothing."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from uuid import uuid4

import asyncpg
import pytest

from app.core.errors import InputError, NotFoundError
from app.core.ids import ApiKeyId
from app.flows.identity.create_api_key import create_api_key
from app.flows.identity.door import Door
from app.flows.identity.log_out import log_out
from app.flows.identity.revoke_api_key import revoke_api_key
from app.flows.identity.rotate_api_key import rotate_api_key
from app.flows.identity.view_identity import view_api_keys, view_self, view_sessions
from app.identity.domain import IssuedApiKey, Principal, Role, Scope
from app.identity.errors import (
    AddressRefusedError,
    ApiKeyInactiveError,
    ApiKeyLimitError,
    CredentialRefusedError,
    NotASessionError,
    ScopeBeyondOwnError,
)
from app.infra.db import Database
from tests import factories
from tests.fakes import SetClock
from tests.integration.identity.conftest import CLIENT, Firm, Found, from_address

READ = [Scope.VIEW_ORDERS, Scope.VIEW_POSITIONS]


async def administrator(door: Door, firm: Firm) -> Principal:
    """The firm's administrator, signed in."""
    return await door.authenticator.authenticate(firm.registered.tokens.access_token, CLIENT)


async def trader(door: Door, firm: Firm, owner: asyncpg.Connection, open_another: Callable[[], Door]) -> Principal:
    """The firm's only member, made a trader."""
    await owner.execute("UPDATE memberships SET role = 'TRADER' WHERE user_id = $1", firm.registered.user.id)
    fresh = open_another()
    principal = await administrator(fresh, firm)
    fresh.close()
    return principal


async def a_key(door: Door, principal: Principal, scopes: list[Scope] | None = None) -> IssuedApiKey:
    """A key for reading."""
    return await create_api_key(door, principal, name="desk", scopes=scopes or READ)


async def test_a_key_may_what_it_was_made_for(door: Door, found: Found) -> None:
    firm = await found()
    issued = await a_key(door, await administrator(door, firm))

    principal = await door.authenticator.authenticate(issued.text, CLIENT)
    viewer = await view_self(door, principal)

    assert principal.tenant_id == firm.registered.tenant.id
    assert principal.scopes == set(READ)
    assert principal.actor == f"key:{issued.api_key.id}"
    assert principal.user_id is None
    assert principal.session_id is None
    assert viewer.user is None
    assert viewer.memberships == ()
    assert viewer.api_key is not None
    assert viewer.api_key.prefix == issued.text.split("_")[2]
    assert await view_sessions(door, principal) == []
    assert [key.id for key in await view_api_keys(door, principal)] == [issued.api_key.id]


async def test_a_key_may_never_more_than_its_maker(
    door: Door, found: Found, owner: asyncpg.Connection, open_another: Callable[[], Door]
) -> None:
    principal = await trader(door, await found(), owner, open_another)

    with pytest.raises(ScopeBeyondOwnError) as refused:
        await a_key(door, principal, [Scope.PLACE_ORDERS, Scope.MANAGE_RISK, Scope.ADMIN_TENANT])

    assert refused.value.facts == {"scopes": ["ADMIN_TENANT", "MANAGE_RISK"]}
    assert await view_api_keys(door, principal) == []


async def test_a_key_loses_what_its_maker_loses(
    door: Door, found: Found, owner: asyncpg.Connection, open_another: Callable[[], Door]
) -> None:
    firm = await found()
    issued = await a_key(door, await administrator(door, firm), [Scope.VIEW_ORDERS, Scope.MANAGE_RISK])

    await trader(door, firm, owner, open_another)
    principal = await door.authenticator.authenticate(issued.text, CLIENT)

    assert principal.scopes == {Scope.VIEW_ORDERS}


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE api_keys SET revoked_at = now() WHERE id = $1",
        "UPDATE memberships SET is_active = false WHERE (tenant_id, user_id) = "
        "(SELECT tenant_id, user_id FROM api_keys WHERE id = $1)",
        "UPDATE users SET is_active = false WHERE id = (SELECT user_id FROM api_keys WHERE id = $1)",
        "UPDATE tenants SET is_active = false WHERE id = (SELECT tenant_id FROM api_keys WHERE id = $1)",
    ],
)
async def test_a_key_that_ended_elsewhere_is_nothing(
    door: Door, found: Found, owner: asyncpg.Connection, open_another: Callable[[], Door], statement: str
) -> None:
    issued = await a_key(door, await administrator(door, await found()))
    principal = await door.authenticator.authenticate(issued.text, CLIENT)

    await owner.execute(statement, issued.api_key.id)
    fresh = open_another()

    with pytest.raises(CredentialRefusedError):
        await fresh.authenticator.authenticate(issued.text, CLIENT)
    with pytest.raises(CredentialRefusedError):
        await fresh.authenticator.recheck(principal)
    fresh.close()


async def test_a_revoked_key_is_nothing_at_once_and_revoking_twice_is_no_error(door: Door, found: Found) -> None:
    principal = await administrator(door, await found())
    issued = await a_key(door, principal)
    by_key = await door.authenticator.authenticate(issued.text, CLIENT)

    first = await revoke_api_key(door, principal, issued.api_key.id)
    second = await revoke_api_key(door, principal, issued.api_key.id)

    assert first == second
    assert first.revoked_at is not None
    with pytest.raises(CredentialRefusedError):
        await door.authenticator.authenticate(issued.text, CLIENT)
    with pytest.raises(CredentialRefusedError):
        await door.authenticator.recheck(by_key)


async def test_a_key_with_one_character_changed_is_nothing(door: Door, found: Found) -> None:
    issued = await a_key(door, await administrator(door, await found()))
    await door.authenticator.authenticate(issued.text, CLIENT)
    for place in (5, 32, len(issued.text) - 2):
        changed = "b" if issued.text[place] != "b" else "c"

        with pytest.raises(CredentialRefusedError):
            await door.authenticator.authenticate(issued.text[:place] + changed + issued.text[place + 1 :], CLIENT)


async def test_a_key_of_another_firm_is_answered_as_an_unknown_one(door: Door, found: Found) -> None:
    mine, theirs = await administrator(door, await found()), await administrator(door, await found())
    key = await a_key(door, theirs)
    refusals = []

    for api_key_id in (key.api_key.id, ApiKeyId(uuid4())):
        with pytest.raises(NotFoundError) as refused:
            await revoke_api_key(door, mine, api_key_id)
        refusals.append((refused.value.code, refused.value.message, refused.value.path))
        with pytest.raises(NotFoundError) as refused:
            await rotate_api_key(door, mine, api_key_id, overlap=timedelta(0))
        refusals.append((refused.value.code, refused.value.message, refused.value.path))

    assert len(set(refusals)) == 1
    assert await view_api_keys(door, mine) == []
    assert (await door.authenticator.authenticate(key.text, CLIENT)).api_key_id == key.api_key.id


async def test_a_colleague_without_the_scope_neither_sees_nor_ends_a_key(
    door: Door, found: Found, owner: asyncpg.Connection
) -> None:
    firm, guest = await found(), await found()
    issued = await a_key(door, await administrator(door, firm))
    await owner.execute(
        "INSERT INTO memberships (tenant_id, id, user_id, role, is_active, created_at) "
        "VALUES ($1, gen_random_uuid(), $2, 'TRADER', true, now())",
        firm.registered.tenant.id,
        guest.registered.user.id,
    )
    colleague = Principal(
        tenant_id=firm.registered.tenant.id,
        user_id=guest.registered.user.id,
        scopes=frozenset({Scope.VIEW_ORDERS}),
        actor="user:colleague",
    )

    with pytest.raises(NotFoundError):
        await revoke_api_key(door, colleague, issued.api_key.id)

    assert await view_api_keys(door, colleague) == []
    assert (await door.authenticator.authenticate(issued.text, CLIENT)).api_key_id == issued.api_key.id


async def test_an_administrator_ends_a_colleagues_key(
    door: Door, found: Found, owner: asyncpg.Connection, open_another: Callable[[], Door]
) -> None:
    firm = await found()
    issued = await a_key(door, await administrator(door, firm))
    chief = Principal(
        tenant_id=firm.registered.tenant.id, scopes=frozenset(Scope), actor="system:test", ip_address="192.0.2.1"
    )

    assert [key.id for key in await view_api_keys(door, chief)] == [issued.api_key.id]
    assert (await revoke_api_key(door, chief, issued.api_key.id)).revoked_at is not None


async def test_a_rotated_key_and_its_successor_hold_together_for_the_overlap(
    door: Door, found: Found, clock: SetClock, open_another: Callable[[], Door]
) -> None:
    principal = await administrator(door, await found())
    old = await a_key(door, principal)

    new = await rotate_api_key(door, principal, old.api_key.id, overlap=timedelta(hours=1))
    clock.advance(timedelta(minutes=59))
    during = [await door.authenticator.authenticate(text, CLIENT) for text in (old.text, new.text)]
    clock.advance(timedelta(minutes=1))

    assert [one.api_key_id for one in during] == [old.api_key.id, new.api_key.id]
    assert new.api_key.scopes == old.api_key.scopes
    with pytest.raises(CredentialRefusedError):
        await door.authenticator.authenticate(old.text, CLIENT)
    assert (await door.authenticator.authenticate(new.text, CLIENT)).api_key_id == new.api_key.id


async def test_without_an_overlap_the_old_key_ends_at_once(door: Door, found: Found) -> None:
    principal = await administrator(door, await found())
    old = await a_key(door, principal)
    await door.authenticator.authenticate(old.text, CLIENT)

    await rotate_api_key(door, principal, old.api_key.id, overlap=timedelta(0))

    with pytest.raises(CredentialRefusedError):
        await door.authenticator.authenticate(old.text, CLIENT)
    with pytest.raises(ApiKeyInactiveError):
        await rotate_api_key(door, principal, old.api_key.id, overlap=timedelta(0))


async def test_an_administrator_ends_the_keys_of_others_and_gets_none_of_them(
    door: Door, database: Database, found: Found
) -> None:
    chief = await administrator(door, await found())
    other = await factories.make_principal(database, chief.tenant_id, role=Role.MANAGER)
    issued = await a_key(door, other)

    # What the key does is the other's act: with it, an administrator would approve their own orders.
    with pytest.raises(NotFoundError):
        await rotate_api_key(door, chief, issued.api_key.id, overlap=timedelta(0))

    assert (await revoke_api_key(door, chief, issued.api_key.id)).revoked_at is not None


@pytest.mark.parametrize("overlap", [timedelta(seconds=-1), timedelta(days=7, seconds=1)])
async def test_an_overlap_has_bounds(door: Door, found: Found, overlap: timedelta) -> None:
    principal = await administrator(door, await found())
    issued = await a_key(door, principal)

    with pytest.raises(InputError) as refused:
        await rotate_api_key(door, principal, issued.api_key.id, overlap=overlap)

    assert refused.value.path == ("overlapSeconds",)


async def test_a_key_rotates_itself_and_makes_no_other(door: Door, found: Found) -> None:
    chief = await administrator(door, await found())
    issued = await a_key(door, chief, [*READ, Scope.ADMIN_TENANT])
    other = await a_key(door, chief)
    by_key = await door.authenticator.authenticate(issued.text, CLIENT)

    with pytest.raises(NotASessionError):
        await a_key(door, by_key)
    with pytest.raises(NotASessionError):
        await log_out(door, by_key)
    with pytest.raises(NotFoundError):
        await rotate_api_key(door, by_key, other.api_key.id, overlap=timedelta(0))
    successor = await rotate_api_key(door, by_key, issued.api_key.id, overlap=timedelta(0))

    assert (await door.authenticator.authenticate(successor.text, CLIENT)).api_key_id == successor.api_key.id


async def test_a_key_ends_by_itself(door: Door, found: Found, clock: SetClock) -> None:
    principal = await administrator(door, await found())
    issued = await create_api_key(
        door, principal, name="desk", scopes=READ, expires_at=clock.now() + timedelta(hours=1)
    )
    await door.authenticator.authenticate(issued.text, CLIENT)

    clock.advance(timedelta(hours=1))

    with pytest.raises(CredentialRefusedError):
        await door.authenticator.authenticate(issued.text, CLIENT)


async def test_a_key_works_from_its_addresses_alone(door: Door, found: Found) -> None:
    principal = await administrator(door, await found())
    issued = await create_api_key(door, principal, name="desk", scopes=READ, ip_allowlist=["192.0.2.0/24"])

    from_inside = await door.authenticator.authenticate(issued.text, from_address("192.0.2.200"))

    assert from_inside.ip_address == "192.0.2.200"
    with pytest.raises(AddressRefusedError) as refused:
        await door.authenticator.authenticate(issued.text, from_address("198.51.100.1"))

    assert refused.value.code == "FORBIDDEN"


async def test_the_last_use_of_a_key_is_noted(
    door: Door, found: Found, clock: SetClock, open_another: Callable[[], Door]
) -> None:
    principal = await administrator(door, await found())
    issued = await a_key(door, principal)
    assert issued.api_key.last_used_at is None

    await door.authenticator.authenticate(issued.text, CLIENT)
    first = (await view_api_keys(door, principal))[0].last_used_at
    clock.advance(timedelta(seconds=61))
    later = open_another()
    await later.authenticator.authenticate(issued.text, CLIENT)
    later.close()

    assert first == clock.now() - timedelta(seconds=61)
    assert (await view_api_keys(door, principal))[0].last_used_at == clock.now()


async def test_a_member_has_a_bounded_number_of_keys(door: Door, found: Found, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.identity.service.API_KEYS_MAX", 1)
    principal = await administrator(door, await found())
    first = await a_key(door, principal)

    with pytest.raises(ApiKeyLimitError):
        await a_key(door, principal)
    await revoke_api_key(door, principal, first.api_key.id)

    assert (await a_key(door, principal)).api_key.name == "desk"


async def test_keys_that_are_made_at_once_are_counted_all(
    door: Door, found: Found, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.identity.service.API_KEYS_MAX", 2)
    principal = await administrator(door, await found())

    made = await asyncio.gather(*(a_key(door, principal) for _ in range(5)), return_exceptions=True)

    assert sorted(type(one).__name__ for one in made) == ["ApiKeyLimitError"] * 3 + ["IssuedApiKey"] * 2


async def test_a_key_that_rotates_itself_again_and_again_makes_no_more_than_a_member_may_have(
    door: Door, found: Found, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.identity.service.API_KEYS_MAX", 2)
    principal = await administrator(door, await found())
    issued = await a_key(door, principal)
    by_key = await door.authenticator.authenticate(issued.text, CLIENT)

    for _ in range(2):
        await rotate_api_key(door, by_key, issued.api_key.id, overlap=timedelta(hours=1))
    with pytest.raises(ApiKeyLimitError):
        await rotate_api_key(door, by_key, issued.api_key.id, overlap=timedelta(hours=1))

    assert len(await view_api_keys(door, principal)) == 3


async def test_the_quota_goes_with_the_key_to_its_successor(door: Door, found: Found) -> None:
    principal = await administrator(door, await found())
    issued = await create_api_key(door, principal, name="desk", scopes=READ, requests_per_minute=7)

    successor = await rotate_api_key(door, principal, issued.api_key.id, overlap=timedelta(0))
    by_key = await door.authenticator.authenticate(successor.text, CLIENT)

    assert by_key.requests_per_minute == 7
    assert (await door.authenticator.recheck(by_key)).requests_per_minute == 7
