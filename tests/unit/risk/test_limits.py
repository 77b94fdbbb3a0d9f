"""A limit says what it means, and one that means nothing is refused with the place of its fault."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from app.core.fix import RiskLimitType, Side
from app.core.ids import AccountId, InstrumentId, LimitId, StrategyId
from app.risk.domain import Conditions, RiskLimit, conditions_of, limit_problems
from app.risk.domain.conditions import AccountMode, CooldownCause, condition_keys, described_keys
from app.risk.domain.limits import MAY_HAVE_CURRENCY, VALUES
from app.risk.errors import MEANING, LimitProblem

_TYPE = RiskLimitType
NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
NUMBERED = sorted(one for one in _TYPE if VALUES[one] is not None)
UNNUMBERED = sorted(one for one in _TYPE if VALUES[one] is None)
# The last one is in Cyrillic and Latin letters.
UNKNOWN_POLICIES: list[Any] = [
    "NET",
    "CANCEL_NEWEST",
    "cancel_resting",
    "CANCEL_RESTING ",
    ["CANCEL_RESTING", "BLOCK_NEWEST"],
    "block_newest",
    "",
    None,
    True,
    ["BLOCK_NEWEST"],
    {},
    "BLOCK_NEW\u0415ST",
]


def limit(limit_type: RiskLimitType, value: str | None = None, **more: Any) -> RiskLimit:
    if limit_type in (_TYPE.SYMBOL_WHITELIST, _TYPE.SYMBOL_BLACKLIST):
        more = {"conditions": {"symbols": ["AAPL"]}, **more}
    return RiskLimit(
        id=LimitId(UUID(int=9)), limit_type=limit_type, value=None if value is None else Decimal(value), **more
    )


def codes(one: RiskLimit) -> list[tuple[str, tuple[str, ...]]]:
    return [(problem.code, problem.path) for problem in limit_problems(one)]


@pytest.mark.parametrize("limit_type", NUMBERED)
def test_a_limit_is_not_switched_off_by_an_empty_value(limit_type: RiskLimitType) -> None:
    assert codes(limit(limit_type)) == [(LimitProblem.LIMIT_VALUE_REQUIRED, ("value",))]
    assert codes(limit(limit_type, "10")) == []


@pytest.mark.parametrize("limit_type", NUMBERED)
@pytest.mark.parametrize(
    "value", ["NaN", "sNaN", "Infinity", "-Infinity", "-1", "-0.01", "1E+30", "1000000000000000.1"]
)
def test_a_value_that_is_no_number_or_absurd_is_refused(limit_type: RiskLimitType, value: str) -> None:
    assert codes(limit(limit_type, value)) == [(LimitProblem.LIMIT_VALUE_INVALID, ("value",))]


@pytest.mark.parametrize(
    ("limit_type", "value"),
    [
        (_TYPE.MAX_OPEN_ORDERS, "1.5"),
        (_TYPE.MAX_ORDERS_PER_MINUTE, "0.1"),
        (_TYPE.COOLDOWN, "0"),
        (_TYPE.COOLDOWN, "86401"),
        (_TYPE.DUPLICATE_ORDER, "0"),
        (_TYPE.PRICE_COLLAR, "100.1"),
        (_TYPE.MAX_DRAWDOWN, "100.1"),
        (_TYPE.MAX_ORDER_QUANTITY, "0.00000000001"),
    ],
)
def test_a_value_off_its_unit_is_refused(limit_type: RiskLimitType, value: str) -> None:
    assert codes(limit(limit_type, value)) == [(LimitProblem.LIMIT_VALUE_INVALID, ("value",))]


@pytest.mark.parametrize("limit_type", UNNUMBERED)
def test_a_type_without_a_value_takes_none(limit_type: RiskLimitType) -> None:
    assert codes(limit(limit_type)) == []
    assert codes(limit(limit_type, "1")) == [(LimitProblem.LIMIT_VALUE_UNEXPECTED, ("value",))]
    warned = limit(limit_type, warn_at=Decimal("0.8"))
    assert codes(warned) == [(LimitProblem.LIMIT_WARNING_INVALID, ("warnAt",))]


@pytest.mark.parametrize("limit_type", sorted(_TYPE))
def test_only_money_has_a_currency(limit_type: RiskLimitType) -> None:
    of_euros = limit(limit_type, None if limit_type in UNNUMBERED else "10", currency="EUR")

    unexpected = [(LimitProblem.LIMIT_CURRENCY_UNEXPECTED, ("currency",))]
    assert codes(of_euros) == ([] if limit_type in MAY_HAVE_CURRENCY else unexpected)


@pytest.mark.parametrize("currency", ["eur", "XXX", "", "EURO", "ＥＵＲ"])
def test_an_unknown_currency_is_refused(currency: str) -> None:
    found = codes(limit(_TYPE.MAX_DAILY_LOSS, "10", currency=currency))

    assert found == [(LimitProblem.LIMIT_CURRENCY_INVALID, ("currency",))]


def test_a_drawdown_is_in_percent_or_with_a_currency_an_amount() -> None:
    assert codes(limit(_TYPE.MAX_DRAWDOWN, "5000", currency="USD")) == []
    assert codes(limit(_TYPE.MAX_DRAWDOWN, "5000")) == [(LimitProblem.LIMIT_VALUE_INVALID, ("value",))]


@pytest.mark.parametrize("warn_at", ["0", "-0.1", "1.01", "NaN", "Infinity"])
def test_a_warning_is_a_part_of_the_value(warn_at: str) -> None:
    assert codes(limit(_TYPE.MAX_LEVERAGE, "2", warn_at=Decimal(warn_at))) == [
        (LimitProblem.LIMIT_WARNING_INVALID, ("warnAt",))
    ]
    assert codes(limit(_TYPE.MAX_LEVERAGE, "2", warn_at=Decimal(1))) == []


def test_a_limit_ends_behind_its_beginning() -> None:
    ends = [(LimitProblem.LIMIT_PERIOD_INVALID, ("effectiveUntil",))]
    one = limit(_TYPE.MAX_LEVERAGE, "2", effective_from=NOON)

    assert codes(replace(one, effective_until=NOON)) == ends
    assert codes(replace(one, effective_until=NOON.replace(hour=13, tzinfo=None), effective_from=None)) == ends
    assert codes(replace(one, effective_until=NOON.replace(hour=13))) == []


def test_a_limit_is_in_force_from_its_first_instant_and_not_at_its_last() -> None:
    one = limit(_TYPE.MAX_LEVERAGE, "2", effective_from=NOON, effective_until=NOON.replace(hour=13))

    assert [one.is_in_force(NOON.replace(hour=hour)) for hour in (11, 12, 13)] == [False, True, False]
    assert limit(_TYPE.MAX_LEVERAGE, "2").is_in_force(NOON)


@pytest.mark.parametrize(
    ("strategy", "applies"), [(StrategyId(UUID(int=5)), True), (StrategyId(UUID(int=6)), False), (None, False)]
)
def test_a_limit_of_a_strategy_covers_its_orders_alone(strategy: StrategyId | None, applies: bool) -> None:
    one = limit(_TYPE.MAX_LEVERAGE, "2", strategy_id=StrategyId(UUID(int=5)))

    assert one.applies(AccountId(UUID(int=1)), InstrumentId(UUID(int=2)), strategy) is applies


def test_conditions_are_read_into_a_value() -> None:
    document = {
        "symbols": ["AAPL", "BRK B"],
        "sides": ["SELL"],
        "modes": ["LIVE", "SIM"],
        "times": {"weekdays": [1, 5], "from": "09:30", "to": "16:00", "zone": "America/New_York"},
        "reducing": "PASS",
        "after": ["LOSS", "REJECT"],
    }

    found = conditions_of(_TYPE.COOLDOWN, document)

    assert isinstance(found, Conditions)
    assert found.symbols == frozenset({"AAPL", "BRK B"})
    assert found.sides == frozenset({Side.SELL})
    assert found.modes == frozenset({AccountMode.LIVE, AccountMode.SIM})
    assert found.passes_reducing
    assert found.after == frozenset({CooldownCause.LOSS, CooldownCause.REJECT})
    # A Monday: 09:30 in New York is 14:30 in March before the clocks change.
    assert [found.is_on(datetime(2026, 3, 2, 14, minute, tzinfo=UTC)) for minute in (29, 30)] == [False, True]
    assert [found.is_on(datetime(2026, 3, 2, hour, 0, tzinfo=UTC)) for hour in (20, 21)] == [True, False]
    assert not found.is_on(datetime(2026, 3, 3, 15, 0, tzinfo=UTC))


@pytest.mark.parametrize(
    ("limit_type", "document", "path"),
    [
        (_TYPE.MAX_LEVERAGE, {"symbol": ["AAPL"]}, ()),
        (_TYPE.MAX_LEVERAGE, {"windowSeconds": 5}, ()),
        (_TYPE.MAX_LEVERAGE, {"symbols": "AAPL"}, ("symbols",)),
        (_TYPE.MAX_LEVERAGE, {"symbols": []}, ("symbols",)),
        (_TYPE.MAX_LEVERAGE, {"symbols": ["AAPL", ""]}, ("symbols", "1")),
        (_TYPE.MAX_LEVERAGE, {"symbols": ["ААPL"]}, ("symbols", "0")),
        (_TYPE.MAX_LEVERAGE, {"symbols": ["AA\nPL"]}, ("symbols", "0")),
        (_TYPE.MAX_LEVERAGE, {"symbols": ["A" * 65]}, ("symbols", "0")),
        (_TYPE.MAX_LEVERAGE, {"symbols": ["A"] * 1001}, ("symbols",)),
        (_TYPE.MAX_LEVERAGE, {"symbols": [7]}, ("symbols", "0")),
        (_TYPE.MAX_LEVERAGE, {"sides": ["buy"]}, ("sides", "0")),
        (_TYPE.MAX_LEVERAGE, {"modes": ["TEST"]}, ("modes", "0")),
        (_TYPE.MAX_LEVERAGE, {"modes": None}, ("modes",)),
        (_TYPE.MAX_LEVERAGE, {"reducing": True}, ("reducing",)),
        (_TYPE.MAX_LEVERAGE, {"times": {"zone": "UTC"}}, ("times",)),
        (_TYPE.MAX_LEVERAGE, {"times": {"from": "09:30"}}, ("times",)),
        (_TYPE.MAX_LEVERAGE, {"times": {"from": "9:30", "zone": "UTC"}}, ("times", "from")),
        (_TYPE.MAX_LEVERAGE, {"times": {"from": "٠٩:٣٠", "zone": "UTC"}}, ("times", "from")),
        (_TYPE.MAX_LEVERAGE, {"times": {"to": "24:01", "zone": "UTC"}}, ("times", "to")),
        (_TYPE.MAX_LEVERAGE, {"times": [{"from": "22:00", "to": "06:00", "zone": "UTC"}]}, ("times", "0", "to")),
        (_TYPE.MAX_LEVERAGE, {"times": {"weekdays": [0], "zone": "UTC"}}, ("times", "weekdays", "0")),
        (_TYPE.MAX_LEVERAGE, {"times": {"weekdays": [True], "zone": "UTC"}}, ("times", "weekdays", "0")),
        (_TYPE.MAX_LEVERAGE, {"times": {"weekdays": [1], "zone": "../etc/passwd"}}, ("times", "zone")),
        (_TYPE.MAX_LEVERAGE, {"times": {"weekdays": [1], "zone": "UTC", "hours": 1}}, ("times",)),
        (_TYPE.CANCEL_RATE, {"windowSeconds": 0}, ("windowSeconds",)),
        (_TYPE.CANCEL_RATE, {"windowSeconds": 1.5}, ("windowSeconds",)),
        (_TYPE.CANCEL_RATE, {"windowSeconds": True}, ("windowSeconds",)),
        (_TYPE.CANCEL_RATE, {"windowSeconds": 10**30}, ("windowSeconds",)),
        (_TYPE.CANCEL_RATE, {"allowance": -1}, ("allowance",)),
        (_TYPE.MIN_MARGIN_EXCESS, {"marginPercent": 12.5}, ("marginPercent",)),
        (_TYPE.MIN_MARGIN_EXCESS, {"marginPercent": "NaN"}, ("marginPercent",)),
        (_TYPE.MIN_MARGIN_EXCESS, {"marginPercent": "0"}, ("marginPercent",)),
        (_TYPE.MIN_MARGIN_EXCESS, {"marginPercent": "-5"}, ("marginPercent",)),
        (_TYPE.TRADING_HOURS, {"extended": "yes"}, ("extended",)),
        (_TYPE.PRICE_COLLAR, {"direction": "UP"}, ("direction",)),
        (_TYPE.MAX_CONCENTRATION, {"basis": ["EQUITY"]}, ("basis",)),
        *((_TYPE.WASH_TRADE, {"policy": policy}, ("policy",)) for policy in UNKNOWN_POLICIES),
        (_TYPE.SYMBOL_WHITELIST, {}, ("symbols",)),
        (_TYPE.SYMBOL_BLACKLIST, {}, ("symbols",)),
    ],
)
def test_a_document_that_is_none_names_the_place(
    limit_type: RiskLimitType, document: dict[str, Any], path: tuple[str, ...]
) -> None:
    found = conditions_of(limit_type, document)

    assert isinstance(found, tuple)
    assert [problem.path for problem in found] == [("conditions", *path)]


def test_all_faults_are_told_at_once() -> None:
    found = limit_problems(
        limit(_TYPE.MAX_OPEN_ORDERS, "-1", currency="EUR", conditions={"symbols": [], "depth": 1, "sides": ["X"]})
    )

    assert [problem.code for problem in found] == [
        LimitProblem.LIMIT_VALUE_INVALID,
        LimitProblem.LIMIT_CURRENCY_UNEXPECTED,
        LimitProblem.LIMIT_CONDITION_INVALID,
        LimitProblem.LIMIT_CONDITION_UNKNOWN,
        LimitProblem.LIMIT_CONDITION_INVALID,
    ]


def test_every_key_and_code_is_described() -> None:
    described = {(limit_type, key) for limit_type, key, meaning in described_keys() if meaning}

    known = {(limit_type, key) for limit_type in _TYPE for key in condition_keys(limit_type)}
    assert {key for _, key in described} == {key for _, key in known}
    assert set(MEANING) == set(LimitProblem)
    assert set(VALUES) == set(_TYPE)
