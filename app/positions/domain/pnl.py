"""Profit and loss of a day and of all time, in base currency; a figure that lacks a rate is None, never a guess."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from app.core.ids import AccountId, InstrumentId, SnapshotId
from app.core.money import ZERO, rounded
from app.positions.domain.position import Position, commission_in_base, in_base, realized_in_base, unrealized_pnl


@dataclass(frozen=True, slots=True, kw_only=True)
class Valuation:
    """What a position is valued at: the price, and the rate from the instrument's currency to the base currency.

    price None: none is known, and the position stands at its average price. rate None: none is known.
    """

    price: Decimal | None
    rate: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldPosition:
    """A position with what its profit and loss of a day follow from.

    opening is the position as it was when the day began, flat when there was none. opening_valuation is the mark of
    that instant.
    """

    now: Position
    opening: Position
    currency: str
    multiplier: Decimal
    valuation: Valuation
    opening_valuation: Valuation


@dataclass(frozen=True, slots=True, kw_only=True)
class Pnl:
    """Profit and loss: realized and unrealized before commissions, the commissions, and what is left."""

    realized: Decimal | None
    unrealized: Decimal | None
    commission: Decimal | None

    @property
    def net(self) -> Decimal | None:
        """realized + unrealized - commission; None when one of them is."""
        if self.realized is None or self.unrealized is None or self.commission is None:
            return None
        return self.realized + self.unrealized - self.commission

    def at_rate(self, rate: Decimal | None) -> "Pnl":
        """The same in another currency."""
        return Pnl(
            realized=_at(self.realized, rate),
            unrealized=_at(self.unrealized, rate),
            commission=_at(self.commission, rate),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class InstrumentPnl:
    """Profit and loss of one instrument: in base currency, and realized and unrealized in its own."""

    instrument_id: InstrumentId
    currency: str
    pnl: Pnl
    realized_local: Decimal
    unrealized_local: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class PnlSnapshot:
    """An account's profit and loss since its beginning as they stood at an instant, in its base currency.

    equity is the broker's own figure; drawdown how far it lies below its highest so far (peak), never below zero.
    """

    id: SnapshotId
    account_id: AccountId
    at: datetime
    realized: Decimal
    unrealized: Decimal
    commission: Decimal
    equity: Decimal
    peak: Decimal
    is_day_end: bool

    @property
    def net(self) -> Decimal:
        """realized + unrealized - commission."""
        return self.realized + self.unrealized - self.commission

    @property
    def drawdown(self) -> Decimal:
        """How far equity lies below its peak."""
        return self.peak - self.equity


def total(parts: Iterable[Pnl]) -> Pnl:
    """The sum; a figure that one part lacks, the sum lacks."""
    realized: Decimal | None = ZERO
    unrealized: Decimal | None = ZERO
    commission: Decimal | None = ZERO
    for part in parts:
        realized = _sum(realized, part.realized)
        unrealized = _sum(unrealized, part.unrealized)
        commission = _sum(commission, part.commission)
    return Pnl(realized=realized, unrealized=unrealized, commission=commission)


def pnl_so_far(position: Position, multiplier: Decimal, valuation: Valuation) -> Pnl:
    """Profit and loss of a position since it was first opened, in base currency."""
    return Pnl(
        realized=realized_in_base(position),
        unrealized=in_base(unrealized_at(position, multiplier, valuation), valuation.rate),
        commission=commission_in_base(position),
    )


def pnl_of_day(held: HeldPosition) -> InstrumentPnl:
    """Profit and loss since the day began: what was booked since, and how the unrealized changed since its mark."""
    now, opening = held.now, held.opening
    local = unrealized_at(now, held.multiplier, held.valuation)
    local_before = unrealized_at(opening, held.multiplier, held.opening_valuation)
    unrealized, before = in_base(local, held.valuation.rate), in_base(local_before, held.opening_valuation.rate)
    is_realized_whole = now.unconverted_pnl <= opening.unconverted_pnl
    is_commission_whole = now.unconverted_commissions <= opening.unconverted_commissions
    return InstrumentPnl(
        instrument_id=now.instrument_id,
        currency=held.currency,
        pnl=Pnl(
            realized=now.realized_pnl_base - opening.realized_pnl_base if is_realized_whole else None,
            unrealized=None if unrealized is None or before is None else unrealized - before,
            commission=now.commission_base - opening.commission_base if is_commission_whole else None,
        ),
        realized_local=now.realized_pnl - opening.realized_pnl,
        unrealized_local=local - local_before,
    )


def unrealized_at(position: Position, multiplier: Decimal, valuation: Valuation) -> Decimal:
    """Unrealized profit or loss in the instrument's currency; zero where no price is known."""
    if valuation.price is None:
        return ZERO
    return unrealized_pnl(position, valuation.price, multiplier)


def day_start(day: date, timezone: ZoneInfo) -> datetime:
    """The instant at which a trading day begins: its midnight in the zone."""
    return datetime.combine(day, time(), timezone).astimezone(UTC)


def trading_day(now: datetime, timezone: ZoneInfo) -> date:
    """The trading day of an instant: its date in the zone."""
    return now.astimezone(timezone).date()


def snapshot_instant(now: datetime, interval_s: int) -> datetime:
    """The scheduled instant at or before now, counted from 1970 in steps of the interval."""
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    interval = timedelta(seconds=interval_s)
    return epoch + (now - epoch) // interval * interval


def _at(amount: Decimal | None, rate: Decimal | None) -> Decimal | None:
    if amount is None:
        return None
    return in_base(amount, rate)


def _sum(one: Decimal | None, other: Decimal | None) -> Decimal | None:
    return None if one is None or other is None else rounded(one + other)
