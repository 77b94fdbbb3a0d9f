"""Pairs of which one cancels the other: stored both or not at all, and never dealt twice."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

from app.core.fix import LinkRole, OrderState, OrderType, RiskLimitType, Side, TimeInForce
from app.core.messages import LaneKind, NewOrder, OcoLeg, OrderTerms
from app.flows.orders.cancel_orders import cancel_order
from app.flows.orders.placement import Placement
from app.flows.orders.release_orders import release_orders
from app.infra.uow import begin_batch
from app.orders.domain.order import Order
from tests import factories
from tests.integration.flows.conftest import Trader
from tests.integration.flows.test_brackets import confirm, decimals, working


def pair(trader: Trader, second: Side = Side.SELL, *, key: str = "oco", stop: str = "95") -> NewOrder:
    """A limit to sell 100 at 110, and a stop."""
    leg = OcoLeg(
        side=second, order_type=OrderType.STOP, terms=OrderTerms(quantity=Decimal(100), stop_price=Decimal(stop))
    )
    return replace(trader.order(limit_price="110", side=Side.SELL, client_order_id=key), oco=leg)


async def place(trader: Trader, new: NewOrder) -> Placement:
    return await trader.desk.intake.submit(trader.principal, new)


async def placed(trader: Trader, new: NewOrder) -> tuple[Order, Order]:
    placement = await place(trader, new)
    assert placement.problems == ()
    assert placement.order is not None
    [second] = placement.linked
    return placement.order, second


async def test_both_legs_go_out_in_one_group(trader: Trader) -> None:
    first, second = await placed(trader, pair(trader))

    commands = await trader.claim()

    assert [(command.kind, command.order_id, command.oca_group) for command in commands] == [
        (LaneKind.PLACE, first.id, first.oca_group),
        (LaneKind.PLACE, second.id, first.oca_group),
    ]
    assert (first.link_role, second.link_role) == (LinkRole.OCO, LinkRole.OCO)
    assert second.client_order_id == "oco/oco"
    position = await trader.position()
    assert (position.open_buy_quantity, position.open_sell_quantity) == decimals(0, 100)
    assert await trader.open_orders() == 2


async def test_legs_on_two_sides_reserve_on_both(trader: Trader) -> None:
    await placed(trader, pair(trader, Side.BUY, stop="120"))

    position = await trader.position()
    assert (position.open_buy_quantity, position.open_sell_quantity) == decimals(100, 100)


async def test_a_fill_of_one_lowers_the_other_and_its_completion_cancels_it(trader: Trader) -> None:
    first, second = await placed(trader, pair(trader))
    await working(trader, first, second)

    await trader.report(trader.execution(second, "30", "95"))
    lowered = await confirm(trader)
    between = await trader.position()
    await trader.report(trader.execution(first, "70", "110"))
    ended = await confirm(trader)

    assert [(command.kind, command.order_id, command.terms.quantity) for command in lowered] == [
        (LaneKind.REPLACE, first.id, Decimal(70))
    ]
    assert (between.quantity, between.open_sell_quantity) == decimals(-30, 70)
    assert [(command.kind, command.order_id) for command in ended] == [(LaneKind.CANCEL, second.id)]
    assert (await trader.stored(first)).state is OrderState.FILLED
    assert (await trader.stored(second)).state is OrderState.CANCELED
    position = await trader.position()
    assert (position.quantity, position.open_sell_quantity) == decimals(-100, 0)
    assert await trader.open_orders() == 0


async def test_canceling_one_leg_leaves_the_other(trader: Trader) -> None:
    first, second = await placed(trader, pair(trader))

    await cancel_order(trader.desk, trader.principal, first.id)

    assert (await trader.stored(second)).state is OrderState.ROUTED
    assert (await trader.position()).open_sell_quantity == 100
    await cancel_order(trader.desk, trader.principal, second.id)
    assert (await trader.position()).open_sell_quantity == 0
    assert await trader.open_orders() == 0


async def test_a_breach_of_either_leg_stores_neither(trader: Trader) -> None:
    await factories.make_limit(
        trader.desk.database, trader.key.tenant_id, RiskLimitType.MAX_ORDER_NOTIONAL, Decimal(11_500)
    )

    placement = await place(trader, pair(trader, Side.BUY, stop="120"))

    assert [one.code for one in placement.problems] == ["RISK_MAX_ORDER_NOTIONAL"]
    assert placement.linked == ()
    assert placement.order is not None
    assert placement.order.state is OrderState.REJECTED
    assert await trader.open_orders() == 0
    assert await trader.claim() == []


async def test_both_legs_wait_for_the_gate(trader: Trader) -> None:
    await trader.gate(is_open=False)
    first, second = await placed(trader, pair(trader))
    await trader.gate(is_open=True)

    async with begin_batch(trader.desk.database, trader.key.tenant_id) as session:
        released = await release_orders(session, trader.key, now=trader.desk.clock.now(), ids=trader.desk.ids)

    assert (first.state, second.state, released) == (OrderState.HELD, OrderState.HELD, 2)
    assert (await trader.position()).open_sell_quantity == 100


async def test_one_key_covers_the_pair(trader: Trader) -> None:
    first, second = await placed(trader, pair(trader))

    again = await place(trader, pair(trader))
    other = await place(trader, pair(trader, stop="94"))

    assert again.order is not None
    assert (again.order.id, [one.id for one in again.linked]) == (first.id, [second.id])
    assert [one.code for one in other.problems] == ["IDEMPOTENCY_CONFLICT"]


async def test_a_leg_off_the_tick_is_told_where_it_stands(trader: Trader) -> None:
    placement = await place(trader, pair(trader, stop="95.001"))

    assert [(one.code, one.path) for one in placement.problems] == [("PRICE_OFF_TICK", ("legs", "1", "stopPrice"))]
    assert await trader.events() == []


async def test_a_trailing_stop_may_be_the_second_leg(trader: Trader) -> None:
    leg = OcoLeg(
        side=Side.SELL,
        order_type=OrderType.TRAILING_STOP,
        terms=OrderTerms(quantity=Decimal(100), trailing_amount=Decimal("0.5")),
    )

    first, second = await placed(trader, replace(pair(trader), oco=leg))
    commands = await trader.claim()
    await trader.report(trader.acknowledged(first), trader.acknowledged(second))
    await trader.report(trader.execution(first, "30", "110"))
    lowered = await trader.claim()

    assert [command.terms.trailing_amount for command in commands] == [None, Decimal("0.5")]
    assert [(one.kind, one.order_id, one.terms) for one in lowered] == [
        (LaneKind.REPLACE, second.id, replace(leg.terms, quantity=Decimal(70)))
    ]


async def test_a_pair_whose_second_leg_has_ended_already_is_refused_with_its_place(trader: Trader) -> None:
    whole = pair(trader)
    assert whole.oco is not None
    past = replace(whole.oco.terms, time_in_force=TimeInForce.GTD, expires_at=datetime(2020, 1, 1, tzinfo=UTC))

    placement = await place(trader, replace(whole, oco=replace(whole.oco, terms=past)))

    assert placement.order is None
    assert [(one.code, one.path) for one in placement.problems] == [("EXPIRY_INVALID", ("legs", "1", "expiresAt"))]
