"""Copies of records: the same as the standard library's, for every record that the house copies."""

import dataclasses
from dataclasses import dataclass, field

import pytest

from app.core.records import changer, replace


@dataclass(frozen=True, slots=True, kw_only=True)
class Plain:
    """A record as most are."""

    name: str
    count: int = 0
    parts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """A record that looks at itself."""

    count: int

    def __post_init__(self) -> None:
        if self.count < 0:
            raise ValueError("below zero")


@dataclass(frozen=True)
class Open:
    """A record without slots."""

    name: str
    count: int = field(default=1)


@pytest.mark.parametrize("record", [Plain(name="a", count=1, parts=("b",)), Checked(count=1), Open("a")])
def test_copy_is_the_one_of_the_standard_library(record: Plain | Checked | Open) -> None:
    copied = replace(record, count=5)

    assert copied == dataclasses.replace(record, count=5)
    assert type(copied) is type(record)
    assert record.count == 1


def test_copy_shares_nothing_but_values() -> None:
    first = Plain(name="a")

    second = replace(first)

    assert second == first
    assert second is not first


def test_record_that_checks_itself_is_checked_again() -> None:
    with pytest.raises(ValueError, match="below zero"):
        replace(Checked(count=1), count=-1)


@pytest.mark.parametrize("record", [Plain(name="a"), Open("a")])
def test_unknown_field_is_a_programmers_error(record: Plain | Open) -> None:
    with pytest.raises(TypeError):
        replace(record, colour="red")  # type: ignore[call-arg]


def test_changer_makes_the_copies_that_replace_makes() -> None:
    counted = changer(Plain, "parts", "count")
    record = Plain(name="a", parts=("b",))

    copied = counted(record, ("c",), 5)

    assert copied == replace(record, parts=("c",), count=5)
    assert type(copied) is Plain
    assert record == Plain(name="a", parts=("b",))


@pytest.mark.parametrize(("kind", "name"), [(Plain, "colour"), (Checked, "count"), (Open, "count")])
def test_changer_is_refused_for_what_it_could_not_keep(kind: type, name: str) -> None:
    with pytest.raises(TypeError, match=name):
        changer(kind, name)
