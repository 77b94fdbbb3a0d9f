"""Profit and loss of a day: what was booked and how the unrealized changed, in base currency, and never a guess."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.core.ids import AccountId, InstrumentId, PositionId
from app.core.messages import Fill
from app.core.money import ZERO, plain
from app.positions.domain import (
    HeldPosition,
    Pnl,
    Position,
    Valuation,
    apply_fill,
    book_realized,
    day_start,
    in_base,
    pnl_of_day,
    pnl_so_far,
    snapshot_instant,
    total,
    trading_day,
)

NEW_YORK = ZoneInfo("America/New_York")
INSTRUMENT = InstrumentId(UUID(int=3))
FLAT = Position(
    id=PositionId(UUID(int=1)),
    account_id=AccountId(UUID(int=2)),
    instrument_id=INSTRUMENT,
    updated_at=datetime(2026, 3, 2, tzinfo=UTC),
)
PAGE = Path(__file__).parents[3] / "docs/positions-and-pnl.md"


def dealt(position: Position, quantity: str | Decimal, price: str | Decimal, rate: str | Decimal | None) -> Position:
    fill = Fill(instrument_id=INSTRUMENT, signed_quantity=Decimal(quantity), price=Decimal(price))
    moved, realized = apply_fill(position, fill, Decimal(1))
    booked, _ = book_realized(moved, realized, None if rate is None else Decimal(rate))
    return booked


def charged(position: Position, commission: str | Decimal, rate: str | Decimal | None) -> Position:
    amount = in_base(Decimal(commission), None if rate is None else Decimal(rate))
    if amount is None:
        return replace(position, unconverted_commissions=position.unconverted_commissions + 1)
    return replace(position, commission_base=position.commission_base + amount)


def valued(price: str | Decimal | None, rate: str | Decimal | None) -> Valuation:
    return Valuation(price=None if price is None else Decimal(price), rate=None if rate is None else Decimal(rate))


def day_of(now: Position, opening: Position, valuation: Valuation, opening_valuation: Valuation) -> HeldPosition:
    return HeldPosition(
        now=now,
        opening=opening,
        currency="EUR",
        multiplier=Decimal(1),
        valuation=valuation,
        opening_valuation=opening_valuation,
    )


def test_the_worked_example_of_the_page() -> None:
    first = charged(dealt(FLAT, "100", "200", "1.10"), "5", "1.10")
    second = charged(dealt(first, "-150", "210", "1.15"), "6", "1.15")
    mark, opening_mark = valued("208", "1.16"), valued("205", "1.12")

    day = pnl_of_day(day_of(second, first, mark, opening_mark)).pnl
    ever = pnl_so_far(second, Decimal(1), mark)

    assert (second.quantity, second.average_price, second.realized_pnl) == (Decimal(-50), Decimal(210), Decimal(1000))
    assert day == Pnl(realized=Decimal(1150), unrealized=Decimal(-444), commission=Decimal("6.9"))
    assert ever == Pnl(realized=Decimal(1150), unrealized=Decimal(116), commission=Decimal("12.4"))
    page = PAGE.read_text()
    for name, figures in (("the day", day), ("since the beginning", ever)):
        told = [figures.realized, figures.unrealized, figures.commission, figures.net]
        row = " | ".join(plain(one) for one in told if one is not None)
        assert f"| {name} | {row} |" in page


def test_a_day_without_a_move_earns_the_change_of_the_mark() -> None:
    held = dealt(FLAT, "-10", "100", "1")

    day = pnl_of_day(day_of(held, held, valued("97", "1.5"), valued("99", "2")))

    assert day.pnl == Pnl(realized=ZERO, unrealized=Decimal(30) * Decimal("1.5") - Decimal(20), commission=ZERO)
    assert (day.realized_local, day.unrealized_local) == (ZERO, Decimal(20))


def test_a_position_opened_today_needs_no_opening_mark() -> None:
    day = pnl_of_day(day_of(dealt(FLAT, "10", "5", None), FLAT, valued("6", "1.5"), valued(None, None)))

    assert day.pnl == Pnl(realized=ZERO, unrealized=Decimal(15), commission=ZERO)


def test_without_a_price_a_position_stands_at_its_average_price() -> None:
    day = pnl_of_day(day_of(dealt(FLAT, "10", "5", None), FLAT, valued(None, None), valued(None, None)))

    assert day.pnl.unrealized == ZERO


def test_what_has_no_rate_is_not_told_and_the_sum_lacks_it() -> None:
    unmarked = pnl_of_day(day_of(dealt(FLAT, "10", "5", None), FLAT, valued("6", None), valued(None, None)))
    other = Pnl(realized=Decimal(1), unrealized=Decimal(2), commission=Decimal(3))

    assert unmarked.pnl.unrealized is None
    assert unmarked.pnl.net is None
    assert (unmarked.realized_local, unmarked.unrealized_local) == (ZERO, Decimal(10))
    assert total([unmarked.pnl, other]) == Pnl(realized=Decimal(1), unrealized=None, commission=Decimal(3))


def test_a_booking_without_a_rate_hides_the_day_it_was_made_and_not_the_next() -> None:
    opened = dealt(FLAT, "10", "5", "1.1")
    closed = charged(dealt(opened, "-10", "6", None), "1", None)
    again = dealt(dealt(closed, "10", "5", "1.1"), "-10", "7", "1.1")
    marks = valued("7", "1.2"), valued("7", "1.2")

    that_day = pnl_of_day(day_of(closed, opened, *marks)).pnl
    next_day = pnl_of_day(day_of(again, closed, *marks)).pnl
    ever = pnl_so_far(again, Decimal(1), marks[0])

    assert (that_day.realized, that_day.commission) == (None, None)
    assert (next_day.realized, next_day.commission) == (Decimal(22), ZERO)
    assert (ever.realized, ever.commission) == (None, None)


prices = st.decimals(min_value=Decimal("0.01"), max_value=Decimal(1000), places=2)
quantities = st.decimals(min_value=Decimal(-500), max_value=Decimal(500), places=1)
rates = st.decimals(min_value=Decimal("0.001"), max_value=Decimal(200), places=3)
fills = st.tuples(quantities, prices, rates)
costs = st.tuples(st.decimals(min_value=Decimal(-5), max_value=Decimal(50), places=2), rates)
days = st.lists(st.tuples(st.lists(fills, max_size=4), st.lists(costs, max_size=2), prices, rates), max_size=5)


@given(days)
@settings(max_examples=200)
def test_the_days_add_up_to_all_time(
    course: list[tuple[list[tuple[Decimal, Decimal, Decimal]], list[tuple[Decimal, Decimal]], Decimal, Decimal]],
) -> None:
    position, mark = FLAT, valued(None, None)
    told: list[Pnl] = []

    for dealings, charges, close, close_rate in course:
        opening, opening_mark = position, mark
        for quantity, price, rate in dealings:
            position = dealt(position, quantity, price, rate)
        for commission, rate in charges:
            position = charged(position, commission, rate)
        mark = valued(close, close_rate)
        told.append(pnl_of_day(day_of(position, opening, mark, opening_mark)).pnl)

    assert total(told) == pnl_so_far(position, Decimal(1), mark)


@pytest.mark.parametrize(
    ("now", "day", "start"),
    [
        (datetime(2026, 3, 3, 4, 59, tzinfo=UTC), date(2026, 3, 2), datetime(2026, 3, 2, 5, tzinfo=UTC)),
        (datetime(2026, 3, 3, 5, 0, tzinfo=UTC), date(2026, 3, 3), datetime(2026, 3, 3, 5, tzinfo=UTC)),
        # The night of the change of clocks: the day has 23 hours.
        (datetime(2026, 3, 8, 12, tzinfo=UTC), date(2026, 3, 8), datetime(2026, 3, 8, 5, tzinfo=UTC)),
        (datetime(2026, 3, 9, 12, tzinfo=UTC), date(2026, 3, 9), datetime(2026, 3, 9, 4, tzinfo=UTC)),
    ],
)
def test_a_trading_day_begins_at_midnight_where_it_is_traded(now: datetime, day: date, start: datetime) -> None:
    assert trading_day(now, NEW_YORK) == day
    assert day_start(day, NEW_YORK) == start


def test_scheduled_instants_lie_on_the_grid_of_the_interval() -> None:
    now = datetime(2026, 3, 2, 14, 31, 59, 999_999, tzinfo=UTC)

    assert snapshot_instant(now, 60) == datetime(2026, 3, 2, 14, 31, tzinfo=UTC)
    assert snapshot_instant(now, 900) == datetime(2026, 3, 2, 14, 30, tzinfo=UTC)
    assert snapshot_instant(now + timedelta(microseconds=1), 60) == datetime(2026, 3, 2, 14, 32, tzinfo=UTC)
