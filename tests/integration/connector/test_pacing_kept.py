"""A gateway that enforces its pace, and everything that a connector does pressing at once: not one message too many."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from decimal import Decimal

import pytest

from app.core.errors import OmsError
from app.core.fix import BarInterval, OrderState, StreamKind
from app.flows.live.follow_streams import follow_streams
from app.flows.marketdata.read_history import read_bars, read_ticks, take_snapshot
from app.flows.marketdata.subscribe_market_data import subscribe_market_data, unsubscribe_market_data
from app.flows.orders.cancel_orders import cancel_orders
from app.flows.orders.replace_order import replace_order
from app.flows.reconciliation.reconcile_now import reconcile_now
from app.identity.domain.access import system_principal
from app.infra.settings import Settings
from app.infra.sharing import end_task
from app.orders.domain.changing import OrderChange
from app.simulator.faults.engine import FaultEngine
from app.simulator.scenarios import Player
from app.simulator.server import Simulator
from app.simulator.session import Session
from tests.integration.connector.pathologies import SWIFT, Rehearsal
from tests.integration.connector.test_connector import Trading, connector, settings, trading
from tests.integration.connector.test_streams import until

__all__ = ["settings", "trading"]

PER_SECOND = 50
"""What Interactive Brokers takes; the connector sends 45."""

ORDERS = 100
SYMBOLS = ("AAPL", "MSFT", "SPY", "QQQ", "IWM", "EUR.USD")
NAMES = {
    "1": "quote",
    "2": "quote",
    "3": "order",
    "4": "cancel",
    "5": "orders",
    "16": "orders",
    "7": "executions",
    "61": "positions",
    "20": "history",
    "96": "history",
    "50": "bars",
    "97": "ticks",
    "49": "probe",
    "99": "completed",
}


EVERYTHING = {"order", "cancel", "quote", "history", "bars", "ticks", "orders", "positions", "probe"}
"""What a connector writes to a gateway: all of it takes part."""

INTERVALS = replace(
    SWIFT,
    runner=replace(SWIFT.runner, probe_s=0.5, open_orders_s=1.0, positions_s=2.0),
    feed=replace(SWIFT.feed, probe_s=1.0),
)


@dataclass
class Arrivals:
    """When which message reached the gateway, of all of its clients."""

    at: list[float] = field(default_factory=list)
    kinds: list[str] = field(default_factory=list)

    def note(self, fields: Sequence[str]) -> None:
        """A message came."""
        self.at.append(asyncio.get_running_loop().time())
        self.kinds.append(NAMES.get(fields[0], fields[0]))

    @property
    def most_in_a_second(self) -> int:
        """The most messages that any second held."""
        most = begin = 0
        for end, at in enumerate(self.at):
            while at - self.at[begin] >= 1.0:
                begin += 1
            most = max(most, end - begin + 1)
        return most

    def times(self, kind: str) -> list[float]:
        """When messages of a kind came."""
        return [at for at, one in zip(self.at, self.kinds, strict=True) if one == kind]


@pytest.fixture
def arrivals(monkeypatch: pytest.MonkeyPatch) -> Arrivals:
    """What arrives at the simulator while a fault is at work; the simulator deals with it as ever."""
    noted, takes = Arrivals(), FaultEngine.takes

    def noting(self: FaultEngine, session: Session, fields: Sequence[str]) -> bool:
        noted.note(fields)
        return takes(self, session, fields)

    monkeypatch.setattr(FaultEngine, "takes", noting)
    return noted


async def test_everything_at_once_never_breaches_the_pace_and_cancels_go_first(
    trading: Trading, settings: Settings, simulator: Simulator, arrivals: Arrivals
) -> None:
    rehearsal = Rehearsal(trading=trading, simulator=simulator, player=Player(lambda: simulator.faults))
    simulator.faults.inject("pacing", {"per_second": PER_SECOND, "strikes_max": 3})
    who = system_principal(trading.house.tenant_id, "test")
    async with connector(settings, intervals=INTERVALS):
        await trading.until_connected()
        resting = [await trading.place(f"rests-{number}", limit="150") for number in range(20)]
        await trading.until_states({f"rests-{number}": OrderState.ACCEPTED for number in range(20)})
        async with pressing(trading, arrivals):
            await asyncio.gather(*(trading.place(f"new-{number}", limit="151") for number in range(ORDERS)))
            for order_id in resting[:10]:
                await replace_order(trading.desk, who, OrderChange(order_id=order_id, limit_price=Decimal("152")))
            asked_at = asyncio.get_running_loop().time()
            placements = await cancel_orders(trading.desk, who, resting[10:])
            await trading.until_states({f"rests-{number}": OrderState.CANCELED for number in range(10, 20)})
            await trading.until_states({f"new-{number}": OrderState.ACCEPTED for number in range(ORDERS)})
            await until(lambda: set(arrivals.kinds) >= EVERYTHING)
        await rehearsal.until_agreed()

    assert simulator.faults.struck("pacing") == 0
    assert arrivals.most_in_a_second <= PER_SECOND
    assert all(not one.problems for one in placements.values())
    cancels = arrivals.times("cancel")
    assert len(cancels) == 10
    assert max(cancels) - asked_at < 1.0, "cancels do not wait for what waits"
    assert len([at for at in arrivals.times("order") if at > max(cancels)]) >= 20, "orders waited behind them"


@asynccontextmanager
async def pressing(trading: Trading, arrivals: Arrivals) -> AsyncIterator[None]:
    """Questions, quotes, streams and comparisons without a pause, while the block lasts."""
    who = system_principal(trading.house.tenant_id, "test")
    desk = trading.desk

    async def streams_are_asked_for() -> None:
        # Bars of now share a pace of ten minutes with those of the past, which would have all of it.
        while not {"bars", "ticks"} <= set(arrivals.kinds):
            await asyncio.sleep(0.02)

    async def history() -> None:
        await streams_are_asked_for()
        number = 0
        while True:
            number += 1
            end = desk.clock.now() - timedelta(hours=number)
            for symbol in SYMBOLS:
                try:
                    await read_bars(desk, who, symbol, BarInterval.MINUTE_1, end - timedelta(minutes=30), end)
                except OmsError:
                    # Its own pace, or a question that ran out of time.
                    await asyncio.sleep(0.2)

    async def past_ticks() -> None:
        await streams_are_asked_for()
        while True:
            for symbol in SYMBOLS:
                try:
                    await read_ticks(desk, who, symbol, after=None, before=desk.clock.now(), count=10)
                except OmsError:
                    # Its own pace, or a question that ran out of time.
                    await asyncio.sleep(0.2)

    async def snapshots() -> None:
        while True:
            await asyncio.gather(
                *(take_snapshot(desk, who, symbol, None) for symbol in SYMBOLS), return_exceptions=True
            )

    async def quotes() -> None:
        while True:
            held = [await subscribe_market_data(desk, who, symbol, None) for symbol in SYMBOLS]
            await asyncio.sleep(0.6)
            for one in held:
                await unsubscribe_market_data(desk, who, one.id)

    async def comparisons() -> None:
        while True:
            try:
                await reconcile_now(desk, who, trading.house.account.id)
            except OmsError:
                # Another comparison is being made already.
                await asyncio.sleep(0.1)

    async def streams(kind: StreamKind) -> None:
        while True:
            reading = follow_streams(desk, who, ["AAPL", "MSFT"], kind)
            began = time.monotonic()
            async for _ in reading:
                if time.monotonic() - began > 1.5:
                    break
            await reading.aclose()  # type: ignore[attr-defined]

    works = [history(), past_ticks(), snapshots(), quotes(), comparisons()]
    works += [streams(kind) for kind in (StreamKind.LAST, StreamKind.REAL_TIME_BARS)]
    tasks = [asyncio.create_task(work) for work in works]
    try:
        yield
        assert not [task.exception() for task in tasks if task.done()]
    finally:
        for task in tasks:
            await end_task(task)
