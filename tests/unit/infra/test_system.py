"""Ids of the machine: in the order in which they were asked for."""

from datetime import UTC, datetime, timedelta

import pytest

from app.infra import system
from app.infra.system import SystemIds


def test_each_id_is_above_the_one_before() -> None:
    ids = SystemIds()

    made = [ids.new() for _ in range(5_000)]

    assert made == sorted(made)
    assert len(set(made)) == 5_000
    assert {one.version for one in made} == {7}


def test_ids_grow_while_the_clock_goes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    class Clock(datetime):
        at = datetime(2026, 1, 1, tzinfo=UTC)

        @classmethod
        def now(cls, tz: object = None) -> datetime:  # type: ignore[override]
            cls.at -= timedelta(seconds=1)
            return cls.at

    monkeypatch.setattr(system, "datetime", Clock)
    ids = SystemIds()

    made = [ids.new() for _ in range(100)]

    assert made == sorted(made)
    assert len(set(made)) == 100
