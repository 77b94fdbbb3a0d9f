"""Market data over the whole way: a connector at work, the simulator's socket, Redis, and what a tenant is told."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal

import asyncpg
import pytest

from app.brokers.inquiries import Finding, Inquiry
from app.core.fix import BarInterval, LineState, OrderState, OrderType, Side
from app.core.ids import InstrumentId
from app.core.messages import NewOrder, OrderTerms
from app.flows.marketdata.keep_daily_bars import DailyBars
from app.flows.marketdata.read_quotes import read_lines, want_markets
from app.flows.marketdata.subscribe_market_data import (
    list_subscriptions,
    subscribe_market_data,
    unsubscribe_market_data,
)
from app.identity.domain.access import system_principal
from app.infra.settings import Settings
from app.infra.system import SystemIds
from app.infra.uow import begin_batch
from app.instruments import batch as instruments
from app.marketdata import bars_batch, closes_batch
from app.marketdata.lines import LineStatus
from app.orders.errors import OrderProblem
from app.simulator.config import DataRight
from app.simulator.derivatives import Derivatives
from app.simulator.instruments import LISTED, FutureEntry
from app.simulator.server import Simulator
from tests.integration.connector.test_behaviours import ShiftedClock
from tests.integration.connector.test_connector import Trading, connector, settings, trading

__all__ = ["settings", "trading"]

LOOK_S = 0.02


async def until(condition: Callable[[], Awaitable[bool]], within_s: float = 15) -> None:
    """Wait for the condition."""
    async with asyncio.timeout(within_s):
        while not await condition():
            await asyncio.sleep(LOOK_S)


async def line(trading: Trading, symbol: str) -> LineStatus:
    """How the line of an instrument stands."""
    instrument_id = trading.house.instruments[symbol]
    found = await read_lines(trading.desk, principal(trading), [instrument_id])
    return found[instrument_id]


def principal(trading: Trading):  # type: ignore[no-untyped-def]
    """A process of the tenant."""
    return system_principal(trading.house.tenant_id, "test")


async def test_a_subscription_counts_what_comes_and_its_line_is_live(
    trading: Trading, settings: Settings, simulator: Simulator
) -> None:
    who = principal(trading)
    first = await subscribe_market_data(trading.desk, who, "AAPL", None)
    again = await subscribe_market_data(trading.desk, who, "AAPL", "SMART")

    async with connector(settings):

        async def has_ticks() -> bool:
            [held] = await list_subscriptions(trading.desk, who)
            return held.ticks_received > 0 and held.last_tick_at is not None

        await until(has_ticks)
        stands = await line(trading, "AAPL")
        ended = await unsubscribe_market_data(trading.desk, who, first.id)

    assert again.id == first.id
    assert (stands.state, stands.reason, stands.broker_code) == (LineState.LIVE, None, None)
    assert not ended.is_active
    assert await list_subscriptions(trading.desk, who) == []


async def test_when_the_gateway_is_gone_the_line_says_so_and_the_gap_is_counted(
    trading: Trading, settings: Settings, simulator: Simulator
) -> None:
    who = principal(trading)
    await subscribe_market_data(trading.desk, who, "AAPL", None)

    async with connector(settings):

        async def is_live() -> bool:
            return (await line(trading, "AAPL")).state is LineState.LIVE

        await until(is_live)
        simulator.drop_connections()

        async def has_gap() -> bool:
            [held] = await list_subscriptions(trading.desk, who)
            return held.gaps == 1

        await until(has_gap)
        await until(is_live)

    stands = await line(trading, "AAPL")
    assert (stands.state, stands.reason) == (LineState.NONE, "The connection to the gateway is down.")


async def test_of_few_lines_the_traded_and_the_read_get_theirs_and_the_others_are_told(
    trading: Trading, settings: Settings, simulator: Simulator
) -> None:
    who = principal(trading)
    for symbol in ("QQQ", "IWM"):
        await subscribe_market_data(trading.desk, who, symbol, None)
    few = settings.model_copy(update={"ib_market_data_lines": 3})

    async with connector(few):
        await trading.until_connected()

        async def is_settled() -> bool:
            states = [(await line(trading, symbol)).state for symbol in ("EUR.USD", "QQQ", "IWM", "AAPL")]
            return states == [LineState.LIVE] * 3 + [LineState.NONE]

        await until(is_settled)
        await trading.place("one")

        async def makes_room() -> bool:
            return (await line(trading, "AAPL")).state is LineState.LIVE

        await until(makes_room)
        left_out = await line(trading, "IWM")

    assert left_out.state is LineState.EXHAUSTED
    assert left_out.reason is not None
    assert "taken" in left_out.reason


async def test_what_is_read_takes_the_line_of_what_nobody_reads(
    trading: Trading, settings: Settings, simulator: Simulator
) -> None:
    few = settings.model_copy(update={"ib_market_data_lines": 2})
    sap = trading.house.instruments["SAP"]

    async with connector(few):

        async def is_live() -> bool:
            await want_markets(trading.desk, principal(trading), [sap])
            return (await line(trading, "SAP")).state is LineState.LIVE

        await until(is_live)


async def test_instruments_are_described_by_themselves(trading: Trading, settings: Settings) -> None:
    async with connector(settings):

        async def are_described() -> bool:
            async with begin_batch(trading.desk.database, trading.house.tenant_id) as session:
                found = await instruments.known_to_brokers(session, trading.house.tenant_id, 100)
            return all(one.described_at is not None and one.price_bands and one.hours is not None for one in found)

        await until(are_described)


async def test_the_daily_bars_of_what_is_held_are_kept_before_anybody_asks(
    trading: Trading, settings: Settings
) -> None:
    database, tenant_id = trading.desk.database, trading.house.tenant_id
    held, since = trading.house.instruments["AAPL"], (trading.desk.clock.now() - timedelta(days=3 * 365)).date()
    await trading.place("held")
    async with connector(settings):
        await trading.until_states({"held": OrderState.FILLED})

    async with connector(settings):

        async def are_kept() -> bool:
            async with begin_batch(database, tenant_id) as session:
                wanted = DailyBars.wanted(trading.desk.clock.now())
                places = [held, trading.house.instruments["EUR.USD"]]
                return not await bars_batch.not_kept(session, tenant_id, BarInterval.DAY_1, places, wanted, 1)

        # Four questions for each of the two, at the pace that history has.
        await until(are_kept, within_s=90)
    again = await DailyBars(database, tenant_id).keep(Forbidden(), trading.desk.clock.now())
    async with begin_batch(database, tenant_id) as session:
        closes = await closes_batch.daily_closes(session, tenant_id, [held], since)

    assert len(closes[held].days) > 700
    assert again == 0


class Forbidden:
    """A session that must not be asked."""

    async def inquire(self, asked: Inquiry) -> Finding:
        """Fails."""
        raise AssertionError(asked)


@pytest.mark.parametrize(
    ("right", "takes_delayed", "state", "code", "words"),
    [
        (DataRight.DELAYED, True, LineState.DELAYED, 10167, "its data is delayed"),
        (DataRight.DELAYED, False, LineState.REFUSED, 354, "delayed data is off"),
        (DataRight.NONE, True, LineState.REFUSED, 10168, "no subscription for this market"),
        (DataRight.DELAYED_FOR_API, False, LineState.REFUSED, 10089, "paid subscription for the API"),
        (DataRight.PARTIAL, True, LineState.LIVE, 10090, "Part of this market is not subscribed"),
        (DataRight.COMPETING, True, LineState.REFUSED, 10197, "Another session"),
    ],
)
async def test_what_the_login_may_not_see_live_says_so_and_why(
    trading: Trading,
    settings: Settings,
    simulator: Simulator,
    right: DataRight,
    takes_delayed: bool,
    state: LineState,
    code: int,
    words: str,
) -> None:
    simulator.venue.lines.set_right("AAPL", right)
    await subscribe_market_data(trading.desk, principal(trading), "AAPL", None)

    async with connector(settings.model_copy(update={"ib_delayed_market_data": takes_delayed})):

        async def is_told() -> bool:
            return (await line(trading, "AAPL")).state is state

        async def is_live() -> bool:
            return (await line(trading, "MSFT")).state is LineState.LIVE

        await until(is_told)
        stands = await line(trading, "AAPL")
        await until(is_live)

    assert stands.broker_code == code
    assert words in (stands.reason or "")


async def test_a_contract_that_has_run_out_is_dealt_and_watched_no_more(
    trading: Trading, settings: Settings, simulator: Simulator, database_url: str
) -> None:
    who, clock = principal(trading), ShiftedClock()
    future = Derivatives(LISTED).futures("ES", clock.now().date())[0]
    symbol = await _list(database_url, trading, future)
    await subscribe_market_data(trading.desk, who, symbol, None)

    async def state() -> LineState:
        return (await line(trading, symbol)).state

    async def described() -> bool:
        [row] = await trading.rows("SELECT expires_on FROM instruments WHERE symbol = $1", symbol)
        return row["expires_on"] is not None

    async def is_live() -> bool:
        return await state() is LineState.LIVE

    async def is_closed() -> bool:
        return await state() is LineState.NONE

    async def is_switched_off() -> bool:
        [row] = await trading.rows("SELECT is_active FROM instruments WHERE symbol = $1", symbol)
        return not row["is_active"]

    async with connector(settings, clock=clock):
        await until(is_live)
        await until(described)
        clock.put(datetime.combine(future.expiry, time(), UTC) + timedelta(days=3))
        await until(is_closed)
        await until(is_switched_off)
        placement = await trading.desk.intake.submit(who, _order_of(trading, symbol))

    assert placement.order is None or placement.order.state is OrderState.REJECTED
    assert OrderProblem.INSTRUMENT_INACTIVE in [one.code for one in placement.problems]
    actions = await trading.rows("SELECT action FROM audit_log WHERE action = 'instrument.expire'")
    assert len(actions) == 1


def _order_of(trading: Trading, symbol: str) -> NewOrder:
    return NewOrder(
        account_id=trading.house.account.id,
        client_order_id="late",
        side=Side.BUY,
        order_type=OrderType.MARKET,
        terms=OrderTerms(quantity=Decimal(1)),
        symbol=symbol,
    )


async def _list(database_url: str, trading: Trading, future: FutureEntry) -> str:
    instrument_id = InstrumentId(SystemIds().new())
    owner = await asyncpg.connect(database_url)
    try:
        await owner.execute(
            """
            INSERT INTO instruments (tenant_id, id, symbol, name, exchange, currency, instrument_type, multiplier,
              tick_size, lot_size, broker_contract_id, contract_details, is_active, created_at)
            VALUES ($1, $2, $3, $3, $4, $5, 'FUTURE', $6, $7, 1, $8, '{}', true, now())
            """,
            trading.house.tenant_id,
            instrument_id,
            future.symbol,
            future.exchange,
            future.currency,
            future.multiplier,
            future.tick_size,
            str(future.con_id),
        )
    finally:
        await owner.close()
    trading.house.instruments[future.symbol] = instrument_id
    return future.symbol
