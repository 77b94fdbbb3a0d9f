"""Closing what working exits cover: they are canceled, and the close goes as far as they have ended, never further."""

import asyncio
from dataclasses import replace
from decimal import Decimal
from random import Random
from typing import Any

import pytest

from app.core.fix import OrderState, OrderType, PositionAim, RiskLimitType, Side
from app.core.messages import FaultClass, FaultReport, LaneKind, OcoLeg, OrderAddress, OrderTerms, WorkingStatus
from app.flows.journal.verify_journal import differences
from app.flows.orders.cancel_orders import cancel_order
from app.flows.orders.placement import Placement
from app.flows.orders.release_orders import release_orders
from app.infra.uow import begin_batch
from app.orders.domain.order import Order
from tests import factories
from tests.integration.flows.conftest import Trader
from tests.integration.flows.test_brackets import bracket, decimals, working
from tests.integration.flows.test_positions_closed import close, codes, hold

REVERSE = PositionAim.REVERSE


async def covered(trader: Trader, quantity: str = "100") -> tuple[Order, Order, Order]:
    """A bought bracket whose entry is filled and whose exits work."""
    entry, profit, loss = await bracket(trader, quantity)
    await working(trader, entry)
    await trader.report(trader.execution(entry, quantity, "100"))
    await working(trader, profit, loss)
    return entry, profit, loss


async def closed(trader: Trader, key: str = "close", **how: Any) -> Order:
    placement = await close(trader, (await trader.position()).id, key, **how)
    return taken(placement)


def taken(placement: Placement) -> Order:
    assert placement.problems == ()
    assert placement.order is not None
    return placement.order


async def ended(trader: Trader, *orders: Order) -> None:
    """The broker confirms the cancel of these orders."""
    await trader.report(*(trader.acknowledged(order, WorkingStatus.CANCELED) for order in orders))


async def standing(trader: Trader, order: Order) -> tuple[OrderState, Decimal]:
    stored = await trader.stored(order)
    return stored.state, stored.terms.quantity


async def sold(trader: Trader) -> list[int]:
    """What the broker is to sell now, in whole units."""
    commands = await trader.claim()
    return [int(one.terms.quantity) for one in commands if one.kind is LaneKind.PLACE]


async def leaving(trader: Trader) -> list[Order]:
    """The orders that the broker gets now."""
    return [await trader.stored_id(one.order_id) for one in await trader.claim() if one.kind is LaneKind.PLACE]


async def dealt(trader: Trader, group: list[Order]) -> Decimal:
    return sum([(await trader.stored(one)).filled_quantity for one in group], Decimal(0))


async def assert_told_in_full(trader: Trader) -> None:
    assert await differences(trader.desk.database, trader.key.tenant_id, trader.account_id) == []


async def test_a_close_waits_for_the_exits_and_goes_when_they_have_ended(trader: Trader) -> None:
    _, profit, loss = await covered(trader)

    order = await closed(trader)
    canceled = await trader.claim()
    await ended(trader, profit)
    between = (await standing(trader, order), (await trader.position()).open_sell_quantity)
    await ended(trader, loss)
    sent = await trader.claim()

    assert (order.state, order.side, order.terms.quantity, order.closes_position) == (
        OrderState.HELD,
        Side.SELL,
        Decimal(100),
        True,
    )
    assert [(one.kind, one.order_id) for one in canceled] == [(LaneKind.CANCEL, one.id) for one in (profit, loss)]
    assert between == ((OrderState.HELD, Decimal(100)), Decimal(100))
    assert [(one.kind, one.order_id, one.terms.quantity) for one in sent] == [(LaneKind.PLACE, order.id, Decimal(100))]
    assert (await trader.position()).open_sell_quantity == 100
    assert await trader.open_orders() == 1
    await assert_told_in_full(trader)


async def test_an_exit_that_fills_meanwhile_is_not_sold_again(trader: Trader) -> None:
    _, profit, loss = await covered(trader)
    order = await closed(trader)
    await trader.claim()

    await trader.report(trader.execution(profit, "100", "110"))
    await ended(trader, loss)

    assert await standing(trader, order) == (OrderState.CANCELED, Decimal(100))
    assert await sold(trader) == []
    position = await trader.position()
    assert (position.quantity, position.open_sell_quantity) == decimals(0, 0)
    assert await trader.open_orders() == 0
    await assert_told_in_full(trader)


async def test_an_exit_that_fills_in_part_meanwhile_leaves_the_rest_to_the_close(trader: Trader) -> None:
    _, profit, loss = await covered(trader)
    order = await closed(trader)
    await trader.claim()

    await trader.report(trader.execution(profit, "30", "110"))
    between = await standing(trader, order)
    await ended(trader, loss, profit)

    assert between == (OrderState.HELD, Decimal(70))
    assert await sold(trader) == [70]
    position = await trader.position()
    assert (position.quantity, position.open_sell_quantity) == decimals(70, 70)
    await assert_told_in_full(trader)


async def test_what_nothing_covers_goes_at_once(trader: Trader) -> None:
    await hold(trader, "40")
    _, profit, loss = await covered(trader)

    order = await closed(trader)
    commands = await trader.claim()
    await ended(trader, profit, loss)

    assert sorted((one.kind, int(one.terms.quantity)) for one in commands) == [
        (LaneKind.CANCEL, 100),
        (LaneKind.CANCEL, 100),
        (LaneKind.PLACE, 40),
    ]
    assert await standing(trader, order) == (OrderState.ROUTED, Decimal(100))
    assert await sold(trader) == [100]
    position = await trader.position()
    assert (position.quantity, position.open_sell_quantity) == decimals(140, 140)
    await assert_told_in_full(trader)


async def test_each_part_goes_as_its_own_exits_end(trader: Trader) -> None:
    _, *first = await covered(trader, "60")
    _, *second = await covered(trader, "30")
    order = await closed(trader)
    await trader.claim()

    await ended(trader, *first)
    early = await sold(trader)
    left = await standing(trader, order)
    await ended(trader, *second)

    assert (early, left) == ([60], (OrderState.HELD, Decimal(30)))
    assert await sold(trader) == [30]
    await assert_told_in_full(trader)


async def test_exits_that_have_not_left_end_at_once(trader: Trader) -> None:
    entry, profit, loss = await bracket(trader)
    await working(trader, entry)
    await trader.report(trader.execution(entry, "100", "100"))

    order = await closed(trader)

    assert order.state is OrderState.ROUTED
    assert [await standing(trader, one) for one in (profit, loss)] == [(OrderState.CANCELED, Decimal(100))] * 2
    assert await sold(trader) == [100]


async def test_the_rest_of_an_entry_ends_with_its_exits(trader: Trader) -> None:
    entry, profit, loss = await bracket(trader)
    await working(trader, entry)
    await trader.report(trader.execution(entry, "40", "100"))
    await working(trader, profit, loss)

    order = await closed(trader)
    canceled = await trader.claim()
    await trader.report(trader.execution(entry, "10", "100"))
    await ended(trader, entry, profit, loss)

    assert {one.order_id for one in canceled} == {entry.id, profit.id, loss.id}
    # What was bought after the close was asked for is not of the close, and no exit comes back for it.
    assert await standing(trader, order) == (OrderState.ROUTED, Decimal(40))
    assert await sold(trader) == [40]
    assert [one.id for one in await trader.children(entry)] == [profit.id, loss.id]


async def test_orders_that_open_more_and_brackets_without_a_fill_stay(trader: Trader) -> None:
    await covered(trader)
    more = await trader.placed(limit_price="90", quantity="10")
    next_entry, *waiting = await bracket(trader, "20")

    await closed(trader)

    assert [(await trader.stored(one)).state for one in (more, next_entry, *waiting)] == [
        OrderState.ROUTED,
        OrderState.ROUTED,
        OrderState.HELD,
        OrderState.HELD,
    ]


async def test_plain_orders_and_pairs_that_reduce_make_way(trader: Trader) -> None:
    await hold(trader, "70")
    plain = await trader.placed(quantity="30", limit_price="110", side=Side.SELL)
    leg = OcoLeg(
        side=Side.SELL, order_type=OrderType.STOP, terms=OrderTerms(quantity=Decimal(40), stop_price=Decimal(9))
    )
    pair = await trader.place(quantity="40", limit_price="120", side=Side.SELL, oco=leg)
    legs = [taken(pair), *pair.linked]
    await working(trader, plain, *legs)

    order = await closed(trader)
    await trader.claim()
    await ended(trader, plain)
    first = await sold(trader)
    await ended(trader, *legs)

    assert await standing(trader, order) == (OrderState.ROUTED, Decimal(40))
    assert (first, await sold(trader)) == ([30], [40])
    assert (await trader.position()).open_sell_quantity == 70


async def test_an_order_that_would_sell_more_than_there_is_makes_way_too(trader: Trader) -> None:
    await hold(trader, "70")
    large = await trader.placed(quantity="200", limit_price="110", side=Side.SELL)
    await working(trader, large)

    order = await closed(trader)
    await trader.claim()
    await trader.report(trader.execution(large, "20", "110"))
    await ended(trader, large)

    assert order.terms.quantity == 70
    assert await sold(trader) == [50]
    assert (await trader.position()).quantity == 50


async def test_a_part_leaves_the_exits_alone(trader: Trader) -> None:
    await hold(trader, "40")
    _, profit, _ = await covered(trader)
    position_id = (await trader.position()).id

    part = taken(await close(trader, position_id, "part", quantity="40"))
    more = await close(trader, position_id, "more", quantity="1")

    assert (part.state, part.terms.quantity) == (OrderState.ROUTED, Decimal(40))
    assert codes(more) == [("NOTHING_TO_CLOSE", ("positionId",))]
    assert (await trader.stored(profit)).state is OrderState.ACCEPTED


async def test_the_whole_by_its_number_takes_the_exits_along(trader: Trader) -> None:
    _, profit, loss = await covered(trader)

    order = await closed(trader, quantity="100")

    assert (order.state, order.terms.quantity) == (OrderState.HELD, Decimal(100))
    assert [(await trader.stored(one)).state for one in (profit, loss)] == [OrderState.PENDING_CANCEL] * 2


async def test_many_closes_at_once_are_one(trader: Trader) -> None:
    _, profit, loss = await covered(trader)
    position_id = (await trader.position()).id

    placements = await asyncio.gather(*(close(trader, position_id, f"close-{number % 5}") for number in range(20)))
    commands = await trader.claim()
    await ended(trader, profit, loss)

    assert {one.order.id for one in placements if one.order is not None} != set()
    assert len({one.order.id for one in placements if one.order is not None}) == 1
    assert {code for one in placements for code in codes(one)} == {("NOTHING_TO_CLOSE", ("positionId",))}
    assert [one.kind for one in commands] == [LaneKind.CANCEL] * 2
    assert await sold(trader) == [100]


@pytest.mark.parametrize("fills_first", [True, False])
async def test_a_close_and_a_fill_of_an_exit_at_the_same_moment_add_up(trader: Trader, fills_first: bool) -> None:
    _, profit, loss = await covered(trader)
    position_id = (await trader.position()).id
    both = [trader.report(trader.execution(profit, "30", "110")), close(trader, position_id)]

    await asyncio.gather(*(both if fills_first else reversed(both)))
    await trader.claim()
    await ended(trader, profit, loss)

    assert await sold(trader) == [70]
    position = await trader.position()
    assert (position.quantity, position.open_sell_quantity) == decimals(70, 70)
    await assert_told_in_full(trader)


async def test_asking_again_cancels_nothing_more(trader: Trader) -> None:
    _, profit, loss = await covered(trader)
    first = await closed(trader)
    await trader.claim()
    await ended(trader, profit, loss)
    later = await trader.placed(quantity="5", limit_price="120", side=Side.SELL)

    again = await closed(trader)

    assert again.id == first.id
    assert (await trader.stored(later)).state is OrderState.ROUTED


async def test_an_exit_whose_cancel_is_refused_keeps_its_part(trader: Trader) -> None:
    _, profit, loss = await covered(trader)
    order = await closed(trader)
    await trader.claim()

    await trader.report(
        FaultReport(
            address=OrderAddress(order_id=loss.id),
            fault=FaultClass.CANCEL_REJECTED,
            broker_code=161,
            message="Cancel attempted when order is not in a cancellable state.",
            occurred_at=trader.desk.clock.now(),
        )
    )
    await ended(trader, profit)

    assert (await trader.stored(order)).state is OrderState.CANCELED
    assert await sold(trader) == []
    # Pressed again, what still works makes way once more.
    assert (await closed(trader, "again")).state is OrderState.HELD


async def test_what_the_broker_has_filled_and_not_told_yet_is_not_sold(trader: Trader) -> None:
    _, profit, loss = await covered(trader)
    order = await closed(trader)
    await trader.claim()

    told = replace(trader.acknowledged(profit, WorkingStatus.CANCELED), filled=Decimal(30))
    await trader.report(told, trader.acknowledged(loss, WorkingStatus.CANCELED))
    sent = await sold(trader)
    await trader.report(trader.execution(profit, "30", "110"))

    assert (await standing(trader, order), sent) == ((OrderState.ROUTED, Decimal(70)), [70])
    position = await trader.position()
    assert (position.quantity, position.open_sell_quantity) == decimals(70, 70)


async def test_a_close_that_waits_can_be_canceled(trader: Trader) -> None:
    _, profit, loss = await covered(trader)
    order = await closed(trader)
    await trader.claim()

    await cancel_order(trader.desk, trader.principal, order.id)
    await ended(trader, profit, loss)

    assert (await trader.stored(order)).state is OrderState.CANCELED
    assert await sold(trader) == []
    position = await trader.position()
    assert (position.quantity, position.open_sell_quantity) == decimals(100, 0)
    assert await trader.open_orders() == 0
    await assert_told_in_full(trader)


async def test_a_position_whose_close_was_canceled_can_be_closed_again_at_once(trader: Trader) -> None:
    _, profit, loss = await covered(trader)
    first = await closed(trader)
    await trader.claim()
    await cancel_order(trader.desk, trader.principal, first.id)

    second = await closed(trader, "again")
    await ended(trader, profit, loss)

    assert (second.state, second.terms.quantity) == (OrderState.HELD, Decimal(100))
    assert await sold(trader) == [100]
    assert await trader.open_orders() == 1
    await assert_told_in_full(trader)


async def test_an_exit_that_works_on_after_its_close_was_canceled_makes_way_again(trader: Trader) -> None:
    _, profit, loss = await covered(trader)
    first = await closed(trader)
    await trader.claim()
    await cancel_order(trader.desk, trader.principal, first.id)
    await trader.report(
        FaultReport(
            address=OrderAddress(order_id=loss.id),
            fault=FaultClass.CANCEL_REJECTED,
            broker_code=161,
            message="Cancel attempted when order is not in a cancellable state.",
            occurred_at=trader.desk.clock.now(),
        )
    )
    await ended(trader, profit)

    second = await closed(trader, "again")
    await ended(trader, loss)

    assert second.state is OrderState.HELD
    assert await sold(trader) == [100]
    await assert_told_in_full(trader)


async def test_the_gates_opening_does_not_let_a_close_pass_the_exits(trader: Trader) -> None:
    _, profit, loss = await covered(trader)
    order = await closed(trader)
    await trader.gate(is_open=False)
    canceled = await trader.claim()
    await trader.gate(is_open=True)

    async with begin_batch(trader.desk.database, trader.key.tenant_id) as session:
        released = await release_orders(session, trader.key, now=trader.desk.clock.now(), ids=trader.desk.ids)
    still = (await trader.stored(order)).state
    await ended(trader, profit, loss)

    assert (len(canceled), released, still) == (2, 0, OrderState.HELD)
    assert await sold(trader) == [100]


async def test_a_reversal_goes_as_the_exits_end(trader: Trader) -> None:
    _, profit, loss = await covered(trader)

    order = await closed(trader, kind=REVERSE)
    first = await sold(trader)
    await trader.report(trader.execution(profit, "10", "110"))
    await ended(trader, profit, loss)

    assert (order.terms.quantity, order.closes_position) == (Decimal(100), False)
    assert (first, await sold(trader)) == ([100], [90])
    position = await trader.position()
    assert position.quantity - position.open_sell_quantity == -100
    await assert_told_in_full(trader)


async def test_a_reversal_beyond_a_limit_cancels_nothing(trader: Trader) -> None:
    _, profit, _ = await covered(trader)
    await factories.make_limit(
        trader.desk.database, trader.key.tenant_id, RiskLimitType.MAX_ORDER_QUANTITY, Decimal(150)
    )

    placement = await close(trader, (await trader.position()).id, kind=REVERSE)

    assert codes(placement) == [("RISK_MAX_ORDER_QUANTITY", ("quantity",))]
    assert (await trader.stored(profit)).state is OrderState.ACCEPTED


async def test_the_count_of_open_orders_holds_for_both_parts(trader: Trader) -> None:
    await hold(trader, "40")
    _, profit, _ = await covered(trader)
    await factories.make_limit(trader.desk.database, trader.key.tenant_id, RiskLimitType.MAX_OPEN_ORDERS, Decimal(3))

    placement = await close(trader, (await trader.position()).id)

    assert codes(placement) == [("RISK_MAX_OPEN_ORDERS", ("accountId",))]
    assert (await trader.stored(profit)).state is OrderState.ACCEPTED


async def test_a_close_over_exits_waits_for_nobody_and_a_reversal_says_so(trader: Trader) -> None:
    _, profit, _ = await covered(trader)
    await factories.make_approval_policy(trader.desk.database, trader.key.tenant_id)

    reversal = await close(trader, (await trader.position()).id, "turn", kind=REVERSE)
    untouched = (await trader.stored(profit)).state
    order = await closed(trader)

    assert codes(reversal) == [("APPROVAL_REQUIRED", ())]
    assert untouched is OrderState.ACCEPTED
    assert order.state is OrderState.HELD


@pytest.mark.parametrize("seed", range(12))
async def test_whatever_fills_and_ends_in_between_the_position_never_turns_round(trader: Trader, seed: int) -> None:
    dice = Random(seed)
    await hold(trader, "25")
    _, *first = await covered(trader, "60")
    _, *second = await covered(trader, "30")
    plain = await trader.placed(quantity="20", limit_price="120", side=Side.SELL)
    await working(trader, plain)
    groups = [first, second, [plain]]
    await closed(trader)
    markets = await leaving(trader)

    while groups or markets:
        if markets and dice.random() < 0.4:
            market = markets.pop(dice.randrange(len(markets)))
            await trader.report(trader.execution(market, str(market.terms.quantity), "99"))
        elif groups:
            group = dice.choice(groups)
            one = await trader.stored(dice.choice(group))
            if not one.state.is_terminal and dice.random() < 0.5:
                # The broker lowers the others of a group by what one deals.
                most = int(one.terms.quantity - await dealt(trader, group))
                await trader.report(trader.execution(one, str(dice.randint(1, most)), "105"))
            else:
                await ended(trader, *dice.sample(group, dice.randint(1, len(group))))
            if all([(await trader.stored(one)).state.is_terminal for one in group]):
                groups.remove(group)
            elif await dealt(trader, group) == group[0].terms.quantity:
                await ended(trader, *group)
                groups.remove(group)
        markets += await leaving(trader)
        may_deal = [group[0].terms.quantity - await dealt(trader, group) for group in groups]
        may_deal += [market.terms.quantity for market in markets]
        assert (await trader.position()).quantity - sum(may_deal) >= 0

    position = await trader.position()
    assert (position.quantity, position.open_sell_quantity) == decimals(0, 0)
    assert await trader.open_orders() == 0
    await assert_told_in_full(trader)
