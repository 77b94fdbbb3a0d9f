"""The connector claims while people cancel: each order is sent or ended, never both."""

import asyncio

from app.core.fix import OrderState, RequestOutcome
from app.core.ids import OrderId
from app.core.messages import LaneCommand, LaneKind
from app.flows.orders.cancel_orders import cancel_order
from app.infra.uow import begin_batch
from app.orders.repository import order_requests
from tests.integration.flows.conftest import Trader

ROUNDS = 6
ROUNDS_MAX = 60
ORDERS = 12


async def test_a_cancel_that_meets_a_claim_ends_the_order_or_asks_the_broker(trader: Trader) -> None:
    sent: set[OrderId] = set()
    ended: set[OrderId] = set()

    async def claim_all() -> list[LaneCommand]:
        return [command for _ in range(4) for command in await trader.claim()]

    rounds = 0
    while rounds < ROUNDS or not (sent and ended):
        rounds += 1
        assert rounds < ROUNDS_MAX, "both a cancel that came first and a claim that came first are to be met"
        placed = [await trader.placed(quantity="1", limit_price="10.00") for _ in range(ORDERS)]
        async with asyncio.TaskGroup() as group:
            claiming = group.create_task(claim_all())
            canceling = [group.create_task(cancel_order(trader.desk, trader.principal, order.id)) for order in placed]
        commands = claiming.result() + await claim_all()
        canceled = [task.result() for task in canceling]
        sent |= {command.order_id for command in commands if command.kind is LaneKind.PLACE}
        ended |= {one.order.id for one in canceled if one.order and one.order.state is OrderState.CANCELED}

        for order in placed:
            stored = await trader.stored(order)
            async with begin_batch(trader.desk.database, trader.key.tenant_id) as session:
                pending = await order_requests.open_requests(session, trader.key.tenant_id, [order.id])
            if order.id in sent:
                assert stored.state is OrderState.PENDING_CANCEL
                assert stored.was_claimed
                assert [request.outcome for request in pending] == [RequestOutcome.PENDING]
            else:
                assert stored.state is OrderState.CANCELED
                assert not stored.was_claimed

    assert len(sent) + len(ended) == rounds * ORDERS
    assert sent.isdisjoint(ended)
