"""Brackets: exits that follow what their entry is filled to, with the broker played by the test."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from app.core.fix import LinkRole, OrderState, RiskLimitType, Side, TimeInForce
from app.core.messages import LaneCommand, LaneKind, WorkingStatus
from app.flows.orders.cancel_orders import cancel_order
from app.flows.orders.placement import Placement
from app.flows.orders.release_orders import release_orders
from app.flows.orders.replace_order import replace_order
from app.infra.uow import begin_batch
from app.orders.domain.changing import OrderChange
from app.orders.domain.order import Order
from tests import factories
from tests.integration.flows.conftest import Trader


async def bracket(trader: Trader, quantity: str = "100", **more: Any) -> tuple[Order, Order, Order]:
    """A bought bracket at 100 with exits at 110 and 95: the entry, the take profit, the stop loss."""
    terms: dict[str, Any] = {"limit_price": "100", "take_profit": Decimal(110), "stop_loss": Decimal(95), **more}
    placement = await trader.place(quantity=quantity, **terms)
    assert placement.problems == ()
    assert placement.order is not None
    profit, loss = placement.linked
    return placement.order, profit, loss


async def working(trader: Trader, *orders: Order) -> list[LaneCommand]:
    """Carries the lane to the broker, which acknowledges these orders."""
    commands = await trader.claim()
    await trader.report(*(trader.acknowledged(order) for order in orders))
    return commands


async def confirm(trader: Trader) -> list[LaneCommand]:
    """Carries the lane to the broker, which agrees to everything that it is asked."""
    commands = await trader.claim()
    for command in commands:
        order = await trader.stored_id(command.order_id)
        word = WorkingStatus.CANCELED if command.kind is LaneKind.CANCEL else WorkingStatus.WORKING
        await trader.report(replace(trader.acknowledged(order, word), terms=command.terms))
    return commands


def asked(commands: list[LaneCommand]) -> list[tuple[LaneKind, object, Decimal]]:
    return [(command.kind, command.order_id, command.terms.quantity) for command in commands]


def decimals(*numbers: int) -> tuple[Decimal, ...]:
    return tuple(Decimal(number) for number in numbers)


async def test_exits_wait_for_the_first_fill(trader: Trader) -> None:
    entry, profit, loss = await bracket(trader)

    commands = await working(trader, entry)

    assert [command.order_id for command in commands] == [entry.id]
    assert [(one.state, one.side, one.parent_id, one.link_role) for one in (profit, loss)] == [
        (OrderState.HELD, Side.SELL, entry.id, LinkRole.TAKE_PROFIT),
        (OrderState.HELD, Side.SELL, entry.id, LinkRole.STOP_LOSS),
    ]
    assert (profit.terms.limit_price, loss.terms.stop_price) == (Decimal(110), Decimal(95))
    assert {profit.terms.time_in_force, loss.terms.time_in_force} == {TimeInForce.GTC}
    position = await trader.position()
    assert (position.open_buy_quantity, position.open_sell_quantity) == (Decimal(100), Decimal(0))


async def test_each_fill_of_the_entry_raises_both_exits(trader: Trader) -> None:
    entry, profit, loss = await bracket(trader)
    await working(trader, entry)

    await trader.report(trader.execution(entry, "40", "100"))
    released = await confirm(trader)
    first = await trader.position()
    await trader.report(trader.execution(entry, "60", "100"))
    raised = await confirm(trader)

    assert asked(released) == [
        (LaneKind.PLACE, profit.id, Decimal(40)),
        (LaneKind.PLACE, loss.id, Decimal(40)),
    ]
    assert len({command.oca_group for command in released}) == 1
    assert released[0].oca_group
    assert (first.quantity, first.open_sell_quantity, first.open_buy_quantity) == decimals(40, 40, 60)
    assert asked(raised) == [
        (LaneKind.REPLACE, profit.id, Decimal(100)),
        (LaneKind.REPLACE, loss.id, Decimal(100)),
    ]
    assert [(await trader.stored(one)).terms.quantity for one in (profit, loss)] == [100, 100]
    assert (await trader.position()).open_sell_quantity == 100


async def test_fills_while_a_raise_is_open_are_caught_up_in_one(trader: Trader) -> None:
    entry, profit, loss = await bracket(trader)
    await working(trader, entry)
    await trader.report(trader.execution(entry, "10", "100"))
    await confirm(trader)
    await trader.report(trader.execution(entry, "20", "100"))
    raises = await trader.claim()

    await trader.report(trader.execution(entry, "30", "100"))
    await trader.report(trader.execution(entry, "40", "100"))
    meanwhile = await trader.claim()
    reserved = (await trader.position()).open_sell_quantity
    await trader.report(
        *(
            replace(trader.acknowledged(order), terms=command.terms)
            for order, command in zip((profit, loss), raises, strict=True)
        )
    )

    assert meanwhile == []
    assert reserved == 100
    assert asked(await confirm(trader)) == [
        (LaneKind.REPLACE, profit.id, Decimal(100)),
        (LaneKind.REPLACE, loss.id, Decimal(100)),
    ]


async def test_a_fill_of_one_exit_lowers_the_other_and_its_completion_cancels_it(trader: Trader) -> None:
    entry, profit, loss = await bracket(trader)
    await working(trader, entry)
    await trader.report(trader.execution(entry, "100", "100"))
    await confirm(trader)

    await trader.report(trader.execution(profit, "30", "110"))
    lowered = await confirm(trader)
    between = await trader.position()
    await trader.report(trader.execution(profit, "70", "110"))
    ended = await confirm(trader)

    assert asked(lowered) == [(LaneKind.REPLACE, loss.id, Decimal(70))]
    assert (between.quantity, between.open_sell_quantity) == decimals(70, 70)
    assert [(command.kind, command.order_id) for command in ended] == [(LaneKind.CANCEL, loss.id)]
    assert [(await trader.stored(one)).state for one in (entry, profit, loss)] == [
        OrderState.FILLED,
        OrderState.FILLED,
        OrderState.CANCELED,
    ]
    position = await trader.position()
    assert (position.quantity, position.open_buy_quantity, position.open_sell_quantity) == decimals(0, 0, 0)
    assert await trader.open_orders() == 0


async def test_the_broker_lowering_the_other_exit_of_itself_leaves_nothing_to_ask(trader: Trader) -> None:
    entry, profit, loss = await bracket(trader)
    await working(trader, entry)
    await trader.report(trader.execution(entry, "100", "100"))
    await confirm(trader)

    held = replace((await trader.stored(loss)).terms, quantity=Decimal(70))
    await trader.report(trader.execution(profit, "30", "110"), replace(trader.acknowledged(loss), terms=held))

    assert await trader.claim() == []
    assert (await trader.stored(loss)).terms.quantity == 70
    assert (await trader.position()).open_sell_quantity == 70


async def test_what_the_broker_lowered_too_far_is_raised_again(trader: Trader) -> None:
    entry, _, loss = await bracket(trader)
    await working(trader, entry)
    await trader.report(trader.execution(entry, "100", "100"))
    await confirm(trader)

    held = replace((await trader.stored(loss)).terms, quantity=Decimal(20))
    await trader.report(replace(trader.acknowledged(loss), terms=held))

    assert asked(await confirm(trader)) == [(LaneKind.REPLACE, loss.id, Decimal(100))]


async def test_unsent_exits_are_resized_here(trader: Trader) -> None:
    entry, profit, loss = await bracket(trader)
    await working(trader, entry)

    await trader.report(trader.execution(entry, "40", "100"))
    await trader.report(trader.execution(entry, "60", "100"))

    assert asked(await trader.claim()) == [
        (LaneKind.PLACE, profit.id, Decimal(100)),
        (LaneKind.PLACE, loss.id, Decimal(100)),
    ]


async def test_the_end_of_an_unfilled_entry_ends_its_exits(trader: Trader) -> None:
    entry, profit, loss = await bracket(trader)
    await working(trader, entry)
    await cancel_order(trader.desk, trader.principal, entry.id)
    await confirm(trader)

    assert [(await trader.stored(one)).state for one in (entry, profit, loss)] == [OrderState.CANCELED] * 3
    position = await trader.position()
    assert (position.open_buy_quantity, position.open_sell_quantity) == decimals(0, 0)
    assert await trader.open_orders() == 0


async def test_canceling_an_unsent_entry_ends_its_exits_at_once(trader: Trader) -> None:
    entry, profit, loss = await bracket(trader)

    await cancel_order(trader.desk, trader.principal, entry.id)

    assert [(await trader.stored(one)).state for one in (entry, profit, loss)] == [OrderState.CANCELED] * 3
    assert await trader.claim() == []
    assert await trader.open_orders() == 0


async def test_canceling_an_entry_with_fills_leaves_exits_for_what_was_filled(trader: Trader) -> None:
    entry, profit, loss = await bracket(trader)
    await working(trader, entry)
    await trader.report(trader.execution(entry, "40", "100"))
    await confirm(trader)
    await cancel_order(trader.desk, trader.principal, entry.id)
    await confirm(trader)

    assert (await trader.stored(entry)).state is OrderState.CANCELED
    assert [(await trader.stored(one)).leaves_quantity for one in (profit, loss)] == [40, 40]
    position = await trader.position()
    assert (position.quantity, position.open_buy_quantity, position.open_sell_quantity) == decimals(40, 0, 40)
    assert await trader.open_orders() == 2


async def test_a_late_fill_of_a_canceled_entry_gets_exits_of_its_own(trader: Trader) -> None:
    entry, profit, _ = await bracket(trader)
    await working(trader, entry)
    await cancel_order(trader.desk, trader.principal, entry.id)
    await confirm(trader)

    await trader.report(trader.execution(entry, "40", "100"))
    placed = await confirm(trader)

    children = await trader.children(entry)
    assert len(children) == 4
    assert asked(placed) == [(LaneKind.PLACE, child.id, Decimal(40)) for child in children[2:]]
    assert [child.link_role for child in children[2:]] == [LinkRole.TAKE_PROFIT, LinkRole.STOP_LOSS]
    assert children[2].terms.limit_price == profit.terms.limit_price
    assert children[2].oca_group != profit.oca_group
    assert (await trader.position()).open_sell_quantity == 40


async def test_a_fill_after_the_first_exits_are_done_gets_new_ones(trader: Trader) -> None:
    entry, profit, loss = await bracket(trader)
    await working(trader, entry)
    await trader.report(trader.execution(entry, "40", "100"))
    await confirm(trader)
    await trader.report(trader.execution(profit, "40", "110"))
    await confirm(trader)

    await trader.report(trader.execution(entry, "60", "100"))
    placed = await confirm(trader)

    assert (await trader.stored(loss)).state is OrderState.CANCELED
    assert [(command.kind, command.terms.quantity) for command in placed] == [(LaneKind.PLACE, Decimal(60))] * 2
    assert (await trader.position()).open_sell_quantity == 60


async def test_an_exit_that_its_owner_canceled_stays_away(trader: Trader) -> None:
    entry, profit, loss = await bracket(trader)
    await working(trader, entry)
    await cancel_order(trader.desk, trader.principal, profit.id)

    await trader.report(trader.execution(entry, "100", "100"))

    assert asked(await confirm(trader)) == [(LaneKind.PLACE, loss.id, Decimal(100))]
    assert (await trader.position()).open_sell_quantity == 100


async def test_the_gate_does_not_release_exits(trader: Trader) -> None:
    await trader.gate(is_open=False)
    entry, profit, _ = await bracket(trader)
    await trader.gate(is_open=True)

    async with begin_batch(trader.desk.database, trader.key.tenant_id) as session:
        released = await release_orders(session, trader.key, now=trader.desk.clock.now(), ids=trader.desk.ids)

    assert released == 1
    assert (await trader.stored(entry)).state is OrderState.ROUTED
    assert (await trader.stored(profit)).state is OrderState.HELD


async def test_a_refused_raise_is_not_asked_again_at_once(trader: Trader) -> None:
    entry, profit, loss = await bracket(trader)
    await working(trader, entry)
    await trader.report(trader.execution(entry, "40", "100"))
    await confirm(trader)
    await trader.report(trader.execution(entry, "60", "100"))
    await trader.claim()

    await trader.report(trader.refused_replace(profit), trader.refused_replace(loss))
    at_once = await trader.claim()
    await trader.report(trader.acknowledged(profit))
    later = await trader.claim()

    assert at_once == []
    assert asked(later) == [
        (LaneKind.REPLACE, profit.id, Decimal(100)),
        (LaneKind.REPLACE, loss.id, Decimal(100)),
    ]
    assert (await trader.position()).open_sell_quantity == 100


async def test_price_of_an_exit_may_change_but_not_its_quantity(trader: Trader) -> None:
    entry, profit, _ = await bracket(trader)
    await working(trader, entry)
    await trader.report(trader.execution(entry, "100", "100"))
    await confirm(trader)

    refused = await replace_order(trader.desk, trader.principal, OrderChange(order_id=profit.id, quantity=Decimal(50)))
    taken = await replace_order(
        trader.desk, trader.principal, OrderChange(order_id=profit.id, limit_price=Decimal(120))
    )
    await confirm(trader)

    assert [(one.code, one.path) for one in refused.problems] == [("LINKED_QUANTITY", ("quantity",))]
    assert taken.problems == ()
    stored = await trader.stored(profit)
    assert (stored.terms.limit_price, stored.terms.quantity) == (Decimal(120), Decimal(100))


async def test_one_key_covers_the_whole_bracket(trader: Trader) -> None:
    first = await trader.place(client_order_id="k", limit_price="100", take_profit=Decimal(110))

    again = await trader.place(client_order_id="k", limit_price="100", take_profit=Decimal(110))
    other = await trader.place(client_order_id="k", limit_price="100", take_profit=Decimal(111))
    child = await trader.place(client_order_id="k/tp", limit_price="100")

    assert _ids(again) == _ids(first)
    assert [one.client_order_id for one in first.linked] == ["k/tp"]
    assert [[one.code for one in answer.problems] for answer in (other, child)] == [["IDEMPOTENCY_CONFLICT"]] * 2


async def test_a_key_whose_derived_one_is_taken_is_refused(trader: Trader) -> None:
    await trader.placed(client_order_id="k/sl", limit_price="100")

    placement = await trader.place(client_order_id="k", limit_price="100", stop_loss=Decimal(95))

    assert placement.order is None
    assert [(one.code, one.path) for one in placement.problems] == [("IDEMPOTENCY_CONFLICT", ("clientOrderId",))]


async def test_the_longest_key_leaves_room_for_its_exits(trader: Trader) -> None:
    keys = ["x" * 63 + end for end in "ab"]

    placements = [await trader.place(client_order_id=key, limit_price="100", stop_loss=Decimal(95)) for key in keys]

    derived = [one.client_order_id for placement in placements for one in placement.linked]
    assert len(set(derived)) == 2
    assert {len(one) for one in derived} == {64}


async def test_a_bracket_counts_as_its_orders_and_is_refused_whole(trader: Trader) -> None:
    await factories.make_limit(trader.desk.database, trader.key.tenant_id, RiskLimitType.MAX_OPEN_ORDERS, Decimal(2))

    placement = await trader.place(limit_price="100", take_profit=Decimal(110), stop_loss=Decimal(95))

    assert [one.code for one in placement.problems] == ["RISK_MAX_OPEN_ORDERS"]
    assert placement.linked == ()
    assert await trader.open_orders() == 0
    assert placement.order is not None
    assert await trader.children(placement.order) == []


@pytest.mark.parametrize(
    ("terms", "code", "path"),
    [
        ({"take_profit": Decimal(99)}, "EXIT_PRICE_CROSSED", "takeProfit"),
        ({"stop_loss": Decimal(100)}, "EXIT_PRICE_CROSSED", "stopLoss"),
        ({"side": Side.SELL, "stop_loss": Decimal(95)}, "EXIT_PRICE_CROSSED", "stopLoss"),
        ({"take_profit": Decimal("110.001")}, "PRICE_OFF_TICK", "takeProfit"),
        ({"stop_loss": Decimal(0)}, "PRICE_INVALID", "stopLoss"),
    ],
)
async def test_bad_exits_store_nothing(trader: Trader, terms: dict[str, Any], code: str, path: str) -> None:
    placement = await trader.place(limit_price="100", **terms)

    assert (placement.order, placement.linked) == (None, ())
    assert (code, (path,)) in [(one.code, one.path) for one in placement.problems]
    assert await trader.events() == []


def _ids(placement: Placement) -> list[object]:
    assert placement.order is not None
    return [placement.order.id, *(one.id for one in placement.linked)]
