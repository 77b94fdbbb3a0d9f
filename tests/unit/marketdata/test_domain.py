"""Ticks as they travel: nothing lost, nothing invented."""

from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

import orjson
from hypothesis import given
from hypothesis import strategies as st

from app.core.ids import InstrumentId, TenantId
from app.core.messages import Tick
from app.marketdata.domain import decode_tick, decode_ticks, encode_tick, join_ticks, newest, quotes_key, ticks_channel

NOW = datetime(2026, 1, 5, 14, 30, 1, 250_000, tzinfo=UTC)
NUMBERS = st.none() | st.decimals(min_value=0, max_value=10**12, places=10, allow_nan=False, allow_infinity=False)
TICKS = st.builds(
    Tick,
    instrument_id=st.integers(1, 5).map(lambda number: InstrumentId(UUID(int=number))),
    symbol=st.text(max_size=8),
    bid=NUMBERS,
    bid_size=NUMBERS,
    ask=NUMBERS,
    ask_size=NUMBERS,
    last=NUMBERS,
    last_size=NUMBERS,
    volume=NUMBERS,
    high=NUMBERS,
    low=NUMBERS,
    previous_close=NUMBERS,
    time=st.datetimes(timezones=st.just(UTC)),
)


@given(TICKS)
def test_a_tick_comes_back_as_it_was(tick: Tick) -> None:
    assert decode_tick(encode_tick(tick)) == tick


@given(st.lists(TICKS, max_size=5))
def test_a_message_carries_a_list(ticks: list[Tick]) -> None:
    assert decode_ticks(join_ticks(encode_tick(tick) for tick in ticks)) == ticks


def test_numbers_are_text_and_what_is_unknown_is_left_out() -> None:
    tick = Tick(instrument_id=InstrumentId(UUID(int=1)), symbol="AAPL", bid=Decimal("187.4000"), time=NOW)

    assert orjson.loads(encode_tick(tick)) == {
        "instrument_id": "00000000-0000-0000-0000-000000000001",
        "symbol": "AAPL",
        "bid": "187.4",
        "time": "2026-01-05T14:30:01.250000+00:00",
    }


@given(st.lists(TICKS, max_size=20))
def test_the_newest_tick_of_each_instrument_wins(ticks: list[Tick]) -> None:
    chosen = newest(ticks)

    assert {tick.instrument_id: tick for tick in ticks} == {tick.instrument_id: tick for tick in chosen}
    assert len({tick.instrument_id for tick in chosen}) == len(chosen)


def test_keys_name_the_tenant() -> None:
    tenant = TenantId(UUID(int=9))

    assert quotes_key(tenant) == "quotes:00000000-0000-0000-0000-000000000009"
    assert ticks_channel(tenant) == "ticks:00000000-0000-0000-0000-000000000009"
