"""Every broker behind the port, each with a market that stands still until it is told, and a clock set by hand."""

import asyncio
import dataclasses
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Protocol

from app.brokers.domain import BrokerAccount
from app.brokers.ib.adapter import IbAdapter
from app.brokers.ib.library import Library, LibraryName
from app.brokers.ib.pacing import Pacer
from app.brokers.ib.session import GatewayAddress, Timeouts
from app.brokers.paper import batch as paper
from app.brokers.paper.adapter import PaperAdapter
from app.brokers.paper.rules import PaperSessions, PaperTerms
from app.brokers.port import BrokerAdapter
from app.connector.paper import HouseQuotes, PaperBooks
from app.core.fix import BrokerKind
from app.core.messages import Contract, Tick
from app.infra.bus import Bus
from app.infra.db import Database
from app.infra.redis import Redis
from app.infra.uow import begin_batch
from app.marketdata.service import publish_ticks
from app.simulator.config import SimulatorConfig
from app.simulator.server import Simulator
from tests import factories
from tests.contract.brokers.conftest import ACCOUNT, WAIT_S, RecordingSink, contract_of
from tests.contract.simulator.clocks import HandClock

STARTS_AT = datetime(2026, 11, 18, 15, 0, tzinfo=UTC)
CASH = Decimal(1_000_000)


class BrokerBench(Protocol):
    """One account at one broker."""

    clock: HandClock
    account: str

    def session(self, sink: RecordingSink) -> BrokerAdapter:
        """An adapter for another session of the account."""
        ...

    def contract(self, symbol: str) -> Contract:
        """An instrument of the catalogue."""
        ...

    async def quote(
        self, bid: str, ask: str, *, bid_size: int = 1_000, ask_size: int = 1_000, last: str | None = None
    ) -> None:
        """Show this market of AAPL from now on."""
        ...

    async def settle(self, session: BrokerAdapter) -> None:
        """Wait until the broker has dealt on the newest quote, and the session has heard of it."""
        ...

    async def pass_time(self, until: datetime) -> None:
        """Set the clock, and let what has come to its time happen."""
        ...


@dataclass
class IbBench:
    """An account at the simulator, over one of the client libraries."""

    library: Library
    simulator: Simulator
    clock: HandClock
    account: str = ACCOUNT
    sessions: list[BrokerAdapter] = field(default_factory=list)

    def session(self, sink: RecordingSink) -> BrokerAdapter:
        made = IbAdapter(
            library=self.library,
            address=GatewayAddress(host="127.0.0.1", port=self.simulator.port, client_id=3, account=self.account),
            tenant="tenant",
            sink=sink,
            pacer=Pacer(None, asyncio.get_running_loop()),
            clock=self.clock,
            timeouts=Timeouts(connect_s=3.0, part_s=3.0, probe_s=3.0, what_if_s=3.0),
        )
        self.sessions.append(made)
        return made

    def contract(self, symbol: str) -> Contract:
        return contract_of(symbol)

    async def quote(
        self, bid: str, ask: str, *, bid_size: int = 1_000, ask_size: int = 1_000, last: str | None = None
    ) -> None:
        self.simulator.set_quote(
            "AAPL",
            bid=Decimal(bid),
            ask=Decimal(ask),
            bid_size=Decimal(bid_size),
            ask_size=Decimal(ask_size),
            last=Decimal(last or bid),
        )

    async def settle(self, session: BrokerAdapter) -> None:
        await session.probe()

    async def pass_time(self, until: datetime) -> None:
        self.clock.moment = until
        self.simulator.venue.pass_time(until)


@dataclass
class PaperBench:
    """An account at the paper broker: its books in PostgreSQL, its quotes over Redis."""

    database: Database
    redis: Redis
    bus: Bus
    held: BrokerAccount
    contracts: dict[str, Contract]
    clock: HandClock
    account: str
    quoted_at: datetime = STARTS_AT
    sessions: list[BrokerAdapter] = field(default_factory=list)

    def session(self, sink: RecordingSink) -> BrokerAdapter:
        made = PaperAdapter(
            account_number=self.account,
            client_id=3,
            ledger=PaperBooks(self.database, self.held),
            quotes=HouseQuotes(self.redis, self.bus, self.held.tenant_id),
            sink=sink,
            clock=self.clock,
            terms=PaperTerms(sessions=PaperSessions.ALWAYS),
            beat_s=0.01,
        )
        self.sessions.append(made)
        return made

    def contract(self, symbol: str) -> Contract:
        return self.contracts[symbol]

    async def quote(
        self, bid: str, ask: str, *, bid_size: int = 1_000, ask_size: int = 1_000, last: str | None = None
    ) -> None:
        self.clock.moment += timedelta(milliseconds=1)
        tick = Tick(
            instrument_id=self.contracts["AAPL"].instrument_id,
            symbol="AAPL",
            bid=Decimal(bid),
            bid_size=Decimal(bid_size),
            ask=Decimal(ask),
            ask_size=Decimal(ask_size),
            last=Decimal(last or bid),
            last_size=Decimal(100),
            time=self.clock.moment,
        )
        self.quoted_at = tick.time
        await publish_ticks(self.redis, self.held.tenant_id, [tick])

    async def settle(self, session: BrokerAdapter) -> None:
        assert isinstance(session, PaperAdapter)
        assert session._venue is not None
        apple = self.contracts["AAPL"].instrument_id
        # Before the first order of an instrument nobody listens: its newest quote is looked up then.
        if apple in session._asked:
            market = session._venue._floor._markets[apple]
            async with asyncio.timeout(WAIT_S):
                while market.tick is None or market.tick.time < self.quoted_at:
                    await asyncio.sleep(0.002)
        await session.probe()

    async def pass_time(self, until: datetime) -> None:
        self.clock.moment = until


@asynccontextmanager
async def ib_bench(name: LibraryName) -> AsyncIterator[IbBench]:
    """The simulator on a free port."""
    clock = HandClock(STARTS_AT)
    running = Simulator(SimulatorConfig(port=0), clock)
    await running.start()
    running.pause_market()
    bench = IbBench(Library(name), running, clock)
    try:
        yield bench
    finally:
        for session in bench.sessions:
            await session.close()
        await running.stop()


@asynccontextmanager
async def paper_bench(database: Database, redis: Redis, bus: Bus) -> AsyncIterator[PaperBench]:
    """A tenant with an account at the paper broker."""
    tenant_id = await factories.make_tenant(database)
    key = await factories.make_account(database, tenant_id, account_number="PAPER1", broker=BrokerKind.PAPER)
    instruments = await factories.make_instruments(database, tenant_id)
    async with begin_batch(database, tenant_id) as writing:
        await paper.open_books(writing, key, "USD", CASH, STARTS_AT)
    bench = PaperBench(
        database=database,
        redis=redis,
        bus=bus,
        held=BrokerAccount(
            tenant_id=tenant_id,
            id=key.account_id,
            broker=BrokerKind.PAPER,
            account_number="PAPER1",
            base_currency="USD",
            host="paper",
            port=1,
            client_id=3,
            is_paper=True,
        ),
        contracts={
            symbol: dataclasses.replace(contract_of(symbol), instrument_id=one.id)
            for symbol, one in instruments.items()
        },
        clock=HandClock(STARTS_AT),
        account="PAPER1",
    )
    try:
        yield bench
    finally:
        for session in bench.sessions:
            await session.close()
