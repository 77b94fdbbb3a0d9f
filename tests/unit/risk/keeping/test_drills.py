"""A drill proves that a limit can refuse, says why one cannot, and touches nothing."""

from collections import deque
from copy import deepcopy
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from app.core.fix import OrderType, RiskLimitType, Side
from app.core.ids import AccountId, LimitId
from app.core.messages import OrderTerms
from app.core.money import ZERO
from app.core.sessions import ToldHours, ToldSession
from app.risk.domain import (
    CHECKS,
    AccountFigures,
    AccountMode,
    Activity,
    Exposure,
    Facts,
    Proposal,
    Reference,
    RiskLimit,
)
from app.risk.keeping.domain.changes import DrillOutcome
from app.risk.keeping.domain.drills import drill
from tests.factories import instrument

_TYPE = RiskLimitType
NOW = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)
AAPL = replace(
    instrument("AAPL"),
    hours=ToldHours(
        zone="UTC",
        regular=(ToldSession(day=NOW.date(), opens_at=NOW - timedelta(hours=1), closes_at=NOW + timedelta(hours=6)),),
        extended=(),
        closed_days=(),
        known_from=NOW - timedelta(days=1),
        known_until=NOW + timedelta(days=2),
    ),
)
ORDER = Proposal(
    account_id=AccountId(UUID(int=2)),
    instrument=AAPL,
    side=Side.BUY,
    order_type=OrderType.MARKET,
    terms=OrderTerms(quantity=Decimal(1)),
    adds_quantity=Decimal(1),
    adds_orders=1,
    reference=Reference(price=Decimal(10), at=NOW),
    exposure=Exposure(
        position_quantity=Decimal(30), open_buy_quantity=Decimal(5), open_sell_quantity=ZERO, open_orders=3
    ),
)
FIGURES = AccountFigures(
    mode=AccountMode.LIVE,
    base_currency="USD",
    equity=Decimal(10_000),
    daily_pnl=Decimal(-20),
    excess_liquidity=Decimal(5_000),
    gross_position_value=Decimal(300),
    is_fresh=True,
    is_pnl_fresh=True,
    peaks={None: Decimal(11_000)},
)
FACTS = Facts(now=NOW, account=FIGURES, activity=Activity())


def limit(limit_type: RiskLimitType, value: str | None = None, **more: Any) -> RiskLimit:
    return RiskLimit(
        id=LimitId(UUID(int=9)), limit_type=limit_type, value=None if value is None else Decimal(value), **more
    )


FIRING: dict[RiskLimitType, tuple[RiskLimit, str]] = {
    one.limit_type: (one, message)
    for one, message in (
        (limit(_TYPE.MAX_ORDER_QUANTITY, "100"), "order quantity 101 is above 100"),
        (limit(_TYPE.MAX_ORDER_NOTIONAL, "1005"), "order notional 1010 is above 1005"),
        (limit(_TYPE.MAX_POSITION_QUANTITY, "100"), "position if all is filled 101 is above 100"),
        (limit(_TYPE.MAX_POSITION_NOTIONAL, "1000"), "position notional if all is filled 1010 is above 1000"),
        (limit(_TYPE.MAX_OPEN_ORDERS, "10"), "open orders 11 is above 10"),
        (limit(_TYPE.MAX_DAILY_LOSS, "500"), "loss of the day 501 is above 500"),
        (limit(_TYPE.MAX_DRAWDOWN, "20"), "fall from the peak 20.0091% is above 20%"),
        (limit(_TYPE.MAX_LEVERAGE, "2"), "leverage if all is filled 2.001 is above 2"),
        (limit(_TYPE.MIN_MARGIN_EXCESS, "1000"), "margin left if all is filled 990 is below 1000"),
        (limit(_TYPE.SYMBOL_WHITELIST, conditions={"symbols": ["MSFT"]}), "NO SUCH SYMBOL is not on the white list"),
        (limit(_TYPE.SYMBOL_BLACKLIST, conditions={"symbols": ["GME"]}), "GME is on the black list"),
        (limit(_TYPE.TRADING_HOURS), "no regular session of AAPL is on"),
        (limit(_TYPE.MAX_ORDERS_PER_MINUTE, "7"), "orders within 60 s 8 is above 7"),
        (limit(_TYPE.PRICE_COLLAR, "2"), "the limit's distance from the market of 2.1% is above 2%"),
        (limit(_TYPE.MAX_CONCENTRATION, "50"), "part of the position 50.1% is above 50%"),
        (limit(_TYPE.DUPLICATE_ORDER, "5"), "1 order(s) of the same terms within 5 s, 0 may be"),
        (limit(_TYPE.WASH_TRADE), "1 open order(s) of the firm on the other side could deal with it"),
        (limit(_TYPE.COOLDOWN, "60"), "0 s since the last loss, 60 s are to pass"),
        (limit(_TYPE.CANCEL_RATE, "50"), "cancels of the orders 52.381% is above 50%"),
        (limit(_TYPE.ORDER_TO_TRADE_RATIO, "30"), "orders for each trade 31 is above 30"),
    )
}


def test_each_type_is_drilled() -> None:
    assert set(FIRING) == set(CHECKS) == set(RiskLimitType)


@pytest.mark.parametrize("limit_type", sorted(FIRING))
def test_a_limit_fires_just_beyond_itself(limit_type: RiskLimitType) -> None:
    one, message = FIRING[limit_type]
    before = deepcopy((FACTS.account, FACTS.activity))

    found = drill(one, ORDER, FACTS)

    assert found.outcome is DrillOutcome.FIRED, found
    assert found.message == message
    assert before == (FACTS.account, FACTS.activity), "a drill leaves the facts as they were"


@pytest.mark.parametrize("limit_type", sorted(FIRING))
def test_a_shadow_and_one_outside_its_hours_are_drilled_too(limit_type: RiskLimitType) -> None:
    one, _ = FIRING[limit_type]
    hours = {"from": "01:00", "to": "02:00", "zone": "UTC"}

    found = drill(replace(one, is_shadow=True, conditions={**one.conditions, "times": hours}), ORDER, FACTS)

    assert found.outcome is DrillOutcome.FIRED


FIGURED = [
    _TYPE.MAX_DAILY_LOSS,
    _TYPE.MAX_DRAWDOWN,
    _TYPE.MAX_LEVERAGE,
    _TYPE.MIN_MARGIN_EXCESS,
    _TYPE.MAX_CONCENTRATION,
]
RECENT = [
    _TYPE.MAX_ORDERS_PER_MINUTE, _TYPE.DUPLICATE_ORDER, _TYPE.COOLDOWN, _TYPE.CANCEL_RATE, _TYPE.ORDER_TO_TRADE_RATIO
]  # fmt: skip


@pytest.mark.parametrize("limit_type", [*FIGURED, *RECENT])
def test_a_limit_that_refuses_all_for_want_of_a_figure_says_so(limit_type: RiskLimitType) -> None:
    found = drill(FIRING[limit_type][0], ORDER, Facts(now=NOW))

    assert found.outcome is DrillOutcome.FAILS_CLOSED
    assert "not known" in found.message


def test_a_collar_without_a_quote_and_hours_that_nobody_told_fail_closed() -> None:
    blind = replace(ORDER, reference=None, instrument=replace(AAPL, hours=None))

    for limit_type in (_TYPE.PRICE_COLLAR, _TYPE.TRADING_HOURS):
        assert drill(FIRING[limit_type][0], blind, FACTS).outcome is DrillOutcome.FAILS_CLOSED
    assert drill(limit(_TYPE.MAX_ORDER_QUANTITY, "5"), blind, FACTS).outcome is DrillOutcome.FIRED


@pytest.mark.parametrize(
    "one",
    [
        limit(_TYPE.MAX_OPEN_ORDERS, "3"),
        limit(_TYPE.MAX_DAILY_LOSS, "19"),
        limit(_TYPE.MAX_POSITION_QUANTITY, "30"),
        limit(_TYPE.MAX_DRAWDOWN, "5"),
    ],
    ids=lambda one: one.limit_type.value,
)
def test_an_account_that_is_beyond_the_limit_already_is_told(one: RiskLimit) -> None:
    assert drill(one, ORDER, FACTS).outcome is DrillOutcome.ALREADY_BREACHED


def test_a_limit_that_nothing_can_reach_is_silent() -> None:
    whole = limit(_TYPE.MAX_DRAWDOWN, "100")
    of_gross = limit(_TYPE.MAX_CONCENTRATION, "100", conditions={"basis": "GROSS"})

    assert drill(whole, ORDER, FACTS).outcome is DrillOutcome.SILENT
    assert drill(of_gross, ORDER, FACTS).outcome is DrillOutcome.SILENT


def test_a_limit_that_does_not_hold_such_orders_is_not_drilled() -> None:
    for one in (
        limit(_TYPE.MAX_OPEN_ORDERS, "9", effective_from=NOW + timedelta(seconds=1)),
        limit(_TYPE.MAX_OPEN_ORDERS, "9", conditions={"modes": ["PAPER"]}),
        limit(_TYPE.MAX_OPEN_ORDERS, "9", conditions={"symbols": ["MSFT"]}),
        limit(_TYPE.MAX_OPEN_ORDERS, "9", account_id=AccountId(UUID(int=7))),
    ):
        assert drill(one, ORDER, FACTS).outcome is DrillOutcome.NOT_DRILLED


def test_orders_that_reduce_may_pass_and_the_drill_comes_from_the_other_side() -> None:
    passing = limit(_TYPE.MAX_DAILY_LOSS, "500", conditions={"reducing": "PASS"})
    short = replace(ORDER, exposure=replace(ORDER.exposure, position_quantity=Decimal(-30)))

    assert drill(passing, ORDER, FACTS).outcome is DrillOutcome.FIRED
    assert drill(passing, short, FACTS).outcome is DrillOutcome.FIRED


def test_a_sale_is_drilled_where_the_limit_holds_sales() -> None:
    sales = limit(_TYPE.MAX_POSITION_QUANTITY, "100", conditions={"sides": ["SELL"]})
    found = drill(sales, ORDER, replace(FACTS, activity=Activity(orders=deque())))

    assert (found.outcome, found.message) == (DrillOutcome.FIRED, "position if all is filled 101 is above 100")
