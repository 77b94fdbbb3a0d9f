"""JSON documents from outside: what may be stored of them."""

from math import isfinite
from typing import Any

_Frame = tuple[Any, int]
_INTEGER_MIN = -(2**63)
_INTEGER_MAX = 2**64 - 1


def is_storable(document: Any, *, depth_max: int, nodes_max: int) -> bool:
    """True when a parsed JSON document is shallow and small enough and has only what PostgreSQL stores.

    U+0000 and lone surrogates are valid in JSON and refused by JSONB; integers beyond 64 bits are refused by the
    encoder on the way there.
    """
    frames: list[_Frame] = [(document, 1)]
    seen = 0
    while frames:
        node, depth = frames.pop()
        seen += 1
        if depth > depth_max or seen > nodes_max:
            return False
        if isinstance(node, str):
            if not _is_storable_text(node):
                return False
        elif isinstance(node, dict):
            frames.extend((key, depth) for key in node)
            frames.extend((value, depth + 1) for value in node.values())
        elif isinstance(node, list):
            frames.extend((value, depth + 1) for value in node)
        elif isinstance(node, int | float) and not _is_storable_number(node):
            return False
    return True


def _is_storable_text(text: str) -> bool:
    if "\x00" in text:
        return False
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _is_storable_number(number: int | float) -> bool:
    if isinstance(number, int):
        return _INTEGER_MIN <= number <= _INTEGER_MAX
    return isfinite(number)
