"""How entries are written byte for byte, and what is taken out of them for being personal."""

import json
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.audit.domain import ERASED, canonical, part, put_back, values_subject
from app.audit.domain.chain import EXACT_INTEGER_MAX

_TEXT = st.text(st.characters(exclude_categories=["Cs"]))
_LEAVES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | _TEXT
_NAMES = _TEXT | st.sampled_from(["email", "first_name", "userAgent", "ip_address", "quantity"])
VALUES = st.recursive(_LEAVES, lambda inner: st.lists(inner) | st.dictionaries(_NAMES, inner), max_leaves=20)


@given(VALUES)
def test_what_is_written_reads_as_it_was_but_for_numbers_that_languages_read_differently(value: Any) -> None:
    assert json.loads(canonical(value)) == _safe(value)


@given(VALUES)
def test_to_write_what_was_written_changes_nothing(value: Any) -> None:
    text = canonical(value)

    assert canonical(json.loads(text)) == text


@given(st.dictionaries(_TEXT, st.integers(0, 9), min_size=2))
def test_the_order_in_which_names_came_does_not_matter(value: dict[str, int]) -> None:
    assert canonical(dict(reversed(value.items()))) == canonical(value)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        # Source: RFC 8785, section 3.2.3 and appendix A.
        (
            {"\u20ac": 1, "\r": 2, "\ufb33": 3, "1": 4, "\U0001f600": 5, "\u0080": 6, "\u00f6": 7},
            '{"\\r":2,"1":4,"\u0080":6,"\u00f6":7,"\u20ac":1,"\U0001f600":5,"\ufb33":3}',
        ),
        ('\u20ac$\u000f\nA\'B"\\\\"/', '"\u20ac$\\u000f\\nA\'B\\"\\\\\\\\\\"/"'),
        ([EXACT_INTEGER_MAX, EXACT_INTEGER_MAX + 1, -1], '[9007199254740991,"9007199254740992",-1]'),
        ([1.5, True, None, {}, []], '["1.5",true,null,{},[]]'),
    ],
)
def test_the_bytes_are_those_of_the_standard(value: Any, text: str) -> None:
    assert canonical(value) == text


@given(VALUES)
def test_what_is_parted_comes_together_again(value: Any) -> None:
    parted = part([deepcopy(value), None])

    assert put_back(deepcopy(parted.values), json.loads(json.dumps(parted.personal))) == [value, None]


@given(VALUES)
def test_nothing_personal_is_left_once_it_was_parted(value: Any) -> None:
    assert part(part(value).values).values == part(value).values


def test_what_was_erased_says_so() -> None:
    parted = part(
        [None, {"email": "a@example.com", "people": [{"first_name": "Ann", "role": "TRADER"}], "phone": None}]
    )

    assert put_back(parted.values, None) == [
        None,
        {"email": ERASED, "people": [{"first_name": ERASED, "role": "TRADER"}], "phone": None},
    ]


@pytest.mark.parametrize(
    ("resource", "values", "subject"),
    [
        (("user", "U1"), {"email": "a@example.com"}, "user:U1"),
        (("membership", "M1"), {"user_id": "U2", "email": "a@example.com"}, "user:U2"),
        (("invitation", "I1"), {"email": " A@Example.com "}, "email:a@example.com"),
        (("order", "O1"), {"first_name": "Ann"}, "user:actor"),
        (("user", None), None, "user:actor"),
    ],
)
def test_values_are_the_persons_that_they_tell_of(
    resource: tuple[str, str | None], values: dict[str, Any] | None, subject: str
) -> None:
    assert values_subject("user:actor", *resource, None, values) == subject


def _safe(value: Any) -> Any:
    match value:
        case dict():
            return {name: _safe(inner) for name, inner in value.items()}
        case list():
            return [_safe(inner) for inner in value]
        case bool():
            return value
        case int() if abs(value) <= EXACT_INTEGER_MAX:
            return value
        case int() | float():
            return str(value)
        case _:
            return value
