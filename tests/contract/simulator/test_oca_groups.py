"""One-cancels-all groups at the simulator, with both libraries."""

from decimal import Decimal
from typing import Any

from app.simulator.server import Simulator
from tests.contract.simulator.clients import Desk, until
from tests.contract.simulator.test_order_lives import quote, status


def pair(desk: Desk, *, kind: int = 2, quantities: tuple[int, int] = (100, 100)) -> tuple[Any, Any]:
    """A limit to sell at 231 and a stop to sell at 229, in one group."""
    group = {"ocaGroup": "pair", "ocaType": kind}
    return (
        desk.place(desk.library.LimitOrder("SELL", quantities[0], 231.00, **group)),
        desk.place(desk.library.StopOrder("SELL", quantities[1], 229.00, **group)),
    )


async def working(profit: Any, loss: Any) -> None:
    await status(profit, "Submitted")
    await status(loss, "PreSubmitted")


async def test_a_part_that_one_deals_lowers_the_other(desk: Desk, simulator: Simulator) -> None:
    profit, loss = pair(desk)
    await working(profit, loss)

    quote(simulator, "231.00", "231.02", size=30)

    await until(lambda: profit.orderStatus.filled == 30, "the first part")
    await until(lambda: loss.order.totalQuantity == 70, "the other to be lowered")
    assert (profit.orderStatus.remaining, loss.orderStatus.remaining) == (70, 70)


async def test_the_completion_of_one_cancels_the_other(desk: Desk, simulator: Simulator) -> None:
    profit, loss = pair(desk)
    await working(profit, loss)

    quote(simulator, "228.90", "228.92", last="228.90")

    await status(loss, "Filled")
    await status(profit, "Cancelled")
    assert profit.fills == []


async def test_the_other_shrinks_in_proportion_and_to_whole_lots(desk: Desk, simulator: Simulator) -> None:
    profit, loss = pair(desk, quantities=(100, 25))
    await working(profit, loss)

    quote(simulator, "231.00", "231.02", size=30)

    await until(lambda: loss.order.totalQuantity == 18, "the other to be lowered to 70 % of 25, up to a whole share")


async def test_the_first_part_cancels_all_others_where_the_group_says_so(desk: Desk, simulator: Simulator) -> None:
    profit, loss = pair(desk, kind=1)
    await working(profit, loss)

    quote(simulator, "231.00", "231.02", size=30)

    await status(loss, "Cancelled")
    assert profit.orderStatus.filled == 30


async def test_an_order_that_comes_to_a_group_that_is_over_is_canceled(desk: Desk, simulator: Simulator) -> None:
    profit, loss = pair(desk)
    await working(profit, loss)
    quote(simulator, "231.00", "231.02")
    await status(profit, "Filled")
    await status(loss, "Cancelled")

    late = desk.place(desk.library.StopOrder("SELL", 100, 229.00, ocaGroup="pair", ocaType=2))

    await status(late, "Cancelled")


async def test_two_of_a_group_that_meet_one_quote_deal_once(desk: Desk, simulator: Simulator) -> None:
    group = {"ocaGroup": "twins", "ocaType": 2}
    trades = [desk.place(desk.library.LimitOrder("SELL", 600, price, **group)) for price in (231.00, 231.01)]
    for trade in trades:
        await status(trade, "Submitted")

    quote(simulator, "231.05", "231.07", size=1_000)

    await until(lambda: all(trade.isDone() for trade in trades), "both to be over")
    held = simulator.venue.exchange.accounts["DU1000001"].holdings
    assert sum((one.quantity for one in held.values()), Decimal(0)) == -600


async def test_orders_of_other_groups_are_left_alone(desk: Desk, simulator: Simulator) -> None:
    profit, loss = pair(desk)
    other = desk.place(desk.library.StopOrder("SELL", 100, 229.00, ocaGroup="other", ocaType=2))
    await working(profit, loss)

    quote(simulator, "231.00", "231.02")

    await status(loss, "Cancelled")
    await status(other, "PreSubmitted")
    assert other.order.totalQuantity == 100


async def test_a_trailing_stop_is_lowered_and_keeps_its_distance_and_its_stop(desk: Desk, simulator: Simulator) -> None:
    group = {"ocaGroup": "pair", "ocaType": 2}
    profit = desk.place(desk.library.LimitOrder("SELL", 100, 231.00, **group))
    trail = desk.library.Order(action="SELL", totalQuantity=100, orderType="TRAIL", auxPrice=1.5, **group)
    loss = desk.place(trail)
    await working(profit, loss)

    quote(simulator, "231.00", "231.02", size=30, last="231.00")

    await until(lambda: loss.order.totalQuantity == 70, "the other to be lowered")
    (lowered,) = [order for order in simulator.venue.exchange.open_orders() if order.request.order_type == "TRAIL"]
    assert (lowered.request.aux_price, lowered.trail_stop) == (Decimal("1.5"), Decimal("229.50"))
    quote(simulator, "229.50", "229.52", last="229.50")
    await status(loss, "Filled")
    await status(profit, "Cancelled")
