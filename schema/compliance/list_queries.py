"""Queries of restricted lists."""

import strawberry

from app.compliance.errors import RestrictedListUnknownError
from app.core.errors import InputError
from app.core.ids import RestrictedListId
from app.flows.compliance import view_lists
from app.identity.domain import Scope
from schema.base.context import Info
from schema.base.ids import is_id, parse_id
from schema.base.pagination import window_of
from schema.base.permissions import scoped
from schema.compliance.list_connections import (
    RestrictedEntryConnection,
    RestrictedListConnection,
    RestrictedListVersionConnection,
    RestrictionAlertConnection,
)
from schema.compliance.list_types import ALERT_CURSORS, ENTRY_CURSORS, LIST_CURSORS, VERSION_CURSORS


@strawberry.type
class RestrictedListQuery:
    """Queries of restricted lists. They may be secret: traders do not see them."""

    @strawberry.field(
        description="The restricted lists of the tenant, the newest first.", extensions=scoped(Scope.MANAGE_RISK)
    )
    async def restricted_lists(
        self,
        info: Info,
        first: int | None = 50,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
    ) -> RestrictedListConnection:
        """A page of lists."""
        window = window_of(first=first, after=after, last=last, before=before, read=LIST_CURSORS.read_id)
        desk, principal = info.context.desk, info.context.principal

        async def count() -> int:
            return await view_lists.count_lists(desk, principal)

        page = await view_lists.list_lists(desk, principal, window)
        return RestrictedListConnection.of(page, window, count)

    @strawberry.field(
        description="The entries of a list, the newest first: as it stands, or as it was at a version.",
        extensions=scoped(Scope.MANAGE_RISK),
    )
    async def restricted_entries(
        self,
        info: Info,
        list_id: strawberry.ID,
        version: int | None = None,
        first: int | None = 50,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
    ) -> RestrictedEntryConnection:
        """A page of entries."""
        window = window_of(first=first, after=after, last=last, before=before, read=ENTRY_CURSORS.read_id)
        desk, principal, known = info.context.desk, info.context.principal, asked_list(list_id)

        async def count() -> int:
            return await view_lists.count_entries(desk, principal, known, version)

        page = await view_lists.list_entries(desk, principal, known, version, window)
        return RestrictedEntryConnection.of(page, window, count)

    @strawberry.field(
        description="The versions of a list, the newest first: who changed it, when and why.",
        extensions=scoped(Scope.MANAGE_RISK),
    )
    async def restricted_list_versions(
        self,
        info: Info,
        list_id: strawberry.ID,
        first: int | None = 50,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
    ) -> RestrictedListVersionConnection:
        """A page of versions."""
        window = window_of(first=first, after=after, last=last, before=before, read=_version)
        desk, principal, known = info.context.desk, info.context.principal, asked_list(list_id)

        async def count() -> int:
            return await view_lists.count_versions(desk, principal, known)

        page = await view_lists.list_versions(desk, principal, known, window)
        return RestrictedListVersionConnection.of(page, window, count)

    @strawberry.field(
        description="What touched restricted names, the newest first: orders that were kept out and orders that only "
        "left word.",
        extensions=scoped(Scope.MANAGE_RISK),
    )
    async def restriction_alerts(
        self,
        info: Info,
        first: int | None = 50,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
    ) -> RestrictionAlertConnection:
        """A page of alerts."""
        window = window_of(first=first, after=after, last=last, before=before, read=ALERT_CURSORS.read_id)
        desk, principal = info.context.desk, info.context.principal

        async def count() -> int:
            return await view_lists.count_alerts(desk, principal)

        page = await view_lists.list_alerts(desk, principal, window)
        return RestrictionAlertConnection.of(page, window, count)


def asked_list(text: str, path: str = "listId") -> RestrictedListId:
    """The id of a list. Raises RestrictedListUnknownError for what can be none."""
    if not is_id(text):
        raise RestrictedListUnknownError(path)
    return RestrictedListId(parse_id(text))


def _version(cursor: str, path: str) -> int:
    text = VERSION_CURSORS.read(cursor, path)
    if not text.isascii() or not text.isdecimal() or len(text) > 9:
        raise InputError("This is not a cursor of this list.", path=[path])
    return int(text)
