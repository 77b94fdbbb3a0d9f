"""Orders that hang together or are staged, and wait for a second person."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from app.approvals.domain import ApprovalDecision
from app.core.fix import OrderState, RiskLimitType, Side
from app.flows.approvals.expire_approvals import expire_approvals
from app.flows.journal.verify_journal import differences
from app.flows.orders.cancel_orders import cancel_order, cancel_orders
from app.infra.db import Database
from app.orders.domain.order import Order
from tests import factories
from tests.integration.flows.conftest import Trader
from tests.integration.flows.test_approvals import ZERO, Pair, pair, quote
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


async def pair_that_waits(pair: Pair, second: Side = Side.SELL, stop: str = "95") -> tuple[Order, Order]:
    placement = await pair.trader.desk.intake.submit(pair.trader.principal, two_legs(pair.trader, second, stop=stop))
    assert placement.problems == ()
    assert placement.order is not None
    [leg] = placement.linked
    return placement.order, leg


async def states(pair: Pair, *orders: Order) -> list[OrderState]:
    return [(await pair.trader.stored(order)).state for order in orders]


async def test_a_pair_waits_as_one(pair: Pair) -> None:
    first, second = await pair_that_waits(pair)

    assert [first.state, second.state] == [OrderState.PENDING_APPROVAL] * 2
    assert await pair.trader.claim() == []
    assert (await pair.trader.position()).open_sell_quantity == 100
    assert await pair.open_orders() == 2
    logged = [(one.event.type, one.event.order_id) for one in await pair.trader.events()]
    assert logged == [("OrderApprovalRequested", first.id), ("OrderApprovalRequested", second.id)]
    [asked], [also_asked] = await pair.asked(first), await pair.asked(second)
    assert replace(also_asked, order_id=first.id) == asked
    trader = pair.trader
    assert await differences(trader.desk.database, trader.key.tenant_id, trader.account_id) == []


@pytest.mark.parametrize("place", [0, 1])
async def test_one_word_approves_both_legs(pair: Pair, place: int) -> None:
    legs = await pair_that_waits(pair)

    placement = await pair.decide(legs[place])
    again = await pair.decide(legs[1 - place])

    assert placement.problems == again.problems == ()
    assert await states(pair, *legs) == [OrderState.ROUTED] * 2
    assert {command.order_id for command in await pair.trader.claim()} == {leg.id for leg in legs}
    assert (await pair.trader.position()).open_sell_quantity == 100
    assert {one.decision for leg in legs for one in await pair.asked(leg)} == {ApprovalDecision.APPROVED}
    trader = pair.trader
    assert await differences(trader.desk.database, trader.key.tenant_id, trader.account_id) == []


@pytest.mark.parametrize("second", [Side.SELL, Side.BUY])
async def test_one_word_refuses_both_legs(pair: Pair, second: Side) -> None:
    legs = await pair_that_waits(pair, second, "120" if second is Side.BUY else "95")

    await pair.decide(legs[1], approve=False)

    assert await states(pair, *legs) == [OrderState.REJECTED] * 2
    await nothing_is_left(pair, *legs)


@pytest.mark.parametrize("together", [True, False])
async def test_a_cancel_of_a_leg_that_waits_ends_both(pair: Pair, together: bool) -> None:
    legs = await pair_that_waits(pair, Side.BUY, "120")
    desk, principal = pair.trader.desk, pair.trader.principal

    if together:
        await cancel_orders(desk, principal, [leg.id for leg in legs])
    else:
        await cancel_order(desk, principal, legs[1].id)

    assert await states(pair, *legs) == [OrderState.CANCELED] * 2
    assert {one.decision for leg in legs for one in await pair.asked(leg)} == {ApprovalDecision.CANCELED}
    await nothing_is_left(pair, *legs)


async def test_a_pair_that_nobody_approves_ends_whole(pair: Pair, system_database: Database) -> None:
    legs = await pair_that_waits(pair)
    desk = pair.trader.desk

    await expire_approvals(desk.database, system_database, now=desk.clock.now() + timedelta(hours=2), ids=desk.ids)

    assert await states(pair, *legs) == [OrderState.EXPIRED] * 2
    assert {one.decision for leg in legs for one in await pair.asked(leg)} == {ApprovalDecision.EXPIRED}
    await nothing_is_left(pair, *legs)


async def test_an_approval_and_a_cancel_at_once_leave_no_half_pair(pair: Pair) -> None:
    legs = await pair_that_waits(pair)
    trader = pair.trader

    await asyncio.gather(pair.decide(legs[0]), cancel_order(trader.desk, trader.principal, legs[1].id))

    found = await states(pair, *legs)
    # Approved first, the legs are on their way, and the cancel of one leaves the other.
    assert found in ([OrderState.CANCELED] * 2, [OrderState.ROUTED, OrderState.CANCELED])
    assert await differences(trader.desk.database, trader.key.tenant_id, trader.account_id) == []


@pytest.mark.parametrize(("limit", "state"), [(100, OrderState.ROUTED), (99, OrderState.REJECTED)])
async def test_risk_looks_again_at_what_a_pair_reserves_together(pair: Pair, limit: int, state: OrderState) -> None:
    legs = await pair_that_waits(pair)
    tenant_id = pair.trader.key.tenant_id
    kind = RiskLimitType.MAX_POSITION_QUANTITY
    await factories.make_limit(pair.trader.desk.database, tenant_id, kind, Decimal(limit))

    placement = await pair.decide(legs[0])

    assert [one.code for one in placement.problems] == ([] if state is OrderState.ROUTED else [f"RISK_{kind}"])
    assert await states(pair, *legs) == [state] * 2
    for leg in legs:
        # Placed without a limit, it was checked when it was approved.
        checks = (await pair.trader.stored(leg)).risk_checks
        assert [(one.check, one.limit, one.observed) for one in checks] == [(kind, Decimal(limit), Decimal(100))] * 2


async def test_what_was_checked_at_approval_stands_behind_what_was_checked_before(pair: Pair) -> None:
    tenant_id = pair.trader.key.tenant_id
    kind = RiskLimitType.MAX_ORDER_QUANTITY
    await factories.make_limit(pair.trader.desk.database, tenant_id, kind, Decimal(500))
    order = await pair.trader.placed(quantity="100")

    placement = await pair.decide(order)

    stored = await pair.trader.stored(order)
    assert [one.check for one in stored.risk_checks] == [kind, kind]
    assert placement.order is not None
    assert placement.order.risk_checks == stored.risk_checks


async def test_a_pair_waits_for_what_its_second_leg_alone_meets(trader: Trader) -> None:
    await factories.make_approval_policy(
        trader.desk.database, trader.key.tenant_id, notional=Decimal(11_500), currency="USD"
    )
    dear, cheap = two_legs(trader, Side.BUY, key="dear", stop="120"), two_legs(trader, key="cheap")
    await quote(trader, "100")

    waits = await trader.desk.intake.submit(trader.principal, dear)
    goes = await trader.desk.intake.submit(trader.principal, cheap)

    assert waits.order is not None
    assert goes.order is not None
    assert (waits.order.state, waits.linked[0].state) == (OrderState.PENDING_APPROVAL,) * 2
    assert (goes.order.state, goes.linked[0].state) == (OrderState.ROUTED,) * 2


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
