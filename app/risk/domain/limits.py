"""A limit: whom it covers, what it allows, when it is in force, and what would be wrong about it."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final

from app.core.currencies import is_currency
from app.core.errors import Problem
from app.core.fix import RiskLimitType
from app.core.ids import AccountId, InstrumentId, LimitId, StrategyId
from app.core.money import FRACTION_DIGITS_MAX, plain
from app.risk.domain.conditions import conditions_of
from app.risk.errors import LimitProblem, limit_problem


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskLimit:
    """A limit of a tenant. value is in the unit of its type; conditions are the document that conditions_of reads.

    A shadow is held beside the others and refuses nothing. warn_at is the part of the value at which to warn. It is in
    force from effective_from up to, and without, effective_until.
    """

    id: LimitId
    limit_type: RiskLimitType
    value: Decimal | None
    currency: str | None = None
    conditions: dict[str, Any] = field(default_factory=dict)
    account_id: AccountId | None = None
    strategy_id: StrategyId | None = None
    instrument_id: InstrumentId | None = None
    is_active: bool = True
    is_shadow: bool = False
    version: int = 1
    warn_at: Decimal | None = None
    effective_from: datetime | None = None
    effective_until: datetime | None = None

    def applies(
        self, account_id: AccountId, instrument_id: InstrumentId, strategy_id: StrategyId | None = None
    ) -> bool:
        """True when the limit is on and covers the account, the instrument and the strategy."""
        return (
            self.is_active
            and (self.account_id is None or self.account_id == account_id)
            and (self.instrument_id is None or self.instrument_id == instrument_id)
            and (self.strategy_id is None or self.strategy_id == strategy_id)
        )

    def is_in_force(self, at: datetime) -> bool:
        """True within the limit's dates."""
        return (self.effective_from is None or self.effective_from <= at) and (
            self.effective_until is None or at < self.effective_until
        )


class ValueUnit(StrEnum):
    """What the value of a limit counts."""

    UNITS = "units of the instrument"
    MONEY = "money"
    COUNT = "a whole number"
    PERCENT = "percent"
    RATIO = "a ratio"
    SECONDS = "whole seconds"


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueRule:
    """What the value of a type is: its unit, and the least and the most that make sense."""

    unit: ValueUnit
    least: Decimal = Decimal(0)
    most: Decimal = Decimal(10) ** 15

    @property
    def is_whole(self) -> bool:
        """True when the value counts."""
        return self.unit in (ValueUnit.COUNT, ValueUnit.SECONDS)


_TYPE = RiskLimitType
_UNITS = ValueRule(unit=ValueUnit.UNITS)
_MONEY = ValueRule(unit=ValueUnit.MONEY)
_COUNT = ValueRule(unit=ValueUnit.COUNT, most=Decimal(1_000_000))
_PERCENT = ValueRule(unit=ValueUnit.PERCENT, most=Decimal(100))
_SECONDS = ValueRule(unit=ValueUnit.SECONDS, least=Decimal(1), most=Decimal(3_600))

VALUES: Final[dict[RiskLimitType, ValueRule | None]] = {
    _TYPE.MAX_ORDER_QUANTITY: _UNITS,
    _TYPE.MAX_ORDER_NOTIONAL: _MONEY,
    _TYPE.MAX_POSITION_QUANTITY: _UNITS,
    _TYPE.MAX_POSITION_NOTIONAL: _MONEY,
    _TYPE.MAX_OPEN_ORDERS: _COUNT,
    _TYPE.MAX_DAILY_LOSS: _MONEY,
    _TYPE.MAX_DRAWDOWN: _PERCENT,
    _TYPE.MAX_LEVERAGE: ValueRule(unit=ValueUnit.RATIO, most=Decimal(1_000)),
    _TYPE.MIN_MARGIN_EXCESS: _MONEY,
    _TYPE.SYMBOL_WHITELIST: None,
    _TYPE.SYMBOL_BLACKLIST: None,
    _TYPE.TRADING_HOURS: None,
    _TYPE.MAX_ORDERS_PER_MINUTE: _COUNT,
    _TYPE.PRICE_COLLAR: _PERCENT,
    _TYPE.MAX_CONCENTRATION: ValueRule(unit=ValueUnit.PERCENT, most=Decimal(10_000)),
    _TYPE.DUPLICATE_ORDER: _SECONDS,
    _TYPE.WASH_TRADE: None,
    _TYPE.COOLDOWN: ValueRule(unit=ValueUnit.SECONDS, least=Decimal(1), most=Decimal(86_400)),
    _TYPE.CANCEL_RATE: _PERCENT,
    _TYPE.ORDER_TO_TRADE_RATIO: ValueRule(unit=ValueUnit.RATIO, most=Decimal(1_000_000)),
}
"""What the value of each type is; None where it has none."""

MAY_HAVE_CURRENCY: Final = frozenset(
    {
        _TYPE.MAX_ORDER_NOTIONAL,
        _TYPE.MAX_POSITION_NOTIONAL,
        _TYPE.MAX_DAILY_LOSS,
        _TYPE.MAX_DRAWDOWN,
        _TYPE.MIN_MARGIN_EXCESS,
    }
)
"""The types in money. Without a currency a notional is in the instrument's own, a figure of an account in its base
currency. A drawdown with a currency is an amount, without one percent of the peak.
"""


def value_rule(limit: RiskLimit) -> ValueRule | None:
    """What the limit's value is; None where its type has none."""
    if limit.limit_type is _TYPE.MAX_DRAWDOWN and limit.currency is not None:
        return _MONEY
    return VALUES[limit.limit_type]


def limit_problems(limit: RiskLimit) -> tuple[Problem, ...]:
    """Everything that is wrong with a limit; empty when it can be held against orders."""
    conditions = conditions_of(limit.limit_type, limit.conditions)
    wrong = conditions if isinstance(conditions, tuple) else ()
    return (*_value_problems(limit), *_currency_problems(limit), *wrong, *_period_problems(limit))


def _value_problems(limit: RiskLimit) -> Iterator[Problem]:
    rule, value = value_rule(limit), limit.value
    if rule is None:
        if value is not None:
            told = f"{limit.limit_type} has no value: its conditions say what it asks"
            yield limit_problem(LimitProblem.LIMIT_VALUE_UNEXPECTED, "value", message=told)
        if limit.warn_at is not None:
            yield limit_problem(LimitProblem.LIMIT_WARNING_INVALID, "warnAt", message="nothing to warn of by parts")
        return
    if value is None:
        told = f"{limit.limit_type} needs a value in {rule.unit}; an empty one does not switch it off"
        yield limit_problem(LimitProblem.LIMIT_VALUE_REQUIRED, "value", message=told)
    elif not value.is_finite() or not rule.least <= value <= rule.most:
        told = f"{limit.limit_type} needs a value from {plain(rule.least)} to {plain(rule.most)} in {rule.unit}"
        yield limit_problem(LimitProblem.LIMIT_VALUE_INVALID, "value", message=told)
    elif rule.is_whole and value != value.to_integral_value():
        told = f"{limit.limit_type} counts in {rule.unit}"
        yield limit_problem(LimitProblem.LIMIT_VALUE_INVALID, "value", message=told)
    elif round(value, FRACTION_DIGITS_MAX) != value:
        told = f"at most {FRACTION_DIGITS_MAX} digits behind the point"
        yield limit_problem(LimitProblem.LIMIT_VALUE_INVALID, "value", message=told)
    if limit.warn_at is not None and not (limit.warn_at.is_finite() and 0 < limit.warn_at <= 1):
        yield limit_problem(LimitProblem.LIMIT_WARNING_INVALID, "warnAt")


def _currency_problems(limit: RiskLimit) -> Iterator[Problem]:
    if limit.currency is None:
        return
    if limit.limit_type not in MAY_HAVE_CURRENCY:
        told = f"{limit.limit_type} is not in money and has no currency"
        yield limit_problem(LimitProblem.LIMIT_CURRENCY_UNEXPECTED, "currency", message=told)
    elif not is_currency(limit.currency):
        yield limit_problem(LimitProblem.LIMIT_CURRENCY_INVALID, "currency")


def _period_problems(limit: RiskLimit) -> Iterator[Problem]:
    begins, ends = limit.effective_from, limit.effective_until
    naive = [one for one in (begins, ends) if one is not None and one.utcoffset() is None]
    if naive or (begins is not None and ends is not None and ends <= begins):
        yield limit_problem(LimitProblem.LIMIT_PERIOD_INVALID, "effectiveUntil")
