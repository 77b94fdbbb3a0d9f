"""When warnings and breaches are told and when they end: at once upwards, calmly downwards, never to and fro."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.fix import RiskLimitType
from app.core.ids import AccountId, LimitId
from app.risk.domain import RiskLimit
from app.risk.monitoring.domain.utilisation import Utilisation, is_beyond, ratio_of
from app.risk.monitoring.domain.watch import (
    BAND,
    CALM,
    REFUSALS_LAST,
    AlertKind,
    Level,
    Watch,
    alert_of,
    level_of,
    watched,
)

NOW = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)
ACCOUNT = AccountId(UUID(int=1))
VALUES = st.decimals(min_value=0, max_value=10**9, places=2)


def limit(value: str = "100", warn_at: str | None = None, of: str = "MAX_POSITION_QUANTITY") -> RiskLimit:
    return RiskLimit(
        id=LimitId(UUID(int=2)),
        limit_type=RiskLimitType(of),
        value=Decimal(value),
        warn_at=None if warn_at is None else Decimal(warn_at),
    )


def using(amount: str | Decimal | None, of: RiskLimit | None = None, *, is_complete: bool = True) -> Utilisation:
    held, used = of or limit(), None if amount is None else Decimal(amount)
    return Utilisation(
        limit=held,
        account_id=ACCOUNT,
        instrument_id=None,
        used=used,
        ratio=Decimal(0) if used is None else ratio_of(held, used),
        is_breached=used is not None and is_beyond(held, used),
        is_complete=is_complete,
        message="",
    )


def course(amounts: list[str | None], step_s: float = 1.0) -> list[Level]:
    """The levels that a course of amounts goes through, a step apart."""
    watch, levels = Watch(), []
    for place, amount in enumerate(amounts):
        watch = watched(
            watch, using(amount, is_complete=amount is not None), None, NOW + place * timedelta(seconds=step_s)
        )
        levels.append(watch.level)
    return levels


@pytest.mark.parametrize(
    ("amount", "level"),
    [
        ("0", Level.CLEAR),
        ("79.9", Level.CLEAR),
        ("80", Level.WARNING),
        ("100", Level.WARNING),
        ("100.01", Level.BREACH),
    ],
)
def test_a_level_follows_from_what_is_used(amount: str, level: Level) -> None:
    assert level_of(using(amount)) is level


def test_a_limit_may_warn_earlier_or_later() -> None:
    assert level_of(using("50", limit(warn_at="0.5"))) is Level.WARNING
    assert level_of(using("90", limit(warn_at="1"))) is Level.CLEAR


def test_a_least_amount_is_nearer_the_less_is_left() -> None:
    margin = limit("100", of="MIN_MARGIN_EXCESS")

    found = [(using(left, margin).ratio, level_of(using(left, margin))) for left in ("1000", "110", "100", "99", "-5")]

    assert found == [
        (Decimal("0.1"), Level.CLEAR),
        (Decimal("0.909091"), Level.WARNING),
        (Decimal(1), Level.WARNING),
        (Decimal("1.010101"), Level.BREACH),
        (Decimal(1000), Level.BREACH),
    ]


def test_upwards_counts_at_once_and_downwards_after_a_calm() -> None:
    assert course(["10", "101", "90", "10", *["10"] * 9]) == [
        Level.CLEAR,
        Level.BREACH,
        *[Level.BREACH] * 10,
        Level.CLEAR,
    ]


def test_a_ratio_that_swings_about_its_limit_is_told_once() -> None:
    assert set(course(["101", "99"] * 100)[1:]) == {Level.BREACH}


def test_just_below_the_limit_a_breach_lasts() -> None:
    assert set(course(["101", *["95.5"] * 60])) == {Level.BREACH}


def test_below_the_band_a_breach_becomes_a_warning() -> None:
    assert course(["101", *["94"] * 20])[-1] is Level.WARNING


def test_what_cannot_be_measured_ends_nothing() -> None:
    assert course(["101", *[None] * 60])[-1] is Level.BREACH


def test_a_limit_that_is_gone_ends_at_once() -> None:
    assert watched(Watch(level=Level.BREACH), None, None, NOW) == Watch()


def test_refusals_last_a_minute_and_never_hide_a_warning() -> None:
    begun = watched(Watch(), using("10"), NOW, NOW)
    still = watched(begun, using("10"), NOW, NOW + REFUSALS_LAST / 2)
    over = watched(still, using("10"), NOW, NOW + REFUSALS_LAST)
    warned = watched(begun, using("85"), NOW, NOW)

    assert [one.level for one in (begun, still, over, warned)] == [
        Level.REFUSALS,
        Level.REFUSALS,
        Level.CLEAR,
        Level.WARNING,
    ]


def test_an_alert_tells_each_change_but_those_of_refusals() -> None:
    assert alert_of(Level.CLEAR, Level.WARNING) is AlertKind.WARNING
    assert alert_of(Level.WARNING, Level.BREACH) is AlertKind.BREACH
    assert alert_of(Level.BREACH, Level.WARNING) is AlertKind.WARNING
    assert alert_of(Level.BREACH, Level.CLEAR) is AlertKind.CLEARED
    assert alert_of(Level.WARNING, Level.REFUSALS) is AlertKind.CLEARED
    assert alert_of(Level.CLEAR, Level.REFUSALS) is None
    assert alert_of(Level.REFUSALS, Level.CLEAR) is None
    assert alert_of(Level.BREACH, Level.BREACH) is None


@given(st.lists(st.tuples(VALUES, st.integers(0, 30)), min_size=1, max_size=60))
def test_no_course_hides_a_breach_or_flaps(steps: list[tuple[Decimal, int]]) -> None:
    watch, now, fell_at = Watch(), NOW, None
    for amount, seconds in steps:
        now += timedelta(seconds=seconds)
        before, one = watch, using(amount)
        watch = watched(before, one, None, now)

        assert watch.level.severity >= level_of(one).severity
        if watch.level.severity < before.level.severity:
            assert before.calm_since is not None
            assert now - before.calm_since >= CALM
            assert fell_at is None or now - fell_at >= CALM
            fell_at = now


@given(VALUES, VALUES, st.sampled_from(["MAX_POSITION_QUANTITY", "MIN_MARGIN_EXCESS"]))
def test_a_ratio_above_one_and_a_breach_are_the_same(amount: Decimal, value: Decimal, of: str) -> None:
    held = limit(str(value), of=of)

    assert (ratio_of(held, amount) > 1) is is_beyond(held, amount)


def test_the_band_lies_below_where_levels_begin() -> None:
    assert 0 < BAND < 1
