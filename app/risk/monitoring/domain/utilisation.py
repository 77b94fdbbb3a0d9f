"""How much of a limit an account uses as things stand, its positions marked at the newest quotes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Final
from uuid import UUID

from app.core.fix import InstrumentType, OrderType, RiskLimitType, Side, TimeInForce
from app.core.ids import AccountId, InstrumentId
from app.core.messages import Instrument, OrderTerms
from app.core.money import ZERO
from app.core.records import replace
from app.risk.domain import AccountFigures, Exposure, Facts, Proposal, Reference, RiskLimit, used
from app.risk.domain.chain import find
from app.risk.domain.held import HeldLimit

_TYPE = RiskLimitType

RATIO_MAX: Final = Decimal(1_000)
"""A ratio beyond is told as this one, as is anything above a limit of zero."""
_STEP = Decimal("0.000001")

MEASURED: Final = frozenset(
    {
        _TYPE.MAX_POSITION_QUANTITY,
        _TYPE.MAX_POSITION_NOTIONAL,
        _TYPE.MAX_OPEN_ORDERS,
        _TYPE.MAX_DAILY_LOSS,
        _TYPE.MAX_DRAWDOWN,
        _TYPE.MAX_LEVERAGE,
        _TYPE.MIN_MARGIN_EXCESS,
        _TYPE.MAX_ORDERS_PER_MINUTE,
        _TYPE.MAX_CONCENTRATION,
        _TYPE.CANCEL_RATE,
        _TYPE.ORDER_TO_TRADE_RATIO,
    }
)
"""The types of which something is used while no order comes. The others ask about an order alone."""

_OF_INSTRUMENTS: Final = frozenset({_TYPE.MAX_POSITION_QUANTITY, _TYPE.MAX_POSITION_NOTIONAL, _TYPE.MAX_CONCENTRATION})
OF_MARKS_TYPES: Final = frozenset({_TYPE.MAX_DAILY_LOSS, _TYPE.MAX_DRAWDOWN})
"""The types that our own marks may tell worse than the broker."""
_NOTHING = InstrumentId(UUID(int=0))


@dataclass(frozen=True, slots=True, kw_only=True)
class Utilisation:
    """What an account uses of a limit, in the limit's unit; ratio is the part of its value, above 1 beyond it.

    used is None where it cannot be told; then the ratio is zero, and orders that the limit covers are refused. Of
    limits that hold for each instrument it is that of the fullest one. is_complete is False where something that
    counts could not be measured, which message then tells.
    """

    limit: RiskLimit
    account_id: AccountId
    instrument_id: InstrumentId | None
    used: Decimal | None
    ratio: Decimal
    is_breached: bool
    is_complete: bool
    message: str

    @property
    def value(self) -> Decimal:
        """What is allowed."""
        return self.limit.value or ZERO


@dataclass(frozen=True, slots=True, kw_only=True)
class Marks:
    """What our own marks say of an account in its base currency: the day's profit and loss, and the equity."""

    daily_pnl: Decimal | None = None
    equity: Decimal | None = None


def covers(held: HeldLimit, account_id: AccountId, facts: Facts) -> bool:
    """True when something of the limit can be used by the account at this instant. Strategies place no orders yet."""
    limit, conditions = held.limit, held.conditions
    return (
        limit.limit_type in MEASURED
        and limit.is_active
        and not limit.is_shadow
        and not held.problems
        and limit.strategy_id is None
        and limit.account_id in (None, account_id)
        and limit.is_in_force(facts.now)
        and conditions.is_on(facts.now)
        and (conditions.modes is None or facts.account is None or facts.account.mode in conditions.modes)
    )


def measure(
    held: HeldLimit, account_id: AccountId, standings: Sequence[Proposal], facts: Facts, marks: Marks, open_orders: int
) -> Utilisation:
    """What the account uses of a limit that covers it. standings are at rest, one for each instrument that it holds."""
    limit = held.limit
    if limit.limit_type in OF_MARKS_TYPES and facts.account is not None:
        facts = replace(facts, account=marked(facts.account, marks))
    if limit.limit_type in _OF_INSTRUMENTS or limit.instrument_id is not None:
        asked = [one for one in standings if _is_meant(held, one)]
        if limit.limit_type not in _OF_INSTRUMENTS:
            asked = asked[:1]
        if not asked:
            return _told(held, account_id, None, ZERO, [])
    else:
        asked = [_of_account(account_id, facts, open_orders)]
    return _fullest(held, account_id, asked, facts)


def standing(
    account_id: AccountId, instrument: Instrument, exposure: Exposure, price: Decimal | None, at: datetime
) -> Proposal:
    """An order of nothing in an instrument: what the chain finds of it is what stands without it."""
    return Proposal(
        account_id=account_id,
        instrument=instrument,
        side=Side.BUY,
        order_type=OrderType.MARKET,
        terms=OrderTerms(quantity=ZERO, time_in_force=TimeInForce.DAY),
        adds_quantity=ZERO,
        adds_orders=0,
        reference=None if price is None else Reference(price=price, at=at),
        exposure=exposure,
    )


def marked(figures: AccountFigures, marks: Marks) -> AccountFigures:
    """The broker's figures, or ours of the marks where they are worse or the broker's are not known."""
    told = figures.daily_pnl if figures.is_pnl_fresh else None
    pnl = [one for one in (told, marks.daily_pnl) if one is not None]
    equity = figures.equity
    if figures.is_fresh and equity is not None and marks.equity is not None:
        equity = min(equity, marks.equity)
    return replace(figures, daily_pnl=min(pnl, default=None), is_pnl_fresh=bool(pnl), equity=equity)


def ratio_of(limit: RiskLimit, amount: Decimal) -> Decimal:
    """Which part of the limit's value an amount is, 0 to RATIO_MAX; of a least amount, how near it has come."""
    value = limit.value or ZERO
    part, whole = (value, amount) if limit.limit_type is _TYPE.MIN_MARGIN_EXCESS else (amount, value)
    if whole <= 0:
        is_floor = limit.limit_type is _TYPE.MIN_MARGIN_EXCESS
        return RATIO_MAX if part > 0 or (is_floor and whole < 0) else ZERO
    if part <= 0:
        return ZERO
    if part >= whole * RATIO_MAX:
        return RATIO_MAX
    ratio = (part / whole).quantize(_STEP, rounding=ROUND_HALF_EVEN)
    # Rounding must not tell of a breach that is none, nor hide one.
    return max(ratio, 1 + _STEP) if part > whole else min(ratio, Decimal(1))


def is_beyond(limit: RiskLimit, amount: Decimal) -> bool:
    """True when the amount breaches the limit."""
    value = limit.value or ZERO
    return amount < value if limit.limit_type is _TYPE.MIN_MARGIN_EXCESS else amount > value


def _is_meant(held: HeldLimit, one: Proposal) -> bool:
    conditions = held.conditions
    return held.limit.instrument_id in (None, one.instrument.id) and (
        conditions.symbols is None or conditions.names(one.instrument.symbol)
    )


def _fullest(held: HeldLimit, account_id: AccountId, asked: Sequence[Proposal], facts: Facts) -> Utilisation:
    found = [(one.instrument.id, used(held, one, facts), one) for one in asked]
    known = [(instrument_id, amount) for instrument_id, amount, _ in found if amount is not None]
    missing = [find(held, one, facts).message for _, amount, one in found if amount is None]
    if not known:
        return _told(held, account_id, None, None, missing)
    instrument_id, amount = max(known, key=lambda one: (is_beyond(held.limit, one[1]), ratio_of(held.limit, one[1])))
    is_of_one = held.limit.limit_type in _OF_INSTRUMENTS or held.limit.instrument_id is not None
    return _told(held, account_id, instrument_id if is_of_one else None, amount, missing)


def _told(
    held: HeldLimit,
    account_id: AccountId,
    instrument_id: InstrumentId | None,
    amount: Decimal | None,
    missing: Sequence[str],
) -> Utilisation:
    return Utilisation(
        limit=held.limit,
        account_id=account_id,
        instrument_id=instrument_id,
        used=amount,
        ratio=ZERO if amount is None else ratio_of(held.limit, amount),
        is_breached=amount is not None and is_beyond(held.limit, amount),
        is_complete=not missing,
        message="; ".join(sorted(set(missing))),
    )


def _of_account(account_id: AccountId, facts: Facts, open_orders: int) -> Proposal:
    # What the account uses as a whole is asked about an instrument that it neither holds nor trades.
    currency = "USD" if facts.account is None else facts.account.base_currency
    nothing = Instrument(
        id=_NOTHING,
        symbol="",
        name="",
        exchange="",
        currency=currency,
        instrument_type=InstrumentType.STOCK,
        multiplier=Decimal(1),
        tick_size=Decimal(1),
        lot_size=Decimal(1),
        contract_id=None,
    )
    exposure = Exposure(
        position_quantity=ZERO, open_buy_quantity=ZERO, open_sell_quantity=ZERO, open_orders=open_orders
    )
    return standing(account_id, nothing, exposure, Decimal(1), facts.now)
