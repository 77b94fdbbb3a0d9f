"""How much of each limit each account uses now: books, marks, the broker's figures and counters, read together."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from app.brokers.standing_batch import WatchedAccount, watched_accounts
from app.core.errors import OmsError
from app.core.fx import FxRates
from app.core.ids import AccountId, InstrumentId, TenantId
from app.core.messages import AccountKey, Instrument, Tick
from app.core.records import replace
from app.flows.marketdata.instrument_directory import InstrumentMemory
from app.flows.orders.pre_trade import Asked, Market, PreTrade, read_standing
from app.flows.positions.view_pnl import Day, held_position, read_books
from app.infra.db import BatchSession, Database
from app.infra.redis import REDIS_LOST
from app.infra.uow import begin_batch
from app.marketdata import batch as marketdata_batch
from app.marketdata import service as marketdata
from app.marketdata.domain import mark_price
from app.orders.repository import watching
from app.orders.repository.watching import WatchedBook
from app.positions import standing_batch
from app.positions.domain import pnl_of_day, pnl_so_far, total
from app.positions.pnl_batch import BookedPosition
from app.positions.standing_batch import LastSnapshot, Standing
from app.risk import batch as risk
from app.risk.domain import Chain, Exposure, Facts, Proposal, RiskLimit, chain_of
from app.risk.domain.facts import Fact
from app.risk.monitoring.domain.breakers import OF_MARKS, BreakerKind, CircuitBreaker
from app.risk.monitoring.domain.utilisation import (
    MEASURED,
    OF_MARKS_TYPES,
    Marks,
    Utilisation,
    covers,
    measure,
    standing,
)

ACCOUNTS_MAX: Final = 1_000
STANDINGS_MAX: Final = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What the accounts of a tenant use of its limits at an instant, and the facts that this was found from."""

    now: datetime
    utilisations: tuple[Utilisation, ...]
    accounts: Mapping[AccountId, WatchedAccount]
    facts: Mapping[AccountId, Facts]
    marks: Mapping[AccountId, Marks]


@dataclass(slots=True, kw_only=True)
class Measurer:
    """What measures, with what it remembers between two looks: instruments, what happened lately, the limits read."""

    database: Database
    market: Market
    memory: InstrumentMemory = field(default_factory=InstrumentMemory)
    _measured: dict[TenantId, tuple[Chain, Chain]] = field(default_factory=dict)

    async def measure(
        self,
        tenant_id: TenantId,
        *,
        day: Day,
        now: datetime,
        accounts: Collection[AccountId] | None = None,
        breakers: Sequence[CircuitBreaker] = (),
        is_lenient: bool = False,
    ) -> Measured:
        """What is used, of the accounts that may be seen, None for all. The facts that breakers need are read along.

        Raises what Redis raises when it is away; is_lenient measures what can be without quotes.
        """
        reading = _Reading(tenant_id=tenant_id, day=day, now=now, memory=self.memory)
        async with begin_batch(self.database, tenant_id, accounts=accounts) as session:
            (chains,) = await session.read(risk.chains_of([tenant_id]))
            chain = _needed(self._of_measured(tenant_id, chains[tenant_id]), breakers)
            if not chain.limits and not breakers:
                return Measured(now=now, utilisations=(), accounts={}, facts={}, marks={})
            await reading.read(session, has_marks=_has_marks(chain, breakers))
        try:
            quotes = await marketdata.read_quotes(self.market.redis, tenant_id, sorted(reading.wanted_quotes()))
        except REDIS_LOST:
            if not is_lenient:
                raise
            quotes, reading.booked, reading.is_blind = {}, None, True
        keys = [AccountKey(tenant_id=tenant_id, account_id=one) for one in reading.accounts]
        places = {(tenant_id, one.instrument_id) for one in reading.held}
        async with begin_batch(self.database, tenant_id, accounts=accounts) as session:
            standing_facts = await read_standing(
                session, Asked(keys=keys, places=places), {tenant_id: chain}, market=self.market, now=now
            )
        return reading.measured(chain, standing_facts, quotes)

    def _of_measured(self, tenant_id: TenantId, chain: Chain) -> Chain:
        known = self._measured.get(tenant_id)
        if known is None or known[0] is not chain:
            limits = (one.limit for one in chain.limits if one.limit.limit_type in MEASURED)
            known = (chain, chain_of(limits))
            self._measured[tenant_id] = known
        return known[1]


@dataclass(slots=True, kw_only=True)
class _Reading:
    tenant_id: TenantId
    day: Day
    now: datetime
    memory: InstrumentMemory
    accounts: dict[AccountId, WatchedAccount] = field(default_factory=dict)
    books: dict[AccountId, WatchedBook] = field(default_factory=dict)
    held: list[Standing] = field(default_factory=list)
    instruments: dict[InstrumentId, Instrument] = field(default_factory=dict)
    booked: list[BookedPosition] | None = None
    rates: FxRates = field(default_factory=FxRates)
    snapshots: dict[AccountId, LastSnapshot] = field(default_factory=dict)
    held_by: dict[AccountId, list[Standing]] = field(default_factory=dict)
    is_blind: bool = False
    booked_by: dict[AccountId, list[BookedPosition]] = field(default_factory=dict)

    async def read(self, session: BatchSession, *, has_marks: bool) -> None:
        self.accounts = await watched_accounts(session, self.tenant_id, ACCOUNTS_MAX)
        self.books = await watching.books_of(session, self.tenant_id)
        self.held = await standing_batch.standings(session, self.tenant_id, self.accounts, STANDINGS_MAX)
        wanted = {one.instrument_id for one in self.held}
        self.instruments = await self.memory.by_ids(session, self.tenant_id, wanted)
        if has_marks and self.accounts:
            try:
                self.booked = await read_books(session, self.tenant_id, list(self.accounts), self.day)
            except OmsError:
                # Too many positions to mark: the broker's own figures stand alone.
                self.booked = None
            self.rates = FxRates(await marketdata_batch.known_rates(session, self.tenant_id))
            self.snapshots = await standing_batch.last_snapshots(session, self.tenant_id, self.accounts)

    def wanted_quotes(self) -> set[InstrumentId]:
        marked = (one.now.instrument_id for one in self.booked or () if one.now.quantity or one.opening.quantity)
        return {*(one.instrument_id for one in self.held), *marked}

    def measured(self, chain: Chain, read: PreTrade, quotes: Mapping[InstrumentId, Tick]) -> Measured:
        found: list[Utilisation] = []
        facts, marks = {}, {}
        for one in self.held:
            self.held_by.setdefault(one.account_id, []).append(one)
        for booked in self.booked or ():
            self.booked_by.setdefault(booked.now.account_id, []).append(booked)
        for account_id in self.accounts:
            key = AccountKey(tenant_id=self.tenant_id, account_id=account_id)
            of = Facts(
                now=self.now,
                account=read.figures.get(key),
                lines=read.lines.get(key, {}),
                rates=read.rates.get(self.tenant_id, self.rates),
                activity=read.activity.get(key),
            )
            facts[account_id], marks[account_id] = of, self._marks(account_id, quotes)
            open_orders = self.books[account_id].open_orders if account_id in self.books else 0
            standings = self._standings(account_id, quotes, open_orders)
            found += (
                measure(held, account_id, standings, _here(of, read, key, held.limit), marks[account_id], open_orders)
                for held in chain.limits
                if covers(held, account_id, of)
            )
        return Measured(now=self.now, utilisations=tuple(found), accounts=self.accounts, facts=facts, marks=marks)

    def _standings(
        self, account_id: AccountId, quotes: Mapping[InstrumentId, Tick], open_orders: int
    ) -> list[Proposal]:
        found = []
        for one in self.held_by.get(account_id, ()):
            instrument = self.instruments.get(one.instrument_id)
            if instrument is None:
                continue
            tick = quotes.get(one.instrument_id)
            price = None if tick is None else mark_price(tick)
            if price is None and one.quantity and not self.is_blind:
                # As in profit and loss: what nobody quotes stands at what it cost.
                price = one.average_price
            exposure = Exposure(
                position_quantity=one.quantity,
                open_buy_quantity=one.open_buy_quantity,
                open_sell_quantity=one.open_sell_quantity,
                open_orders=open_orders,
            )
            found.append(standing(account_id, instrument, exposure, price, self.now))
        return found

    def _marks(self, account_id: AccountId, quotes: Mapping[InstrumentId, Tick]) -> Marks:
        if self.booked is None:
            return Marks()
        base = self.accounts[account_id].base_currency
        booked = self.booked_by.get(account_id, ())
        held = [held_position(one, base, self.rates, quotes, self.now) for one in booked]
        daily = total(pnl_of_day(one).pnl for one in held).net
        earned = total(pnl_so_far(one.now, one.multiplier, one.valuation) for one in held).net
        last = self.snapshots.get(account_id)
        equity = None if last is None or earned is None else last.equity + earned - last.net
        return Marks(daily_pnl=daily, equity=equity)


def _here(facts: Facts, read: PreTrade, key: AccountKey, limit: RiskLimit) -> Facts:
    if limit.instrument_id is None or read.open_here is None:
        return facts
    return replace(facts, open_here=read.open_here.get((key, limit.instrument_id), 0))


def _needed(chain: Chain, breakers: Iterable[CircuitBreaker]) -> Chain:
    kinds = {one.kind for one in breakers}
    needs, days = chain.needs, chain.peak_days
    if kinds & OF_MARKS:
        needs |= {Fact.ACCOUNT, Fact.RATES}
    if BreakerKind.DRAWDOWN in kinds:
        needs, days = needs | {Fact.PEAK}, days | {None}
    return replace(chain, needs=needs, peak_days=days)


def _has_marks(chain: Chain, breakers: Iterable[CircuitBreaker]) -> bool:
    return any(one.limit.limit_type in OF_MARKS_TYPES for one in chain.limits) or any(
        one.kind in OF_MARKS for one in breakers
    )
