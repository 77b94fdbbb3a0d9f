"""The checks one by one, on facts made up for them: what they compare, and that they refuse what they cannot tell."""

from collections import deque
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.fix import OrderType, RiskLimitType, RiskOutcome, Side
from app.core.fx import FxRate, FxRates
from app.core.ids import AccountId, InstrumentId, LimitId, OrderId
from app.core.messages import Instrument, OrderTerms, RiskCheck
from app.core.money import ZERO
from app.core.sessions import ToldHours, ToldSession
from app.orders.repository.resting import RESTING_MAX
from app.risk.domain import (
    CHECKS,
    AccountFigures,
    AccountMode,
    Activity,
    Chain,
    Exposure,
    ExposureLine,
    Fact,
    Facts,
    Proposal,
    Reference,
    Resting,
    RiskLimit,
    Step,
    at_rest,
    chain_of,
    evaluate,
    used,
)
from app.risk.domain.chain import MEANING, formula_of
from app.risk.domain.counterfactual import passes_at, words
from app.risk.domain.facts import fingerprint
from app.risk.domain.figures import added_exposure, with_order
from app.risk.domain.held import read_limit
from app.risk.domain.markets import CANCELED, CANCELED_MAX, canceled_for, could_cross, wash_trade
from tests.factories import instrument

_TYPE = RiskLimitType
PASSED, FAILED, SKIPPED = RiskOutcome.PASSED, RiskOutcome.FAILED, RiskOutcome.SKIPPED
ACCOUNT, OTHER = AccountId(UUID(int=2)), AccountId(UUID(int=3))
AAPL = instrument("AAPL")
MSFT = InstrumentId(UUID(int=77))
NOW = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)
NOTHING = Exposure(position_quantity=ZERO, open_buy_quantity=ZERO, open_sell_quantity=ZERO, open_orders=0)
FIGURES = AccountFigures(
    mode=AccountMode.PAPER,
    base_currency="USD",
    equity=Decimal(1000),
    daily_pnl=Decimal(-100),
    excess_liquidity=Decimal(500),
    gross_position_value=Decimal(800),
    is_fresh=True,
    is_pnl_fresh=True,
    peaks={None: Decimal(1250)},
)


def limit(limit_type: RiskLimitType, value: str | None = None, **more: Any) -> RiskLimit:
    number = None if value is None else Decimal(value)
    return RiskLimit(id=LimitId(UUID(int=9)), limit_type=limit_type, value=number, **more)


def order(
    quantity: str = "10", *, side: Side = Side.BUY, price: str | None = "10", reference: str | None = "10", **more: Any
) -> Proposal:
    """An order of an account that has nothing yet."""
    found = Proposal(
        account_id=ACCOUNT,
        instrument=AAPL,
        side=side,
        order_type=OrderType.MARKET if price is None else OrderType.LIMIT,
        terms=OrderTerms(quantity=Decimal(quantity), limit_price=None if price is None else Decimal(price)),
        adds_quantity=Decimal(quantity),
        adds_orders=1,
        reference=None if reference is None else Reference(price=Decimal(reference), at=NOW),
        exposure=NOTHING,
        family=OrderId(UUID(int=50)),
    )
    return replace(found, **more)


def facts(**more: Any) -> Facts:
    return Facts(**{"now": NOW, "account": FIGURES, "activity": Activity(), **more})


def check(one: RiskLimit, of: Proposal, given: Facts) -> RiskCheck:
    [found] = evaluate(chain_of([one]), of, given)
    assert found.message
    assert found.limit_version == one.version
    return found


def outcome(one: RiskLimit, of: Proposal, given: Facts) -> RiskOutcome:
    return check(one, of, given).outcome


def test_every_type_has_a_check_a_formula_and_a_meaning() -> None:
    assert set(CHECKS) == set(MEANING) == set(_TYPE)
    assert all(formula_of(one) for one in _TYPE)


@pytest.mark.parametrize("limit_type", sorted(_TYPE))
def test_a_limit_without_what_it_needs_refuses(limit_type: RiskLimitType) -> None:
    empty = RiskLimit(id=LimitId(UUID(int=9)), limit_type=limit_type, value=None)
    nothing_known = Facts(now=NOW)
    has_no_value = limit_type in (_TYPE.WASH_TRADE, _TYPE.TRADING_HOURS)

    if not has_no_value:
        assert outcome(empty, order(), nothing_known) is FAILED
    assert outcome(replace(empty, conditions={"nonsense": 1}), order(), nothing_known) is FAILED


@pytest.mark.parametrize(
    "limit_type",
    [
        _TYPE.MAX_DAILY_LOSS,
        _TYPE.MAX_DRAWDOWN,
        _TYPE.MAX_LEVERAGE,
        _TYPE.MIN_MARGIN_EXCESS,
        _TYPE.MAX_CONCENTRATION,
    ],
)
@pytest.mark.parametrize(
    "figures",
    [
        None,
        replace(FIGURES, is_fresh=False, is_pnl_fresh=False),
        AccountFigures(mode=AccountMode.LIVE, base_currency="USD", is_fresh=True, is_pnl_fresh=True),
    ],
)
def test_figures_that_are_missing_or_stale_refuse(limit_type: RiskLimitType, figures: AccountFigures | None) -> None:
    value = "0" if limit_type is _TYPE.MIN_MARGIN_EXCESS else "100"

    assert outcome(limit(limit_type, value), order("1"), facts(account=FIGURES)) is PASSED
    assert outcome(limit(limit_type, value), order("1"), facts(account=figures)) is FAILED


@pytest.mark.parametrize("equity", ["0", "-1"])
@pytest.mark.parametrize("limit_type", [_TYPE.MAX_DRAWDOWN, _TYPE.MAX_LEVERAGE, _TYPE.MAX_CONCENTRATION])
def test_an_account_without_equity_is_refused(limit_type: RiskLimitType, equity: str) -> None:
    broke = replace(FIGURES, equity=Decimal(equity))

    assert outcome(limit(limit_type, "100"), order(), facts(account=broke)) is FAILED


@pytest.mark.parametrize("price", ["NaN", "Infinity", "0", "-5"])
@pytest.mark.parametrize(
    "limit_type",
    [
        _TYPE.MAX_ORDER_NOTIONAL,
        _TYPE.MAX_POSITION_NOTIONAL,
        _TYPE.PRICE_COLLAR,
        _TYPE.MAX_CONCENTRATION,
        _TYPE.MAX_LEVERAGE,
    ],
)
def test_a_reference_that_is_no_price_refuses(limit_type: RiskLimitType, price: str) -> None:
    assert outcome(limit(limit_type, "100"), order("1", price=None), facts()) is PASSED
    assert outcome(limit(limit_type, "100"), order("1", price=None, reference=price), facts()) is FAILED


@pytest.mark.parametrize(("pnl", "said"), [("5", PASSED), ("-100", PASSED), ("-100.01", FAILED)])
def test_daily_loss(pnl: str, said: RiskOutcome) -> None:
    given = facts(account=replace(FIGURES, daily_pnl=Decimal(pnl)))

    assert outcome(limit(_TYPE.MAX_DAILY_LOSS, "100"), order(), given) is said


@pytest.mark.parametrize(
    ("age", "said"),
    [
        (timedelta(minutes=5), PASSED),
        (timedelta(minutes=5, seconds=1), FAILED),
        (timedelta(minutes=-5, seconds=-1), FAILED),
        (None, FAILED),
    ],
)
def test_a_limit_in_another_currency_needs_a_fresh_rate(age: timedelta | None, said: RiskOutcome) -> None:
    rates = [] if age is None else [FxRate(base="EUR", quote="USD", rate=Decimal(2), at=NOW - age)]

    found = check(limit(_TYPE.MAX_DAILY_LOSS, "50", currency="EUR"), order(), facts(rates=FxRates(rates)))

    assert found.outcome is said
    assert found.observed == (Decimal(50) if said is PASSED else None)


def test_drawdown_in_percent_and_as_an_amount() -> None:
    # 1,000 of 1,250: a fifth is lost.
    assert outcome(limit(_TYPE.MAX_DRAWDOWN, "20"), order(), facts()) is PASSED
    assert outcome(limit(_TYPE.MAX_DRAWDOWN, "19.99"), order(), facts()) is FAILED
    assert outcome(limit(_TYPE.MAX_DRAWDOWN, "250", currency="USD"), order(), facts()) is PASSED
    assert outcome(limit(_TYPE.MAX_DRAWDOWN, "249", currency="USD"), order(), facts()) is FAILED
    assert outcome(limit(_TYPE.MAX_DRAWDOWN, "0", conditions={"windowDays": 3}), order(), facts()) is PASSED


def line(*, currency: str = "USD", **more: str) -> ExposureLine:
    numbers: dict[str, Any] = {name: Decimal(value) for name, value in more.items()}
    found = ExposureLine(currency=currency, multiplier=Decimal(1), position_quantity=ZERO)
    return replace(found, **numbers)


@pytest.mark.parametrize(
    ("lines", "added"),
    [
        ({}, "100"),
        ({MSFT: line(open_buy_quantity="2", buy_price="30")}, "160"),
        ({MSFT: line(position_quantity="5", open_sell_quantity="5", sell_price="30")}, "100"),
        ({MSFT: line(position_quantity="5", open_sell_quantity="12", sell_price="30")}, "160"),
        ({MSFT: line(open_buy_quantity="2", buy_price="30", open_sell_quantity="3", sell_price="20")}, "190"),
        ({MSFT: line(open_buy_quantity="2", buy_price="30", open_sell_quantity="3")}, None),
        ({MSFT: line(position_quantity="9", open_buy_quantity="2", buy_price="30", open_sell_quantity="3")}, "160"),
        ({MSFT: line(dealt="4", dealt_price="10")}, "140"),
        ({MSFT: line(open_buy_quantity="2")}, None),
        ({MSFT: line(dealt="2")}, None),
        ({MSFT: line(open_buy_quantity="2", buy_price="30", currency="EUR")}, None),
    ],
)
def test_what_open_orders_may_add(lines: Mapping[InstrumentId, ExposureLine], added: str | None) -> None:
    found = added_exposure(order(), facts(lines=lines), "USD")

    assert found == (None if added is None else Decimal(added))


def test_leverage_and_margin_count_what_may_be_added() -> None:
    # 800 held, 100 of the order, 100 of another.
    given = facts(lines={MSFT: line(open_buy_quantity="10", buy_price="10")})

    assert check(limit(_TYPE.MAX_LEVERAGE, "1"), order(), given).observed == Decimal(1)
    assert outcome(limit(_TYPE.MAX_LEVERAGE, "0.9999"), order(), given) is FAILED
    assert check(limit(_TYPE.MIN_MARGIN_EXCESS, "300"), order(), given).observed == Decimal(300)
    assert outcome(limit(_TYPE.MIN_MARGIN_EXCESS, "300.01"), order(), given) is FAILED
    half = limit(_TYPE.MIN_MARGIN_EXCESS, "400", conditions={"marginPercent": "50"})
    assert outcome(half, order(), given) is PASSED


def test_an_order_that_was_taken_counts_for_the_next_of_its_batch() -> None:
    lines: dict[InstrumentId, ExposureLine] = {}
    with_order(lines, order("10", price="10"))
    other = replace(AAPL, id=MSFT)

    assert added_exposure(order("1", instrument=other), facts(lines=lines), "USD") == Decimal(110)


def test_concentration_of_equity_and_of_all_positions() -> None:
    assert outcome(limit(_TYPE.MAX_CONCENTRATION, "10"), order(), facts()) is PASSED
    assert outcome(limit(_TYPE.MAX_CONCENTRATION, "9.99"), order(), facts()) is FAILED
    gross = limit(_TYPE.MAX_CONCENTRATION, "12.5", conditions={"basis": "GROSS"})
    assert check(gross, order(), facts()).observed == Decimal("12.5")
    assert outcome(gross, order("11"), facts()) is FAILED


def dealt_at(*sessions: tuple[int, int], known: tuple[int, int] = (0, 24)) -> Instrument:
    """An instrument with sessions between these hours of the day."""
    day = NOW.replace(hour=0)

    def at(hour: int) -> datetime:
        return day + timedelta(hours=hour)

    told = tuple(ToldSession(day=day.date(), opens_at=at(one), closes_at=at(other)) for one, other in sessions)
    wide = tuple(replace(one, closes_at=one.closes_at + timedelta(hours=2)) for one in told)
    hours = ToldHours(
        zone="UTC", regular=told, extended=wide, closed_days=(), known_from=at(known[0]), known_until=at(known[1])
    )
    return replace(AAPL, hours=hours)


@pytest.mark.parametrize(
    ("dealt", "conditions", "said"),
    [
        (dealt_at((14, 21)), {}, PASSED),
        (dealt_at((15, 21)), {}, PASSED),
        (dealt_at((14, 15)), {}, FAILED),
        (dealt_at((14, 15)), {"extended": True}, PASSED),
        (dealt_at((9, 12), (14, 16)), {}, PASSED),
        (dealt_at((9, 12), (16, 18)), {}, FAILED),
        (dealt_at(), {}, FAILED),
        (dealt_at((14, 21), known=(0, 15)), {}, FAILED),
        (dealt_at((14, 21), known=(16, 24)), {}, FAILED),
        (dealt_at((15, 21)), {"minutesAfterOpen": 1}, FAILED),
        (dealt_at((14, 16)), {"minutesBeforeClose": 60}, FAILED),
        (dealt_at((14, 16)), {"minutesBeforeClose": 59}, PASSED),
        (replace(AAPL, hours=None), {}, FAILED),
    ],
)
def test_trading_hours(dealt: Instrument, conditions: dict[str, Any], said: RiskOutcome) -> None:
    assert outcome(limit(_TYPE.TRADING_HOURS, conditions=conditions), order(instrument=dealt), facts()) is said


@pytest.mark.parametrize(
    ("side", "price", "conditions", "said"),
    [
        (Side.BUY, "10.5", {}, PASSED),
        (Side.BUY, "10.51", {}, FAILED),
        (Side.BUY, "1", {}, PASSED),
        (Side.BUY, "9.49", {"direction": "BOTH"}, FAILED),
        (Side.SELL, "9.5", {}, PASSED),
        (Side.SELL, "9.49", {}, FAILED),
        (Side.SELL, "99", {}, PASSED),
        (Side.SELL, "10.51", {"direction": "BOTH"}, FAILED),
        (Side.BUY, None, {}, PASSED),
    ],
)
def test_price_collar(side: Side, price: str | None, conditions: dict[str, Any], said: RiskOutcome) -> None:
    one = limit(_TYPE.PRICE_COLLAR, "5", conditions=conditions)

    assert outcome(one, order(side=side, price=price), facts()) is said
    assert outcome(one, order(side=side, price=price, reference=None), facts()) is FAILED


def resting(side: Side, price: str | None, **more: Any) -> Resting:
    found = Resting(
        order_id=OrderId(UUID(int=61)),
        account_id=OTHER,
        instrument_id=AAPL.id,
        family=OrderId(UUID(int=60)),
        side=side,
        price=None if price is None else Decimal(price),
        is_stop=False,
    )
    return replace(found, **more)


@pytest.mark.parametrize(
    ("of", "other", "crosses"),
    [
        (order(price="10"), resting(Side.SELL, "10"), True),
        (order(price="9.99"), resting(Side.SELL, "10"), False),
        (order(price=None), resting(Side.SELL, "10"), True),
        (order(price="1"), resting(Side.SELL, None), True),
        (order(price="10"), resting(Side.BUY, "10"), False),
        (order(price="10", side=Side.SELL), resting(Side.BUY, "10"), True),
        (order(price="10.01", side=Side.SELL), resting(Side.BUY, "10"), False),
        (order(price="10"), resting(Side.SELL, "10", instrument_id=MSFT), False),
        (order(price="10"), resting(Side.SELL, "10", family=OrderId(UUID(int=50))), False),
        (order(price="10"), resting(Side.SELL, None, is_stop=True), False),
    ],
)
def test_wash_trade(of: Proposal, other: Resting, crosses: bool) -> None:
    found = outcome(limit(_TYPE.WASH_TRADE), of, facts(resting=(other,)))

    assert found is (FAILED if crosses else PASSED)


def test_stops_count_where_the_limit_says_so() -> None:
    waiting = facts(resting=(resting(Side.SELL, None, is_stop=True),))

    assert outcome(limit(_TYPE.WASH_TRADE, conditions={"stops": True}), order(), waiting) is FAILED


def test_the_order_that_comes_later_is_refused_with_its_policy_told() -> None:
    held = read_limit(limit(_TYPE.WASH_TRADE, conditions={"policy": "BLOCK_NEWEST"}))

    found = wash_trade(held, order(price="10"), facts(resting=(resting(Side.SELL, "10"),)))

    assert not found.is_passed
    assert found.inputs["policy"] == "BLOCK_NEWEST"


CANCELING = {"policy": "CANCEL_RESTING"}


def mine(price: str = "10", number: int = 61, **more: Any) -> Resting:
    """A sale that rests in the account of the order and may be canceled."""
    return resting(Side.SELL, price, account_id=ACCOUNT, order_id=OrderId(UUID(int=number)), **more)


def test_an_order_that_can_wait_takes_what_rests_in_its_account_along() -> None:
    crossed, beyond = (mine("9", 1), mine("10", 2), mine(number=2)), mine("11", 3)

    found = check(
        limit(_TYPE.WASH_TRADE, conditions=CANCELING), order(can_wait=True), facts(resting=(*crossed, beyond))
    )

    assert (found.outcome, found.observed) == (PASSED, Decimal(3))
    assert canceled_for([found, found]) == (OrderId(UUID(int=1)), OrderId(UUID(int=2)))


@pytest.mark.parametrize(
    ("of", "others", "told"),
    [
        (order(can_wait=True), (mine(), resting(Side.SELL, "10")), "those of other accounts are not canceled"),
        (order(can_wait=True), (resting(Side.SELL, "10", gives_way=False),), "of other accounts"),
        (order(can_wait=True), (mine(), mine(number=2, gives_way=False)), "what protects or closes a position"),
        (order(), (mine(),), "none is canceled for a change, a release"),
        (order(can_wait=True), tuple(mine(number=one) for one in range(CANCELED_MAX + 1)), f"at most {CANCELED_MAX}"),
    ],
    ids=["two accounts", "another account", "protected", "cannot wait", "too many"],
)
def test_what_is_not_canceled_refuses_the_newest(of: Proposal, others: tuple[Resting, ...], told: str) -> None:
    found = check(limit(_TYPE.WASH_TRADE, conditions=CANCELING), of, facts(resting=others))

    assert found.outcome is FAILED
    assert told in found.message
    assert canceled_for([found]) == ()


def test_as_many_as_may_be_are_canceled_for_one() -> None:
    others = tuple(mine(number=one) for one in range(CANCELED_MAX))

    found = check(limit(_TYPE.WASH_TRADE, conditions=CANCELING), order(can_wait=True), facts(resting=others))

    assert len(canceled_for([found])) == CANCELED_MAX < RESTING_MAX


def test_a_shadow_and_a_limit_without_the_policy_cancel_nothing() -> None:
    shadow = check(
        limit(_TYPE.WASH_TRADE, conditions=CANCELING, is_shadow=True), order(can_wait=True), facts(resting=(mine(),))
    )
    plain = check(limit(_TYPE.WASH_TRADE), order(can_wait=True), facts(resting=(mine(),)))

    assert (shadow.outcome, plain.outcome) == (PASSED, FAILED)
    assert canceled_for([shadow, plain]) == ()


@pytest.mark.parametrize("limit_type", [one for one in _TYPE if one is not _TYPE.WASH_TRADE])
def test_no_other_limit_cancels_anything(limit_type: RiskLimitType) -> None:
    other = replace(check(limit(_TYPE.WASH_TRADE), order(), facts()), check=limit_type, inputs={CANCELED: 4})

    assert canceled_for([other]) == ()


prices = st.decimals(min_value=Decimal("0.01"), max_value=Decimal(100), places=2)


@given(st.sampled_from(Side), prices, prices)
def test_crossing_is_the_same_from_either_side(side: Side, mine: Decimal, theirs: Decimal) -> None:
    opposite = Side.SELL if side is Side.BUY else Side.BUY
    one, other = order(side=side, price=str(mine)), order(side=opposite, price=str(theirs))

    crosses = could_cross(one, resting(opposite, str(theirs)), with_stops=False)

    assert crosses is could_cross(other, resting(side, str(mine)), with_stops=False)
    assert crosses is (mine >= theirs if side is Side.BUY else theirs >= mine)


def ago(*seconds: float) -> deque[datetime]:
    return deque(NOW - timedelta(seconds=one) for one in sorted(seconds, reverse=True))


def placed(*seconds: float, quantity: str = "10") -> Activity:
    """Orders of the terms of `order()` so many seconds ago."""
    of = order(quantity)
    same = fingerprint(AAPL.id, of.side, of.order_type, of.terms)
    return Activity(orders=deque((at, same) for at in ago(*seconds)))


@pytest.mark.parametrize(
    ("seconds", "said"), [((), PASSED), ((1, 2), PASSED), ((1, 2, 59.9), FAILED), ((1, 2, 60), PASSED)]
)
def test_orders_per_minute(seconds: tuple[float, ...], said: RiskOutcome) -> None:
    assert outcome(limit(_TYPE.MAX_ORDERS_PER_MINUTE, "3"), order(), facts(activity=placed(*seconds))) is said


def test_orders_of_the_same_batch_count() -> None:
    activity = placed(1)
    activity.taken.append(fingerprint(MSFT, Side.BUY, OrderType.MARKET, order().terms))

    assert check(limit(_TYPE.MAX_ORDERS_PER_MINUTE, "9"), order(), facts(activity=activity)).observed == Decimal(3)


@pytest.mark.parametrize(
    ("activity", "conditions", "said"),
    [
        (placed(), {}, PASSED),
        (placed(29), {}, FAILED),
        (placed(30), {}, PASSED),
        (placed(5, quantity="11"), {}, PASSED),
        (placed(5), {"allowance": 1}, PASSED),
        (placed(5, 6), {"allowance": 1}, FAILED),
    ],
)
def test_duplicate_order(activity: Activity, conditions: dict[str, Any], said: RiskOutcome) -> None:
    one = limit(_TYPE.DUPLICATE_ORDER, "30", conditions=conditions)

    assert outcome(one, order(), facts(activity=activity)) is said
    assert outcome(one, order(step=Step.RELEASE), facts(activity=activity)) is PASSED


@pytest.mark.parametrize(
    ("after", "seconds", "said"),
    [
        (["LOSS"], {"last_loss_at": 59.9}, FAILED),
        (["LOSS"], {"last_loss_at": 60}, PASSED),
        (["LOSS"], {"last_fill_at": 1, "last_reject_at": 1}, PASSED),
        (["REJECT"], {"last_reject_at": 1}, FAILED),
        (["FILL", "REJECT"], {"last_fill_at": 1, "last_reject_at": 100}, FAILED),
        (["FILL"], {}, PASSED),
    ],
)
def test_cooldown(after: list[str], seconds: dict[str, float], said: RiskOutcome) -> None:
    activity = Activity(**{name: NOW - timedelta(seconds=one) for name, one in seconds.items()})  # type: ignore[arg-type]

    assert outcome(limit(_TYPE.COOLDOWN, "60", conditions={"after": after}), order(), facts(activity=activity)) is said


def test_a_change_that_asks_for_no_more_does_not_wait() -> None:
    activity = Activity(last_loss_at=NOW)
    smaller = order(step=Step.CHANGE, adds_quantity=ZERO, adds_orders=0)

    assert outcome(limit(_TYPE.COOLDOWN, "60"), smaller, facts(activity=activity)) is PASSED
    assert outcome(limit(_TYPE.COOLDOWN, "60"), order(step=Step.CHANGE), facts(activity=activity)) is FAILED


def test_cancel_rate_and_order_to_trade_ratio() -> None:
    activity = placed(*range(1, 11))
    activity.cancels, activity.executions = ago(1, 2, 3, 4, 5), ago(1, 2, 3, 301)
    given, now_and_then = facts(activity=activity), {"allowance": 5}

    assert outcome(limit(_TYPE.CANCEL_RATE, "50", conditions=now_and_then), order(), given) is PASSED
    assert outcome(limit(_TYPE.CANCEL_RATE, "49.9", conditions=now_and_then), order(), given) is FAILED
    assert outcome(limit(_TYPE.CANCEL_RATE, "0"), order(), given) is PASSED
    ratio = limit(_TYPE.ORDER_TO_TRADE_RATIO, "3.6", conditions=now_and_then)
    assert outcome(ratio, order(), given) is FAILED
    assert outcome(replace(ratio, value=Decimal("3.7")), order(), given) is PASSED


@pytest.mark.parametrize("limit_type", [_TYPE.MAX_OPEN_ORDERS, _TYPE.WASH_TRADE])
def test_a_close_is_held_against_few_limits(limit_type: RiskLimitType) -> None:
    value = "0" if limit_type is _TYPE.MAX_OPEN_ORDERS else None
    close = order(side=Side.SELL, closes_position=True)
    given = facts(resting=(resting(Side.BUY, "10"),))

    assert outcome(limit(limit_type, value), close, given) is FAILED
    assert outcome(limit(_TYPE.MAX_ORDER_QUANTITY, "0"), close, given) is SKIPPED


def test_what_only_reduces_passes_where_the_limit_says_so() -> None:
    holding = replace(NOTHING, position_quantity=Decimal(10))
    one = limit(_TYPE.MAX_ORDER_QUANTITY, "0", conditions={"reducing": "PASS"})

    assert outcome(one, order("10", side=Side.SELL, exposure=holding), facts()) is SKIPPED
    assert outcome(one, order("11", side=Side.SELL, exposure=holding), facts()) is FAILED
    assert outcome(one, order("10", side=Side.BUY, exposure=holding), facts()) is FAILED


@pytest.mark.parametrize(
    ("conditions", "covers"),
    [
        ({"sides": ["BUY"]}, True),
        ({"sides": ["SELL"]}, False),
        ({"symbols": ["AAPL"]}, True),
        ({"symbols": ["MSFT"]}, False),
        ({"modes": ["PAPER"]}, True),
        ({"modes": ["LIVE"]}, False),
        ({"times": {"from": "15:00", "to": "16:00", "zone": "UTC"}}, True),
        ({"times": {"from": "14:00", "to": "15:00", "zone": "UTC"}}, False),
    ],
)
def test_conditions_say_which_orders_are_meant(conditions: dict[str, Any], covers: bool) -> None:
    found = evaluate(chain_of([limit(_TYPE.MAX_ORDER_QUANTITY, "1", conditions=conditions)]), order(), facts())

    assert bool(found) is covers


def test_an_account_of_unknown_mode_is_meant() -> None:
    one = limit(_TYPE.MAX_ORDER_QUANTITY, "1", conditions={"modes": ["LIVE"]})

    assert outcome(one, order(), facts(account=None)) is FAILED


def test_a_chain_knows_what_it_needs() -> None:
    one = limit(_TYPE.COOLDOWN, "600")
    chain = chain_of([one, limit(_TYPE.MAX_DRAWDOWN, "5", conditions={"windowDays": 7})])

    assert chain.needs == {Fact.ACTIVITY, Fact.ACCOUNT, Fact.PEAK}
    assert chain.horizon_s == 600
    assert chain.peak_days == frozenset({7})
    assert chain_of([limit(_TYPE.MAX_ORDER_QUANTITY, "1")]).needs == frozenset()
    assert chain.without([_TYPE.COOLDOWN]).limits == chain.limits[1:]


@pytest.mark.parametrize(
    ("one", "expected"),
    [
        (limit(_TYPE.MAX_POSITION_QUANTITY, "100"), "12"),
        (limit(_TYPE.MAX_OPEN_ORDERS, "5"), "4"),
        (limit(_TYPE.MAX_DAILY_LOSS, "5"), "100"),
        (limit(_TYPE.MAX_LEVERAGE, "5"), "0.92"),
        (limit(_TYPE.MIN_MARGIN_EXCESS, "5"), "380"),
        (limit(_TYPE.MAX_ORDERS_PER_MINUTE, "5"), "2"),
        (limit(_TYPE.MAX_ORDER_QUANTITY, "5"), None),
        (limit(_TYPE.WASH_TRADE), None),
    ],
)
def test_what_is_used_of_a_limit_as_things_stand(one: RiskLimit, expected: str | None) -> None:
    exposure = Exposure(
        position_quantity=ZERO, open_buy_quantity=Decimal(12), open_sell_quantity=Decimal(3), open_orders=4
    )
    standing = at_rest(order("500", exposure=exposure))
    own = line(open_buy_quantity="12", buy_price="10", open_sell_quantity="3", sell_price="10")
    [held] = chain_of([one]).limits

    found = used(held, standing, facts(lines={AAPL.id: own}, activity=placed(1, 2)))

    assert found == (None if expected is None else Decimal(expected))


def chain(*limits: RiskLimit) -> Chain:
    return chain_of(replace(one, id=LimitId(UUID(int=place))) for place, one in enumerate(limits))


def told(held: Chain, of: Proposal, given: Facts) -> str | None:
    return words(passes_at(held, of, given, evaluate(held, of, given)))


@pytest.mark.parametrize(
    ("quantity", "limit_type", "value", "message"),
    [
        ("100.00001", _TYPE.MAX_ORDER_QUANTITY, "100", "order quantity 100.00001 is above 100"),
        ("100.123456", _TYPE.MAX_ORDER_QUANTITY, "100", "order quantity 100.1235 is above 100"),
        ("0.000001", _TYPE.MAX_LEVERAGE, "0.8", "leverage if all is filled 0.80000001 is above 0.8"),
        ("0.000001", _TYPE.MIN_MARGIN_EXCESS, "500", "margin left if all is filled 499.99999 is below 500"),
    ],
)
def test_a_breach_is_never_rounded_to_the_value_itself(
    quantity: str, limit_type: RiskLimitType, value: str, message: str
) -> None:
    assert check(limit(limit_type, value), order(quantity), facts()).message == message


def test_the_counterfactual_holds_for_every_limit() -> None:
    both = chain(limit(_TYPE.MAX_ORDER_QUANTITY, "50"), limit(_TYPE.MAX_ORDER_NOTIONAL, "300"))

    assert told(both, order("100"), facts()) == "passes at a quantity of 30"
    assert told(chain(limit(_TYPE.MAX_ORDER_QUANTITY, "0")), order("100"), facts()) is None


def test_the_counterfactual_of_a_price_lies_on_the_grid() -> None:
    collar = chain(limit(_TYPE.PRICE_COLLAR, "1"))
    wash = chain(limit(_TYPE.WASH_TRADE))

    assert told(collar, order(price="20", reference="10.05"), facts()) == "passes at a limit of 10.15 or lower"
    assert told(collar, order(side=Side.SELL, price="5", reference="10.05"), facts()) == (
        "passes at a limit of 9.95 or higher"
    )
    crossed = facts(resting=(resting(Side.SELL, "9.5", account_id=ACCOUNT),))
    assert told(wash, order(price="20"), crossed) == "passes at a limit of 9.49 or lower"


def test_the_counterfactual_of_a_price_stays_between_the_exits() -> None:
    notional, collar = chain(limit(_TYPE.MAX_ORDER_NOTIONAL, "900")), chain(limit(_TYPE.PRICE_COLLAR, "1"))

    assert told(notional, order("100", exits=(Decimal("8.99"), None)), facts()) == (
        "passes at a quantity of 90, or at a limit of 9 or lower"
    )
    assert told(notional, order("100", exits=(Decimal(9), None)), facts()) == "passes at a quantity of 90"
    sold = order(side=Side.SELL, price="5", reference="10", exits=(Decimal(4), Decimal("9.9")))
    assert told(collar, sold, facts()) is None
    wider = order(side=Side.SELL, price="5", reference="10", exits=(Decimal(4), Decimal(12)))
    assert told(collar, wider, facts()) == "passes at a limit of 9.9 or higher"


def test_the_counterfactual_does_not_tell_at_what_price_another_account_deals() -> None:
    wash = chain(limit(_TYPE.WASH_TRADE))
    mine, theirs = resting(Side.SELL, "9.5", account_id=ACCOUNT), resting(Side.SELL, "9")

    assert told(wash, order(price="20"), facts(resting=(theirs,))) is None
    assert told(wash, order(price="20"), facts(resting=(mine, theirs))) is None


def test_a_collar_with_a_wash_trade_does_not_tell_it_either() -> None:
    both = chain(limit(_TYPE.PRICE_COLLAR, "1"), limit(_TYPE.WASH_TRADE))

    assert told(both, order(price="20"), facts(resting=(resting(Side.SELL, "9"),))) is None


@given(
    st.integers(min_value=1, max_value=10_000),
    st.integers(min_value=0, max_value=12_000),
    st.integers(min_value=0, max_value=500_000),
    st.sampled_from(Side),
)
def test_the_counterfactual_is_the_largest_quantity_that_passes(
    quantity: int, most: int, notional: int, side: Side
) -> None:
    held = chain(
        limit(_TYPE.MAX_POSITION_QUANTITY, str(most)), limit(_TYPE.MAX_POSITION_NOTIONAL, str(notional), currency="USD")
    )
    asked = order(str(quantity), side=side)

    found = passes_at(held, asked, facts(), evaluate(held, asked, facts())).get("quantity")

    largest = min(quantity, most, notional // 10)
    refused = largest < quantity
    assert found == (str(largest) if refused and largest else None)
