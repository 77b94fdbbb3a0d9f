"""JSON documents from outside: what may be stored of them."""

from typing import Any

_Frame = tuple[Any, int]


def is_storable(document: Any, *, depth_max: int, nodes_max: int) -> bool:
    """True when a parsed JSON document is shallow and small enough and has only text that PostgreSQL stores.

    U+0000 and lone surrogates are valid in JSON and refused by JSONB.
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
        elif isinstance(node, float) and (node != node or node in (float("inf"), float("-inf"))):
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
