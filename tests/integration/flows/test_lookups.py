"""What the hot path reads to find its rows, where the planner has no statistics, or has them of nearly empty tables."""

from collections.abc import AsyncIterator, Awaitable, Callable

import asyncpg
import pytest

from app.core.ids import OrderId
from app.core.messages import LaneKind, WorkingStatus
from app.infra.db import BatchSession, Database, DatabaseRole
from app.infra.uow import begin_batch
from app.orders.domain.order import Order
from app.orders.repository import batch as orders
from app.orders.repository import lanes, ledger, order_requests
from app.orders.repository.lanes import LaneEntry, LaneHolds
from app.positions import batch as positions
from tests.integration.flows.conftest import CLIENT_ID, Trader

OTHERS = 1_000
ROWS_MAX = 8
TAKEN = 200
ROOT = "lookup-root"

Lookup = Callable[[BatchSession, Trader, Order], Awaitable[object]]


async def _by_address(session: BatchSession, trader: Trader, order: Order) -> object:
    assert order.permanent_id is not None
    assert order.broker_order_id is not None
    return await orders.orders_by_address(
        session,
        trader.key,
        order_ids=[order.id],
        permanent_ids=[order.permanent_id],
        broker_order_ids=[(CLIENT_ID, order.broker_order_id)],
        execution_roots=[ROOT],
    )


async def _revisions(session: BatchSession, trader: Trader, order: Order) -> object:
    return await ledger.revisions(session, trader.key, [ROOT])


async def _names(session: BatchSession, trader: Trader, order: Order) -> object:
    return await session.read(orders.client_ids_taken([(trader.key, order.client_order_id)]))


async def _by_client_id(session: BatchSession, trader: Trader, order: Order) -> object:
    return await orders.orders_by_client_id(session, [(trader.key, order.client_order_id)])


async def _stamps(session: BatchSession, trader: Trader, order: Order) -> object:
    return await session.read(orders.has_stamps(trader.key.tenant_id, {OrderId(order.id): 1}))


async def _position(session: BatchSession, trader: Trader, order: Order) -> object:
    return await session.read(positions.positions_at([(trader.key, order.instrument_id)]))


async def _requests(session: BatchSession, trader: Trader, order: Order) -> object:
    return await order_requests.open_requests(session, trader.key.tenant_id, [order.id])


LOOKUPS: tuple[Lookup, ...] = (_by_address, _revisions, _names, _by_client_id, _stamps, _position, _requests)


@pytest.fixture
async def keeping(database_url: str) -> AsyncIterator[Database]:
    """One connection that keeps its plans, as the connector's and the intake's do."""
    database = Database(database_url, DatabaseRole.APP, size=1, keeps_plans=True)
    await database.open()
    try:
        yield database
    finally:
        await database.close()


@pytest.fixture(params=["never analyzed", "analyzed when nearly empty"])
def has_statistics(request: pytest.FixtureRequest) -> bool:
    """Whether the planner learned of the tables while they had a row or two."""
    return str(request.param) != "never analyzed"


async def test_lookups_read_what_they_are_asked_for_however_much_is_stored(
    keeping: Database, owner: asyncpg.Connection, trader: Trader, monkeypatch: pytest.MonkeyPatch, has_statistics: bool
) -> None:
    order = await trader.placed(quantity="100")
    await trader.claim()
    await trader.report(trader.acknowledged(order, WorkingStatus.WORKING))
    await trader.report(trader.execution(order, "10", "100", root=ROOT))
    order = await trader.stored(order)
    read = await _rows_read(keeping, trader, order)
    assert max(read.values()) <= ROWS_MAX, read
    assert min(read[one.__name__] for one in LOOKUPS if one is not _requests) > 0, read

    await _add_others(owner, order, has_statistics=has_statistics)
    # What was planned for the empty tables has had its time; the first new plans go by what the connection still
    # remembers of the indexes' depths.
    monkeypatch.setattr("app.infra.db.PLANS_KEPT_S", 0.0)
    await _rows_read(keeping, trader, order)

    later = await _rows_read(keeping, trader, order)
    # Fewer is as well: an index alone answers once the table's pages are known to be seen by all.
    assert {name for name, rows in later.items() if rows > read[name]} == set(), (read, later)


async def test_a_long_lane_is_taken_by_key(
    keeping: Database, owner: asyncpg.Connection, trader: Trader, has_statistics: bool
) -> None:
    order = await trader.placed(quantity="100")
    await _add_others(owner, order, has_statistics=has_statistics, with_lane=True)

    async with begin_batch(keeping, trader.key.tenant_id) as session:
        before = await _read_so_far(session)
        taken = await lanes.take_lane(session, trader.key, TAKEN)
        read = await _read_so_far(session) - before

    assert len(taken) == TAKEN
    # Each command is found, deleted by its key, and its order read by its key.
    assert read <= 4 * TAKEN


async def test_a_cancel_behind_a_long_lane_is_taken_before_it_and_by_key(
    keeping: Database, owner: asyncpg.Connection, trader: Trader, has_statistics: bool
) -> None:
    order = await trader.placed(quantity="100")
    await _add_others(owner, order, has_statistics=has_statistics, with_lane=True)
    cancel = LaneEntry(key=trader.key, kind=LaneKind.CANCEL, order_id=order.id)

    async with begin_batch(keeping, trader.key.tenant_id) as session:
        (nothing,) = await session.read(lanes.lane_holds(trader.key))
        await session.write([lanes.push_lane([cancel], order.created_at)])
        before = await _read_so_far(session)
        (holds,) = await session.read(lanes.lane_holds(trader.key))
        taken = await lanes.take_cancels(session, trader.key, TAKEN)
        read = await _read_so_far(session) - before

    assert (nothing, holds) == (LaneHolds.NO_CANCELS, LaneHolds.CANCELS)
    assert [entry for entry, _ in taken] == [cancel]
    assert read <= 10


async def _rows_read(database: Database, trader: Trader, order: Order) -> dict[str, int]:
    read: dict[str, int] = {}
    for lookup in LOOKUPS:
        async with begin_batch(database, trader.key.tenant_id) as session:
            before = await _read_so_far(session)
            await lookup(session, trader, order)
            read[lookup.__name__] = await _read_so_far(session) - before
    return read


async def _read_so_far(session: BatchSession) -> int:
    (row,) = await session.fetch(
        """
        SELECT sum(seq_tup_read + coalesce(idx_tup_fetch, 0))::int AS rows FROM pg_stat_xact_user_tables
        WHERE relname IN ('orders', 'executions', 'positions', 'lane_commands')
        """
    )
    return int(row["rows"])


async def _add_others(
    owner: asyncpg.Connection, order: Order, *, has_statistics: bool, with_lane: bool = False
) -> None:
    if has_statistics:
        await owner.execute("ANALYZE orders, executions, positions, lane_commands")
    await owner.execute(
        """
        INSERT INTO orders SELECT (jsonb_populate_record(o, jsonb_build_object('id', gen_random_uuid(),
          'client_order_id', 'other-' || n, 'permanent_id', -n, 'broker_order_id', 1000000 + n))).*
        FROM orders AS o, generate_series(1, $3::int) AS n WHERE o.tenant_id = $1 AND o.id = $2
        """,
        order.tenant_id,
        order.id,
        OTHERS,
    )
    await owner.execute(
        """
        INSERT INTO executions SELECT (jsonb_populate_record(e, jsonb_build_object('id', gen_random_uuid(),
          'execution_id', 'other-' || n, 'execution_root', 'other-' || n))).*
        FROM executions AS e, generate_series(1, $3::int) AS n WHERE e.tenant_id = $1 AND e.order_id = $2
        """,
        order.tenant_id,
        order.id,
        OTHERS,
    )
    if with_lane:
        await owner.execute(
            """
            INSERT INTO lane_commands (tenant_id, account_id, kind, order_id, created_at)
            SELECT tenant_id, account_id, 'PLACE', id, now() FROM orders WHERE tenant_id = $1 AND id <> $2
            """,
            order.tenant_id,
            order.id,
        )
