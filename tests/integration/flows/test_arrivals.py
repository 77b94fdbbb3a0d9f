"""The market at the arrival of an order: kept with it, told in its event, and given back by a replay."""

from datetime import timedelta
from decimal import Decimal

from app.core.arrival import Arrival, arrival_document, arrival_from_document, arrival_of
from app.core.messages import Tick
from app.marketdata import service as marketdata
from app.orders.domain.replay import OrderHistory, replay_order
from tests.integration.flows.conftest import Trader


async def quote(trader: Trader, symbol: str = "AAPL", **prices: str) -> Tick:
    """A quote that the process knows."""
    tick = Tick(
        instrument_id=trader.instruments[symbol].id,
        symbol=symbol,
        time=trader.desk.clock.now() - timedelta(minutes=5),
        **{name: Decimal(price) for name, price in prices.items()},
    )
    await marketdata.publish_ticks(trader.desk.redis, trader.key.tenant_id, [tick])
    return tick


async def test_the_quote_of_the_moment_stays_with_the_order_however_old_it_is(trader: Trader) -> None:
    tick = await quote(trader, bid="99.90", ask="100.10", last="100")

    order = await trader.placed(limit_price="100")
    other = await trader.placed("MSFT", limit_price="100")

    assert order.arrival == Arrival(bid=Decimal("99.9"), ask=Decimal("100.1"), last=Decimal(100), quoted_at=tick.time)
    assert order.arrival.mid == Decimal(100)
    assert (await trader.stored(order)).arrival == order.arrival
    assert other.arrival is None
    events = await trader.events()
    assert events[0].event.details["arrival"]["bid"] == "99.9"
    assert "arrival" not in events[1].event.details


async def test_a_replay_of_the_log_gives_the_arrival(trader: Trader) -> None:
    await quote(trader, last="100", volume="123456")
    order = await trader.placed(limit_price="100")

    replayed = replay_order(trader.key.tenant_id, await trader.events())

    assert isinstance(replayed, OrderHistory)
    assert replayed.order.arrival == order.arrival
    assert order.arrival is not None
    assert (order.arrival.mid, order.arrival.volume) == (None, Decimal(123456))


async def test_a_bracket_and_a_block_of_it_store_the_arrival_too(trader: Trader) -> None:
    await quote(trader, bid="99", ask="101")

    placement = await trader.place(limit_price="100", take_profit=Decimal(110), stop_loss=Decimal(95))

    assert placement.order is not None
    stored = [await trader.stored(one) for one in (placement.order, *placement.linked)]
    assert {one.arrival for one in stored} == {placement.order.arrival}


async def test_no_price_is_no_arrival_and_what_is_crossed_has_no_middle(trader: Trader) -> None:
    empty = await quote(trader)
    crossed = await quote(trader, bid="101", ask="100")

    assert arrival_of(None) is None
    assert arrival_of(empty) is None
    found = arrival_of(crossed)
    assert found is not None
    assert found.mid is None
    assert arrival_from_document(arrival_document(found)) == found
