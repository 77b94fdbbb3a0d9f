"""The wall between firms in the database itself: queries that forgot every filter."""

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from app.flows.identity.create_api_key import create_api_key
from app.flows.identity.door import Door
from app.identity.domain import Scope as Allowed
from app.infra.uow import Scope, begin, reading
from tests.integration.identity.conftest import CLIENT, Firm, Found

TABLES = ("memberships", "auth_sessions", "refresh_tokens", "api_keys", "audit_log")


async def firm_with_rows(door: Door, found: Found) -> Firm:
    """A firm that has rows in every table of identity."""
    firm = await found()
    await create_api_key(door, firm.registered.principal, name="desk", scopes=[Allowed.VIEW_ORDERS])
    return firm


async def test_a_query_without_a_filter_sees_the_own_firm_alone(door: Door, found: Found) -> None:
    mine, _ = await firm_with_rows(door, found), await firm_with_rows(door, found)
    seen = {}

    async with reading(door.database, Scope(tenant_id=mine.registered.tenant.id)) as session:
        for table in TABLES:
            rows = await session.execute(text(f"SELECT DISTINCT tenant_id FROM {table}"))
            seen[table] = list(rows.scalars())
        firms = list((await session.execute(text("SELECT id FROM tenants"))).scalars())
        people = list((await session.execute(text("SELECT email FROM users"))).scalars())

    assert seen == {table: [mine.registered.tenant.id] for table in TABLES}
    assert firms == [mine.registered.tenant.id]
    assert people == [mine.registration.email]


async def test_without_a_scope_there_is_nothing(door: Door, found: Found) -> None:
    await firm_with_rows(door, found)

    async with reading(door.database, Scope()) as session:
        counts = [
            (await session.execute(text(f"SELECT count(*) FROM {table}"))).scalar_one()
            for table in (*TABLES, "tenants", "users")
        ]

    assert counts == [0] * 7


async def test_the_scope_of_an_address_shows_one_person_and_no_firm(door: Door, found: Found) -> None:
    mine, _ = await firm_with_rows(door, found), await firm_with_rows(door, found)

    async with reading(door.database, Scope(email=mine.registration.email)) as session:
        people = list((await session.execute(text("SELECT email FROM users"))).scalars())
        firms = (await session.execute(text("SELECT count(*) FROM tenants"))).scalar_one()
        memberships = (await session.execute(text("SELECT count(*) FROM memberships"))).scalar_one()

    assert people == [mine.registration.email]
    assert (firms, memberships) == (0, 0)


@pytest.mark.parametrize("table", ["memberships", "auth_sessions", "refresh_tokens", "api_keys"])
async def test_a_row_of_another_firm_is_out_of_reach_of_an_update(door: Door, found: Found, table: str) -> None:
    mine, theirs = await firm_with_rows(door, found), await firm_with_rows(door, found)

    async with begin(door.database, Scope(tenant_id=mine.registered.tenant.id)) as session:
        changed = await session.execute(
            text(f"UPDATE {table} SET created_at = now() WHERE tenant_id = :other RETURNING id"),
            {"other": theirs.registered.tenant.id},
        )

        assert changed.all() == []


@pytest.mark.parametrize("table", ["memberships", "auth_sessions", "refresh_tokens", "api_keys"])
async def test_a_row_cannot_be_moved_into_another_firm(door: Door, found: Found, table: str) -> None:
    mine, theirs = await firm_with_rows(door, found), await firm_with_rows(door, found)

    with pytest.raises(DBAPIError, match="row-level security"):
        async with begin(door.database, Scope(tenant_id=mine.registered.tenant.id)) as session:
            await session.execute(
                text(f"UPDATE {table} SET tenant_id = :other"), {"other": theirs.registered.tenant.id}
            )


@pytest.mark.parametrize(
    "statement", ["UPDATE audit_log SET actor = 'x'", "DELETE FROM audit_log", "TRUNCATE audit_log"]
)
async def test_the_audit_log_only_grows(door: Door, found: Found, statement: str) -> None:
    firm = await found()

    with pytest.raises(DBAPIError, match="permission denied"):
        async with begin(door.database, Scope(tenant_id=firm.registered.tenant.id)) as session:
            await session.execute(text(statement))


async def test_a_scope_ends_with_its_transaction(door: Door, found: Found) -> None:
    firm = await firm_with_rows(door, found)
    scope = Scope(tenant_id=firm.registered.tenant.id, user_id=firm.registered.user.id)

    for _ in range(20):
        with pytest.raises(DBAPIError, match="division by zero"):
            async with begin(door.database, scope) as session:
                await session.execute(text("SELECT 1 / 0"))
        async with reading(door.database, Scope()) as session:
            assert (await session.execute(text("SELECT count(*) FROM auth_sessions"))).scalar_one() == 0


async def test_a_password_hash_is_never_part_of_what_the_door_shows(door: Door, found: Found) -> None:
    firm = await found()

    principal = await door.authenticator.authenticate(firm.registered.tokens.access_token, CLIENT)

    assert "argon2" not in repr((firm.registered, principal))
