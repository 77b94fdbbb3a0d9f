"""Named sets of limits for a fresh account, in parts of the capital that it trades with."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import ROUND_DOWN, Decimal
from types import MappingProxyType
from typing import Any, Final

from app.core.fix import RiskLimitType
from app.core.ids import AccountId, LimitId
from app.risk.domain import RiskLimit

_TYPE = RiskLimitType
_WARN_AT: Final = Decimal("0.8")
# Giving up risk must stay possible when a bound on it is reached.
_REDUCING: Final[Mapping[str, Any]] = {"reducing": "PASS"}


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateLimit:
    """One limit of a template: a value in its type's own unit, or a part of the capital; neither where it has none."""

    limit_type: RiskLimitType
    value: Decimal | None = None
    part_of_capital: Decimal | None = None
    warn_at: Decimal | None = None
    conditions: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitTemplate:
    """A set of limits under a name, and whom it is for."""

    name: str
    description: str
    limits: tuple[TemplateLimit, ...]


def limits_of_template(
    template: LimitTemplate, account_id: AccountId, *, capital: Decimal, currency: str
) -> Iterator[RiskLimit]:
    """The limits of the template for an account, amounts in its base currency rounded down to whole units.

    Their ids are not set yet.
    """
    for one in template.limits:
        value = one.value
        if one.part_of_capital is not None:
            value = (one.part_of_capital * capital).quantize(Decimal(1), rounding=ROUND_DOWN)
        yield RiskLimit(
            id=LimitId(account_id),
            limit_type=one.limit_type,
            value=value,
            currency=None if one.part_of_capital is None else currency,
            conditions=dict(one.conditions),
            account_id=account_id,
            warn_at=one.warn_at,
        )


def _share(limit_type: RiskLimitType, part: str, **conditions: Any) -> TemplateLimit:
    return TemplateLimit(
        limit_type=limit_type, part_of_capital=Decimal(part), warn_at=_WARN_AT, conditions=dict(conditions)
    )


def _value(limit_type: RiskLimitType, value: str, **conditions: Any) -> TemplateLimit:
    return TemplateLimit(limit_type=limit_type, value=Decimal(value), warn_at=_WARN_AT, conditions=dict(conditions))


def _plain(limit_type: RiskLimitType, value: str | None = None, **conditions: Any) -> TemplateLimit:
    return TemplateLimit(
        limit_type=limit_type, value=None if value is None else Decimal(value), conditions=dict(conditions)
    )


_CONSERVATIVE: Final = LimitTemplate(
    name="conservative",
    description="Cash only, small orders, regular hours: an account that must not be able to surprise anybody.",
    limits=(
        _share(_TYPE.MAX_ORDER_NOTIONAL, "0.05", **_REDUCING),
        _share(_TYPE.MAX_POSITION_NOTIONAL, "0.2", **_REDUCING),
        _value(_TYPE.MAX_CONCENTRATION, "20", **_REDUCING),
        _value(_TYPE.MAX_LEVERAGE, "1", **_REDUCING),
        _value(_TYPE.MAX_OPEN_ORDERS, "20"),
        _share(_TYPE.MAX_DAILY_LOSS, "0.01", **_REDUCING),
        _value(_TYPE.MAX_DRAWDOWN, "5", **_REDUCING),
        _value(_TYPE.MAX_ORDERS_PER_MINUTE, "10"),
        _plain(_TYPE.PRICE_COLLAR, "2"),
        _plain(_TYPE.DUPLICATE_ORDER, "10"),
        _plain(_TYPE.WASH_TRADE),
        _plain(_TYPE.TRADING_HOURS),
    ),
)
_DAY_TRADER: Final = LimitTemplate(
    name="day-trader",
    description="Intraday leverage and many orders, with a hard stop on the loss of the day.",
    limits=(
        _share(_TYPE.MAX_ORDER_NOTIONAL, "0.5", **_REDUCING),
        _share(_TYPE.MAX_POSITION_NOTIONAL, "2", **_REDUCING),
        _value(_TYPE.MAX_LEVERAGE, "4", **_REDUCING),
        _share(_TYPE.MIN_MARGIN_EXCESS, "0.1", **_REDUCING),
        _value(_TYPE.MAX_OPEN_ORDERS, "100"),
        _share(_TYPE.MAX_DAILY_LOSS, "0.03", **_REDUCING),
        _value(_TYPE.MAX_DRAWDOWN, "10", **_REDUCING),
        _value(_TYPE.MAX_ORDERS_PER_MINUTE, "120"),
        _plain(_TYPE.PRICE_COLLAR, "3"),
        _plain(_TYPE.DUPLICATE_ORDER, "1"),
        _plain(_TYPE.WASH_TRADE),
    ),
)
_INSTITUTIONAL: Final = LimitTemplate(
    name="institutional",
    description="A diversified book worked by programs: small parts of it at once, and guards on the flow of messages.",
    limits=(
        _share(_TYPE.MAX_ORDER_NOTIONAL, "0.02", **_REDUCING),
        _share(_TYPE.MAX_POSITION_NOTIONAL, "0.1", **_REDUCING),
        _value(_TYPE.MAX_CONCENTRATION, "10", **_REDUCING),
        _value(_TYPE.MAX_LEVERAGE, "2", **_REDUCING),
        _share(_TYPE.MIN_MARGIN_EXCESS, "0.2", **_REDUCING),
        _value(_TYPE.MAX_OPEN_ORDERS, "500"),
        _share(_TYPE.MAX_DAILY_LOSS, "0.01", **_REDUCING),
        _value(_TYPE.MAX_DRAWDOWN, "8", **_REDUCING),
        _value(_TYPE.MAX_ORDERS_PER_MINUTE, "300"),
        _plain(_TYPE.PRICE_COLLAR, "1"),
        _plain(_TYPE.DUPLICATE_ORDER, "2"),
        _plain(_TYPE.WASH_TRADE),
        _plain(_TYPE.TRADING_HOURS),
        _plain(_TYPE.CANCEL_RATE, "95", windowSeconds=300, allowance=100),
        _plain(_TYPE.ORDER_TO_TRADE_RATIO, "50", windowSeconds=300, allowance=100),
    ),
)
TEMPLATES: Final[Mapping[str, LimitTemplate]] = MappingProxyType(
    {one.name: one for one in (_CONSERVATIVE, _DAY_TRADER, _INSTITUTIONAL)}
)
"""The templates by name."""
