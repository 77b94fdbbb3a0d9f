"""The live table of orders."""

import strawberry

from app.flows.live.live_table import BatchKind, TableUpdate
from app.orders.domain import order as domain
from schema.base.live import REMOVED, LiveBatch
from schema.orders.types import Order


@strawberry.type(description="One message of a live table of orders.")
class OrderBatch(LiveBatch):
    """One message of a live table of orders."""

    removed_ids: list[strawberry.ID] = strawberry.field(description=REMOVED)
    orders: strawberry.Private[tuple[domain.Order, ...]]

    @strawberry.field(description="Orders as they stand now; a SNAPSHOT has the newest first.")
    def upserts(self) -> list[Order]:
        """Orders as they stand now."""
        return [Order.of(order) for order in self.orders]

    @classmethod
    def of(cls, update: TableUpdate[domain.Order]) -> "OrderBatch":
        """The type of the value."""
        changes = update.changes
        return cls(
            kind=update.kind,
            sequence=update.sequence,
            server_time=changes.server_time,
            has_more=update.has_more,
            answers=changes.answers if update.kind is BatchKind.DELTA else None,
            removed_ids=[strawberry.ID(str(one)) for one in changes.removed_ids],
            orders=changes.upserts,
        )
