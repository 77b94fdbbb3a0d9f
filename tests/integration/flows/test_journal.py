"""The event log is the journal: replaying it gives what the tables hold, and a table that strays is found."""

import asyncio
from dataclasses import replace
from decimal import Decimal
from random import Random

import asyncpg
import pytest

from app.core.fix import RiskLimitType
from app.core.messages import OrderAddress, WorkingStatus
from app.flows.journal.verify_journal import differences, examine
from app.flows.orders.cancel_orders import cancel_order
from app.infra.uow import begin_batch
from app.orders.domain.order import LoggedEvent
from app.orders.events import ANY_DETAILS, DETAILS, OrderEventType
from tests import factories
from tests.integration.flows.conftest import Trader
from tests.integration.flows.lives import Lives

# Lives meet no policy and no adviser: what approvals and blocks tell is replayed by their own tests.
REACHED = set(OrderEventType) - {
    OrderEventType.ORDER_APPROVAL_REQUESTED,
    OrderEventType.ORDER_APPROVED,
    OrderEventType.ORDER_ALLOCATED,
}


@pytest.mark.parametrize("seed", range(6))
async def test_a_replay_of_random_lives_gives_what_the_tables_hold(trader: Trader, seed: int) -> None:
    await factories.make_limit(
        trader.desk.database, trader.key.tenant_id, RiskLimitType.MAX_ORDER_QUANTITY, Decimal(120)
    )
    lives = Lives(trader=trader, random=Random(seed))

    for _ in range(80):
        await lives.step()

    found = await examine(trader.desk.database, trader.key.tenant_id, trader.account_id)
    assert found.differences == []
    assert found.orders >= len(lives.orders) > 2
    assert found.events == len(await trader.events())
    assert [logged.sequence for logged in await trader.events()] == list(range(1, found.events + 1))


async def test_random_lives_reach_every_type_of_event_with_documented_details(trader: Trader) -> None:
    await factories.make_limit(
        trader.desk.database, trader.key.tenant_id, RiskLimitType.MAX_ORDER_QUANTITY, Decimal(120)
    )
    lives = Lives(trader=trader, random=Random(0))

    events: list[LoggedEvent] = []
    for _ in range(20):
        for _ in range(100):
            await lives.step()
        events = await trader.events()
        seen = {logged.event.type for logged in events}
        if seen == REACHED:
            break

    assert seen == REACHED
    for logged in events:
        documented = DETAILS[OrderEventType(logged.event.type)].keys() | ANY_DETAILS.keys()
        assert logged.event.details.keys() <= documented
    assert await differences(trader.desk.database, trader.key.tenant_id, trader.account_id) == []


@pytest.mark.parametrize(
    ("statement", "subject", "field"),
    [
        ("UPDATE orders SET filled_quantity = filled_quantity + 1", "order", "filled_quantity"),
        ("UPDATE orders SET version = 2", "order", "version"),
        ("UPDATE orders SET in_doubt = true", "order", "in_doubt"),
        ("UPDATE orders SET limit_price = 11", "order", "terms"),
        ("UPDATE order_requests SET outcome = 'REJECTED'", "request", "outcome"),
        ("UPDATE executions SET commission = 9", "execution", "commission"),
        ("UPDATE executions SET is_superseded = true", "execution", "row"),
        ("UPDATE positions SET average_price = 7", "position", "average_price"),
        ("UPDATE positions SET open_buy_quantity = open_buy_quantity + 1", "position", "open_buy_quantity"),
        ("UPDATE account_books SET open_orders = open_orders + 1", "account", "open_orders"),
        ("UPDATE account_books SET last_sequence = last_sequence + 1", "account", "sequence"),
    ],
)
async def test_a_table_that_strays_from_the_log_is_found(
    trader: Trader, statement: str, subject: str, field: str
) -> None:
    order = await trader.placed(quantity="10", limit_price="5.00")
    await trader.claim()
    await trader.report(trader.acknowledged(order), trader.execution(order, "4", "5.00"))
    await cancel_order(trader.desk, trader.principal, order.id)
    assert await differences(trader.desk.database, trader.key.tenant_id, trader.account_id) == []

    async with begin_batch(trader.desk.database, trader.key.tenant_id) as session:
        await session.execute(f"{statement} WHERE tenant_id = $1", trader.key.tenant_id)

    found = await differences(trader.desk.database, trader.key.tenant_id, trader.account_id)
    assert (subject, field) in {(one.subject, one.field) for one in found}
    assert all(one.is_verifiable for one in found)


async def test_an_outdated_revision_makes_no_room_in_an_order_by_hand(trader: Trader) -> None:
    seen = trader.execution(await trader.placed(), "7", "10", root="hand")
    by_hand = replace(seen, address=OrderAddress(permanent_id=987654))
    for revision, quantity in ((1, 7), (4, 5), (2, 40)):
        execution_id = f"hand.{revision:02}"
        await trader.report(replace(by_hand, execution_id=execution_id, revision=revision, quantity=Decimal(quantity)))

    assert await differences(trader.desk.database, trader.key.tenant_id, trader.account_id) == []
    assert (await trader.position()).quantity == 5


async def test_nothing_differs_while_writers_write(trader: Trader) -> None:
    lives = Lives(trader=trader, random=Random(1))
    await lives.place()

    async def live() -> None:
        for _ in range(60):
            await lives.step()

    writing = asyncio.create_task(live())
    seen = 0
    while not writing.done():
        found = await examine(trader.desk.database, trader.key.tenant_id, trader.account_id)
        assert found.differences == []
        seen += 1
    await writing

    assert seen > 3


async def test_events_of_before_are_not_verifiable_and_break_nothing(trader: Trader, database_url: str) -> None:
    order = await trader.placed(quantity="10", limit_price="5.00")
    await trader.claim()
    await trader.report(trader.acknowledged(order), trader.execution(order, "4", "5.00", root="x.1"))
    await cancel_order(trader.desk, trader.principal, order.id)
    await trader.report(trader.acknowledged(order, WorkingStatus.CANCELED))
    strip = ["origin", "requestId", "resolved", "root", "revision", "permanentId", "brokerOrderId", "realizedPnl"]

    owner = await asyncpg.connect(database_url)
    try:
        await owner.execute(
            "UPDATE order_events SET details = details - $2::text[] WHERE tenant_id = $1", trader.key.tenant_id, strip
        )
    finally:
        await owner.close()

    found = await differences(trader.desk.database, trader.key.tenant_id, trader.account_id)
    assert [(one.subject, one.id, one.is_verifiable) for one in found] == [("order", order.id, False)]
