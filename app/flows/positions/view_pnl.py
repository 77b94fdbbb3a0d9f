"""pnlToday, pnlHistory: what accounts have earned, in base currency."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from app.brokers import batch as brokers
from app.brokers.errors import AccountUnknownError
from app.core.errors import UnavailableError
from app.core.fx import FxRate, FxRates
from app.core.ids import AccountId, InstrumentId, TenantId
from app.core.messages import Tick
from app.flows.desk import Desk
from app.flows.positions.fx_rates import rates_now
from app.identity.domain import Principal
from app.infra.db import BatchSession
from app.infra.redis import REDIS_LOST, Redis
from app.infra.uow import begin_batch
from app.marketdata import service as marketdata
from app.marketdata.domain import mark_price
from app.positions import pnl_batch
from app.positions.domain import (
    HeldPosition,
    InstrumentPnl,
    Pnl,
    PnlSnapshot,
    Valuation,
    day_start,
    pnl_of_day,
    total,
    trading_day,
)
from app.positions.errors import HistoryRangeError, PositionsTooManyError
from app.positions.pnl_batch import BookedPosition

ACCOUNTS_MAX = 1_000
POSITIONS_MAX = 5_000
POINTS_MAX = 1_000
RANGE_MAX = timedelta(days=366)
DEFAULT_CURRENCY = "USD"


@dataclass(frozen=True, slots=True, kw_only=True)
class DayPnl:
    """Profit and loss of a trading day so far, by instrument, in `currency`.

    parts whose pnl lacks a figure have no rate: they are in no sum. oldest_rate is the oldest of the rates that were
    used, None where none was needed.
    """

    day: date
    since: datetime
    currency: str
    parts: tuple[InstrumentPnl, ...]
    oldest_rate: FxRate | None

    @property
    def total(self) -> Pnl:
        """The sum of all parts; a figure that one lacks is None."""
        return total(part.pnl for part in self.parts)

    @property
    def missing(self) -> list[str]:
        """The currencies of the parts that lack a figure."""
        return sorted({part.currency for part in self.parts if part.pnl.net is None})


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """A trading day: its date and the instant at which it began."""

    date: date
    since: datetime

    @classmethod
    def of(cls, now: datetime, timezone: ZoneInfo) -> "Day":
        """The trading day of an instant."""
        day = trading_day(now, timezone)
        return cls(date=day, since=day_start(day, timezone))


async def pnl_today(desk: Desk, principal: Principal, account_id: AccountId | None) -> DayPnl:
    """The day's profit and loss of an account, or of all that the tenant has, in the currency of the oldest of them.

    Raises AccountUnknownError, PositionsTooManyError, UnavailableError while Redis is away: nothing can be valued.
    """
    tenant_id, now = principal.tenant_id, desk.clock.now()
    day = Day.of(now, desk.trading_timezone)
    rates = await rates_now(desk, principal)
    async with begin_batch(desk.database, tenant_id, accounts=principal.viewable) as session:
        currencies = await _accounts(session, tenant_id, account_id)
        booked = await read_books(session, tenant_id, list(currencies), day)
    try:
        quotes = await quotes_of(desk.redis, tenant_id, booked)
    except REDIS_LOST as error:
        raise UnavailableError("positions cannot be valued at the moment") from error
    target = next(iter(currencies.values()), DEFAULT_CURRENCY)
    by_instrument: dict[InstrumentId, list[InstrumentPnl]] = {}
    used: list[FxRate] = []
    for one in booked:
        base = currencies[one.now.account_id]
        part = pnl_of_day(held_position(one, base, rates, quotes, now))
        across = rates.find(base, target, now)
        used.extend(rate for rate in (rates.find(one.currency, base, now), across) if rate is not None)
        pnl = part.pnl if base == target else part.pnl.at_rate(None if across is None else across.rate)
        by_instrument.setdefault(part.instrument_id, []).append(_with(part, pnl))
    return DayPnl(
        day=day.date,
        since=day.since,
        currency=target,
        parts=tuple(_joined(parts) for parts in by_instrument.values()),
        oldest_rate=min((rate for rate in used if rate.base != rate.quote), key=lambda rate: rate.at, default=None),
    )


async def pnl_history(
    desk: Desk, principal: Principal, account_id: AccountId | None, start: datetime, end: datetime
) -> list[PnlSnapshot]:
    """The snapshots from start on and before end, by account and time, thinned to at most POINTS_MAX in all.

    Raises AccountUnknownError, HistoryRangeError.
    """
    if end <= start:
        raise HistoryRangeError("The end lies behind the start.", path=["end"])
    if end - start > RANGE_MAX:
        raise HistoryRangeError(f"At most {RANGE_MAX.days} days at once.", path=["end"])
    async with begin_batch(desk.database, principal.tenant_id, accounts=principal.viewable) as session:
        accounts = list(await _accounts(session, principal.tenant_id, account_id))
        if not accounts:
            return []
        slices = max(POINTS_MAX // len(accounts), 1)
        return await pnl_batch.history(session, principal.tenant_id, accounts, start=start, end=end, slices=slices)


async def read_books(
    session: BatchSession, tenant_id: TenantId, account_ids: Sequence[AccountId], day: Day
) -> list[BookedPosition]:
    """The positions of accounts as they are and as the day found them. Raises PositionsTooManyError."""
    booked = await pnl_batch.booked(
        session, tenant_id, account_ids, day=day.date, since=day.since, limit=POSITIONS_MAX + 1
    )
    if len(booked) > POSITIONS_MAX:
        raise PositionsTooManyError(POSITIONS_MAX)
    return booked


async def quotes_of(redis: Redis, tenant_id: TenantId, booked: Iterable[BookedPosition]) -> dict[InstrumentId, Tick]:
    """The newest quotes of what is held or was when the day began. Raises what Redis raises when it is away."""
    wanted = {one.now.instrument_id for one in booked if one.now.quantity or one.opening.quantity}
    return await marketdata.read_quotes(redis, tenant_id, sorted(wanted))


def held_position(
    booked: BookedPosition, base: str, rates: FxRates, quotes: Mapping[InstrumentId, Tick], now: datetime
) -> HeldPosition:
    """The position with its valuations: now by the quotes, at the day's beginning by its mark.

    Where no mark was taken the previous close stands for it, and the present rate for its rate.
    """
    tick = quotes.get(booked.now.instrument_id)
    rate = rates.find(booked.currency, base, now)
    valuation = Valuation(price=None if tick is None else mark_price(tick), rate=None if rate is None else rate.rate)
    mark = booked.opening_mark or Valuation(price=None, rate=None)
    close = None if tick is None else tick.previous_close
    return HeldPosition(
        now=booked.now,
        opening=booked.opening,
        currency=booked.currency,
        multiplier=booked.multiplier,
        valuation=valuation,
        opening_valuation=Valuation(
            price=close if mark.price is None else mark.price,
            rate=valuation.rate if mark.rate is None else mark.rate,
        ),
    )


async def _accounts(session: BatchSession, tenant_id: TenantId, account_id: AccountId | None) -> dict[AccountId, str]:
    found = await brokers.base_currencies(session, tenant_id, account_id=account_id, limit=ACCOUNTS_MAX)
    if account_id is not None and not found:
        raise AccountUnknownError("accountId")
    return found


def _with(part: InstrumentPnl, pnl: Pnl) -> InstrumentPnl:
    return InstrumentPnl(
        instrument_id=part.instrument_id,
        currency=part.currency,
        pnl=pnl,
        realized_local=part.realized_local,
        unrealized_local=part.unrealized_local,
    )


def _joined(parts: Sequence[InstrumentPnl]) -> InstrumentPnl:
    return InstrumentPnl(
        instrument_id=parts[0].instrument_id,
        currency=parts[0].currency,
        pnl=total(part.pnl for part in parts),
        realized_local=sum((part.realized_local for part in parts[1:]), parts[0].realized_local),
        unrealized_local=sum((part.unrealized_local for part in parts[1:]), parts[0].unrealized_local),
    )
