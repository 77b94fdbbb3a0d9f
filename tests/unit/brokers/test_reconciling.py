"""Our books held against the broker's: what differs, and what of it is news."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.brokers.reconciling import (
    ACTIONS,
    MEANING,
    SEVERITY,
    Break,
    BreakAction,
    BreakKind,
    BreakSeverity,
    BreakState,
    Finding,
    Holding,
    freezes,
    keep_ledger,
    position_findings,
)
from app.core.ids import AccountId, BreakId, InstrumentId
from app.core.messages import BrokerPosition

NOW = datetime(2026, 1, 5, 14, 30, tzinfo=UTC)
APPLE, MICROSOFT = InstrumentId(UUID(int=1)), InstrumentId(UUID(int=2))
CONTRACTS = {APPLE: 265598, MICROSOFT: 272093}


def ours(
    instrument: InstrumentId = APPLE, quantity: int = 100, price: str = "10", *, multiplier: int = 1, fees: str = "0"
) -> Holding:
    return Holding(
        instrument_id=instrument,
        contract_id=CONTRACTS[instrument],
        symbol="X",
        quantity=Decimal(quantity),
        average_price=Decimal(price),
        multiplier=Decimal(multiplier),
        commission=Decimal(fees),
    )


def theirs(contract_id: int = 265598, quantity: int = 100, cost: str = "10") -> BrokerPosition:
    return BrokerPosition(contract_id=contract_id, symbol="X", quantity=Decimal(quantity), average_cost=Decimal(cost))


def found(difference: str = "5", kind: BreakKind = BreakKind.POSITION_QUANTITY) -> Finding:
    return Finding(kind=kind, subject="one", difference=difference, ours=None, broker=None, instrument_id=APPLE)


def known(
    difference: str = "5",
    state: BreakState = BreakState.OPEN,
    kind: BreakKind = BreakKind.POSITION_QUANTITY,
) -> Break:
    return Break(
        id=BreakId(UUID(int=9)),
        account_id=AccountId(UUID(int=8)),
        kind=kind,
        subject="one",
        severity=SEVERITY[kind],
        difference=difference,
        ours=None,
        broker=None,
        instrument_id=APPLE,
        order_id=None,
        state=state,
        is_freezing=state is BreakState.OPEN,
        is_muted=state is BreakState.RESOLVED,
        found_at=NOW,
        last_seen_at=NOW,
        snapshot_at=NOW,
        ended_at=None if state is BreakState.OPEN else NOW + timedelta(seconds=1),
    )


def always(_: Break) -> bool:
    return True


@pytest.mark.parametrize(
    ("held", "told", "differences"),
    [
        ([ours()], [theirs()], []),
        ([ours(quantity=0)], [], []),
        ([ours(quantity=0)], [theirs(quantity=0)], []),
        ([ours()], [theirs(quantity=60)], [(BreakKind.POSITION_QUANTITY, "-40")]),
        ([ours()], [], [(BreakKind.POSITION_QUANTITY, "-100")]),
        ([ours(quantity=-5)], [theirs(quantity=5)], [(BreakKind.POSITION_QUANTITY, "10")]),
        ([ours(quantity=0)], [theirs(quantity=7)], [(BreakKind.POSITION_QUANTITY, "7")]),
        ([], [theirs(quantity=7)], [(BreakKind.UNKNOWN_INSTRUMENT, "7")]),
        ([], [theirs(quantity=0)], []),
        ([ours(price="10")], [theirs(cost="10.10")], []),
        ([ours(price="10")], [theirs(cost="10.11")], [(BreakKind.AVERAGE_COST, "cost")]),
        # A dollar for one share of ten: the broker counts it into the cost, we do not.
        ([ours(quantity=1, fees="1")], [theirs(quantity=1, cost="11")], []),
        ([ours(quantity=1, fees="1")], [theirs(quantity=1, cost="12")], [(BreakKind.AVERAGE_COST, "cost")]),
        ([ours(quantity=2, price="3", multiplier=100)], [theirs(quantity=2, cost="300")], []),
    ],
)
def test_both_sides_are_compared_over_their_union(
    held: list[Holding], told: list[BrokerPosition], differences: list[tuple[BreakKind, str]]
) -> None:
    findings = position_findings(held, told, frozenset())

    assert [(one.kind, one.difference) for one in findings] == differences


def test_of_what_is_in_flight_nothing_is_concluded() -> None:
    findings = position_findings(
        [ours(), ours(MICROSOFT)], [theirs(quantity=1), theirs(272093, 1), theirs(5, 1)], frozenset({265598, 5})
    )

    assert [one.instrument_id for one in findings] == [MICROSOFT]


def test_a_difference_of_one_look_is_a_break_only_when_the_next_look_sees_the_same() -> None:
    first = keep_ledger([], [found()], is_checked=always, seen_before={})
    same = keep_ledger([], [found()], is_checked=always, seen_before=first.unconfirmed)
    other = keep_ledger([], [found("6")], is_checked=always, seen_before=first.unconfirmed)
    complete = keep_ledger([], [found()], is_checked=always, seen_before=None)

    assert (first.new, same.new, other.new, complete.new) == ([], [found()], [], [found()])
    assert list(other.unconfirmed.values()) == ["6"]
    assert same.unconfirmed == {}


def test_what_is_no_position_needs_no_second_look() -> None:
    strange = found(kind=BreakKind.ORDER_UNKNOWN_TO_US)

    assert keep_ledger([], [strange], is_checked=always, seen_before={}).new == [strange]


def test_the_same_break_found_again_stays_the_same_whatever_the_difference_has_become() -> None:
    ledger = keep_ledger([known("5")], [found("8")], is_checked=always, seen_before={})

    assert [(one.id, finding.difference) for one, finding in ledger.seen] == [(known().id, "8")]
    assert (ledger.new, ledger.vanished, ledger.is_news) == ([], [], False)


def test_a_break_vanishes_only_before_a_look_that_could_have_found_it() -> None:
    gone = keep_ledger([known()], [], is_checked=always, seen_before={})
    blind = keep_ledger([known()], [], is_checked=lambda _: False, seen_before={})

    assert ([one.id for one in gone.vanished], gone.is_news) == ([known().id], True)
    assert (blind.vanished, blind.is_news) == ([], False)


def test_what_is_ignored_is_told_again_once_it_is_another_difference() -> None:
    ignored = known("5", BreakState.RESOLVED)

    same = keep_ledger([ignored], [found("5")], is_checked=always, seen_before=None)
    other = keep_ledger([ignored], [found("6")], is_checked=always, seen_before=None)
    gone = keep_ledger([ignored], [], is_checked=always, seen_before=None)

    assert ([one for one, _ in same.seen], same.new, same.unmuted) == ([ignored], [], [])
    assert (other.new, other.unmuted) == ([found("6")], [ignored])
    assert (gone.unmuted, gone.vanished) == ([ignored], [])


@given(
    quantities=st.dictionaries(st.integers(1, 6), st.integers(-9, 9)),
    told=st.dictionaries(st.integers(1, 6), st.integers(-9, 9)),
    in_flight=st.frozensets(st.integers(1, 6)),
)
def test_every_difference_outside_of_what_is_in_flight_is_found_once(
    quantities: dict[int, int], told: dict[int, int], in_flight: frozenset[int]
) -> None:
    held = [
        Holding(
            instrument_id=InstrumentId(UUID(int=contract)),
            contract_id=contract,
            symbol="X",
            quantity=Decimal(quantity),
            average_price=Decimal(1),
            multiplier=Decimal(1),
        )
        for contract, quantity in quantities.items()
    ]
    positions = [theirs(contract, quantity, "1") for contract, quantity in told.items()]

    findings = position_findings(held, positions, in_flight)

    expected = {
        contract
        for contract in quantities.keys() | told.keys()
        if quantities.get(contract, 0) != told.get(contract, 0) and contract not in in_flight
    }
    named = [
        int(one.subject.removeprefix("contract:")) if one.instrument_id is None else one.instrument_id.int
        for one in findings
    ]
    assert sorted(named) == sorted(expected)


def test_each_kind_has_a_meaning_a_severity_and_a_way_to_end() -> None:
    assert set(MEANING) == set(SEVERITY) == set(ACTIONS) == set(BreakKind)
    assert all(ACTIONS.values())


def test_only_a_position_of_an_instrument_freezes() -> None:
    assert [kind for kind in BreakKind if freezes(kind, APPLE)] == [BreakKind.POSITION_QUANTITY]
    assert not freezes(BreakKind.POSITION_QUANTITY, None)
    assert SEVERITY[BreakKind.POSITION_QUANTITY] is BreakSeverity.CRITICAL
    assert BreakAction.ADJUST in ACTIONS[BreakKind.POSITION_QUANTITY]
