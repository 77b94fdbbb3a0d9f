"""Which samples of utilisation are kept: the fullest of a minute, where it differs, and at each hour."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from app.core.fix import RiskLimitType
from app.core.ids import AccountId, InstrumentId, LimitId
from app.risk.domain import RiskLimit
from app.risk.history.domain.sampling import MINUTE, WAITING_MAX, Sample, Sampling
from app.risk.monitoring.domain.utilisation import Utilisation

NINE = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
LIMIT, ACCOUNT = LimitId(UUID(int=1)), AccountId(UUID(int=2))
APPLE, MICROSOFT = InstrumentId(UUID(int=3)), InstrumentId(UUID(int=4))


def used(ratio: str | None, *, of: InstrumentId | None = None, account_id: AccountId = ACCOUNT) -> Utilisation:
    """What an account uses of a limit of 100; None where it cannot be told."""
    limit = RiskLimit(id=LIMIT, limit_type=RiskLimitType.MAX_POSITION_QUANTITY, value=Decimal(100))
    told = None if ratio is None else Decimal(ratio)
    return Utilisation(
        limit=limit,
        account_id=account_id,
        instrument_id=of,
        used=None if told is None else told * 100,
        ratio=told or Decimal(0),
        is_breached=told is not None and told > 1,
        is_complete=told is not None,
        message="",
    )


def stored(sampling: Sampling) -> list[Sample]:
    """All that is over, as it is stored."""
    found: list[Sample] = []
    while (over := sampling.take()) is not None:
        found += over.samples
        sampling.keep(over)
    return found


def seen(*looks: tuple[timedelta, Sequence[Utilisation]]) -> list[Sample]:
    """What is stored of looks at these times after nine."""
    sampling, found = Sampling(), []
    for after, utilisations in looks:
        sampling.see(utilisations, NINE + after)
        found += stored(sampling)
    sampling.end()
    return found + stored(sampling)


def at(minutes: float) -> timedelta:
    return timedelta(minutes=minutes)


def test_the_fullest_look_of_a_minute_is_kept_with_its_instrument() -> None:
    [one] = seen(
        (at(0), [used("0.5", of=APPLE)]), (at(0.2), [used("0.9", of=MICROSOFT)]), (at(0.9), [used("0.6", of=APPLE)])
    )

    assert (one.minute, one.ratio, one.used, one.value) == (NINE, Decimal("0.9"), Decimal(90), Decimal(100))
    assert (one.instrument_id, one.is_measured) == (MICROSOFT, True)


def test_what_is_known_counts_before_what_is_not() -> None:
    [known] = seen((at(0), [used(None)]), (at(0.5), [used("0")]))
    [unknown] = seen((at(0), [used(None)]), (at(0.5), [used(None)]))

    assert (known.used, known.is_measured) == (Decimal(0), True)
    assert (unknown.used, unknown.is_measured) == (None, False)


def test_nothing_is_stored_before_its_minute_is_over() -> None:
    sampling = Sampling()
    sampling.see([used("0.5")], NINE)
    sampling.turn(NINE + timedelta(seconds=59))
    early = stored(sampling)
    sampling.turn(NINE + MINUTE)

    assert early == []
    assert [one.minute for one in stored(sampling)] == [NINE]


def test_what_does_not_change_is_stored_once_and_when_the_hour_turns() -> None:
    found = seen(*((at(minute), [used("0.5")]) for minute in range(55, 65)))

    assert [one.minute for one in found] == [NINE + at(55), NINE + at(60)]


def test_what_changes_is_stored_with_each_minute_in_which_it_does() -> None:
    ratios = ["0.1", "0.1", "0.2", "0.2", "0.1"]
    found = seen(*((at(minute), [used(ratio)]) for minute, ratio in enumerate(ratios)))

    assert [(one.minute, str(one.ratio)) for one in found] == [
        (NINE, "0.1"),
        (NINE + at(2), "0.2"),
        (NINE + at(4), "0.1"),
    ]


def test_a_limit_that_is_not_measured_any_more_ends_once() -> None:
    other = used("0.3", account_id=AccountId(UUID(int=9)))
    found = seen((at(0), [used("0.5"), other]), (at(1), [other]), (at(2), [other]))

    assert [(one.minute, one.account_id == ACCOUNT, one.used) for one in found] == [
        (NINE, True, Decimal(50)),
        (NINE, False, Decimal(30)),
        (NINE + MINUTE, True, None),
    ]


def test_a_minute_that_was_put_back_is_the_next_again_and_the_oldest_go_first() -> None:
    sampling = Sampling()
    for minute in range(WAITING_MAX + 3):
        sampling.see([used(f"0.{minute + 1:04}")], NINE + at(minute))
    over = sampling.take()
    assert over is not None
    sampling.put_back(over)

    found = stored(sampling)

    assert [one.minute for one in found] == [NINE + at(minute) for minute in range(2, WAITING_MAX + 2)]
    assert over.minute == found[0].minute


def test_who_forgets_stores_anew() -> None:
    sampling = Sampling()
    for minute in range(2):
        sampling.see([used("0.5")], NINE + at(minute))
        sampling.end()
        stored(sampling)
        sampling.forget()
    sampling.see([used("0.5")], NINE + at(2))
    sampling.end()

    assert len(stored(sampling)) == 1
    assert not sampling.is_idle
    sampling.forget()
    assert sampling.is_idle


@given(st.lists(st.tuples(st.integers(0, 150), st.sampled_from(["0", "0.4", "0.8", "1.2", None])), min_size=1))
def test_what_is_stored_tells_of_each_minute_its_fullest_look(looks: list[tuple[int, str | None]]) -> None:
    looks.sort(key=lambda one: one[0])
    told = {one.minute: one for one in seen(*((at(minute), [used(ratio)]) for minute, ratio in looks))}
    fullest: dict[datetime, tuple[bool, Decimal]] = {}
    for minute, ratio in looks:
        look = (ratio is not None, Decimal(ratio or 0))
        fullest[NINE + at(minute)] = max(fullest.get(NINE + at(minute), (False, Decimal(0))), look)

    for at_minute, expected in fullest.items():
        last = told[max(one for one in told if one <= at_minute)]
        assert last.fullness == expected
        assert last.minute.hour == at_minute.hour, "a sample does not hold beyond its hour"
