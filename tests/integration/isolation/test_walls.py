"""A tenant meets no row of another, whatever it asks, on whichever connection, after whatever went wrong before."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import asyncpg
import orjson
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from app.core.ids import TenantId, UserId
from app.infra.db import BatchSession, Database, DatabaseRole
from app.infra.uow import Scope, begin, begin_batch, begin_intake, begin_system, reading
from tests.integration.isolation.rows import Firm, add_sealed_log, make_firm

# Rows of a person, whom nobody else sees, and errands, which nobody but the worker sees.
_PERSONS = (
    "password_history",
    "person_tokens",
    "platform_administrators",
    "platform_sessions",
    "registrations",
    "second_factors",
    "recovery_codes",
    "proof_failures",
)
_UNSEEN = ("errands", "outbox", *_PERSONS)
_TENANT_COLUMN = {
    "tenants": "id",
    "users": "id",
    "registrations": "id",
    "errands": "id",
    "person_tokens": "user_id",
    "platform_administrators": "user_id",
    "platform_sessions": "user_id",
    "password_history": "user_id",
    "second_factors": "user_id",
    "recovery_codes": "user_id",
    "proof_failures": "user_id",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """Two firms with something in every table, the tables, and the owner's view of them."""

    one: Firm
    other: Firm
    tables: tuple[str, ...]
    owner: asyncpg.Connection

    def key(self, table: str, firm: Firm) -> UUID:
        """What parts the firms' rows in the table."""
        user_id = firm.principal.user_id
        assert user_id is not None
        return user_id if table in ("users", "errands", *_PERSONS) else firm.tenant_id


@pytest.fixture(scope="module")
async def world(database: Database, database_url: str) -> AsyncIterator[World]:
    """Made once: the tests do not change it, that is what they show."""
    owner = await asyncpg.connect(database_url)
    # What the system role or the sealer alone may see holds nothing of a tenant.
    rows = await owner.fetch(
        """
        SELECT DISTINCT tablename::text FROM pg_policies
        WHERE schemaname = 'public' AND roles NOT IN ('{oms_system}', '{oms_sealer}') ORDER BY 1
        """
    )
    one, other = await make_firm(database), await make_firm(database)
    for firm in (one, other):
        # The operator alone makes them, by the command line.
        await owner.execute(
            "INSERT INTO platform_administrators (user_id, granted_at, note) VALUES ($1, now(), 'canary')",
            firm.principal.user_id,
        )
        await add_sealed_log(owner, firm)
    yield World(
        one=one,
        other=other,
        tables=tuple(row["tablename"] for row in rows),
        owner=owner,
    )
    await owner.close()


@pytest.fixture
async def narrow(database_url: str) -> AsyncIterator[Database]:
    """A pool of a single connection, so that what comes next comes on the same one."""
    opened = Database(database_url, DatabaseRole.APP, size=1)
    await opened.open()
    yield opened
    await opened.close()


def column(table: str) -> str:
    return _TENANT_COLUMN.get(table, "tenant_id")


async def counted(session: BatchSession, table: str, condition: str = "true", *parameters: Any) -> int:
    """Rows that the transaction sees; none where the role may not read the table at all."""
    [may_read] = await session.fetch("SELECT has_table_privilege($1, 'SELECT')", table)
    if not may_read[0]:
        return 0
    [row] = await session.fetch(f"SELECT count(*) FROM {table} WHERE {condition}", *parameters)
    return int(row[0])


async def owned(world: World, table: str, firm: Firm) -> list[dict[str, Any]]:
    rows = await world.owner.fetch(
        f"SELECT to_jsonb(t)::text AS row FROM {table} AS t WHERE {column(table)} = $1", world.key(table, firm)
    )
    return [orjson.loads(row["row"]) for row in rows]


async def snapshot(world: World, firm: Firm) -> dict[str, list[dict[str, Any]]]:
    return {table: await owned(world, table, firm) for table in world.tables}


async def visible(database: Database, tables: tuple[str, ...], scope: TenantId | None) -> dict[str, int]:
    """What a transaction of the tenant, or of none, sees of each table."""
    found = {}
    for table in tables:
        if scope is None:
            async with begin_system(database) as session:
                found[table] = await counted(session, table)
        else:
            async with begin_batch(database, scope) as session:
                found[table] = await counted(session, table)
    return {table: count for table, count in found.items() if count}


async def test_the_world_has_a_row_of_each_firm_in_every_table(world: World) -> None:
    for firm in (world.one, world.other):
        assert [table for table, rows in (await snapshot(world, firm)).items() if not rows] == []


async def test_a_tenant_sees_its_own_rows_and_no_others(world: World, database: Database) -> None:
    for table in world.tables:
        async with begin_batch(database, world.one.tenant_id) as session:
            everything = await counted(session, table)
        async with begin_batch(database, world.one.tenant_id) as session:
            own = await counted(session, table, f"{column(table)} = $1", world.key(table, world.one))
        async with begin_batch(database, world.one.tenant_id) as session:
            foreign = await counted(session, table, f"{column(table)} = $1", world.key(table, world.other))

        assert foreign == 0, table
        assert everything == own, table
        # The relay alone reads the outbox, the worker errands, and a person what is theirs.
        assert (own > 0) is (table not in _UNSEEN), table


async def test_a_tenant_cannot_insert_rows_of_another(world: World, database: Database) -> None:
    before = await snapshot(world, world.other)

    for table in world.tables:
        if table == "errands":
            # They are of nobody: whoever is somebody may leave one, and none can be read.
            continue
        [row, *_] = before[table]
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            async with begin_batch(database, world.one.tenant_id) as session:
                await session.execute(
                    f"INSERT INTO {table} OVERRIDING SYSTEM VALUE "
                    f"SELECT * FROM jsonb_populate_record(NULL::{table}, $1::jsonb)",
                    row,
                )

    assert await snapshot(world, world.other) == before


async def test_a_tenant_cannot_change_or_delete_rows_of_another(world: World, database: Database) -> None:
    before = await snapshot(world, world.other)

    for table in world.tables:
        key = column(table)
        for statement in (
            f"UPDATE {table} SET {key} = {key} WHERE {key} = $1 RETURNING 1",
            f"DELETE FROM {table} WHERE {key} = $1 RETURNING 1",
        ):
            try:
                async with begin_batch(database, world.one.tenant_id) as session:
                    touched = await session.fetch(statement, world.key(table, world.other))
            except asyncpg.InsufficientPrivilegeError:
                continue
            assert touched == [], statement

    assert await snapshot(world, world.other) == before


async def test_a_tenant_cannot_hand_a_row_of_its_own_to_another(world: World, database: Database) -> None:
    before = await snapshot(world, world.one)

    for table in world.tables:
        if table in _TENANT_COLUMN:
            continue
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            async with begin_batch(database, world.one.tenant_id) as session:
                await session.execute(f"UPDATE {table} SET tenant_id = $1", world.other.tenant_id)

    assert await snapshot(world, world.one) == before


async def test_a_row_of_a_tenant_cannot_refer_to_anothers(world: World, database: Database) -> None:
    with pytest.raises(asyncpg.ForeignKeyViolationError):
        async with begin_batch(database, world.one.tenant_id) as session:
            await session.execute("UPDATE positions SET instrument_id = $1", world.other.instrument_id)


async def test_a_key_that_another_tenant_uses_is_free(world: World) -> None:
    orders = [(await owned(world, "orders", firm))[0] for firm in (world.one, world.other)]

    assert {order["client_order_id"] for order in orders} == {"canary"}


async def test_without_a_tenant_nothing_is_visible(world: World, narrow: Database) -> None:
    assert await visible(narrow, world.tables, None) == {}


async def test_without_a_tenant_nothing_can_be_stored(world: World, database: Database) -> None:
    for table in world.tables:
        [row, *_] = await owned(world, table, world.one)
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            async with begin_system(database) as session:
                await session.execute(
                    f"INSERT INTO {table} OVERRIDING SYSTEM VALUE "
                    f"SELECT * FROM jsonb_populate_record(NULL::{table}, $1::jsonb)",
                    row,
                )


async def _commits(database: Database, tenant_id: TenantId) -> None:
    async with begin_batch(database, tenant_id) as session:
        assert await counted(session, "orders") == 1


async def _commits_by_orm(database: Database, tenant_id: TenantId) -> None:
    async with begin(database, Scope(tenant_id=tenant_id, user_id=None, email="a@example.com")) as session:
        assert (await session.execute(text("SELECT count(*) FROM orders"))).scalar_one() == 1


async def _commits_within_walls(database: Database, tenant_id: TenantId) -> None:
    async with begin_batch(database, tenant_id, accounts=[]) as session:
        assert await counted(session, "orders") == 0


async def _commits_within_walls_by_orm(database: Database, tenant_id: TenantId) -> None:
    async with begin(database, Scope(tenant_id=tenant_id, accounts=[])) as session:
        assert (await session.execute(text("SELECT count(*) FROM orders"))).scalar_one() == 0


async def _commits_as_the_platform(database: Database, tenant_id: TenantId) -> None:
    async with begin(database, Scope(platform_user_id=UserId(tenant_id))) as session:
        assert (await session.execute(text("SELECT count(*) FROM tenants"))).scalar_one() == 0


async def _reads(database: Database, tenant_id: TenantId) -> None:
    async with reading(database, Scope(tenant_id=tenant_id)) as session:
        assert (await session.execute(text("SELECT count(*) FROM orders"))).scalar_one() == 1


async def _rolls_back(database: Database, tenant_id: TenantId) -> None:
    with pytest.raises(LookupError):
        async with begin_batch(database, tenant_id):
            raise LookupError


async def _rolls_back_by_orm(database: Database, tenant_id: TenantId) -> None:
    with pytest.raises(LookupError):
        async with begin(database, Scope(tenant_id=tenant_id)):
            raise LookupError


async def _aborts(database: Database, tenant_id: TenantId) -> None:
    with pytest.raises(asyncpg.DivisionByZeroError):
        async with begin_batch(database, tenant_id) as session:
            await session.fetch("SELECT 1 / 0")


async def _aborts_by_orm(database: Database, tenant_id: TenantId) -> None:
    with pytest.raises(DBAPIError):
        async with begin(database, Scope(tenant_id=tenant_id)) as session:
            await session.execute(text("SELECT 1 / 0"))


async def _update_and_swallow_an_error(database: Database, tenant_id: TenantId) -> None:
    async with begin_batch(database, tenant_id) as session:
        await session.execute("UPDATE orders SET version = version + 1")
        with contextlib.suppress(asyncpg.DivisionByZeroError):
            await session.fetch("SELECT 1 / 0")


async def _swallows_an_error(database: Database, tenant_id: TenantId) -> None:
    with pytest.raises(asyncpg.InFailedSQLTransactionError):
        await _update_and_swallow_an_error(database, tenant_id)


async def _is_cancelled(database: Database, tenant_id: TenantId) -> None:
    started = asyncio.Event()

    async def work() -> None:
        async with begin_batch(database, tenant_id) as session:
            started.set()
            await session.fetch("SELECT pg_sleep(30)")

    task = asyncio.create_task(work())
    await started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def _is_cancelled_by_orm(database: Database, tenant_id: TenantId) -> None:
    started = asyncio.Event()

    async def work() -> None:
        async with begin(database, Scope(tenant_id=tenant_id)) as session:
            started.set()
            await session.execute(text("SELECT pg_sleep(30)"))

    task = asyncio.create_task(work())
    await started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def _loses_its_connection(database: Database, tenant_id: TenantId) -> None:
    with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError, OSError)):
        async with begin_batch(database, tenant_id) as session:
            await session.fetch("SELECT pg_terminate_backend(pg_backend_pid())")


async def _is_cancelled_and_cannot_roll_back(database: Database, tenant_id: TenantId) -> None:
    busy: list[asyncio.Task[list[Any]]] = []

    async def work() -> None:
        async with begin_batch(database, tenant_id) as session:
            busy.append(asyncio.create_task(session.fetch("SELECT pg_sleep(30)")))
            await asyncio.sleep(0)
            raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await work()
    await asyncio.gather(*busy, return_exceptions=True)


@pytest.mark.parametrize(
    "ends",
    [
        _commits,
        _commits_by_orm,
        _commits_within_walls,
        _commits_within_walls_by_orm,
        _commits_as_the_platform,
        _reads,
        _rolls_back,
        _rolls_back_by_orm,
        _aborts,
        _aborts_by_orm,
        _swallows_an_error,
        _is_cancelled,
        _is_cancelled_by_orm,
        _loses_its_connection,
        _is_cancelled_and_cannot_roll_back,
    ],
    ids=lambda ends: ends.__name__.strip("_"),
)
async def test_a_pooled_connection_keeps_nothing_of_the_tenant_before(
    world: World, narrow: Database, ends: Callable[[Database, TenantId], Awaitable[None]]
) -> None:
    await ends(narrow, world.one.tenant_id)

    async with narrow.engine.connect() as raw:
        assert (await raw.execute(text("SELECT count(*) FROM orders"))).scalar_one() == 0
        assert (await raw.execute(text("SHOW transaction_read_only"))).scalar_one() == "off"
    assert await visible(narrow, world.tables, None) == {}
    async with reading(narrow, Scope()) as session:
        for table in set(world.tables) - {"outbox", "errands"}:
            assert (await session.execute(text(f"SELECT count(*) FROM {table}"))).scalar_one() == 0, table
    async with begin_batch(narrow, world.other.tenant_id) as batch:
        [row] = await batch.fetch("SELECT DISTINCT tenant_id FROM orders")
        assert row["tenant_id"] == world.other.tenant_id


async def _writes_and_raises_by_orm(database: Database, tenant_id: TenantId) -> None:
    async with begin(database, Scope(tenant_id=tenant_id)) as session:
        await session.execute(text("UPDATE orders SET version = version + 1"))
        raise LookupError


async def _writes_and_raises(database: Database, tenant_id: TenantId) -> None:
    async with begin_batch(database, tenant_id) as session:
        await session.execute("UPDATE orders SET version = version + 1")
        raise LookupError


@pytest.mark.parametrize("work", [_writes_and_raises, _writes_and_raises_by_orm], ids=["batch", "orm"])
async def test_what_a_block_wrote_before_it_raised_is_gone(
    world: World, database: Database, work: Callable[[Database, TenantId], Awaitable[None]]
) -> None:
    before = await snapshot(world, world.one)

    with pytest.raises(LookupError):
        await work(database, world.one.tenant_id)

    assert await snapshot(world, world.one) == before


async def test_concurrent_tenants_on_a_small_pool_meet_their_own_rows(world: World, database: Database) -> None:
    firms = [world.one, world.other] * 40

    async def seen_by(firm: Firm) -> set[UUID]:
        async with begin_batch(database, firm.tenant_id) as session:
            first = await session.fetch("SELECT tenant_id FROM orders")
            await asyncio.sleep(0)
            then = await session.fetch("SELECT tenant_id FROM positions")
        return {row["tenant_id"] for row in [*first, *then]}

    seen = await asyncio.gather(*map(seen_by, firms))

    assert seen == [{firm.tenant_id} for firm in firms]


async def test_what_the_server_rolled_back_does_not_pass_for_committed(world: World, database: Database) -> None:
    before = await snapshot(world, world.one)

    with pytest.raises(asyncpg.InFailedSQLTransactionError):
        await _update_and_swallow_an_error(database, world.one.tenant_id)

    assert await snapshot(world, world.one) == before


async def test_a_reading_transaction_cannot_write(world: World, database: Database) -> None:
    before = await snapshot(world, world.one)

    for attempt in ("UPDATE orders SET version = 9", "DELETE FROM instruments", "SET TRANSACTION READ WRITE"):
        with pytest.raises(DBAPIError):
            async with reading(database, Scope(tenant_id=world.one.tenant_id)) as session:
                await session.execute(text(attempt))
    async with begin(database, Scope(tenant_id=world.one.tenant_id)) as writing:
        await writing.execute(text("UPDATE orders SET version = version"))

    assert await snapshot(world, world.one) == before


async def test_the_intake_sees_the_tenants_of_its_batch_alone(world: World, intake_database: Database) -> None:
    one, other = world.one.tenant_id, world.other.tenant_id

    async def seen_with(*tenant_ids: TenantId) -> set[UUID]:
        found: set[UUID] = set()
        for table in ("orders", "account_books", "broker_accounts", "positions", "risk_limits", "instruments"):
            async with begin_intake(intake_database, tenant_ids) as session:
                found |= {row["tenant_id"] for row in await session.fetch(f"SELECT tenant_id FROM {table}")}
        return found

    assert await seen_with(one) == {one}
    assert await seen_with(one, other) == {one, other}
    assert await seen_with() == set()
    # The setting of the application opens nothing to the intake.
    assert await visible(intake_database, world.tables, one) == {}


async def test_the_intake_cannot_write_beyond_its_batch(world: World, intake_database: Database) -> None:
    before = await snapshot(world, world.other)

    for table in world.tables:
        [row, *_] = before[table]
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            async with begin_intake(intake_database, [world.one.tenant_id]) as session:
                await session.execute(
                    f"INSERT INTO {table} OVERRIDING SYSTEM VALUE "
                    f"SELECT * FROM jsonb_populate_record(NULL::{table}, $1::jsonb)",
                    row,
                )

    assert await snapshot(world, world.other) == before


async def test_who_is_restricted_meets_the_rows_of_the_granted_accounts_alone(world: World, database: Database) -> None:
    of_accounts = await world.owner.fetch(
        "SELECT tablename::text FROM pg_policies WHERE policyname = 'granted' AND schemaname = 'public'"
    )
    tenant_id, account_id = world.one.tenant_id, world.one.account.account_id
    unowned = {"approval_policies", "risk_limits"}
    # What all accounts came to together would tell of those that are not granted.
    of_the_whole = {"value_at_risk_days": 1}

    for (table,) in of_accounts:
        async with begin_batch(database, tenant_id) as session:
            everything = await counted(session, table)
        async with begin_batch(database, tenant_id, accounts=[account_id]) as session:
            granted = await counted(session, table)
        async with begin_batch(database, tenant_id, accounts=[world.other.account.account_id]) as session:
            foreign = await counted(session, table)
            other = await counted(session, table, f"{column(table)} = $1", world.other.tenant_id)

        assert granted == everything - of_the_whole.get(table, 0) > 0, table
        # What is of no account is of the whole tenant.
        assert (foreign, other) == (everything if table in unowned else 0, 0), table


async def test_the_tables_of_tenants_are_seen_by_the_platform_and_by_nobody_who_says_so(
    world: World, database: Database
) -> None:
    administrator, nobody = world.one.principal.user_id, UserId(world.one.tenant_id)
    assert administrator is not None
    async with reading(database, Scope(platform_user_id=administrator)) as session:
        seen = (await session.execute(text("SELECT count(*) FROM tenants"))).scalar_one()
        orders = (await session.execute(text("SELECT count(*) FROM orders"))).scalar_one()
    async with reading(database, Scope(user_id=administrator)) as session:
        as_member = (await session.execute(text("SELECT count(*) FROM tenants"))).scalar_one()
    async with reading(database, Scope(platform_user_id=nobody)) as session:
        unseen = (await session.execute(text("SELECT count(*) FROM tenants"))).scalar_one()

    assert seen >= 2
    assert (orders, as_member, unseen) == (0, 1, 0)


async def test_the_system_role_reads_six_tables_and_writes_none_but_outbox_and_errands(
    world: World, system_database: Database
) -> None:
    readable = await visible(system_database, world.tables, None)

    assert set(readable) == {
        "broker_accounts",
        "broker_connections",
        "errands",
        "outbox",
        "platform_administrators",
        "tenants",
    }
    for table in set(world.tables) - {"errands"}:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            async with begin_system(system_database) as session:
                await session.execute(f"UPDATE {table} SET {column(table)} = {column(table)}")


@pytest.mark.parametrize("statement", ["SELECT count(*) FROM orders", "TRUNCATE orders", "CREATE TABLE mine (a int)"])
async def test_the_login_of_the_processes_may_do_nothing_by_itself(database_url: str, statement: str) -> None:
    connection = await asyncpg.connect(database_url)
    try:
        await connection.execute("SET SESSION AUTHORIZATION oms_login")

        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(statement)
    finally:
        await connection.close()


@pytest.mark.parametrize("role", ["oms_app", "oms_intake", "oms_system", "oms_sealer"])
async def test_no_role_may_switch_row_level_security_off(database_url: str, role: str) -> None:
    connection = await asyncpg.connect(database_url)
    try:
        await connection.execute(f"SET SESSION AUTHORIZATION {role}")

        for statement in (
            "ALTER TABLE orders DISABLE ROW LEVEL SECURITY",
            "ALTER TABLE orders NO FORCE ROW LEVEL SECURITY",
            "DROP POLICY tenant ON orders",
            "TRUNCATE orders CASCADE",
            f"ALTER ROLE {role} BYPASSRLS",
        ):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(statement)
        await connection.execute("SET row_security = off")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.fetch("SELECT * FROM broker_accounts, orders")
    finally:
        await connection.close()
