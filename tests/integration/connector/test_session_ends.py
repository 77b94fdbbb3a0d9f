"""What ends with a session at the simulator is told by the house as what it is: expired, canceled, or filled."""

from collections.abc import AsyncIterator
from datetime import timedelta
from decimal import Decimal

import pytest

from app.core.fix import OrderState, OrderType, Side, TimeInForce
from app.core.messages import NewOrder, OrderTerms
from app.core.sessions import US_SHARES
from app.flows.desk import open_desk
from app.flows.journal.verify_journal import examine
from app.identity.domain.access import system_principal
from app.infra.settings import Settings
from app.infra.system import SystemClock
from app.simulator.config import SessionMode, SimulatorConfig
from app.simulator.server import Simulator
from tests.contract.simulator.clocks import HandClock
from tests.integration.connector.conftest import House
from tests.integration.connector.test_connector import Trading, connector

_S = OrderState


@pytest.fixture
def clock() -> HandClock:
    """A clock that stands in the middle of the next session to come."""
    opening = US_SHARES.next_opening(SystemClock().now())
    return HandClock(opening + timedelta(hours=2))


@pytest.fixture
async def simulator(clock: HandClock) -> AsyncIterator[Simulator]:
    """A simulator in the exchange's hours, whose market stands still: AAPL at 187.40 to 187.42, a thousand each."""
    running = Simulator(SimulatorConfig(sessions=SessionMode.EXCHANGE, market_interval_ms=5), clock)
    await running.start()
    running.pause_market()
    running.set_quote("AAPL", bid=Decimal("187.40"), ask=Decimal("187.42"), last=Decimal("187.41"))
    yield running
    await running.stop()


@pytest.fixture
async def trading(house: House, settings: Settings) -> AsyncIterator[Trading]:
    async with open_desk(settings) as desk:
        yield Trading(desk, house)


@pytest.fixture
def settings(database_url: str, redis_url: str, redis_prefix: str) -> Settings:
    return Settings(environment="test", database_url=database_url, redis_url=redis_url, redis_prefix=redis_prefix)


async def place(
    trading: Trading, name: str, time_in_force: TimeInForce, *, quantity: int = 100, limit: str | None = None
) -> None:
    placement = await trading.desk.intake.submit(
        system_principal(trading.house.tenant_id, "test"),
        NewOrder(
            account_id=trading.house.account.id,
            client_order_id=name,
            side=Side.BUY,
            order_type=OrderType.MARKET if limit is None else OrderType.LIMIT,
            terms=OrderTerms(
                quantity=Decimal(quantity),
                limit_price=None if limit is None else Decimal(limit),
                time_in_force=time_in_force,
            ),
            symbol="AAPL",
        ),
    )
    assert placement.problems == ()


async def test_orders_of_a_day_expire_with_its_close_and_orders_for_the_opening_with_that(
    trading: Trading, settings: Settings, simulator: Simulator, clock: HandClock
) -> None:
    close = US_SHARES.next_session(clock.now(), is_extended=False).closes_at
    async with connector(settings, clock):
        await trading.until_connected()
        await place(trading, "cut", TimeInForce.DAY, limit="150")
        await trading.until_states({"cut": _S.ACCEPTED})
        simulator.venue.exchange.cancel_all()
        await trading.until_states({"cut": _S.CANCELED})
        await place(trading, "part", TimeInForce.DAY, quantity=1_500, limit="187.42")
        await trading.until_states({"part": _S.PARTIALLY_FILLED})
        await place(trading, "rest", TimeInForce.DAY, limit="150")
        await place(trading, "kept", TimeInForce.GTC, limit="150")
        await place(trading, "missed", TimeInForce.OPG, limit="150")
        await place(trading, "met", TimeInForce.OPG)
        resting = dict.fromkeys(("rest", "kept", "missed", "met"), _S.ACCEPTED)
        await trading.until_states(resting)

        clock.moment = close
        await trading.until_states({"part": _S.EXPIRED, "rest": _S.EXPIRED})
        at_close = await trading.states()
        clock.moment = US_SHARES.next_opening(close)
        await trading.until_states({"missed": _S.EXPIRED, "met": _S.FILLED})

    assert {name: at_close[name] for name in ("kept", "missed", "met")} == dict.fromkeys(
        ("kept", "missed", "met"), _S.ACCEPTED
    )
    [part] = await trading.rows("SELECT filled_quantity FROM orders WHERE client_order_id = 'part'")
    assert part["filled_quantity"] == Decimal(1_000)
    [met] = await trading.rows("SELECT average_fill_price FROM orders WHERE client_order_id = 'met'")
    assert met["average_fill_price"] == Decimal("187.41")
    assert (await trading.states())["kept"] == _S.ACCEPTED
    assert await trading.rows("SELECT 1 FROM quarantined_reports") == []
    found = await examine(trading.desk.database, trading.house.tenant_id, trading.house.account.id)
    assert (found.orders, found.differences) == (6, [])
