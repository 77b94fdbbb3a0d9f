"""Orders that hang together or are staged, and wait for a second person."""

from dataclasses import replace
from datetime import timedelta

import pytest

from app.core.fix import OrderState
from app.flows.cancel_orders import cancel_order, cancel_orders
from app.flows.expire_approvals import expire_approvals
from app.flows.verify_journal import differences
from app.infra.db import Database
from app.orders.domain.order import Order
from tests.integration.flows.conftest import Trader
from tests.integration.flows.test_approvals import ZERO, Pair, pair
from tests.integration.flows.test_brackets import bracket
from tests.integration.flows.test_oco import pair as two_legs

__all__ = ["pair"]


async def nothing_is_left(pair: Pair, *orders: Order) -> None:
    """Every order is over, nothing is reserved or counted, and the log tells the same."""
    trader = pair.trader
    for order in orders:
        assert (await trader.stored(order)).state.is_terminal
    position = await trader.position()
    assert (position.open_buy_quantity, position.open_sell_quantity) == (ZERO, ZERO)
    assert await pair.open_orders() == 0
    assert await trader.claim() == []
    assert await differences(trader.desk.database, trader.key.tenant_id, trader.account_id) == []


async def test_an_approved_bracket_goes_out_and_its_exits_wait_for_its_fill(pair: Pair) -> None:
    entry, profit, loss = await bracket(pair.trader)
    assert entry.state is OrderState.PENDING_APPROVAL

    placement = await pair.decide(entry)

    assert placement.order is not None
    assert placement.order.state is OrderState.ROUTED
    assert [command.order_id for command in await pair.trader.claim()] == [entry.id]
    assert [(await pair.trader.stored(one)).state for one in (profit, loss)] == [OrderState.HELD] * 2
    trader = pair.trader
    assert await differences(trader.desk.database, trader.key.tenant_id, trader.account_id) == []


async def test_a_refused_bracket_ends_with_its_exits(pair: Pair) -> None:
    entry, profit, loss = await bracket(pair.trader)

    await pair.decide(entry, approve=False)

    assert (await pair.trader.stored(entry)).state is OrderState.REJECTED
    await nothing_is_left(pair, entry, profit, loss)


async def test_a_bracket_that_nobody_approves_ends_with_its_exits(pair: Pair, system_database: Database) -> None:
    entry, profit, loss = await bracket(pair.trader)
    desk = pair.trader.desk

    await expire_approvals(desk.database, system_database, now=desk.clock.now() + timedelta(hours=2), ids=desk.ids)

    assert (await pair.trader.stored(entry)).state is OrderState.EXPIRED
    await nothing_is_left(pair, entry, profit, loss)


@pytest.mark.parametrize("together", [True, False])
async def test_a_bracket_that_waits_is_canceled_whole(pair: Pair, together: bool) -> None:
    entry, profit, loss = await bracket(pair.trader)
    desk, principal = pair.trader.desk, pair.trader.principal

    if together:
        await cancel_orders(desk, principal, [profit.id, entry.id, loss.id])
    else:
        await cancel_order(desk, principal, entry.id)

    await nothing_is_left(pair, entry, profit, loss)


async def test_a_pair_cannot_wait_and_is_not_stored(pair: Pair) -> None:
    trader = pair.trader

    placement = await trader.desk.intake.submit(trader.principal, two_legs(trader))

    assert placement.order is None
    assert [problem.code for problem in placement.problems] == ["APPROVAL_REQUIRED"]
    assert await pair.open_orders() == 0
    assert await trader.events() == []


async def test_an_approved_staged_order_still_waits_for_its_release(pair: Pair) -> None:
    trader = pair.trader
    staged = replace(trader.order(limit_price="100"), is_staged=True)
    placed = await trader.desk.intake.submit(trader.principal, staged)
    assert placed.order is not None
    assert placed.order.state is OrderState.PENDING_APPROVAL

    approved = await pair.decide(placed.order)

    assert approved.order is not None
    assert (approved.order.state, approved.order.is_staged) == (OrderState.HELD, True)
    assert await trader.claim() == []


async def test_canceling_a_live_family_asks_each_once(trader: Trader) -> None:
    entry, profit, loss = await bracket(trader)
    await trader.claim()
    await trader.report(trader.acknowledged(entry), trader.execution(entry, "40", "100"))
    await trader.claim()
    await trader.report(trader.acknowledged(profit), trader.acknowledged(loss))

    placements = await cancel_orders(trader.desk, trader.principal, [entry.id, profit.id, loss.id])

    assert all(placement.problems == () for placement in placements.values())
    asked = [command.order_id for command in await trader.claim()]
    assert sorted(asked) == sorted([entry.id, profit.id, loss.id])
    assert await differences(trader.desk.database, trader.key.tenant_id, trader.account_id) == []


async def test_a_bracket_of_a_firm_without_policies_does_not_wait(trader: Trader) -> None:
    entry, _, _ = await bracket(trader)

    assert entry.state is OrderState.ROUTED
