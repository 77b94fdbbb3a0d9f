"""Who gets a market data line, and what is counted of it."""

from datetime import UTC, datetime
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from app.core.fix import InstrumentType, LineState
from app.core.ids import InstrumentId
from app.core.messages import Contract
from app.marketdata.lines import (
    REFERENCE_S,
    LineLedger,
    LineStatus,
    Watchable,
    choose,
    decode_status,
    encode_status,
)

NOW = 1_000_000.0
AT = datetime(2026, 1, 5, 15, tzinfo=UTC)
ONE, TWO = InstrumentId(UUID(int=1)), InstrumentId(UUID(int=2))


def watchable(number: int, **demand: bool) -> Watchable:
    """An instrument of that number."""
    contract = Contract(
        instrument_id=InstrumentId(UUID(int=number)),
        contract_id=number,
        symbol=f"S{number}",
        instrument_type=InstrumentType.STOCK,
        exchange="SMART",
        currency="USD",
    )
    return Watchable(contract=contract, **demand)


def numbers(contracts: tuple[Contract, ...]) -> list[int]:
    """The numbers of contracts."""
    return [one.contract_id for one in contracts]


def test_what_is_traded_goes_first_then_what_converts_then_what_is_subscribed_then_what_is_read() -> None:
    listed = [
        watchable(1),
        watchable(2, is_subscribed=True),
        watchable(3, is_traded=True),
        watchable(4),
        watchable(5, converts=True),
    ]

    chosen = choose(listed, {InstrumentId(UUID(int=4)): NOW - 1}, NOW, 5)

    assert numbers(chosen.contracts) == [3, 5, 2, 4, 1]
    assert chosen.left_out == ()


def test_what_was_used_last_keeps_its_line_and_what_nobody_reads_any_more_is_not_missed() -> None:
    used = {InstrumentId(UUID(int=number)): NOW - REFERENCE_S - number for number in (1, 2, 3)}

    chosen = choose([watchable(number) for number in (3, 2, 1, 9)], used, NOW, 2)

    assert numbers(chosen.contracts) == [1, 2]
    assert chosen.left_out == ()


def test_who_is_wanted_and_gets_none_is_told() -> None:
    chosen = choose([watchable(number, is_subscribed=True) for number in (1, 2, 3)], {}, NOW, 2)

    assert (numbers(chosen.contracts), numbers(chosen.left_out)) == ([1, 2], [3])


@given(
    flags=st.lists(st.tuples(st.booleans(), st.booleans(), st.booleans()), max_size=30),
    ages=st.dictionaries(st.integers(0, 29), st.floats(0, 4_000)),
    limit=st.integers(0, 30),
)
def test_no_line_goes_to_one_that_weighs_less_than_one_left_out(
    flags: list[tuple[bool, bool, bool]], ages: dict[int, float], limit: int
) -> None:
    listed = [
        watchable(number, is_traded=traded, converts=converts, is_subscribed=subscribed)
        for number, (traded, converts, subscribed) in enumerate(flags)
    ]
    used = {InstrumentId(UUID(int=number)): NOW - age for number, age in ages.items()}

    chosen = choose(listed, used, NOW, limit)

    held = set(numbers(chosen.contracts))
    assert len(chosen.contracts) == min(limit, len(listed))
    assert held.isdisjoint(numbers(chosen.left_out))
    traded = {number for number, flag in enumerate(flags) if flag[0]}
    assert traded <= held or held <= traded
    wanted = {
        number
        for number, flag in enumerate(flags)
        if any(flag) or NOW - used.get(InstrumentId(UUID(int=number)), float("-inf")) <= REFERENCE_S
    }
    assert wanted - held == set(numbers(chosen.left_out))


def test_an_interruption_is_one_gap_until_the_next_tick() -> None:
    ledger = LineLedger()
    ledger.told(ONE, 3, AT)

    ledger.interrupted()
    ledger.interrupted()
    ledger.told(ONE, 2, AT)
    ledger.interrupted([ONE, TWO])

    counts = ledger.take()
    assert (counts[ONE].ticks, counts[ONE].gaps, counts[ONE].last_tick_at) == (5, 2, AT)
    assert TWO not in counts
    assert ledger.take() == {}


def test_a_line_that_was_closed_on_purpose_has_no_gap() -> None:
    ledger = LineLedger()
    ledger.told(ONE, 1, AT)

    ledger.closed([ONE])
    ledger.interrupted()

    assert ledger.take()[ONE].gaps == 0


def test_counts_that_were_not_stored_count_on() -> None:
    ledger = LineLedger()
    ledger.told(ONE, 1, AT)
    lost = ledger.take()
    ledger.told(ONE, 2, AT)

    ledger.give_back(lost)

    assert ledger.take()[ONE].ticks == 3


@given(
    st.builds(
        LineStatus,
        state=st.sampled_from(LineState),
        reason=st.none() | st.text(max_size=20),
        broker_code=st.none() | st.integers(1, 20_000),
        since=st.none() | st.datetimes(timezones=st.just(UTC)),
    )
)
def test_a_status_comes_back_as_it_was(status: LineStatus) -> None:
    assert decode_status(encode_status(status)) == status
