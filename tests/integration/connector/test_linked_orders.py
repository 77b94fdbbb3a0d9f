"""Linked orders the whole way: at the simulator the exits of a bracket follow its fills, and each other."""

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from app.core.fix import OrderState, OrderType, PositionAim, Side
from app.core.ids import PositionId
from app.core.messages import Aim, NewOrder, OrderTerms
from app.flows.orders.close_position import aim_at_position
from app.identity.domain.access import system_principal
from app.infra.settings import Settings
from app.simulator.exchange import Exchange
from app.simulator.server import Simulator
from tests.integration.connector.test_connector import Trading, connector, settings, trading

__all__ = ["settings", "trading"]

ENTRY, PROFIT, LOSS = "b", "b/tp", "b/sl"


@dataclass(kw_only=True)
class Market:
    """AAPL at the simulator, moved by the test."""

    simulator: Simulator

    def show(self, bid: str, ask: str, *, bid_size: int = 1_000, ask_size: int = 1_000) -> None:
        self.simulator.set_quote(
            "AAPL",
            bid=Decimal(bid),
            ask=Decimal(ask),
            bid_size=Decimal(bid_size),
            ask_size=Decimal(ask_size),
            last=Decimal(bid),
        )

    @property
    def held(self) -> Decimal:
        """The position as the simulator keeps it."""
        [account] = self.simulator.venue.exchange.accounts.values()
        return sum((one.quantity for one in account.holdings.values()), Decimal(0))

    @property
    def working(self) -> dict[str, Decimal]:
        """What is left of each working order, by its type on the wire."""
        return {one.request.order_type: one.remaining for one in self.simulator.venue.exchange.open_orders()}


@pytest.fixture
def market(simulator: Simulator) -> Market:
    return Market(simulator=simulator)


async def place_bracket(trading: Trading, quantity: int = 100) -> None:
    """A bought bracket at 187.42 with exits at 190 and 185."""
    placement = await trading.desk.intake.submit(
        system_principal(trading.house.tenant_id, "test"),
        NewOrder(
            account_id=trading.house.account.id,
            client_order_id=ENTRY,
            side=Side.BUY,
            order_type=OrderType.LIMIT,
            terms=OrderTerms(quantity=Decimal(quantity), limit_price=Decimal("187.42")),
            symbol="AAPL",
            take_profit=Decimal(190),
            stop_loss=Decimal(185),
        ),
    )
    assert placement.problems == ()


async def quantities(trading: Trading) -> dict[str, tuple[Any, ...]]:
    rows = await trading.rows("SELECT client_order_id, state, quantity, filled_quantity FROM orders")
    return {row["client_order_id"]: (row["state"], row["quantity"], row["filled_quantity"]) for row in rows}


async def until_orders(trading: Trading, **wanted: tuple[OrderState, int, int]) -> None:
    """Wait for state, quantity and filled quantity of orders, named with an underscore for the slash."""

    async def are_reached() -> bool:
        found = await quantities(trading)
        return all(found.get(name.replace("_", "/")) == terms for name, terms in wanted.items())

    await trading.until(are_reached)


async def book(trading: Trading) -> Any:
    [row] = await trading.rows(
        "SELECT quantity, open_buy_quantity, open_sell_quantity, open_orders FROM positions JOIN account_books "
        "USING (tenant_id, account_id)"
    )
    return tuple(row.values())


async def press_close(trading: Trading) -> None:
    [position] = await trading.rows("SELECT id FROM positions")
    placement = await aim_at_position(
        trading.desk,
        system_principal(trading.house.tenant_id, "test"),
        PositionId(position["id"]),
        "close",
        Aim(kind=PositionAim.CLOSE),
    )
    assert placement.problems == ()


async def is_flat(trading: Trading) -> bool:
    return bool(await book(trading) == (0, 0, 0, 0))


@pytest.mark.parametrize("library", ["ib_insync", "ib_async"])
async def test_a_bracket_fills_in_parts_and_takes_its_profit(
    trading: Trading, settings: Settings, market: Market, library: str
) -> None:
    market.show("187.40", "187.42", ask_size=40)
    async with connector(settings.model_copy(update={"ib_library": library})):
        await trading.until_connected()

        await place_bracket(trading)
        await until_orders(
            trading,
            b=(OrderState.PARTIALLY_FILLED, 100, 40),
            b_tp=(OrderState.ACCEPTED, 40, 0),
            b_sl=(OrderState.ACCEPTED, 40, 0),
        )
        market.show("187.40", "187.42", ask_size=60)
        await until_orders(
            trading,
            b=(OrderState.FILLED, 100, 100),
            b_tp=(OrderState.ACCEPTED, 100, 0),
            b_sl=(OrderState.ACCEPTED, 100, 0),
        )
        market.show("190.00", "190.02", bid_size=30)
        await until_orders(trading, b_tp=(OrderState.PARTIALLY_FILLED, 100, 30), b_sl=(OrderState.ACCEPTED, 70, 0))
        between = (await book(trading), market.working)
        market.show("190.00", "190.02", bid_size=500)
        await until_orders(trading, b_tp=(OrderState.FILLED, 100, 100), b_sl=(OrderState.CANCELED, 70, 0))

    assert between == ((70, 0, 70, 2), {"LMT": Decimal(70), "STP": Decimal(70)})
    assert await book(trading) == (0, 0, 0, 0)
    assert market.held == 0
    assert await trading.rows("SELECT 1 FROM quarantined_reports") == []


async def test_a_bracket_is_stopped_out(trading: Trading, settings: Settings, market: Market) -> None:
    async with connector(settings):
        await trading.until_connected()
        await place_bracket(trading)
        await until_orders(trading, b_tp=(OrderState.ACCEPTED, 100, 0), b_sl=(OrderState.ACCEPTED, 100, 0))

        market.show("184.90", "184.92")
        await until_orders(trading, b_sl=(OrderState.FILLED, 100, 100), b_tp=(OrderState.CANCELED, 100, 0))

    assert await book(trading) == (0, 0, 0, 0)
    assert market.held == 0


async def test_what_fills_while_the_connection_is_away_is_protected_afterwards(
    trading: Trading, settings: Settings, market: Market, simulator: Simulator
) -> None:
    market.show("188.00", "188.02")
    async with connector(settings):
        await trading.until_connected()
        await place_bracket(trading)
        await until_orders(trading, b=(OrderState.ACCEPTED, 100, 0))

        simulator.drop_connections()
        market.show("187.40", "187.42")
        await until_orders(
            trading,
            b=(OrderState.FILLED, 100, 100),
            b_tp=(OrderState.ACCEPTED, 100, 0),
            b_sl=(OrderState.ACCEPTED, 100, 0),
        )

    assert market.working == {"LMT": Decimal(100), "STP": Decimal(100)}


async def test_exits_that_were_claimed_by_a_connector_that_died_go_out_once(
    trading: Trading, settings: Settings, market: Market
) -> None:
    market.show("187.40", "187.42", ask_size=40)
    async with connector(settings):
        await trading.until_connected()
        await place_bracket(trading)
        await until_orders(trading, b=(OrderState.PARTIALLY_FILLED, 100, 40))

    market.show("187.40", "187.42", ask_size=60)
    async with connector(settings):
        await until_orders(
            trading,
            b=(OrderState.FILLED, 100, 100),
            b_tp=(OrderState.ACCEPTED, 100, 0),
            b_sl=(OrderState.ACCEPTED, 100, 0),
        )

    assert market.working == {"LMT": Decimal(100), "STP": Decimal(100)}
    assert await book(trading) == (100, 0, 100, 2)


@pytest.mark.parametrize(
    ("dealt", "state"), [(0, OrderState.FILLED), (30, OrderState.FILLED), (100, OrderState.CANCELED)]
)
async def test_a_close_never_sells_what_an_exit_deals_while_its_cancel_is_under_way(
    trading: Trading, settings: Settings, market: Market, monkeypatch: pytest.MonkeyPatch, dealt: int, state: OrderState
) -> None:
    cancel = Exchange.cancel

    def overtaken(exchange: Exchange, client_id: int, order_id: int) -> None:
        monkeypatch.setattr(Exchange, "cancel", cancel)
        if dealt:
            market.show("190.00", "190.02", bid_size=dealt)
            market.show("187.40", "187.42")
        cancel(exchange, client_id, order_id)

    async with connector(settings):
        await trading.until_connected()
        await place_bracket(trading)
        await until_orders(trading, b_tp=(OrderState.ACCEPTED, 100, 0), b_sl=(OrderState.ACCEPTED, 100, 0))
        monkeypatch.setattr(Exchange, "cancel", overtaken)

        await press_close(trading)
        await trading.until_states({"close": state})
        await trading.until(lambda: is_flat(trading))

    found = await quantities(trading)
    assert found["b/tp"][2] == dealt
    assert found["close"][2] == 100 - dealt
    assert market.held == 0
    assert market.working == {}
    assert await trading.rows("SELECT 1 FROM quarantined_reports") == []


async def test_a_close_goes_for_the_rest_when_its_cancels_and_a_fill_are_lost_with_the_connection(
    trading: Trading, settings: Settings, market: Market, simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    cancel = Exchange.cancel

    def lost(exchange: Exchange, client_id: int, order_id: int) -> None:
        monkeypatch.setattr(Exchange, "cancel", cancel)
        simulator.drop_connections()
        market.show("190.00", "190.02", bid_size=30)
        market.show("187.40", "187.42")

    async with connector(settings):
        await trading.until_connected()
        await place_bracket(trading)
        await until_orders(trading, b_tp=(OrderState.ACCEPTED, 100, 0), b_sl=(OrderState.ACCEPTED, 100, 0))
        monkeypatch.setattr(Exchange, "cancel", lost)

        await press_close(trading)
        await trading.until_states({"close": OrderState.FILLED})
        await trading.until(lambda: is_flat(trading))

    found = await quantities(trading)
    assert (found["b/tp"][2], found["close"][2]) == (30, 70)
    assert market.held == 0
    assert market.working == {}
    assert await trading.rows("SELECT 1 FROM quarantined_reports") == []


async def test_a_scheduled_order_goes_out_when_its_time_comes(
    trading: Trading, settings: Settings, market: Market
) -> None:
    async with connector(settings):
        await trading.until_connected()
        placement = await trading.desk.intake.submit(
            system_principal(trading.house.tenant_id, "test"),
            NewOrder(
                account_id=trading.house.account.id,
                client_order_id="later",
                side=Side.BUY,
                order_type=OrderType.LIMIT,
                terms=OrderTerms(quantity=Decimal(10), limit_price=Decimal(150)),
                symbol="AAPL",
                is_staged=True,
                release_at=trading.desk.clock.now() + timedelta(seconds=1),
            ),
        )
        await trading.until_states({"later": OrderState.ACCEPTED})

    assert placement.order is not None
    assert placement.order.state is OrderState.HELD
    [event] = await trading.rows("SELECT recorded_at, actor FROM order_events WHERE type = 'OrderRouted'")
    assert event["actor"] == "system:schedule"
    assert event["recorded_at"] >= placement.order.release_at
    assert market.working == {"LMT": Decimal(10)}
