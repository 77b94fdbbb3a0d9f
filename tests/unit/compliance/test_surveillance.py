"""Patterns that look like abuse, by example: what is found, and what is near and is not."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest

from app.compliance.domain.surveillance import (
    CaseKind,
    Placed,
    Touch,
    Trade,
    large_orders,
    layering,
    limit_breaches,
    marking_the_close,
    restricted_touches,
    wash_trades,
)
from app.core.fix import OrderState, Side
from app.core.ids import AccountId, ExecutionKey, InstrumentId, OrderId

NOW = datetime(2026, 3, 2, 15, 30, tzinfo=UTC)
ONE, OTHER = AccountId(UUID(int=1)), AccountId(UUID(int=2))
AAPL = InstrumentId(UUID(int=3))


def trade(side: Side, at_s: float = 0, price: str = "100", **terms: Any) -> Trade:
    given: dict[str, Any] = {"account_id": ONE, "quantity": Decimal(10), "placed_by": "user:1", **terms}
    return Trade(
        id=ExecutionKey(uuid4()),
        order_id=OrderId(uuid4()),
        instrument_id=AAPL,
        side=side,
        price=Decimal(price),
        at=NOW + timedelta(seconds=at_s),
        **given,
    )


def order(at_s: float = 0, life_s: float = 10, **terms: Any) -> Placed:
    placed_at = NOW + timedelta(seconds=at_s)
    given: dict[str, Any] = {
        "side": Side.BUY,
        "state": OrderState.CANCELED,
        "quantity": Decimal(10),
        "day_volume": None,
        "filled_quantity": Decimal(0),
        "reject_code": None,
        "placed_by": "user:1",
        **terms,
    }
    return Placed(
        id=OrderId(uuid4()),
        account_id=ONE,
        instrument_id=AAPL,
        placed_at=placed_at,
        ended_at=placed_at + timedelta(seconds=life_s),
        **given,
    )


def test_a_buy_and_a_sale_of_one_account_at_one_price_are_a_wash_trade() -> None:
    bought, sold = trade(Side.BUY), trade(Side.SELL, 60)

    [found] = wash_trades([sold, bought])

    assert (found.kind, found.execution_ids) == (CaseKind.WASH_TRADE, (bought.id, sold.id))


def test_between_two_accounts_it_is_a_self_cross() -> None:
    [found] = wash_trades([trade(Side.BUY), trade(Side.SELL, 1, account_id=OTHER)])

    assert found.kind is CaseKind.SELF_CROSS


@pytest.mark.parametrize(
    "other",
    [trade(Side.BUY, 1), trade(Side.SELL, 61), trade(Side.SELL, 1, "100.01")],
    ids=["the same side", "too late", "another price"],
)
def test_what_only_resembles_a_wash_is_none(other: Trade) -> None:
    assert wash_trades([trade(Side.BUY), other]) == []


def test_a_row_of_washes_is_a_case_for_each_pair_and_the_same_each_time() -> None:
    trades = [trade(Side.BUY if place % 2 else Side.SELL, place) for place in range(6)]

    found = wash_trades(trades)

    assert len(found) == 3
    assert [one.key for one in wash_trades(reversed(trades))] == [one.key for one in found]


def test_orders_taken_back_about_a_trade_on_the_other_side_are_layers() -> None:
    layers = [order(place) for place in range(4)]

    [found] = layering(layers, [trade(Side.SELL, 5), trade(Side.SELL, 6)])

    assert (found.kind, set(found.order_ids)) == (CaseKind.LAYERING, {one.id for one in layers})


@pytest.mark.parametrize(
    ("orders", "dealt"),
    [
        ([order(place) for place in range(3)], trade(Side.SELL, 5)),
        ([order(place) for place in range(4)], trade(Side.BUY, 5)),
        ([order(place) for place in range(4)], trade(Side.SELL, 600)),
        ([order(place) for place in range(4)], trade(Side.SELL, 5, placed_by="user:2")),
        ([order(place, life_s=61) for place in range(4)], trade(Side.SELL, 5)),
        ([order(place, filled_quantity=Decimal(1)) for place in range(4)], trade(Side.SELL, 5)),
        ([order(place, state=OrderState.ACCEPTED) for place in range(4)], trade(Side.SELL, 5)),
    ],
    ids=["too few", "the same side", "too far away", "another person", "long alive", "filled in part", "alive"],
)
def test_what_only_resembles_layers_is_none(orders: list[Placed], dealt: Trade) -> None:
    assert layering(orders, [dealt]) == []


def test_dealing_just_before_the_close_marks_it() -> None:
    closes = {AAPL: NOW + timedelta(minutes=5)}
    early, late = trade(Side.BUY, -3600, quantity=Decimal(30)), [trade(Side.BUY, place) for place in range(3)]

    [found] = marking_the_close([early, *late], closes)

    assert (found.kind, found.execution_ids) == (CaseKind.MARKING_THE_CLOSE, tuple(one.id for one in late))


@pytest.mark.parametrize(
    ("early", "count", "opens"),
    [("31", 3, True), ("0.1", 2, True), ("0.1", 3, False)],
    ids=["most was dealt before", "too few", "no close known"],
)
def test_what_only_resembles_marking_is_none(early: str, count: int, opens: bool) -> None:
    closes = {AAPL: NOW + timedelta(minutes=5)} if opens else {}
    trades = [trade(Side.BUY, -3600, quantity=Decimal(early)), *(trade(Side.BUY, place) for place in range(count))]

    assert marking_the_close(trades, closes) == []


def test_refusals_in_a_row_are_one_case_an_hour() -> None:
    refused = [
        order(place * 60, state=OrderState.REJECTED, reject_code="RISK_MAX_ORDER_QUANTITY") for place in range(7)
    ]

    [found] = limit_breaches(refused)

    assert (found.kind, len(found.order_ids)) == (CaseKind.LIMIT_BREACHES, 5)
    assert limit_breaches(refused[:4]) == []
    apart = [order(place * 200, reject_code="RISK_PRICE_COLLAR") for place in range(5)]
    assert limit_breaches(apart) == []
    assert limit_breaches([order(0, reject_code="201") for _ in range(9)]) == []


def test_touches_of_an_entry_by_a_person_on_a_day_are_one_case() -> None:
    entry_id, alert = uuid4(), {"account_id": ONE, "instrument_id": AAPL, "at": NOW}
    touches = [
        Touch(alert_id=uuid4(), entry_id=entry_id, order_id=OrderId(uuid4()), acted_by=by, **alert)  # type: ignore[arg-type]
        for by in ("user:1", "user:1", "user:2")
    ]

    found = restricted_touches(touches)

    assert sorted(len(one.order_ids) for one in found) == [1, 2]


def large(quantity: str, volume: str | None, **terms: Any) -> Placed:
    day_volume = None if volume is None else Decimal(volume)
    return order(quantity=Decimal(quantity), day_volume=day_volume, **{"state": OrderState.ROUTED, **terms})


def test_an_order_of_a_tenth_of_the_days_volume_is_a_case() -> None:
    one = large("1000", "10000")

    [found] = large_orders([one])

    assert (found.kind, found.order_ids, found.instrument_id) == (CaseKind.LARGE_ORDER, (one.id,), AAPL)
    assert found.summary == "an order to BUY for 10% of the day's volume"


@pytest.mark.parametrize(
    "near",
    [
        large("999", "10000"),
        large("1000", None),
        large("1000", "0"),
        large("1000", "10000", state=OrderState.REJECTED),
    ],
    ids=["smaller", "unknown", "no volume", "refused"],
)
def test_what_is_near_a_large_order_is_none(near: Placed) -> None:
    assert large_orders([near]) == []


def test_large_orders_of_a_person_a_side_and_a_day_are_one_case_told_by_the_largest() -> None:
    first, second = large("2000", "10000"), large("5000", "10000", at_s=5)
    other_side = large("2000", "10000", side=Side.SELL)
    other_person = large("2000", "10000", placed_by="user:2")
    next_day = large("2000", "10000", at_s=24 * 3600)

    found = large_orders([second, first, other_side, other_person, next_day])

    assert len({one.key for one in found}) == len(found) == 4
    [several] = [one for one in found if len(one.order_ids) == 2]
    assert several.order_ids == (first.id, second.id)
    assert several.summary == "an order to BUY for 50% of the day's volume"
    assert several.occurred_at == NOW
