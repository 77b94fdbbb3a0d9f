"""The facts that orders are held against, read for all who ask, and the chain over them as they run."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from time import perf_counter_ns
from typing import Any, Final

from app.brokers import figures_batch
from app.brokers.figures_batch import AccountStanding
from app.compliance.calendars_batch import Overrides, overrides_of
from app.core.calendars import hours_with_overrides
from app.core.fix import Side
from app.core.fx import FxRates
from app.core.ids import InstrumentId, TenantId
from app.core.messages import AccountKey, Instrument, OrderTerms, RiskCheck, Tick
from app.core.money import ZERO
from app.core.records import replace
from app.core.sessions import ToldHours, known_hours
from app.flows.orders.booking import Booking
from app.flows.orders.known_facts import account_figures, exposure_line, more_quotes, resting_of, resting_order
from app.flows.orders.quoted import reference_price
from app.flows.orders.recent_activity import RecentActivity, Recollection
from app.flows.risk.recent_peaks import PeakReading
from app.infra.db import BatchSession, Read
from app.infra.redis import Redis
from app.infra.uow import beyond_walls
from app.marketdata import batch as marketdata_batch
from app.orders.domain.order import Order
from app.orders.repository import resting as resting_orders
from app.orders.repository.resting import OpenCounts, family_of
from app.positions import exposure_batch
from app.risk import batch as risk
from app.risk.domain import (
    NO_LIMITS,
    AccountFigures,
    Activity,
    Chain,
    Exposure,
    ExposureLine,
    Fact,
    Facts,
    Proposal,
    Resting,
    Step,
    evaluate,
    first_breach,
)
from app.risk.domain.counterfactual import PASSES_AT, passes_at
from app.risk.domain.facts import BROKER_LAG, fingerprint
from app.risk.domain.figures import with_order

Place = tuple[TenantId, InstrumentId]


@dataclass(slots=True, kw_only=True)
class PreTrade:
    """What the orders of one transaction are held against; it runs on with those that are taken.

    Whoever made it holds the locks of the accounts' books, but for a rehearsal, which takes nothing.
    """

    now: datetime
    quotes: Mapping[InstrumentId, Tick]
    chains: Mapping[TenantId, Chain]
    figures: dict[AccountKey, AccountFigures] = field(default_factory=dict)
    lines: dict[AccountKey, dict[InstrumentId, ExposureLine]] = field(default_factory=dict)
    rates: dict[TenantId, FxRates] = field(default_factory=dict)
    resting: dict[Place, list[Resting]] = field(default_factory=dict)
    activity: dict[AccountKey, Activity] = field(default_factory=dict)
    calendar: Overrides = field(default_factory=dict)
    open_here: OpenCounts | None = None
    is_rehearsal: bool = False
    is_walled: bool = False

    def chain(self, tenant_id: TenantId) -> Chain:
        """The limits of the tenant."""
        return self.chains.get(tenant_id, NO_LIMITS)

    def proposal(
        self,
        key: AccountKey,
        order: Order,
        instrument: Instrument,
        booking: Booking,
        *,
        step: Step,
        terms: OrderTerms | None = None,
        adds_quantity: Decimal = ZERO,
        adds_orders: int = 0,
        leaving: Iterable[Order] = (),
    ) -> Proposal:
        """The order as the chain sees it, on the exposure as it runs; terms are those that it is to have.

        leaving are the orders that waited and are let go together with it, itself among them.
        """
        position = booking.position(key, instrument.id)
        days = self.calendar.get((key.tenant_id, instrument.id))
        if days is not None:
            usual = instrument.hours or known_hours(instrument.instrument_type, instrument.currency)
            told = hours_with_overrides(usual, days)
            instrument = replace(instrument, hours=told if isinstance(told, ToldHours) else None)
        return Proposal(
            account_id=key.account_id,
            instrument=instrument,
            side=order.side,
            order_type=order.order_type,
            terms=order.terms if terms is None else terms,
            adds_quantity=adds_quantity,
            adds_orders=adds_orders,
            reference=reference_price(self.quotes.get(instrument.id), order.side, self.now),
            exposure=Exposure(
                position_quantity=position.quantity,
                open_buy_quantity=position.open_buy_quantity,
                open_sell_quantity=position.open_sell_quantity,
                open_orders=booking.books[key].open_orders,
            ),
            # Only a new one is known to close: what has changed since may have turned the position round.
            closes_position=order.closes_position and step is not Step.CHANGE,
            step=step,
            family=family_of(order),
            leaving=tuple(one.created_at for one in leaving),
        )

    def check(self, key: AccountKey, proposal: Proposal, chain: Chain | None = None) -> tuple[RiskCheck, ...]:
        """What the limits say of the order; of a share in a block, those of the account that gets it."""
        held = self.chain(key.tenant_id) if chain is None else chain
        return evaluate(held, proposal, self.facts(key, proposal), perf_counter_ns) if held.limits else ()

    def explained(
        self, key: AccountKey, proposal: Proposal, checks: tuple[RiskCheck, ...], *, is_barred: bool
    ) -> tuple[RiskCheck, ...]:
        """The checks of a refused order, the first breach with the terms at which the order would have passed.

        One that is_barred, as by a halt, would have passed at none.
        """
        breach = first_breach(checks)
        if breach is None or is_barred:
            return checks
        found = passes_at(self.chain(key.tenant_id), proposal, self.facts(key, proposal), checks)
        if not found:
            return checks
        told = replace(breach, inputs={**breach.inputs, PASSES_AT: found})
        return tuple(told if one is breach else one for one in checks)

    def facts(self, key: AccountKey, proposal: Proposal) -> Facts:
        """What an order of the account is decided on now."""
        return Facts(
            now=self.now,
            account=self.figures.get(key),
            lines=self.lines.get(key, {}),
            rates=self.rates.get(key.tenant_id, NO_RATES),
            resting=tuple(self.resting.get((key.tenant_id, proposal.instrument.id), ())),
            activity=self.activity.get(key),
            open_here=None if self.open_here is None else self.open_here.get((key, proposal.instrument.id), 0),
        )

    def taken(self, key: AccountKey, proposals: Sequence[Proposal], orders: Iterable[Order]) -> None:
        """Counts an order that was taken, with those that came with it, for the next ones of the transaction.

        proposals are its own and, of a pair, that of its second leg.
        """
        needs = self.chain(key.tenant_id).needs
        if not needs or self.is_rehearsal:
            return
        if Fact.EXPOSURE in needs:
            # Legs on one side cannot both deal in full: the first stands for both.
            sides = {proposal.side: proposal for proposal in reversed(proposals)}
            for proposal in sides.values():
                with_order(self.lines.setdefault(key, {}), proposal)
        for order in orders:
            if Fact.ACTIVITY in needs and key in self.activity:
                of = fingerprint(order.instrument_id, order.side, order.order_type, order.terms)
                self.activity[key].taken.append(of)
            if self.open_here is not None:
                self.open_here[key, order.instrument_id] = self.open_here.get((key, order.instrument_id), 0) + 1
            if Fact.RESTING in needs:
                self.resting.setdefault((key.tenant_id, order.instrument_id), []).append(resting_order(order))

    def let_go(self, key: AccountKey, order: Order) -> None:
        """Counts an order that waited and is let go, for the next ones of the transaction."""
        if key in self.activity:
            self.activity[key].let_go.append(order.created_at)


NO_RATES: Final = FxRates()


@dataclass(frozen=True, slots=True, kw_only=True)
class Market:
    """What a process knows besides the database: where quotes are, and what accounts did lately."""

    redis: Redis
    recent: RecentActivity = field(default_factory=RecentActivity)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Whose orders are on their way: their accounts, and where they deal. is_walled is that of beyond_walls.

    sides are those on which they deal in a place; where it is left out, both.
    """

    keys: Collection[AccountKey]
    places: Collection[Place]
    sides: Mapping[Place, Collection[Side]] = field(default_factory=dict)
    is_walled: bool = False

    @property
    def tenant_ids(self) -> list[TenantId]:
        """The tenants."""
        return sorted({key.tenant_id for key in self.keys})


async def read_pre_trade(
    session: BatchSession,
    asked: Asked,
    base: tuple[Read[Any], ...],
    *,
    quotes: Mapping[InstrumentId, Tick],
    market: Market,
    now: datetime,
    is_rehearsal: bool = False,
) -> tuple[PreTrade, tuple[Any, ...]]:
    """The facts that the limits in force need, and the answers to `base`, which goes along in the same round trip.

    What is needed is expected to be what was needed before; where it is not, there is a second round trip. Fails
    closed: what is not known is left out, and the check that needs it refuses.
    """
    expected = market.recent.expected(asked.tenant_ids)
    reading = _Reading(asked=asked, chains=expected, recent=market.recent, now=now)
    reads = await reading.reads(session)
    is_firm_wide = asked.is_walled and bool(reads)
    if is_firm_wide:
        # By itself: what is read beyond the walls is never told.
        chains, *answers = await session.read(risk.chains_of(asked.tenant_ids), *base)
        found = await _beyond(session, asked, reads)
    else:
        chains, *rest = await session.read(risk.chains_of(asked.tenant_ids), *base, *reads)
        answers, found = rest[: len(base)], rest[len(base) :]
    if any(chains[one] is not expected.get(one, NO_LIMITS) for one in asked.tenant_ids):
        market.recent.learn(chains)
        reading = _Reading(asked=asked, chains=chains, recent=market.recent, now=now)
        reads = await reading.reads(session)
        found = await _beyond(session, asked, reads) if reads else []
    pre_trade = PreTrade(now=now, quotes=quotes, chains=chains, is_rehearsal=is_rehearsal, is_walled=asked.is_walled)
    await reading.take(pre_trade, found, market.redis)
    return pre_trade, tuple(answers)


async def _beyond(session: BatchSession, asked: Asked, reads: list[Read[Any]]) -> list[Any]:
    async with beyond_walls(session, is_walled=asked.is_walled):
        return list(await session.read(*reads))


async def also_read(session: BatchSession, pre_trade: PreTrade, asked: Asked, market: Market) -> None:
    """Reads the facts of more accounts: those that share a block. What they did lately is not asked about shares."""
    chains = {one: _of_shares(chain) for one, chain in pre_trade.chains.items()}
    reading = _Reading(asked=asked, chains=chains, recent=market.recent, now=pre_trade.now)
    reads = await reading.reads(session)
    if reads:
        await reading.take(pre_trade, await _beyond(session, asked, reads), market.redis)


def _of_shares(chain: Chain) -> Chain:
    return Chain(
        limits=chain.limits,
        needs=chain.needs - {Fact.ACTIVITY, Fact.RESTING, Fact.OPEN_HERE},
        peak_days=chain.peak_days,
    )


@dataclass(slots=True, kw_only=True)
class _Reading:
    asked: Asked
    chains: Mapping[TenantId, Chain]
    recent: RecentActivity
    now: datetime
    _facts: list[Fact] = field(default_factory=list)
    _past: Recollection | None = None
    _peaks: PeakReading | None = None

    async def reads(self, session: BatchSession) -> list[Read[Any]]:
        self._facts.clear()
        found: list[Read[Any]] = []
        for fact in Fact:
            keys = [key for key in self.asked.keys if fact in self._chain(key).needs]
            if keys:
                self._facts.append(fact)
                found += await self._reads_of(session, fact, keys)
        return found

    async def _reads_of(self, session: BatchSession, fact: Fact, keys: list[AccountKey]) -> list[Read[Any]]:
        tenants = {key.tenant_id for key in keys}
        match fact:
            case Fact.ACCOUNT:
                return [figures_batch.standings_of(keys)]
            case Fact.PEAK:
                days = {one for key in keys for one in self._chain(key).peak_days}
                self._peaks = self.recent.peaks.prepare(keys, days, self.now)
                return [exposure_batch.peaks_of(self._peaks.spans)]
            case Fact.EXPOSURE:
                since = self.now - BROKER_LAG
                return [exposure_batch.exposures_of(keys, since), resting_orders.worst_prices(keys)]
            case Fact.RATES:
                return [marketdata_batch.rates_of(tenants)]
            case Fact.RESTING:
                return [resting_orders.open_in(self._facing(tenants))]
            case Fact.OPEN_HERE:
                return [resting_orders.open_counts(keys, {instrument_id for _, instrument_id in self.asked.places})]
            case Fact.ACTIVITY:
                spans = {key: timedelta(seconds=self._chain(key).horizon_s) for key in keys}
                self._past = await self.recent.prepare(session, spans, self.now)
                return [self._past.reads]
            case Fact.CALENDAR:
                return [overrides_of([place for place in self.asked.places if place[0] in tenants], self.now)]

    async def take(self, pre_trade: PreTrade, found: list[Any], redis: Redis) -> None:
        answers = iter(found)
        standings: dict[AccountKey, AccountStanding] = {}
        for fact in self._facts:
            match fact:
                case Fact.ACCOUNT:
                    standings = next(answers)
                    pre_trade.figures |= {key: account_figures(one, self.now) for key, one in standings.items()}
                case Fact.PEAK:
                    assert self._peaks is not None, "what was read was prepared"
                    for key, peaks in self._peaks.take(next(answers)).items():
                        if key in standings:
                            pre_trade.figures[key] = account_figures(standings[key], self.now, peaks)
                case Fact.EXPOSURE:
                    exposures, prices = next(answers), next(answers)
                    quotes = await more_quotes(redis, pre_trade.quotes, exposures, prices)
                    for one in exposures:
                        line = exposure_line(one, prices, quotes, self.now)
                        pre_trade.lines.setdefault(one.key, {})[one.instrument_id] = line
                case Fact.RATES:
                    pre_trade.rates |= {tenant_id: FxRates(rates) for tenant_id, rates in next(answers).items()}
                case Fact.RESTING:
                    for other in next(answers):
                        place = (other.tenant_id, other.instrument_id)
                        pre_trade.resting.setdefault(place, []).append(resting_of(other))
                case Fact.OPEN_HERE:
                    pre_trade.open_here = (pre_trade.open_here or {}) | next(answers)
                case Fact.ACTIVITY:
                    assert self._past is not None, "what was read was prepared"
                    pre_trade.activity |= self._past.take(next(answers), self.now)
                case Fact.CALENDAR:
                    pre_trade.calendar |= next(answers)

    def _facing(self, tenants: Collection[TenantId]) -> list[tuple[TenantId, InstrumentId, Side]]:
        return [
            (*place, side.opposite)
            for place in self.asked.places
            if place[0] in tenants
            for side in self.asked.sides.get(place, Side)
        ]

    def _chain(self, key: AccountKey) -> Chain:
        return self.chains.get(key.tenant_id, NO_LIMITS)


async def read_standing(
    session: BatchSession, asked: Asked, chains: Mapping[TenantId, Chain], *, market: Market, now: datetime
) -> PreTrade:
    """The facts that these chains need while no order comes. It locks nothing: what it tells is of a moment ago."""
    pre_trade = PreTrade(now=now, quotes={}, chains=chains, is_rehearsal=True)
    reading = _Reading(asked=asked, chains=chains, recent=market.recent, now=now)
    reads = await reading.reads(session)
    if reads:
        await reading.take(pre_trade, list(await session.read(*reads)), market.redis)
    return pre_trade
