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
from app.core.fix import BrokerKind, OrderType, Side
from app.core.fx import FxRates
from app.core.ids import AccountId, InstrumentId, TenantId
from app.core.messages import AccountKey, Instrument, OrderTerms, RiskCheck, Tick
from app.core.money import ZERO
from app.core.records import replace
from app.core.sessions import ToldHours, known_hours
from app.flows.booking import Booking
from app.flows.quoted import reference_price
from app.flows.recent_activity import RecentActivity
from app.infra.db import BatchSession, Read
from app.infra.redis import Redis
from app.infra.uow import beyond_walls
from app.marketdata import batch as marketdata_batch
from app.marketdata import service as marketdata
from app.orders.domain.order import Order
from app.orders.repository import resting as resting_orders
from app.orders.repository.resting import OpenOrder, WorstPrices, family_of
from app.positions import exposure_batch
from app.positions.exposure_batch import OpenExposure
from app.risk import batch as risk
from app.risk.domain import (
    NO_LIMITS,
    AccountFigures,
    AccountMode,
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
from app.risk.domain.facts import BROKER_LAG, FIGURES_AGE_MAX, fingerprint
from app.risk.domain.figures import with_order

Place = tuple[TenantId, InstrumentId]

_STOPS: Final = frozenset({OrderType.STOP, OrderType.STOP_LIMIT, OrderType.TRAILING_STOP})
_LIMITS: Final = frozenset({OrderType.LIMIT, OrderType.STOP_LIMIT})


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
    is_rehearsal: bool = False

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
    ) -> Proposal:
        """The order as the chain sees it, on the exposure as it runs; terms are those that it is to have."""
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
        )

    def check(self, key: AccountKey, proposal: Proposal, chain: Chain | None = None) -> tuple[RiskCheck, ...]:
        """What the limits say of the order; of a share in a block, those of the account that gets it."""
        held = self.chain(key.tenant_id) if chain is None else chain
        return evaluate(held, proposal, self.facts(key, proposal), perf_counter_ns) if held.limits else ()

    def explained(self, key: AccountKey, proposal: Proposal, checks: tuple[RiskCheck, ...]) -> tuple[RiskCheck, ...]:
        """The checks of a refused order, the first breach with the terms at which the order would have passed."""
        breach = first_breach(checks)
        if breach is None:
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
            if Fact.RESTING in needs:
                self.resting.setdefault((key.tenant_id, order.instrument_id), []).append(_resting(order))


NO_RATES: Final = FxRates()


@dataclass(frozen=True, slots=True, kw_only=True)
class Market:
    """What a process knows besides the database: where quotes are, and what accounts did lately."""

    redis: Redis
    recent: RecentActivity = field(default_factory=RecentActivity)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Whose orders are on their way: their accounts, and where they deal. is_walled is that of beyond_walls."""

    keys: Collection[AccountKey]
    places: Collection[Place]
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
    pre_trade = PreTrade(now=now, quotes=quotes, chains=chains, is_rehearsal=is_rehearsal)
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
    return Chain(limits=chain.limits, needs=chain.needs - {Fact.ACTIVITY, Fact.RESTING}, peak_days=chain.peak_days)


@dataclass(slots=True, kw_only=True)
class _Reading:
    asked: Asked
    chains: Mapping[TenantId, Chain]
    recent: RecentActivity
    now: datetime
    _facts: list[Fact] = field(default_factory=list)
    _spans: dict[AccountKey, timedelta] = field(default_factory=dict)

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
                return [exposure_batch.peaks_of(keys, days, self.now)]
            case Fact.EXPOSURE:
                since = self.now - BROKER_LAG
                return [exposure_batch.exposures_of(keys, since), resting_orders.worst_prices(keys)]
            case Fact.RATES:
                return [marketdata_batch.rates_of(tenants)]
            case Fact.RESTING:
                return [resting_orders.open_in([place for place in self.asked.places if place[0] in tenants])]
            case Fact.ACTIVITY:
                self._spans = {key: timedelta(seconds=self._chain(key).horizon_s) for key in keys}
                return [await self.recent.prepare(session, self._spans, self.now)]
            case Fact.CALENDAR:
                return [overrides_of([place for place in self.asked.places if place[0] in tenants], self.now)]

    async def take(self, pre_trade: PreTrade, found: list[Any], redis: Redis) -> None:
        answers = iter(found)
        standings: dict[AccountKey, AccountStanding] = {}
        for fact in self._facts:
            match fact:
                case Fact.ACCOUNT:
                    standings = next(answers)
                    pre_trade.figures |= {key: _figures(one, self.now) for key, one in standings.items()}
                case Fact.PEAK:
                    for key, peaks in next(answers).items():
                        if key in standings:
                            pre_trade.figures[key] = _figures(standings[key], self.now, peaks)
                case Fact.EXPOSURE:
                    exposures, prices = next(answers), next(answers)
                    quotes = await _more_quotes(redis, pre_trade.quotes, exposures, prices)
                    for one in exposures:
                        line = _line(one, prices, quotes, self.now)
                        pre_trade.lines.setdefault(one.key, {})[one.instrument_id] = line
                case Fact.RATES:
                    pre_trade.rates |= {tenant_id: FxRates(rates) for tenant_id, rates in next(answers).items()}
                case Fact.RESTING:
                    for other in next(answers):
                        place = (other.tenant_id, other.instrument_id)
                        pre_trade.resting.setdefault(place, []).append(_resting_of(other))
                case Fact.ACTIVITY:
                    pre_trade.activity |= self.recent.take(next(answers), self._spans, self.now)
                case Fact.CALENDAR:
                    pre_trade.calendar |= next(answers)

    def _chain(self, key: AccountKey) -> Chain:
        return self.chains.get(key.tenant_id, NO_LIMITS)


def _figures(
    standing: AccountStanding, now: datetime, peaks: Mapping[int | None, Decimal] | None = None
) -> AccountFigures:
    is_sim = standing.broker is BrokerKind.PAPER
    return AccountFigures(
        mode=AccountMode.SIM if is_sim else AccountMode.PAPER if standing.is_paper else AccountMode.LIVE,
        base_currency=standing.base_currency,
        equity=standing.equity,
        daily_pnl=standing.daily_pnl,
        excess_liquidity=standing.excess_liquidity,
        gross_position_value=standing.gross_position_value,
        is_fresh=_is_fresh(standing.updated_at, standing, now),
        is_pnl_fresh=_is_fresh(standing.pnl_at, standing, now),
        peaks=peaks or {},
    )


def _is_fresh(told_at: datetime | None, standing: AccountStanding, now: datetime) -> bool:
    if told_at is None:
        return False
    # A broker that is connected tells what changes: what it told since then holds until it tells anew.
    since = standing.connected_since
    return now - told_at <= FIGURES_AGE_MAX or (since is not None and told_at >= since - FIGURES_AGE_MAX)


async def _more_quotes(
    redis: Redis, known: Mapping[InstrumentId, Tick], exposures: list[OpenExposure], prices: WorstPrices
) -> Mapping[InstrumentId, Tick]:
    # What is open without a price of its own is rare: only then are quotes asked for behind the locks.
    missing: dict[TenantId, set[InstrumentId]] = {}
    for one in exposures:
        sides = [
            side
            for side, quantity in ((Side.BUY, one.open_buy_quantity), (Side.SELL, one.open_sell_quantity))
            if quantity and not prices.get((one.key, one.instrument_id, side), (None, False))[1]
        ]
        if sides and one.instrument_id not in known:
            missing.setdefault(one.key.tenant_id, set()).add(one.instrument_id)
    found: dict[InstrumentId, Tick] = dict(known) if missing else {}
    for tenant_id, instrument_ids in missing.items():
        found |= await marketdata.reachable_quotes(redis, tenant_id, sorted(instrument_ids))
    return found or known


def _line(one: OpenExposure, prices: WorstPrices, quotes: Mapping[InstrumentId, Tick], now: datetime) -> ExposureLine:
    def price(side: Side) -> Decimal | None:
        own, is_priced = prices.get((one.key, one.instrument_id, side), (None, False))
        reference = reference_price(quotes.get(one.instrument_id), side, now)
        if reference is None or (is_priced and side is Side.BUY):
            return own if is_priced else None
        return reference.price if own is None else max(own, reference.price)

    dealt = max(abs(one.quantity) - abs(one.quantity_then), ZERO)
    mark = reference_price(quotes.get(one.instrument_id), Side.BUY, now)
    return ExposureLine(
        currency=one.currency,
        multiplier=one.multiplier,
        position_quantity=one.quantity,
        open_buy_quantity=one.open_buy_quantity,
        open_sell_quantity=one.open_sell_quantity,
        buy_price=price(Side.BUY) if one.open_buy_quantity else None,
        sell_price=price(Side.SELL) if one.open_sell_quantity else None,
        dealt=dealt,
        dealt_price=one.average_price if mark is None else max(mark.price, one.average_price),
    )


def _resting(order: Order) -> Resting:
    return Resting(
        account_id=order.account_id,
        instrument_id=order.instrument_id,
        family=family_of(order),
        side=order.side,
        price=order.terms.limit_price if order.order_type in _LIMITS else None,
        is_stop=order.order_type in _STOPS,
    )


def _resting_of(other: OpenOrder) -> Resting:
    return Resting(
        account_id=AccountId(other.account_id),
        instrument_id=other.instrument_id,
        family=other.family,
        side=other.side,
        price=other.limit_price if other.order_type in _LIMITS else None,
        is_stop=other.order_type in _STOPS,
    )
