"""Slippage, effective spread, fill rate and time to fill, against examples worked by hand."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest

from app.compliance.domain.execution_quality import MeasuredOrder, QualityGroup, quality_of, report
from app.core.arrival import Arrival
from app.core.fix import OrderType, Side
from app.core.ids import AccountId, InstrumentId, OrderId

NOW = datetime(2026, 3, 2, 15, tzinfo=UTC)
ACCOUNT = AccountId(UUID(int=1))
AAPL = InstrumentId(UUID(int=2))


def arrival(bid: str | None, ask: str | None, last: str | None = None, *, age_s: int = 2) -> Arrival:
    prices = {"bid": bid, "ask": ask, "last": last}
    known = {name: None if price is None else Decimal(price) for name, price in prices.items()}
    return Arrival(**known, quoted_at=NOW - timedelta(seconds=age_s))


def order(side: Side = Side.BUY, price: str | None = "100.15", **terms: Any) -> MeasuredOrder:
    given: dict[str, Any] = {
        "quantity": Decimal(200),
        "filled_quantity": Decimal(200),
        "arrival": arrival("99.90", "100.10"),
        "first_fill_at": NOW + timedelta(seconds=3),
        "last_fill_at": NOW + timedelta(seconds=9),
        **terms,
    }
    return MeasuredOrder(
        id=OrderId(uuid4()),
        account_id=given.pop("account_id", ACCOUNT),
        instrument_id=AAPL,
        symbol="AAPL",
        currency=given.pop("currency", "USD"),
        route="NASDAQ",
        multiplier=given.pop("multiplier", Decimal(1)),
        side=side,
        order_type=OrderType.LIMIT,
        average_price=None if price is None else Decimal(price),
        decided_at=NOW,
        **given,
    )


def test_what_was_dealt_within_the_second_of_the_decision_took_no_time() -> None:
    # The broker's clock has whole seconds: this fill is told as of 300 ms before it was asked for.
    found = quality_of(order(first_fill_at=NOW - timedelta(milliseconds=300), last_fill_at=NOW + timedelta(seconds=1)))

    assert (found.first_fill_s, found.last_fill_s) == (0, 1)


def test_a_buy_above_the_ask() -> None:
    # Against the ask 100.10 five cents: 4.995 bp; against the middle 100.00 fifteen: 15 bp, twice that 30.
    found = quality_of(order())

    assert round(found.arrival_slippage_bps or 0, 3) == Decimal("4.995")
    assert (found.mid_slippage_bps, found.effective_spread_bps) == (Decimal(15), Decimal(30))
    assert found.cost == Decimal(10)
    assert (found.quote_age_s, found.first_fill_s, found.last_fill_s) == (2, 3, 9)


def test_a_sale_above_the_bid_gained() -> None:
    found = quality_of(order(Side.SELL, "99.95"))

    assert round(found.arrival_slippage_bps or 0, 3) == Decimal("-5.005")
    assert (found.mid_slippage_bps, found.effective_spread_bps) == (Decimal(5), Decimal(10))
    assert found.cost == Decimal(-10)


def test_an_option_costs_its_multiplier() -> None:
    assert quality_of(order(multiplier=Decimal(100))).cost == Decimal(1000)


@pytest.mark.parametrize(
    ("known", "against_arrival", "against_mid"),
    [
        (None, None, None),
        (arrival(None, None, "100"), "15", None),
        (arrival("99.90", None, "100"), "15", None),
        (arrival("100.10", "99.90"), "25.03", None),
        (arrival("0", "0"), None, None),
        (arrival("-1", "-0.5"), None, None),
    ],
    ids=["nothing", "last alone", "no ask", "crossed", "zero", "below zero"],
)
def test_what_is_not_known_is_not_made_up(
    known: Arrival | None, against_arrival: str | None, against_mid: str | None
) -> None:
    found = quality_of(order(arrival=known))

    rounded = None if found.arrival_slippage_bps is None else round(found.arrival_slippage_bps, 2)
    assert rounded == (None if against_arrival is None else Decimal(against_arrival))
    assert found.mid_slippage_bps == (None if against_mid is None else Decimal(against_mid))


def test_an_order_with_nothing_dealt_has_no_price_and_no_time() -> None:
    found = quality_of(order(price=None, filled_quantity=Decimal(0), first_fill_at=None, last_fill_at=None))

    assert (found.arrival_slippage_bps, found.cost, found.first_fill_s) == (None, None, None)


def test_many_are_weighed_by_what_was_dealt_in_money() -> None:
    # 200 at 100.15 cost 15 bp of the middle, 100 at 99.90 gained 10: (20030 x 15 - 9990 x 10) / 30020 = 6.68.
    small = order(price="99.90", quantity=Decimal(400), filled_quantity=Decimal(100))
    nothing = order(price=None, filled_quantity=Decimal(0), first_fill_at=None, last_fill_at=None)

    [found] = report([order(), small, nothing], [])

    assert (found.orders, found.filled, found.measured) == (3, 2, 2)
    assert found.mid_slippage_bps == Decimal("6.68")
    assert found.effective_spread_bps == Decimal("13.36")
    # Ten dollars paid, and 100 x 0.20 gained.
    assert found.cost == Decimal("-10.00")
    assert found.fill_rate == Decimal("0.3750")
    assert (found.median_first_fill_s, found.median_last_fill_s) == (3, 9)
    assert (found.account_id, found.symbol) == (None, None)


def test_groups_are_apart_and_currencies_always_are() -> None:
    other = AccountId(UUID(int=9))
    orders = [order(), order(account_id=other), order(account_id=other), order(currency="EUR")]

    whole = report(orders, [])
    by = report(orders, [QualityGroup.ACCOUNT, QualityGroup.INSTRUMENT, QualityGroup.ORDER_TYPE, QualityGroup.ROUTE])

    assert [(one.currency, one.orders) for one in whole] == [("USD", 3), ("EUR", 1)]
    assert [(one.account_id, one.currency, one.orders) for one in by] == [
        (other, "USD", 2),
        (ACCOUNT, "EUR", 1),
        (ACCOUNT, "USD", 1),
    ]
    assert (by[0].symbol, by[0].order_type, by[0].route) == ("AAPL", OrderType.LIMIT, "NASDAQ")
