"""Pages of restricted lists, of their entries and versions, and of what touched them."""

from uuid import UUID

import strawberry

from app.compliance.domain import lists, restrictions
from app.core.paging import Page, Window
from schema.base.pagination import Count, Counted, page_info
from schema.compliance.list_types import (
    ALERT_CURSORS,
    ENTRY_CURSORS,
    LIST_CURSORS,
    VERSION_CURSORS,
    RestrictedEntry,
    RestrictedList,
    RestrictedListVersion,
    RestrictionAlert,
)


@strawberry.type
class RestrictedListEdge:
    """A list at its place."""

    cursor: str
    node: RestrictedList


@strawberry.type(description="Restricted lists, the newest first.")
class RestrictedListConnection(Counted):
    """A page of lists."""

    edges: list[RestrictedListEdge]

    @classmethod
    def of(cls, page: Page[lists.RestrictedList], window: Window[UUID], count: Count) -> "RestrictedListConnection":
        """The page with its cursors."""
        edges = [
            RestrictedListEdge(cursor=LIST_CURSORS.write(str(one.id)), node=RestrictedList.of(one))
            for one in page.items
        ]
        return cls(edges=edges, page_info=page_info(page, window, [edge.cursor for edge in edges]), count=count)


@strawberry.type
class RestrictedEntryEdge:
    """An entry at its place."""

    cursor: str
    node: RestrictedEntry


@strawberry.type(description="Entries of a restricted list, the newest first.")
class RestrictedEntryConnection(Counted):
    """A page of entries."""

    edges: list[RestrictedEntryEdge]

    @classmethod
    def of(cls, page: Page[lists.ListEntry], window: Window[UUID], count: Count) -> "RestrictedEntryConnection":
        """The page with its cursors."""
        edges = [
            RestrictedEntryEdge(cursor=ENTRY_CURSORS.write(str(one.id)), node=RestrictedEntry.of(one))
            for one in page.items
        ]
        return cls(edges=edges, page_info=page_info(page, window, [edge.cursor for edge in edges]), count=count)


@strawberry.type
class RestrictedListVersionEdge:
    """A version at its place."""

    cursor: str
    node: RestrictedListVersion


@strawberry.type(description="Versions of a restricted list, the newest first.")
class RestrictedListVersionConnection(Counted):
    """A page of versions."""

    edges: list[RestrictedListVersionEdge]

    @classmethod
    def of(cls, page: Page[lists.ListVersion], window: Window[int], count: Count) -> "RestrictedListVersionConnection":
        """The page with its cursors."""
        edges = [
            RestrictedListVersionEdge(
                cursor=VERSION_CURSORS.write(str(one.version)), node=RestrictedListVersion.of(one)
            )
            for one in page.items
        ]
        return cls(edges=edges, page_info=page_info(page, window, [edge.cursor for edge in edges]), count=count)


@strawberry.type
class RestrictionAlertEdge:
    """An alert at its place."""

    cursor: str
    node: RestrictionAlert


@strawberry.type(description="Touches of restricted names, the newest first.")
class RestrictionAlertConnection(Counted):
    """A page of alerts."""

    edges: list[RestrictionAlertEdge]

    @classmethod
    def of(
        cls, page: Page[restrictions.RestrictionAlert], window: Window[UUID], count: Count
    ) -> "RestrictionAlertConnection":
        """The page with its cursors."""
        edges = [
            RestrictionAlertEdge(cursor=ALERT_CURSORS.write(str(one.id)), node=RestrictionAlert.of(one))
            for one in page.items
        ]
        return cls(edges=edges, page_info=page_info(page, window, [edge.cursor for edge in edges]), count=count)
