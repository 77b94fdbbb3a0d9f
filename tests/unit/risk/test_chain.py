"""The pre-trade chain: each limit blocks, lets pass, and blocks where it cannot tell."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.fix import OrderType, RiskLimitType, RiskOutcome, Side
from app.core.ids import AccountId, InstrumentId, LimitId
from app.core.messages import OrderTerms, RiskCheck
from app.core.money import ZERO
from app.risk.domain import (
    Exposure,
    Facts,
    Proposal,
    Reference,
    RiskLimit,
    adds_risk,
    chain_of,
    evaluate,
    first_breach,
    price_of,
    worst_position,
)
from tests.factories import instrument

_TYPE = RiskLimitType
ACCOUNT = AccountId(UUID(int=2))
AAPL = instrument("AAPL")
AT = datetime(2026, 3, 2, 14, 30, tzinfo=UTC)
NOTHING = Exposure(position_quantity=ZERO, open_buy_quantity=ZERO, open_sell_quantity=ZERO, open_orders=0)


def told(limits: list[RiskLimit], of: Proposal) -> tuple[RiskCheck, ...]:
    return evaluate(chain_of(limits), of, Facts(now=AT))


def limit(limit_type: RiskLimitType, value: str | None = None, **more: Any) -> RiskLimit:
    return RiskLimit(
        id=LimitId(UUID(int=9)), limit_type=limit_type, value=None if value is None else Decimal(value), **more
    )


def proposal(
    quantity: str = "100",
    *,
    side: Side = Side.BUY,
    limit_price: str | None = "10",
    stop_price: str | None = None,
    reference: str | None = "10",
    order_type: OrderType = OrderType.LIMIT,
    **more: Any,
) -> Proposal:
    """An order for AAPL of an account that has nothing yet."""
    return replace(
        Proposal(
            account_id=ACCOUNT,
            instrument=AAPL,
            side=side,
            order_type=order_type,
            terms=OrderTerms(
                quantity=Decimal(quantity),
                limit_price=None if limit_price is None else Decimal(limit_price),
                stop_price=None if stop_price is None else Decimal(stop_price),
            ),
            adds_quantity=Decimal(quantity),
            adds_orders=1,
            reference=None if reference is None else Reference(price=Decimal(reference), at=AT),
            exposure=NOTHING,
        ),
        **more,
    )


def market(quantity: str = "100", **more: Any) -> Proposal:
    return proposal(quantity, order_type=OrderType.MARKET, limit_price=None, **more)


def trailing(side: Side, *, reference: str | None) -> Proposal:
    """A stop that trails the market by a half."""
    terms = OrderTerms(quantity=Decimal(100), trailing_amount=Decimal("0.5"))
    return proposal(side=side, order_type=OrderType.TRAILING_STOP, reference=reference, terms=terms)


def holding(position: str, *, buys: str = "0", sells: str = "0", orders: int = 0) -> Exposure:
    return Exposure(
        position_quantity=Decimal(position),
        open_buy_quantity=Decimal(buys),
        open_sell_quantity=Decimal(sells),
        open_orders=orders,
    )


def outcome(one: RiskLimit, of: Proposal) -> RiskOutcome:
    [check] = told([one], of)
    assert check.check is one.limit_type
    assert check.limit_id == one.id
    assert check.message
    return check.outcome


PASSED, FAILED = RiskOutcome.PASSED, RiskOutcome.FAILED


@pytest.mark.parametrize(
    ("value", "said"), [("101", PASSED), ("100", PASSED), ("99.9999999999", FAILED), ("0", FAILED)]
)
def test_order_quantity(value: str, said: RiskOutcome) -> None:
    assert outcome(limit(_TYPE.MAX_ORDER_QUANTITY, value), proposal("100")) is said


@pytest.mark.parametrize(("value", "said"), [("1000", PASSED), ("999.99", FAILED)])
def test_order_notional(value: str, said: RiskOutcome) -> None:
    assert outcome(limit(_TYPE.MAX_ORDER_NOTIONAL, value, currency="USD"), proposal("100")) is said


def test_notional_counts_the_multiplier() -> None:
    future = replace(AAPL, multiplier=Decimal(50))

    [check] = told([limit(_TYPE.MAX_ORDER_NOTIONAL, "49999")], proposal("100", instrument=future))

    assert check.outcome is FAILED
    assert check.observed == Decimal(50000)


@pytest.mark.parametrize("limit_type", [_TYPE.MAX_ORDER_NOTIONAL, _TYPE.MAX_POSITION_NOTIONAL])
def test_notional_fails_closed_without_a_price(limit_type: RiskLimitType) -> None:
    assert outcome(limit(limit_type, "1000000"), market(reference=None)) is FAILED
    assert outcome(limit(limit_type, "1000000"), market(reference="10")) is PASSED


@pytest.mark.parametrize("limit_type", [_TYPE.MAX_ORDER_NOTIONAL, _TYPE.MAX_POSITION_NOTIONAL])
def test_notional_fails_closed_in_another_currency(limit_type: RiskLimitType) -> None:
    assert outcome(limit(limit_type, "1000000", currency="EUR"), proposal()) is FAILED


@pytest.mark.parametrize(
    "limit_type",
    [
        _TYPE.MAX_ORDER_QUANTITY,
        _TYPE.MAX_ORDER_NOTIONAL,
        _TYPE.MAX_POSITION_QUANTITY,
        _TYPE.MAX_POSITION_NOTIONAL,
        _TYPE.MAX_OPEN_ORDERS,
    ],
)
def test_a_limit_without_a_value_fails_closed(limit_type: RiskLimitType) -> None:
    assert outcome(limit(limit_type), proposal("0.0000000001")) is FAILED


@pytest.mark.parametrize(
    ("side", "exposure", "worst"),
    [
        (Side.BUY, holding("0"), "100"),
        (Side.SELL, holding("0"), "100"),
        (Side.BUY, holding("50"), "150"),
        (Side.SELL, holding("50"), "50"),
        (Side.BUY, holding("-30"), "70"),
        (Side.SELL, holding("-30"), "130"),
        (Side.BUY, holding("50", buys="20", sells="500"), "170"),
        (Side.SELL, holding("50", buys="500", sells="20"), "70"),
    ],
)
def test_the_position_if_all_open_orders_of_the_side_fill(side: Side, exposure: Exposure, worst: str) -> None:
    asked = proposal("100", side=side, exposure=exposure)

    assert worst_position(asked) == Decimal(worst)
    assert outcome(limit(_TYPE.MAX_POSITION_QUANTITY, worst), asked) is PASSED
    below = str(Decimal(worst) - Decimal("0.0000000001"))
    assert outcome(limit(_TYPE.MAX_POSITION_QUANTITY, below), asked) is FAILED


def test_position_notional_values_the_worst_position() -> None:
    asked = proposal("100", exposure=holding("50", buys="20"))

    assert outcome(limit(_TYPE.MAX_POSITION_NOTIONAL, "1700"), asked) is PASSED
    assert outcome(limit(_TYPE.MAX_POSITION_NOTIONAL, "1699.99"), asked) is FAILED


def test_a_modify_counts_what_it_adds_alone() -> None:
    grown = proposal("120", adds_quantity=Decimal(20), adds_orders=0, exposure=holding("0", buys="100", orders=1))

    assert worst_position(grown) == Decimal(120)
    assert outcome(limit(_TYPE.MAX_OPEN_ORDERS, "1"), grown) is PASSED


@pytest.mark.parametrize(("orders", "said"), [(4, PASSED), (5, FAILED)])
def test_open_orders(orders: int, said: RiskOutcome) -> None:
    assert outcome(limit(_TYPE.MAX_OPEN_ORDERS, "5"), proposal(exposure=holding("0", orders=orders))) is said


@pytest.mark.parametrize(
    ("limit_type", "symbols", "said"),
    [
        (_TYPE.SYMBOL_WHITELIST, ["AAPL", "MSFT"], PASSED),
        (_TYPE.SYMBOL_WHITELIST, ["MSFT"], FAILED),
        (_TYPE.SYMBOL_WHITELIST, [], FAILED),
        (_TYPE.SYMBOL_BLACKLIST, ["AAPL"], FAILED),
        (_TYPE.SYMBOL_BLACKLIST, ["MSFT"], PASSED),
        (_TYPE.SYMBOL_BLACKLIST, [], FAILED),
        (_TYPE.SYMBOL_BLACKLIST, ["aapl"], FAILED),
        (_TYPE.SYMBOL_WHITELIST, ["Aapl"], PASSED),
    ],
)
def test_lists_of_symbols(limit_type: RiskLimitType, symbols: list[str], said: RiskOutcome) -> None:
    assert outcome(limit(limit_type, conditions={"symbols": symbols}), proposal()) is said


@pytest.mark.parametrize("limit_type", [_TYPE.SYMBOL_WHITELIST, _TYPE.SYMBOL_BLACKLIST])
@pytest.mark.parametrize("conditions", [{}, {"symbols": None}, {"symbols": "AAPL,MSFT"}, {"symbols": {"AAPL": 1}}])
def test_a_list_of_symbols_that_is_none_fails_closed(limit_type: RiskLimitType, conditions: dict[str, Any]) -> None:
    assert outcome(limit(limit_type, conditions=conditions), proposal()) is FAILED


@pytest.mark.parametrize(
    ("of", "price"),
    [
        (proposal(), "10"),
        (proposal(reference="12"), "10"),
        (proposal(reference=None), "10"),
        (proposal(side=Side.SELL, reference="12"), "12"),
        (proposal(side=Side.SELL, reference="8"), "10"),
        # It may deal at any price above its limit: without a quote nobody knows at which.
        (proposal(side=Side.SELL, limit_price="0.01", reference=None), None),
        (proposal(side=Side.SELL, order_type=OrderType.STOP_LIMIT, stop_price="9", reference=None), None),
        (market(reference="12"), "12"),
        (market(reference=None), None),
        (proposal(order_type=OrderType.STOP, limit_price=None, stop_price="15", reference="12"), "15"),
        (proposal(order_type=OrderType.STOP, limit_price=None, stop_price="9", reference="12"), "12"),
        (proposal(order_type=OrderType.STOP, limit_price=None, stop_price="9", reference=None), None),
        (proposal(order_type=OrderType.STOP_LIMIT, stop_price="9", reference=None), "10"),
        (trailing(Side.BUY, reference="12"), "12.5"),
        (trailing(Side.SELL, reference="12"), "12"),
        (trailing(Side.BUY, reference=None), None),
    ],
)
def test_an_order_is_valued_by_the_worst_price_it_may_deal_at(of: Proposal, price: str | None) -> None:
    assert price_of(of) == (None if price is None else Decimal(price))


@pytest.mark.parametrize(
    ("narrowed", "applies"),
    [
        ({}, True),
        ({"account_id": ACCOUNT}, True),
        ({"account_id": AccountId(UUID(int=7))}, False),
        ({"instrument_id": AAPL.id}, True),
        ({"instrument_id": InstrumentId(UUID(int=7))}, False),
        ({"account_id": ACCOUNT, "instrument_id": InstrumentId(UUID(int=7))}, False),
        ({"is_active": False}, False),
        ({"conditions": {"symbols": ["aapl"]}}, True),
        ({"conditions": {"symbols": ["msft"]}}, False),
    ],
)
def test_a_limit_is_held_against_what_it_covers(narrowed: dict[str, Any], applies: bool) -> None:
    checks = told([limit(_TYPE.MAX_ORDER_QUANTITY, "0", **narrowed)], proposal())

    assert bool(checks) is applies


def test_all_limits_speak_and_the_first_breach_is_the_reason() -> None:
    limits = [
        limit(_TYPE.MAX_ORDER_QUANTITY, "1000"),
        limit(_TYPE.MAX_OPEN_ORDERS, "0"),
        limit(_TYPE.SYMBOL_BLACKLIST, conditions={"symbols": ["AAPL"]}),
    ]

    checks = told(limits, proposal())

    assert [check.outcome for check in checks] == [PASSED, FAILED, FAILED]
    breach = first_breach(checks)
    assert breach is not None
    assert breach.check is _TYPE.MAX_OPEN_ORDERS
    assert first_breach(checks[:1]) is None


amounts = st.decimals(min_value=ZERO, max_value=Decimal(1000), places=2)


@given(
    st.sampled_from(Side),
    st.decimals(min_value=Decimal(-1000), max_value=Decimal(1000), places=2),
    amounts,
    amounts,
    st.decimals(min_value=Decimal("0.01"), max_value=Decimal(1000), places=2),
    st.data(),
)
def test_no_partial_fill_of_the_side_breaks_a_limit_that_held(
    side: Side, position: Decimal, buys: Decimal, sells: Decimal, quantity: Decimal, data: st.DataObject
) -> None:
    exposure = holding(str(position), buys=str(buys), sells=str(sells))
    asked = proposal(str(quantity), side=side, exposure=exposure)
    open_of_side = buys if side is Side.BUY else sells

    filled = data.draw(st.decimals(min_value=ZERO, max_value=open_of_side + quantity, places=2))

    reached = abs(position + side.sign * filled)
    assert reached <= max(abs(position), worst_position(asked))


@pytest.mark.parametrize(
    ("side", "quantity", "held", "broker", "adds"),
    [
        (Side.BUY, "1", "100", "60", True),
        (Side.SELL, "60", "100", "60", False),
        (Side.SELL, "61", "100", "60", True),
        (Side.SELL, "1", "100", "0", True),
        (Side.SELL, "1", "100", "-5", True),
        (Side.BUY, "5", "-10", "-5", False),
        (Side.BUY, "6", "-10", "-5", True),
    ],
)
def test_what_adds_risk_to_a_position_that_is_not_agreed_on(
    side: Side, quantity: str, held: str, broker: str, adds: bool
) -> None:
    asked = proposal(quantity, side=side, exposure=replace(NOTHING, position_quantity=Decimal(held)))

    assert adds_risk(asked, Decimal(broker)) is adds


def test_orders_that_are_open_already_leave_less_room_to_reduce() -> None:
    exposure = replace(NOTHING, position_quantity=Decimal(100), open_sell_quantity=Decimal(50))

    assert not adds_risk(proposal("10", side=Side.SELL, exposure=exposure), Decimal(60))
    assert adds_risk(proposal("11", side=Side.SELL, exposure=exposure), Decimal(60))
