"""The live table of positions."""

import strawberry

from app.flows.live.live_table import BatchKind, TableUpdate
from app.positions import domain
from schema.base.live import REMOVED, LiveBatch
from schema.positions.types import Position


@strawberry.type(description="One message of a live table of positions.")
class PositionBatch(LiveBatch):
    """One message of a live table of positions."""

    removed_ids: list[strawberry.ID] = strawberry.field(description=REMOVED)
    positions: strawberry.Private[tuple[domain.Position, ...]]

    @strawberry.field(description="Positions as they stand now.")
    def upserts(self) -> list[Position]:
        """Positions as they stand now."""
        return [Position.of(position) for position in self.positions]

    @classmethod
    def of(cls, update: TableUpdate[domain.Position]) -> "PositionBatch":
        """The type of the value."""
        changes = update.changes
        return cls(
            kind=update.kind,
            sequence=update.sequence,
            server_time=changes.server_time,
            has_more=update.has_more,
            answers=changes.answers if update.kind is BatchKind.DELTA else None,
            removed_ids=[strawberry.ID(str(one)) for one in changes.removed_ids],
            positions=changes.upserts,
        )
