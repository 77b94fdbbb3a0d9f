"""Relay connections: pages by opaque cursors, and a total that is counted only when it is asked for."""

import base64
import binascii
from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeVar
from uuid import UUID

import strawberry

from app.core.errors import InputError
from app.core.paging import Page, Window

PAGE_SIZE: Final = 50
PAGE_SIZE_MAX: Final = 500
CURSOR_LENGTH_MAX: Final = 400

Count = Callable[[], Awaitable[int]]
_Key = TypeVar("_Key")
_Edge = TypeVar("_Edge")


@strawberry.type(description="Where a page lies in its list.")
class PageInfo:
    """Where a page lies in its list."""

    has_next_page: bool
    has_previous_page: bool
    start_cursor: str | None
    end_cursor: str | None


@strawberry.type
class Counted:
    """What every list has beside its edges: where the page lies, and how many there are."""

    page_info: PageInfo
    count: strawberry.Private[Count]

    @strawberry.field(description="How many there are in all, whatever the page.")
    async def total_count(self) -> int:
        """Counted when asked for."""
        return await self.count()


class Cursors:
    """The cursors of one kind of list: the key's text under the kind's name, opaque to clients."""

    def __init__(self, kind: str) -> None:
        self._prefix = f"{kind}:"

    def write(self, key: str) -> str:
        """The cursor of a key."""
        return base64.urlsafe_b64encode((self._prefix + key).encode()).decode().rstrip("=")

    def read(self, cursor: str, path: str) -> str:
        """The key. Raises InputError with the path for what is no cursor of this kind."""
        wrong = InputError("This is not a cursor of this list.", path=[path])
        if len(cursor) > CURSOR_LENGTH_MAX or not cursor.isascii():
            raise wrong
        try:
            text = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True).decode()
        except (binascii.Error, UnicodeDecodeError) as error:
            raise wrong from error
        if not text.startswith(self._prefix) or "\x00" in text:
            raise wrong
        return text.removeprefix(self._prefix)

    def read_id(self, cursor: str, path: str) -> UUID:
        """The key as an id. Raises InputError with the path."""
        try:
            return UUID(self.read(cursor, path))
        except ValueError as error:
            raise InputError("This is not a cursor of this list.", path=[path]) from error


def window_of(
    *,
    first: int | None,
    after: str | None,
    last: int | None = None,
    before: str | None = None,
    read: Callable[[str, str], _Key],
) -> Window[_Key]:
    """The part of a list that the arguments ask for; `last`, when given, counts from its end instead of `first`.

    Raises InputError with the path of the argument.
    """
    is_from_end = last is not None
    size = last if last is not None else PAGE_SIZE if first is None else first
    if not 1 <= size <= PAGE_SIZE_MAX:
        raise InputError(f"A page has 1 to {PAGE_SIZE_MAX} items.", path=["last" if is_from_end else "first"])
    return Window(
        size=size,
        after=None if after is None else read(after, "after"),
        before=None if before is None else read(before, "before"),
        is_from_end=is_from_end,
    )


def page_info(page: Page[Any], window: Window[_Key], cursors: list[str]) -> PageInfo:
    """Where the page lies. Towards the side that it was not cut at, a cursor given means that there is more."""
    return PageInfo(
        has_next_page=window.before is not None if window.is_from_end else page.has_more,
        has_previous_page=page.has_more if window.is_from_end else window.after is not None,
        start_cursor=cursors[0] if cursors else None,
        end_cursor=cursors[-1] if cursors else None,
    )
