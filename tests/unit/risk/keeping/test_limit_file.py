"""Lines of a file of limits: what cannot be read names its column."""

import pytest

from app.core.errors import InputError
from app.risk.keeping.domain.limit_file import line_of
from app.risk.keeping.errors import LimitInvalidError


@pytest.mark.parametrize("column", ["effective_from", "effective_until"])
@pytest.mark.parametrize("text", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "2026-01-01T00:00:00", "x"])
def test_an_instant_that_is_none_or_beyond_all_calendars_names_its_column(column: str, text: str) -> None:
    with pytest.raises(InputError) as caught:
        line_of({"type": "MAX_OPEN_ORDERS", "value": "5", column: text})

    assert list(caught.value.path) == [column]


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ('{"symbols": ["AAPL"], "symbols": ["MSFT"]}', "symbols"),
        ('{"symbols": ["AAPL"], "symbols": ["AAPL"]}', "symbols"),
        ('{"times": {"from": "09:30", "to": "16:00", "from": "00:00"}}', "from"),
        ('{"a": [{"b": 1, "b": 1}]}', "b"),
        ('{"symbols": ["AAPL"], "\\u0073ymbols": ["MSFT"]}', "symbols"),
    ],
    ids=["top", "alike", "nested", "in-a-list", "escaped"],
)
def test_a_condition_that_is_given_twice_is_refused_by_its_name(text: str, key: str) -> None:
    with pytest.raises(LimitInvalidError) as caught:
        line_of({"type": "SYMBOL_BLACKLIST", "conditions": text})

    [problem] = caught.value.problems
    assert (problem.code, problem.path) == ("LIMIT_CONDITION_TWICE", ("conditions",))
    assert f"'{key}' twice" in problem.message


def test_the_same_key_in_different_objects_is_no_duplicate() -> None:
    line = line_of({"type": "SYMBOL_BLACKLIST", "conditions": '{"a": {"k": 1}, "b": {"k": 1}}'})

    assert line.wanted.conditions == {"a": {"k": 1}, "b": {"k": 1}}
