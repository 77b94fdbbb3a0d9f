"""Which JSON documents may be stored."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.documents import is_storable

LIMITS = {"depth_max": 4, "nodes_max": 20}

leaves = st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False, allow_infinity=False)


@pytest.mark.parametrize(
    "document",
    [
        None,
        True,
        0,
        1.5,
        "",
        "ü €",
        [2**64 - 1, -(2**63)],
        [],
        {},
        {"strategy": "pairs", "tags": ["a", "b"], "leg": {"of": 2}},
        [[[1]]],
        {"a": {"b": {"c": 1}}},
    ],
)
def test_small_documents_are_storable(document: Any) -> None:
    assert is_storable(document, **LIMITS)


@pytest.mark.parametrize(
    "document",
    [
        "a\x00b",
        {"a\x00": 1},
        {"a": ["\x00"]},
        "\ud800",
        {"\udfff": 1},
        [["\ud83d"]],
        float("nan"),
        [float("inf")],
        {"a": float("-inf")},
        2**64,
        [-(2**63) - 1],
        {"a": 10**5000},
        [[[[1]]]],
        {"a": {"b": {"c": {"d": 1}}}},
        list(range(20)),
        {str(key): key for key in range(10)},
    ],
)
def test_what_postgresql_refuses_or_is_too_large_is_not(document: Any) -> None:
    assert not is_storable(document, **LIMITS)


def test_depth_beyond_pythons_recursion_is_answered_not_raised() -> None:
    document: Any = "leaf"
    for _ in range(100_000):
        document = [document]

    assert not is_storable(document, depth_max=16, nodes_max=4096)


@given(st.recursive(leaves | st.text(), lambda of: st.lists(of) | st.dictionaries(st.text(), of), max_leaves=20))
def test_what_is_storable_is_sound_json_without_nul(document: Any) -> None:
    if is_storable(document, depth_max=16, nodes_max=4096):
        written = json.dumps(document, ensure_ascii=False, allow_nan=False)
        assert "\\u0000" not in written
        assert json.loads(written.encode()) == document
    else:
        assert _has_bad_text(document) or _depth(document) > 16


def _has_bad_text(document: Any) -> bool:
    if isinstance(document, str):
        return "\x00" in document or any("\ud800" <= letter <= "\udfff" for letter in document)
    if isinstance(document, dict):
        return any(_has_bad_text(part) for pair in document.items() for part in pair)
    return isinstance(document, list) and any(_has_bad_text(part) for part in document)


def _depth(document: Any) -> int:
    if isinstance(document, dict):
        return 1 + max((_depth(part) for part in document.values()), default=0)
    if isinstance(document, list):
        return 1 + max((_depth(part) for part in document), default=0)
    return 1
