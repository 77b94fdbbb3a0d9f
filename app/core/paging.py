"""Pages of lists that grow: which part of an ordered list is asked for, and what was found."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

Key = TypeVar("Key")
Item = TypeVar("Item")


@dataclass(frozen=True, slots=True, kw_only=True)
class Window(Generic[Key]):
    """Part of a list in its order: at most `size` items strictly between the keys, from the start or from the end."""

    size: int
    after: Key | None = None
    before: Key | None = None
    is_from_end: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Page(Generic[Item]):
    """The items found, in the list's order; has_more tells of others in the window beyond its size."""

    items: tuple[Item, ...]
    has_more: bool


def page_of(found: Sequence[Item], window: Window[Key]) -> Page[Item]:
    """The page of what a query brought that read one more than the window's size, away from the window's side."""
    kept = tuple(found[: window.size])
    return Page(items=kept[::-1] if window.is_from_end else kept, has_more=len(found) > window.size)
