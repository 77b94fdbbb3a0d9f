"""The GraphQL types of typed adjustments, and their pages."""

from datetime import datetime
from decimal import Decimal
from typing import Final
from uuid import UUID

import strawberry

from app.core.ids import AccountId, InstrumentId
from app.core.paging import Page, Window
from app.positions import domain
from app.positions.domain import MEANING, AdjustmentType
from schema.base.context import Info
from schema.base.node import Node
from schema.base.pagination import Count, Counted, Cursors, page_info
from schema.brokers.types import BrokerAccount, load_account
from schema.instruments.types import Instrument, load_instrument

strawberry.enum(AdjustmentType, description="Why a position moves without an execution.")
ADJUSTMENT_CURSORS: Final = Cursors("adjustment")
TYPES_TOLD: Final = " ".join(f"{kind.value}: {MEANING[kind]}" for kind in AdjustmentType)


@strawberry.type(
    description="How a position moved without an execution, as it was booked. Money is in the instrument's currency, "
    "but what is called Base. What an execution before it is corrected to changes the position, not this."
)
class PositionAdjustment(Node):
    """A typed adjustment."""

    type: AdjustmentType
    quantity: Decimal | None = strawberry.field(description="Signed; null where the whole position expired or split.")
    price: Decimal | None
    ratio: Decimal | None = strawberry.field(description="New units for an old one, of a SPLIT.")
    reason: str
    idempotency_key: str
    quantity_before: Decimal
    quantity_after: Decimal
    average_price_before: Decimal
    average_price_after: Decimal
    realized_pnl: Decimal
    realized_pnl_base: Decimal | None = strawberry.field(
        description="In the account's base currency, at baseRate; null where none was known."
    )
    base_rate: Decimal | None
    adjusted_by: str = strawberry.field(description="Who, as in the audit log.")
    after_sequence: int = strawberry.field(
        description="Where the account's event log ended when it was booked: it is no event of that log, and counts "
        "behind the event of this sequence."
    )
    effective_at: datetime = strawberry.field(description="When it took place: its order among the executions.")
    recorded_at: datetime
    account_id: strawberry.Private[AccountId]
    instrument_id: strawberry.Private[InstrumentId]

    @strawberry.field
    async def account(self, info: Info) -> BrokerAccount:
        """The trading account."""
        return await load_account(info, self.account_id)

    @strawberry.field
    async def instrument(self, info: Info) -> Instrument:
        """What is held."""
        return await load_instrument(info, self.instrument_id)

    @classmethod
    def of(cls, one: domain.PositionAdjustment) -> "PositionAdjustment":
        """The type of the value."""
        terms = one.terms
        return cls(
            id=strawberry.ID(str(one.id)),
            type=terms.type,
            quantity=terms.quantity,
            price=terms.price,
            ratio=terms.ratio,
            reason=terms.reason,
            idempotency_key=terms.idempotency_key,
            quantity_before=one.quantity_before,
            quantity_after=one.quantity_after,
            average_price_before=one.average_price_before,
            average_price_after=one.average_price_after,
            realized_pnl=one.realized_pnl,
            realized_pnl_base=one.realized_pnl_base,
            base_rate=one.base_rate,
            adjusted_by=one.adjusted_by,
            after_sequence=one.after_sequence,
            effective_at=terms.effective_at,
            recorded_at=one.recorded_at,
            account_id=terms.account_id,
            instrument_id=terms.instrument_id,
        )


@strawberry.type
class PositionAdjustmentEdge:
    """An adjustment at its place in a list."""

    cursor: str
    node: PositionAdjustment


@strawberry.type(description="Adjustments, those booked last first.")
class PositionAdjustmentConnection(Counted):
    """A page of adjustments."""

    edges: list[PositionAdjustmentEdge]

    @classmethod
    def of(
        cls, page: Page[domain.PositionAdjustment], window: Window[UUID], count: Count
    ) -> "PositionAdjustmentConnection":
        """The page with its cursors."""
        edges = [
            PositionAdjustmentEdge(cursor=ADJUSTMENT_CURSORS.write(str(one.id)), node=PositionAdjustment.of(one))
            for one in page.items
        ]
        return cls(edges=edges, page_info=page_info(page, window, [edge.cursor for edge in edges]), count=count)
