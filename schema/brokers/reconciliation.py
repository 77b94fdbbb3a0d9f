"""The GraphQL types of reconciliations and their breaks."""

from datetime import datetime
from typing import Final
from uuid import UUID

import strawberry
from strawberry.scalars import JSON

from app.brokers import reconciling as domain
from app.brokers.reconciling import ACTIONS, MEANING, BreakAction, BreakKind, BreakSeverity, BreakState, Occasion
from app.core.ids import InstrumentId, ReconciliationId
from app.core.paging import Page, Window
from schema.base.context import Info
from schema.base.node import Node
from schema.base.pagination import Count, Counted, Cursors, page_info
from schema.instruments.types import Instrument, load_instrument

strawberry.enum(
    Occasion,
    name="ReconciliationOccasion",
    description="Why the books were compared: the connection was made, or made anew within a session, somebody asked, "
    "or it was time.",
)
strawberry.enum(
    BreakKind,
    name="ReconciliationBreakKind",
    description=" ".join(f"{kind.value}: {MEANING[kind]}" for kind in BreakKind),
)
strawberry.enum(
    BreakSeverity,
    name="ReconciliationBreakSeverity",
    description="CRITICAL freezes the account's instrument, WARNING needs a person, NOTICE is for whoever looks.",
)
strawberry.enum(
    BreakState,
    name="ReconciliationBreakState",
    description="OPEN until a person has RESOLVED it or a later comparison does not find it: VANISHED.",
)
strawberry.enum(
    BreakAction,
    name="ReconciliationBreakAction",
    description="ADJUST books what the broker holds, at our average price. ACCEPT_BROKER takes its average cost too; "
    "of an order that the broker does not know it takes the end. IGNORE books nothing, and lifts the freeze.",
)
BREAK_CURSORS: Final = Cursors("break")


@strawberry.type(
    description="A difference between our books and the broker's: the same one is one break, from the comparison that "
    "found it to its end. The evidence is of the comparison that saw it last."
)
class ReconciliationBreak(Node):
    """A difference between our books and the broker's."""

    kind: str = strawberry.field(description="A ReconciliationBreakKind.")
    severity: BreakSeverity
    state: BreakState
    resolution: str = strawberry.field(description="OPEN, VANISHED, or the action that a person took.")
    account_id: strawberry.ID
    order_id: strawberry.ID | None = strawberry.field(description="The order that it is about, if it is about one.")
    ours: JSON | None = strawberry.field(description="What our books said; null where we know nothing of it.")
    broker: JSON | None = strawberry.field(description="What the broker said; null where it says nothing of it.")
    difference: str = strawberry.field(description="Of a position, by how much the broker's quantity is above ours.")
    is_freezing: bool = strawberry.field(
        description="True while new orders of the account in the instrument are refused that would add risk."
    )
    actions: list[BreakAction] = strawberry.field(description="What may be done about it; none once it is not open.")
    looks: int = strawberry.field(description="How many comparisons have found it.")
    found_at: datetime
    last_seen_at: datetime
    snapshot_at: datetime = strawberry.field(description="When the broker said what `broker` has.")
    ended_at: datetime | None
    reason: str | None
    resolved_by: str | None = strawberry.field(description="Who, as in the audit log.")
    adjustment_id: strawberry.ID | None = strawberry.field(description="The adjustment that was booked for it.")
    instrument_id: strawberry.Private[InstrumentId | None]

    @strawberry.field
    async def instrument(self, info: Info) -> Instrument | None:
        """What is traded; null for an instrument that the tenant has not."""
        return None if self.instrument_id is None else await load_instrument(info, self.instrument_id)

    @strawberry.field
    def age_seconds(self, info: Info) -> float:
        """For how long it has been known, until its end."""
        end = self.ended_at or info.context.desk.clock.now()
        return max((end - self.found_at).total_seconds(), 0.0)

    @classmethod
    def of(cls, one: domain.Break) -> "ReconciliationBreak":
        """The type of the value."""
        is_open = one.state is BreakState.OPEN
        return cls(
            id=strawberry.ID(str(one.id)),
            kind=one.kind.value,
            severity=one.severity,
            state=one.state,
            resolution=one.state.value if one.action is None else one.action.value,
            account_id=strawberry.ID(str(one.account_id)),
            order_id=None if one.order_id is None else strawberry.ID(str(one.order_id)),
            ours=None if one.ours is None else JSON(dict(one.ours)),
            broker=None if one.broker is None else JSON(dict(one.broker)),
            difference=one.difference,
            is_freezing=one.is_freezing,
            actions=[action for action in BreakAction if is_open and action in ACTIONS[one.kind]],
            looks=one.looks,
            found_at=one.found_at,
            last_seen_at=one.last_seen_at,
            snapshot_at=one.snapshot_at,
            ended_at=one.ended_at,
            reason=one.reason,
            resolved_by=one.resolved_by,
            adjustment_id=None if one.adjustment_id is None else strawberry.ID(str(one.adjustment_id)),
            instrument_id=one.instrument_id,
        )


@strawberry.type(
    description="One comparison of our books with the broker's. Sweeps that found the same as the one before are one "
    "entry: `looks` counts them, and finishedAt is the last."
)
class Reconciliation(Node):
    """One comparison of our books with the broker's."""

    account_id: strawberry.ID
    occasion: Occasion
    started_at: datetime
    finished_at: datetime | None
    orders_checked: int
    positions_checked: int
    positions_in_flight: int = strawberry.field(
        description="Contracts that were dealt in at that moment: nothing was concluded of them."
    )
    executions_imported: int = strawberry.field(description="Executions that the broker told and we had not heard of.")
    breaks_open: int
    looks: int
    key: strawberry.Private[ReconciliationId]

    @strawberry.field
    async def breaks(self, info: Info) -> list[ReconciliationBreak]:
        """What it found, new breaks and those that were known; at most 500, reconciliationBreaks has all."""
        found = await info.context.loaders.breaks_seen_by.load(self.key)
        return [ReconciliationBreak.of(one) for one in found]

    @classmethod
    def of(cls, one: domain.Reconciliation) -> "Reconciliation":
        """The type of the value."""
        return cls(
            id=strawberry.ID(str(one.id)),
            account_id=strawberry.ID(str(one.account_id)),
            occasion=one.occasion,
            started_at=one.started_at,
            finished_at=one.finished_at,
            orders_checked=one.orders_checked,
            positions_checked=one.positions_checked,
            positions_in_flight=one.positions_in_flight,
            executions_imported=one.executions_imported,
            breaks_open=one.breaks_open,
            looks=one.looks,
            key=one.id,
        )


@strawberry.type
class ReconciliationBreakEdge:
    """A break at its place in a list."""

    cursor: str
    node: ReconciliationBreak


@strawberry.type(description="Breaks, those found last first.")
class ReconciliationBreakConnection(Counted):
    """A page of breaks."""

    edges: list[ReconciliationBreakEdge]

    @classmethod
    def of(cls, page: Page[domain.Break], window: Window[UUID], count: Count) -> "ReconciliationBreakConnection":
        """The page with its cursors."""
        edges = [
            ReconciliationBreakEdge(cursor=BREAK_CURSORS.write(str(one.id)), node=ReconciliationBreak.of(one))
            for one in page.items
        ]
        return cls(edges=edges, page_info=page_info(page, window, [edge.cursor for edge in edges]), count=count)
