"""Market data lines: bounded, newest wins."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID

from app.brokers.ib.lines import Lines
from app.core.fix import InstrumentType
from app.core.ids import InstrumentId
from app.core.messages import Contract, Tick

NOW = datetime(2026, 1, 5, 14, 30, tzinfo=UTC)


def contract(number: int) -> Contract:
    return Contract(
        instrument_id=InstrumentId(UUID(int=number)),
        contract_id=number,
        symbol=f"S{number}",
        instrument_type=InstrumentType.STOCK,
        exchange="SMART",
        currency="USD",
    )


def test_exactly_the_wanted_markets_have_a_line() -> None:
    lines = Lines(100, maximum=10)
    lines.reconcile([contract(1), contract(2)])

    closing, opening = lines.reconcile([contract(2), contract(3)])

    assert closing == [100]
    assert opening == [(102, contract(3))]
    assert lines.all() == [(101, contract(2)), (102, contract(3))]


def test_no_more_lines_than_the_gateway_has() -> None:
    lines = Lines(100, maximum=2)

    _, opening = lines.reconcile([contract(number) for number in range(1, 6)])

    assert [one.contract_id for _, one in opening] == [1, 2]


def test_the_newest_values_make_one_tick() -> None:
    lines = Lines(100, maximum=2)
    lines.reconcile([contract(1)])
    lines.price(100, 1, 187.4, 300.0, NOW)
    lines.price(100, 1, 187.41, 200.0, NOW)
    lines.price(100, 2, 187.43, 100.0, NOW)
    lines.size(100, 8, 12_345.0, NOW + timedelta(seconds=1))

    ticks = lines.take()

    assert ticks == [
        Tick(
            instrument_id=InstrumentId(UUID(int=1)),
            symbol="S1",
            bid=Decimal("187.41"),
            bid_size=Decimal(200),
            ask=Decimal("187.43"),
            ask_size=Decimal(100),
            volume=Decimal(12_345),
            time=NOW + timedelta(seconds=1),
        )
    ]
    assert lines.take() == []


def test_delayed_ticks_fill_the_same_fields() -> None:
    lines = Lines(100, maximum=2)
    lines.reconcile([contract(1)])
    lines.price(100, 68, 10.5, 7.0, NOW)

    [tick] = lines.take()

    assert (tick.last, tick.last_size) == (Decimal("10.5"), Decimal(7))


def test_a_price_of_minus_one_takes_the_price_away() -> None:
    lines = Lines(100, maximum=2)
    lines.reconcile([contract(1)])
    lines.price(100, 1, 10.0, 5.0, NOW)

    lines.price(100, 1, -1.0, 0.0, NOW)

    [tick] = lines.take()
    assert tick.bid is None
    assert tick.bid_size == Decimal(0)


def test_ticks_of_a_closed_line_or_an_unknown_kind_change_nothing() -> None:
    lines = Lines(100, maximum=2)
    lines.reconcile([contract(1)])
    lines.price(100, 14, 10.0, 5.0, NOW)
    lines.size(100, 21, 10.0, NOW)
    lines.price(100, 1, 10.0, 5.0, NOW)
    lines.reconcile([])

    lines.price(100, 1, 11.0, 5.0, NOW)

    assert lines.take() == []
