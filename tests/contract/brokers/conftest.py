"""What the contract of a broker adapter is tried on: the simulator's socket, over both client libraries."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from decimal import Decimal
from uuid import UUID

import pytest

from app.brokers.ib.adapter import IbAdapter
from app.brokers.ib.library import Library, LibraryName
from app.brokers.ib.pacing import Pacer
from app.brokers.ib.session import GatewayAddress, Timeouts
from app.brokers.port import ConnectionChange, LineChange
from app.core.catalogue import CATALOGUE
from app.core.fix import InstrumentType, OrderType, Side
from app.core.ids import InstrumentId, OrderId
from app.core.messages import (
    AccountValues,
    BrokerPosition,
    BrokerReport,
    Contract,
    LaneCommand,
    LaneKind,
    OrderTerms,
)
from app.infra.system import SystemClock, SystemIds
from app.simulator.config import SimulatorConfig
from app.simulator.server import Simulator

WAIT_S = 5.0
ACCOUNT = "DU1000001"


@dataclass
class RecordingSink:
    """A sink that keeps everything, and lets a test wait for it."""

    reports: list[BrokerReport] = field(default_factory=list)
    changes: list[ConnectionChange] = field(default_factory=list)
    values: list[AccountValues] = field(default_factory=list)
    positions: list[BrokerPosition] = field(default_factory=list)
    lines: list[LineChange] = field(default_factory=list)
    _heard: asyncio.Event = field(default_factory=asyncio.Event)

    def reported(self, report: BrokerReport) -> None:
        self.reports.append(report)
        self._heard.set()

    def changed(self, change: ConnectionChange) -> None:
        self.changes.append(change)
        self._heard.set()

    def valued(self, values: AccountValues) -> None:
        self.values.append(values)
        self._heard.set()

    def held(self, position: BrokerPosition) -> None:
        self.positions.append(position)
        self._heard.set()

    def lined(self, change: LineChange) -> None:
        self.lines.append(change)
        self._heard.set()

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait for the condition, looking whenever something was heard."""
        async with asyncio.timeout(WAIT_S):
            while not condition():
                self._heard.clear()
                await self._heard.wait()


def contract_of(symbol: str) -> Contract:
    """An instrument of the catalogue as the house knows it."""
    [entry] = [entry for entry in CATALOGUE if entry.symbol == symbol]
    return Contract(
        instrument_id=InstrumentId(UUID(int=entry.con_id)),
        contract_id=entry.con_id,
        symbol=entry.symbol,
        instrument_type=InstrumentType(entry.instrument_type),
        exchange="SMART",
        currency=entry.currency,
    )


def place(number: int, *, quantity: int = 100, side: Side = Side.BUY, limit: str | None = None) -> LaneCommand:
    """A command to place an order of AAPL: at the limit, or at the market without one."""
    return LaneCommand(
        kind=LaneKind.PLACE,
        order_id=OrderId(SystemIds().new()),
        request_id=None,
        broker_order_id=number,
        contract=contract_of("AAPL"),
        side=side,
        order_type=OrderType.MARKET if limit is None else OrderType.LIMIT,
        terms=OrderTerms(quantity=Decimal(quantity), limit_price=None if limit is None else Decimal(limit)),
    )


@pytest.fixture(params=["ib_insync", "ib_async"])
def library(request: pytest.FixtureRequest) -> Library:
    """Each of the client libraries."""
    name: LibraryName = request.param
    return Library(name)


@pytest.fixture
async def simulator() -> AsyncIterator[Simulator]:
    """A simulator whose market stands still: AAPL at 187.40 to 187.42, 1,000 on either side."""
    running = Simulator(SimulatorConfig(port=0))
    await running.start()
    running.pause_market()
    running.set_quote("AAPL", bid=Decimal("187.40"), ask=Decimal("187.42"))
    yield running
    await running.stop()


@dataclass
class Bench:
    """Makes adapters to the simulator and closes them in the end."""

    library: Library
    port: int
    adapters: list[IbAdapter] = field(default_factory=list)

    def adapter(
        self,
        sink: RecordingSink,
        *,
        client_id: int = 3,
        account: str = ACCOUNT,
        timeouts: Timeouts | None = None,
        limit: int | None = None,
    ) -> IbAdapter:
        made = IbAdapter(
            library=self.library,
            address=GatewayAddress(host="127.0.0.1", port=self.port, client_id=client_id, account=account),
            tenant="tenant",
            sink=sink,
            pacer=Pacer(limit, asyncio.get_running_loop()),
            clock=SystemClock(),
            timeouts=timeouts or Timeouts(connect_s=3.0, part_s=3.0, probe_s=1.0),
        )
        self.adapters.append(made)
        return made


@pytest.fixture
async def bench(library: Library, simulator: Simulator) -> AsyncIterator[Bench]:
    """A bench at the simulator."""
    made = Bench(library, simulator.port)
    yield made
    for adapter in made.adapters:
        await adapter.close()
