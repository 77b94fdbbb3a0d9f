"""Closing and reversing positions: the order is made of what the position is when it is taken."""

import asyncio
from decimal import Decimal

from app.core.fix import OrderState, PositionAim, RiskLimitType, RiskOutcome, Side
from app.core.ids import PositionId
from app.core.messages import Aim
from app.flows.orders.close_position import aim_at_position
from app.flows.orders.placement import Placement
from app.infra.system import SystemIds
from tests import factories
from tests.integration.flows.conftest import Trader


async def hold(trader: Trader, quantity: str, side: Side = Side.BUY) -> PositionId:
    """A position of this size, and its id."""
    order = await trader.placed(quantity=quantity, limit_price="100", side=side)
    await trader.claim()
    await trader.report(trader.execution(order, quantity, "100"))
    return (await trader.position()).id


async def close(
    trader: Trader,
    position_id: PositionId,
    key: str = "close",
    *,
    quantity: str | None = None,
    kind: PositionAim = PositionAim.CLOSE,
) -> Placement:
    aim = Aim(kind=kind, quantity=None if quantity is None else Decimal(quantity))
    return await aim_at_position(trader.desk, trader.principal, position_id, key, aim)


def terms(placement: Placement) -> tuple[Side, Decimal, bool]:
    assert placement.problems == ()
    assert placement.order is not None
    return placement.order.side, placement.order.terms.quantity, placement.order.closes_position


def codes(placement: Placement) -> list[tuple[str, tuple[str, ...]]]:
    return [(one.code, one.path) for one in placement.problems]


async def test_a_long_position_is_sold_and_a_short_one_bought(trader: Trader) -> None:
    long = await hold(trader, "70")
    first = await close(trader, long)
    assert first.order is not None
    await trader.claim()
    await trader.report(trader.execution(first.order, "70", "99"))
    await hold(trader, "30", Side.SELL)

    second = await close(trader, long, "cover")

    assert terms(first) == (Side.SELL, Decimal(70), True)
    assert terms(second) == (Side.BUY, Decimal(30), True)


async def test_a_part_is_closed(trader: Trader) -> None:
    position_id = await hold(trader, "70")

    assert terms(await close(trader, position_id, quantity="20")) == (Side.SELL, Decimal(20), True)
    assert codes(await close(trader, position_id, "more", quantity="51")) == [("CLOSE_TOO_LARGE", ("quantity",))]
    assert terms(await close(trader, position_id, "rest")) == (Side.SELL, Decimal(50), True)


async def test_closes_at_the_same_time_never_turn_the_position_round(trader: Trader) -> None:
    position_id = await hold(trader, "70")

    placements = await asyncio.gather(*(close(trader, position_id, f"close-{number}") for number in range(20)))

    placed = [placement.order for placement in placements if placement.order is not None]
    assert [order.terms.quantity for order in placed] == [70]
    assert (await trader.position()).open_sell_quantity == 70


async def test_the_same_key_answers_the_first_close_also_when_flat(trader: Trader) -> None:
    position_id = await hold(trader, "70")
    first = await close(trader, position_id)
    assert first.order is not None
    await trader.claim()
    await trader.report(trader.execution(first.order, "70", "99"))

    again = await close(trader, position_id)
    other = await close(trader, position_id, quantity="5")

    assert again.order is not None
    assert (again.order.id, again.order.state) == (first.order.id, OrderState.FILLED)
    assert codes(other) == [("IDEMPOTENCY_CONFLICT", ("clientOrderId",))]
    assert codes(await close(trader, position_id, "new")) == [("NOTHING_TO_CLOSE", ("positionId",))]


async def test_limits_on_risk_do_not_keep_a_desk_from_closing(trader: Trader) -> None:
    position_id = await hold(trader, "70")
    for kind in (RiskLimitType.MAX_ORDER_QUANTITY, RiskLimitType.MAX_POSITION_QUANTITY, RiskLimitType.COOLDOWN):
        await factories.make_limit(trader.desk.database, trader.key.tenant_id, kind, Decimal(10))

    placement = await close(trader, position_id, quantity="20")

    assert terms(placement) == (Side.SELL, Decimal(20), True)
    assert placement.order is not None
    assert {check.outcome for check in placement.order.risk_checks} == {RiskOutcome.SKIPPED}


async def test_the_count_of_open_orders_holds_for_closes_too(trader: Trader) -> None:
    position_id = await hold(trader, "70")
    await factories.make_limit(trader.desk.database, trader.key.tenant_id, RiskLimitType.MAX_OPEN_ORDERS, Decimal(0))

    assert codes(await close(trader, position_id)) == [("RISK_MAX_OPEN_ORDERS", ("accountId",))]


async def test_a_position_is_reversed_with_one_order(trader: Trader) -> None:
    position_id = await hold(trader, "70")

    first = await close(trader, position_id, kind=PositionAim.REVERSE)
    again = await close(trader, position_id, "again", kind=PositionAim.REVERSE)

    assert terms(first) == (Side.SELL, Decimal(140), False)
    # With every open order filled it is as short as it was long.
    assert codes(again) == [("NOTHING_TO_CLOSE", ("positionId",))]


async def test_reversing_beyond_a_limit_is_refused(trader: Trader) -> None:
    position_id = await hold(trader, "70")
    await factories.make_limit(
        trader.desk.database, trader.key.tenant_id, RiskLimitType.MAX_ORDER_QUANTITY, Decimal(100)
    )

    assert codes(await close(trader, position_id, kind=PositionAim.REVERSE)) == [
        ("RISK_MAX_ORDER_QUANTITY", ("quantity",))
    ]


async def test_unknown_positions_and_those_of_other_tenants_are_alike(trader: Trader) -> None:
    position_id = await hold(trader, "70")
    stranger = await factories.make_principal(trader.desk.database, await factories.make_tenant(trader.desk.database))
    aim = Aim(kind=PositionAim.CLOSE)

    answers = [
        await aim_at_position(trader.desk, stranger, position_id, "k", aim),
        await aim_at_position(trader.desk, trader.principal, PositionId(SystemIds().new()), "k", aim),
    ]

    assert [codes(answer) for answer in answers] == [[("POSITION_NOT_FOUND", ("positionId",))]] * 2
