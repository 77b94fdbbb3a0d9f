"""Order records over GraphQL."""

from datetime import datetime
from typing import Final
from uuid import UUID

import strawberry
from strawberry.scalars import JSON

from app.core.paging import Page, Window
from app.flows.compliance import order_records as flows
from app.flows.compliance.order_records import WantedRecords, count_records, list_records
from app.identity.domain import Scope
from schema.base.context import Info
from schema.base.pagination import Count, Counted, Cursors, page_info, window_of
from schema.base.permissions import scoped
from schema.brokers.types import known_account

RECORD_CURSORS: Final = Cursors("orderRecord")


@strawberry.type(
    description="The complete life of an order: terms, arrival, risk checks, events, executions, requests, and the "
    "persons behind their actors."
)
class OrderRecord:
    """The record of an order."""

    order_id: strawberry.ID
    record: JSON = strawberry.field(description="As `oms compliance export` writes it: docs/compliance.md.")

    @classmethod
    def of(cls, one: flows.OrderRecord) -> "OrderRecord":
        """The type of the value."""
        return cls(order_id=strawberry.ID(str(one.id)), record=JSON(one.document))


@strawberry.type
class OrderRecordEdge:
    """A record at its place."""

    cursor: str
    node: OrderRecord


@strawberry.type(description="Records of orders, the oldest first.")
class OrderRecordConnection(Counted):
    """A page of records."""

    edges: list[OrderRecordEdge]

    @classmethod
    def of(cls, page: Page[flows.OrderRecord], window: Window[UUID], count: Count) -> "OrderRecordConnection":
        """The page with its cursors."""
        edges = [
            OrderRecordEdge(cursor=RECORD_CURSORS.write(str(one.id)), node=OrderRecord.of(one)) for one in page.items
        ]
        return cls(edges=edges, page_info=page_info(page, window, [edge.cursor for edge in edges]), count=count)


@strawberry.type
class OrderRecordQuery:
    """Queries of order records."""

    @strawberry.field(
        description="The complete lives of the orders that were stored from fromTime up to toTime, a year at most, "
        "the oldest first.",
        extensions=scoped(Scope.VIEW_AUDIT, cost=10),
    )
    async def order_records(
        self,
        info: Info,
        from_time: datetime,
        to_time: datetime,
        account_id: strawberry.ID | None = None,
        first: int | None = 50,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
    ) -> OrderRecordConnection:
        """A page of records."""
        window = window_of(first=first, after=after, last=last, before=before, read=RECORD_CURSORS.read_id)
        desk, principal = info.context.desk, info.context.principal
        account = None if account_id is None else await known_account(info, account_id, "accountId")
        wanted = WantedRecords(after=from_time, before=to_time, account_id=account)

        async def count() -> int:
            return await count_records(desk, principal, wanted)

        page = await list_records(desk, principal, wanted, window)
        return OrderRecordConnection.of(page, window, count)
