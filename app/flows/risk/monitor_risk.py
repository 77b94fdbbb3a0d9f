"""The monitor: every moment it measures all limits, tells of warnings and breaches, and trips circuit breakers."""

import asyncio
import contextlib
import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from app.brokers.standing_batch import WatchedAccount, watched_accounts
from app.core.ids import AccountId, BreakerId, TenantId
from app.core.messages import AccountKey
from app.flows.hands import Hands
from app.flows.hints import OUTBOX, hint
from app.flows.marketdata.instrument_directory import InstrumentMemory
from app.flows.orders.pre_trade import Market
from app.flows.positions.view_pnl import Day
from app.flows.risk.measure_risk import ACCOUNTS_MAX, Measured, Measurer
from app.flows.risk.risk_episodes import Changes, Pair, Refused, changes_of
from app.flows.risk.risk_news import alerts_told
from app.flows.risk.sample_limits import LimitSampler
from app.flows.risk.trip_breakers import Observations, trip_breakers
from app.infra.db import CONNECTION_LOST, BatchSession, Database
from app.infra.outages import go_on, tell
from app.infra.uow import begin_batch, begin_system
from app.orders.repository import activity, watching
from app.orders.repository.watching import EVENTS_MAX, WatchedEvent
from app.outbox import repository as leases
from app.outbox.repository import RelayLease
from app.risk.monitoring import batch, breakers_batch
from app.risk.monitoring.batch import Place
from app.risk.monitoring.domain.breakers import OF_EVENTS, CircuitBreaker, Trip
from app.risk.monitoring.domain.counting import SPAN, Window
from app.risk.monitoring.domain.watch import REFUSALS_LAST, BreachRecord, Watch

log = logging.getLogger("oms.risk")

PULSE_S: Final = 0.5
STANDBY_S: Final = 1.0
AWAY_S: Final = 1.0
TENANT_TIMEOUT_S: Final = 10.0
AT_ONCE: Final = 2
"""How many tenants are looked at at the same time."""
LEASE: Final = "risk_monitor"
LEASE_S: Final = 5.0


@dataclass(slots=True)
class _Memory:
    """What the monitor remembers of a tenant from one look to the next; a restart begins it anew."""

    watches: dict[Pair, Watch] = field(default_factory=dict)
    windows: dict[AccountId, Window] = field(default_factory=dict)
    cursors: dict[AccountId, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Looked:
    breaches: list[BreachRecord]
    breakers: list[CircuitBreaker]
    trips: Mapping[BreakerId, Trip]
    places: Mapping[AccountId, Place]
    kept: Mapping[AccountId, Place]
    refused: Mapping[Pair, Refused]


@dataclass(slots=True, kw_only=True)
class RiskMonitor:
    """What monitors the limits of all tenants while it holds the lease. system_database is of the role SYSTEM."""

    hands: Hands
    system_database: Database
    timezone: ZoneInfo
    lease_s: float = LEASE_S
    sampler: LimitSampler = field(init=False)
    _holder: str = field(init=False)
    _lease: RelayLease | None = None
    _measurer: Measurer = field(init=False)
    _memories: dict[TenantId, _Memory] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._holder = str(self.hands.ids.new())
        market = Market(redis=self.hands.redis)
        self._measurer = Measurer(database=self.hands.database, market=market, memory=InstrumentMemory())
        self.sampler = LimitSampler(database=self.hands.database, clock=self.hands.clock)

    async def run_forever(self) -> None:
        """Monitors until it is cancelled, and keeps what it saw. A server that is away is waited for."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self.sampler.run_forever())
            await self._monitor_forever()

    async def _monitor_forever(self) -> None:
        try:
            # Whatever it was must not end the worker: nothing is lost, the next look goes on.
            await go_on(self._turn, away_s=AWAY_S, log=log, what="the risk monitor waits")
        finally:
            await self.stand_down()

    async def _turn(self) -> float:
        return STANDBY_S if await self.run_once() is None else PULSE_S

    async def run_once(self) -> int | None:
        """Looks at every tenant that has something to watch; how many, None while another process monitors."""
        async with begin_system(self.system_database) as session:
            self._lease = await leases.take_lease(session, self._holder, self.lease_s, name=LEASE)
            tenants = [] if self._lease is None else await batch.watched_tenants(session)
        if self._lease is None:
            self._memories.clear()
            await self.sampler.hand_over()
            return None
        self._memories = {one: self._memories.get(one) or _Memory() for one in tenants}
        gate = asyncio.Semaphore(AT_ONCE)
        async with asyncio.TaskGroup() as group:
            for tenant_id in tenants:
                group.create_task(self._watch_behind(gate, tenant_id))
        return len(tenants)

    async def stand_down(self) -> None:
        """Lets another monitor take over at once."""
        await self.sampler.hand_over()
        lease, self._lease = self._lease, None
        if lease is not None:
            with contextlib.suppress(*CONNECTION_LOST):
                async with begin_system(self.system_database) as session:
                    await leases.give_lease(session, lease)

    async def watch(self, tenant_id: TenantId) -> None:
        """Looks at one tenant: breakers first, then what its limits have come to."""
        now = self.hands.clock.now()
        memory = self._memories.setdefault(tenant_id, _Memory())
        async with begin_batch(self.hands.database, tenant_id) as session:
            looked = await self._look(session, tenant_id, memory, now)
        measured = await self._measurer.measure(
            tenant_id, day=Day.of(now, self.timezone), now=now, breakers=looked.breakers, is_lenient=True
        )
        lost = {account: place.disconnects for account, place in looked.kept.items()}
        seen = Observations(measured=measured, windows=memory.windows, disconnects=lost)
        for trip in await trip_breakers(self.hands, tenant_id, looked.breakers, looked.trips, seen):
            log.warning("tenant %s: %s", tenant_id, trip.reason)
        await self._keep(tenant_id, memory, looked, measured)
        self.sampler.see(tenant_id, measured)

    async def _watch_behind(self, gate: asyncio.Semaphore, tenant_id: TenantId) -> None:
        async with gate:
            try:
                async with asyncio.timeout(TENANT_TIMEOUT_S):
                    await self.watch(tenant_id)
            except Exception as error:
                # One tenant must not hold up the others; it is looked at again at the next pulse, from where the last
                # look that was kept had come to.
                self._memories[tenant_id] = _Memory()
                tell(log, f"the limits of tenant {tenant_id} are not watched", error)

    async def _look(self, session: BatchSession, tenant_id: TenantId, memory: _Memory, now: datetime) -> _Looked:
        breaches = await batch.open_breaches(session, tenant_id)
        breakers = await breakers_batch.breakers(session, tenant_id, only_active=True)
        trips = await breakers_batch.last_trips(session, tenant_id, [one.id for one in breakers])
        places = await batch.places(session, tenant_id)
        accounts = await watched_accounts(session, tenant_id, ACCOUNTS_MAX)
        # The log is read after its length: what lies below has all been committed by then.
        books = await watching.books_of(session, tenant_id)
        has_windows = any(one.kind in OF_EVENTS for one in breakers)
        for account_id in accounts:
            if account_id in books and account_id not in memory.cursors:
                key = AccountKey(tenant_id=tenant_id, account_id=account_id)
                memory.cursors[account_id] = await _begin(session, key, places.get(account_id), now, has_windows)
        behind = {
            one: cursor for one, cursor in memory.cursors.items() if one in books and cursor < books[one].last_sequence
        }
        events = await watching.events_behind(session, tenant_id, behind) if behind else {}
        for account_id, cursor in behind.items():
            memory.cursors[account_id] = min(cursor + EVENTS_MAX, books[account_id].last_sequence)
        kept = {
            one: _moved(places.get(one), account, memory.cursors.get(one, 0), now) for one, account in accounts.items()
        }
        return _Looked(
            breaches=breaches,
            breakers=breakers,
            trips=trips,
            places=places,
            kept=kept,
            refused=_counted(events, places, memory, now),
        )

    async def _keep(self, tenant_id: TenantId, memory: _Memory, looked: _Looked, measured: Measured) -> None:
        now = measured.now
        changes = changes_of(
            memory.watches, looked.breaches, measured.utilisations, looked.refused, self.hands.ids, now
        )
        moved = {one: place for one, place in looked.kept.items() if looked.places.get(one) != place}
        if changes.is_empty and not moved:
            memory.watches = changes.watches
            return
        async with begin_batch(self.hands.database, tenant_id) as session:
            await self._write(session, tenant_id, changes, moved, now)
        memory.watches = changes.watches
        if changes.alerts:
            await hint(self.hands.redis, OUTBOX)

    async def _write(
        self,
        session: BatchSession,
        tenant_id: TenantId,
        changes: Changes,
        moved: Mapping[AccountId, Place],
        now: datetime,
    ) -> None:
        if changes.ended:
            await batch.clear_breaches(session, tenant_id, [one.id for one in changes.ended], now)
        writes = []
        if changes.begun:
            writes.append(batch.insert_breaches(tenant_id, changes.begun))
        if moved:
            writes.append(batch.keep_places(tenant_id, moved))
        if changes.alerts:
            writes.append(alerts_told(tenant_id, changes.alerts, now))
        await session.write(writes)
        if changes.grown:
            await session.write([batch.update_breaches(tenant_id, changes.grown)])


async def _begin(session: BatchSession, key: AccountKey, place: Place | None, now: datetime, has_windows: bool) -> int:
    # Windows are counted anew by each process; refusals from where the last one had come to.
    starts = [] if place is None else [place.seen]
    if place is None or has_windows:
        span: timedelta = SPAN if has_windows else REFUSALS_LAST
        starts.append(await activity.place_before(session, key, now - span))
    return min(starts)


def _moved(place: Place | None, account: WatchedAccount, cursor: int, now: datetime) -> Place:
    before = place or Place(seen=cursor, connected_since=account.connected_since)
    lost = tuple(at for at in before.disconnects if at > now - SPAN)
    if before.connected_since is not None and before.connected_since != account.connected_since:
        lost = (*lost, now)
    return Place(seen=max(before.seen, cursor), connected_since=account.connected_since, disconnects=lost)


def _counted(
    events: Mapping[AccountId, Sequence[WatchedEvent]],
    places: Mapping[AccountId, Place],
    memory: _Memory,
    now: datetime,
) -> dict[Pair, Refused]:
    found: dict[Pair, Refused] = {}
    for account_id, happened in events.items():
        window = memory.windows.setdefault(account_id, Window())
        for one in happened:
            window.count(one.at, is_asked=one.is_asked, is_rejected=one.is_rejected, is_message=one.is_message)
        for one in _refusals(happened, places.get(account_id)):
            assert one.refusal is not None, "only those that have one"
            pair = (one.refusal.limit_id, account_id)
            before = found.get(pair)
            found[pair] = Refused(count=1 if before is None else before.count + 1, last=one.refusal, last_at=one.at)
    for window in memory.windows.values():
        window.forget(now)
    return found


def _refusals(happened: Iterable[WatchedEvent], place: Place | None) -> Iterable[WatchedEvent]:
    return (one for one in happened if one.refusal is not None and (place is None or one.sequence > place.seen))
