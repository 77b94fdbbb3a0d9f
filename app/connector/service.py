"""The connector: which accounts are ours, and a supervised task for each."""

import asyncio
import logging
import os
import socket
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from zoneinfo import ZoneInfo

import asyncpg

from app.brokers import repository as brokers
from app.brokers.domain import BrokerAccount, Lease
from app.brokers.errors import BrokerBusyError, BrokerDisconnectedError, BrokerTimedOutError, LeaseLostError
from app.brokers.ib.adapter import IbAdapter
from app.brokers.ib.inquiry_pace import InquiryPace
from app.brokers.ib.library import Library
from app.brokers.ib.pacing import Pacer
from app.brokers.ib.session import GatewayAddress, Timeouts
from app.brokers.ib.stream_pace import StreamPace
from app.brokers.inquiries import Inquired
from app.brokers.paper.adapter import PaperAdapter
from app.brokers.paper.rules import PaperSessions, PaperTerms
from app.brokers.port import BrokerAdapter, BrokerSink
from app.brokers.reconciling import Reconciled
from app.brokers.vitals import GatewayUse
from app.connector.answering import Answering, Respondent
from app.connector.feed import CLIENT_ID_OFFSET, FeedIntervals, FeedRunner
from app.connector.intervals import Intervals
from app.connector.paper import HouseQuotes, PaperBooks
from app.connector.restarts import RestartWindows, read_times
from app.connector.runner import AccountRunner
from app.connector.store import TRANSIENT, AccountStore
from app.connector.streams import StreamKeeper
from app.core.clock import Clock
from app.core.errors import UnavailableError
from app.core.fix import BrokerKind
from app.core.ids import AccountId, Ids, InstrumentId, TenantId
from app.core.messages import AccountKey, Contract
from app.flows.brokers.connection_news import connection_changed
from app.flows.brokers.renew_groups import renew_groups
from app.flows.hints import LANES
from app.flows.marketdata.keep_daily_bars import DailyBars
from app.flows.marketdata.renew_instruments import renew_instruments
from app.flows.marketdata.watch_markets import count_ticks, stream_contracts, watch_list
from app.flows.positions.fx_rates import keep_rates
from app.infra.bus import Bus
from app.infra.db import CONNECTION_LOST, Database
from app.infra.redis import Redis
from app.infra.settings import Settings
from app.infra.uow import begin_batch, begin_system
from app.marketdata.lines import LineCounts, WatchList

log = logging.getLogger(__name__)

ACCOUNTS_MAX = 10_000
_NO_ANSWER = (BrokerDisconnectedError, BrokerBusyError, BrokerTimedOutError)

Gateway = tuple[str, int]
Key = tuple[TenantId, AccountId]


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectorIntervals:
    """How often the connector looks for accounts and groups, and how long it holds one without a sign of life."""

    discover_s: float = 1.0
    lease_s: float = 6.0
    renew_s: float = 2.0
    groups_s: float = 30.0
    runner: Intervals = field(default_factory=Intervals)
    feed: FeedIntervals = field(default_factory=FeedIntervals)
    timeouts: Timeouts = field(default_factory=Timeouts)


@dataclass(slots=True, kw_only=True)
class _Held:
    account: BrokerAccount
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    task: asyncio.Task[None] | None = None
    runner: AccountRunner | None = None


class Connector:
    """Takes a lease on every account that nobody holds, and keeps each connected while it holds it."""

    def __init__(
        self,
        *,
        settings: Settings,
        database: Database,
        system_database: Database,
        redis: Redis,
        bus: Bus,
        clock: Clock,
        ids: Ids,
        intervals: ConnectorIntervals | None = None,
    ) -> None:
        self._settings = settings
        self._database = database
        self._system_database = system_database
        self._redis = redis
        self._bus = bus
        self._clock = clock
        self._ids = ids
        self._intervals = intervals or ConnectorIntervals()
        self._library = Library(settings.ib_library)
        self._holder = f"{socket.gethostname()}/{os.getpid()}/{ids.new()}"
        self._held: dict[Key, _Held] = {}
        self._feeds: dict[tuple[TenantId, Gateway], FeedRunner] = {}
        self._feeding: defaultdict[tuple[TenantId, Gateway], asyncio.Lock] = defaultdict(asyncio.Lock)
        self._pacers: dict[Gateway, Pacer] = {}
        self._inquiry_paces: defaultdict[Gateway, InquiryPace] = defaultdict(InquiryPace)
        self._stream_paces: defaultdict[Gateway, StreamPace] = defaultdict(lambda: StreamPace(settings.ib_tick_streams))
        self._paper: dict[AccountId, PaperAdapter] = {}

    async def run(self) -> None:
        """Work until cancelled; then every lease is given back."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._listen_for_hints())
                group.create_task(self._answering().run())
                await self._discover(group)
        finally:
            log.info("the connector stopped")

    async def _discover(self, group: asyncio.TaskGroup) -> None:
        is_database_up = True
        while True:
            try:
                await self._take_what_is_free(group)
            except (*CONNECTION_LOST, asyncpg.PostgresError, TimeoutError) as error:
                if is_database_up:
                    log.error("accounts cannot be read: %s", error)
                is_database_up = False
            else:
                is_database_up = True
            await asyncio.sleep(self._intervals.discover_s)

    async def _take_what_is_free(self, group: asyncio.TaskGroup) -> None:
        async with begin_system(self._system_database) as session:
            accounts = await brokers.active_accounts(session, ACCOUNTS_MAX)
        found = {(account.tenant_id, account.id): account for account in accounts}
        for key, held in list(self._held.items()):
            # Closed, or to be reached elsewhere now: what runs ends, and the account is taken afresh.
            if found.get(key) != held.account and held.task is not None:
                held.task.cancel()
        for key, account in found.items():
            if key in self._held:
                continue
            async with begin_batch(self._database, account.tenant_id) as session:
                lease = await brokers.take_lease(
                    session, account.tenant_id, account.id, self._holder, self._intervals.lease_s
                )
            if lease is not None:
                held = _Held(account=account)
                self._held[key] = held
                held.task = group.create_task(self._keep(held, lease), name=f"account {account.account_number}")

    async def _keep(self, held: _Held, lease: Lease) -> None:
        account = held.account
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._renew(lease))
                held.runner = self._runner(held, lease)
                group.create_task(held.runner.run())
                if account.broker is BrokerKind.INTERACTIVE_BROKERS:
                    group.create_task(self._keep_feed(account))
                if account.is_adviser:
                    group.create_task(self._keep_groups(account))
        except* LeaseLostError:
            log.warning("%s is held by another connector now", account.account_number)
        except* Exception:
            # The edge of a supervised task: one account's trouble must not take the others along.
            log.exception("%s stopped unexpectedly and will be taken up again", account.account_number)
        finally:
            del self._held[account.tenant_id, account.id]
            self._paper.pop(account.id, None)
            await self._give_back(lease)

    async def _keep_feed(self, account: BrokerAccount) -> None:
        # One for all of the tenant's accounts at the gateway: the next account takes it up when this one goes.
        feed = _feed_of(account)
        async with self._feeding[feed]:
            runner = self._feeds[feed] = self._feed(account)
            try:
                await runner.run()
            finally:
                del self._feeds[feed]

    async def _keep_groups(self, account: BrokerAccount) -> None:
        while True:
            wait_s = self._intervals.groups_s
            feed = self._feeds.get(_feed_of(account))
            try:
                if feed is None:
                    raise BrokerDisconnectedError("no session can be asked yet")
                await renew_groups(self._database, account, feed.answer, now=self._clock.now())
            except (*_NO_ANSWER, *CONNECTION_LOST, asyncpg.PostgresError, TimeoutError):
                # What was told before serves until then.
                wait_s = self._intervals.discover_s
            await asyncio.sleep(wait_s)

    def _answering(self) -> Answering:
        def account_of(tenant_id: TenantId, account_id: AccountId) -> BrokerAccount | None:
            held = self._held.get((tenant_id, account_id))
            return None if held is None else held.account

        async def reconcile(account: BrokerAccount) -> Reconciled:
            held = self._held.get((account.tenant_id, account.id))
            if held is None or held.runner is None:
                raise BrokerDisconnectedError("the account is not held here any more")
            return await held.runner.reconcile()

        return Answering(
            redis=self._redis,
            bus=self._bus,
            account_of=account_of,
            session_of=self._asked_of,
            reconcile=reconcile,
        )

    def _asked_of(self, account: BrokerAccount) -> Respondent | None:
        if account.broker is BrokerKind.PAPER:
            return self._paper.get(account.id)
        return self._feeds.get(_feed_of(account))

    async def _give_back(self, lease: Lease) -> None:
        try:
            async with begin_batch(self._database, lease.tenant_id) as session:
                if await brokers.give_lease(session, lease):
                    key = AccountKey(tenant_id=lease.tenant_id, account_id=lease.account_id)
                    await session.write([connection_changed([key], self._clock.now())])
        except (*CONNECTION_LOST, asyncpg.PostgresError, TimeoutError) as error:
            log.warning("a lease could not be given back and will run out: %s", error)

    async def _renew(self, lease: Lease) -> None:
        while True:
            await asyncio.sleep(self._intervals.renew_s)
            try:
                async with begin_batch(self._database, lease.tenant_id) as session:
                    is_ours = await brokers.renew_lease(session, lease, self._intervals.lease_s)
            except (*CONNECTION_LOST, asyncpg.PostgresError, TimeoutError) as error:
                # Without the database nothing can be claimed either, so nothing is sent under a lease that ran out.
                log.warning("a lease could not be renewed: %s", error)
                continue
            if not is_ours:
                raise LeaseLostError("the lease ran out or was taken over")

    def _runner(self, held: _Held, lease: Lease) -> AccountRunner:
        account = held.account
        return AccountRunner(
            account=account,
            store=AccountStore(
                database=self._database,
                redis=self._redis,
                account=account,
                lease=lease,
                clock=self._clock,
                ids=self._ids,
                trading_zone=ZoneInfo(self._settings.trading_timezone),
                use=None if account.broker is BrokerKind.PAPER else lambda: self._use_of(account),
            ),
            make_adapter=self._papers(account)
            if account.broker is BrokerKind.PAPER
            else self._adapters(account, account.client_id),
            wake=held.wake,
            clock=self._clock,
            intervals=self._intervals.runner,
            restarts=self._restarts_of(account),
        )

    def _use_of(self, account: BrokerAccount) -> GatewayUse:
        feed = self._feeds.get(_feed_of(account))
        return GatewayUse(
            pace=self._pacer((account.host, account.port)).use(),
            lines_used=0 if feed is None else feed.lines,
            lines_max=self._lines_of((account.host, account.port)),
        )

    def _lines_of(self, gateway: Gateway) -> int:
        # A gateway's lines are its user's: tenants that share one share them evenly.
        sharing = sum(1 for _, place in self._feeds if place == gateway)
        return self._settings.ib_market_data_lines // max(sharing, 1)

    def _restarts_of(self, account: BrokerAccount) -> RestartWindows:
        settings = self._settings
        if (account.host, account.port) == (settings.simulator_host, settings.simulator_port):
            return RestartWindows()
        return RestartWindows(
            times=read_times(settings.ib_restart_times),
            zone=ZoneInfo(settings.ib_timezone),
            lasts_s=settings.ib_restart_seconds,
        )

    def _feed(self, account: BrokerAccount) -> FeedRunner:
        gateway = (account.host, account.port)

        async def wanted() -> WatchList:
            limit = max(self._lines_of(gateway) - streams.lines, 1)
            try:
                return await watch_list(self._database, self._redis, account.tenant_id, self._clock.now(), limit)
            except TRANSIENT as error:
                raise UnavailableError(f"what to watch cannot be read: {error}") from error

        async def contracts(instrument_ids: Collection[InstrumentId]) -> Mapping[InstrumentId, Contract]:
            try:
                return await stream_contracts(self._database, account.tenant_id, instrument_ids)
            except TRANSIENT as error:
                raise UnavailableError(f"what is followed cannot be read: {error}") from error

        streams = StreamKeeper(
            tenant_id=account.tenant_id,
            redis=self._redis,
            clock=self._clock,
            ids=self._ids,
            contracts=contracts,
            intervals=self._intervals.feed.streams,
        )

        async def count(counts: dict[InstrumentId, LineCounts]) -> None:
            await count_ticks(self._database, account.tenant_id, counts)

        async def rates() -> None:
            await keep_rates(self._database, self._redis, account.tenant_id, self._clock.now())

        daily_bars = DailyBars(self._database, account.tenant_id)

        async def renew(broker: Inquired) -> None:
            await renew_instruments(self._database, account.tenant_id, broker, now=self._clock.now(), ids=self._ids)

        async def keep_days(broker: Inquired) -> None:
            await daily_bars.keep(broker, self._clock.now())

        return FeedRunner(
            account=account,
            make_adapter=self._adapters(
                account,
                account.client_id + CLIENT_ID_OFFSET,
                takes_delayed=self._settings.ib_delayed_market_data,
            ),
            watch_list=wanted,
            count=count,
            keep_rates=rates,
            renewals=(renew, keep_days),
            streams=streams,
            redis=self._redis,
            clock=self._clock,
            intervals=self._intervals.feed,
        )

    def _adapters(
        self, account: BrokerAccount, client_id: int, *, takes_delayed: bool = False
    ) -> Callable[[BrokerSink], IbAdapter]:
        def make(sink: BrokerSink) -> IbAdapter:
            return IbAdapter(
                library=self._library,
                address=GatewayAddress(
                    host=account.host,
                    port=account.port,
                    client_id=client_id,
                    account=account.account_number,
                    is_adviser=account.is_adviser,
                ),
                tenant=account.tenant_id,
                sink=sink,
                pacer=self._pacer((account.host, account.port)),
                clock=self._clock,
                timezone=self._settings.ib_timezone,
                timeouts=self._intervals.timeouts,
                lines_max=self._settings.ib_market_data_lines,
                inquiry_pace=self._inquiry_paces[account.host, account.port],
                stream_pace=self._stream_paces[account.host, account.port],
                takes_delayed=takes_delayed,
            )

        return make

    def _papers(self, account: BrokerAccount) -> Callable[[BrokerSink], BrokerAdapter]:
        def make(sink: BrokerSink) -> BrokerAdapter:
            made = self._paper[account.id] = PaperAdapter(
                account_number=account.account_number,
                client_id=account.client_id,
                ledger=PaperBooks(self._database, account),
                quotes=HouseQuotes(self._redis, self._bus, account.tenant_id),
                sink=sink,
                clock=self._clock,
                terms=PaperTerms(
                    sessions=PaperSessions(self._settings.paper_sessions),
                    quote_age_max=timedelta(seconds=self._settings.paper_quote_age_seconds),
                ),
            )
            return made

        return make

    def _pacer(self, gateway: Gateway) -> Pacer:
        pacer = self._pacers.get(gateway)
        if pacer is None:
            settings = self._settings
            is_simulator = gateway == (settings.simulator_host, settings.simulator_port)
            limit = settings.simulator_messages_per_second if is_simulator else settings.ib_messages_per_second
            pacer = self._pacers[gateway] = Pacer(limit or None, asyncio.get_running_loop())
        return pacer

    async def _listen_for_hints(self) -> None:
        # Only a hint: whoever misses it finds the command at the next poll.
        async with self._bus.subscribe(LANES) as hints:
            async for _ in hints:
                self._wake()

    def _wake(self) -> None:
        for held in self._held.values():
            held.wake.set()


def _feed_of(account: BrokerAccount) -> tuple[TenantId, Gateway]:
    return account.tenant_id, (account.host, account.port)
