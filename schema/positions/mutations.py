"""Mutations of positions: typed adjustments, and a snapshot of profit and loss on demand."""

from datetime import datetime
from decimal import Decimal
from typing import Final

import strawberry

from app.core.errors import OmsError
from app.core.ids import AccountId, InstrumentId
from app.flows.positions.adjust_position import adjust_position
from app.flows.positions.snapshot_pnl import create_snapshot
from app.identity.domain import Scope
from app.positions.domain import AdjustmentTerms, AdjustmentType
from app.positions.errors import AdjustmentRefusedError
from schema.base.context import Info
from schema.base.errors import UserError, user_errors
from schema.base.ids import parse_id
from schema.base.permissions import scoped
from schema.positions.adjustments import TYPES_TOLD, PositionAdjustment
from schema.positions.pnl import PnlSnapshot

REASON_LENGTH_MAX: Final = 500
KEY_LENGTH_MAX: Final = 64


@strawberry.input(description=TYPES_TOLD)
class AdjustPositionInput:
    """How a position moves without an execution."""

    account_id: strawberry.ID
    instrument_id: strawberry.ID
    type: AdjustmentType
    quantity: Decimal | None = strawberry.field(default=None, description="Signed change of the position.")
    price: Decimal | None = strawberry.field(default=None, description="Per unit, in the instrument's currency.")
    ratio: Decimal | None = strawberry.field(default=None, description="New units for an old one, of a SPLIT.")
    effective_at: datetime | None = strawberry.field(
        default=None,
        description="When it took place, now when left out. In the past it takes its place among the executions, and "
        "the position is worked out anew from there.",
    )
    reason: str = strawberry.field(description=f"Why, 1 to {REASON_LENGTH_MAX} characters; it is kept with it.")
    idempotency_key: str = strawberry.field(
        description=f"Unique within the account, 1 to {KEY_LENGTH_MAX} printable ASCII characters. The same key with "
        "the same adjustment answers the first result; with another, POSITION_ADJUSTMENT_CONFLICT."
    )


@strawberry.type
class AdjustPositionPayload:
    """The answer of adjustPosition."""

    adjustment: PositionAdjustment | None = None
    errors: list[UserError] = strawberry.field(default_factory=list)


@strawberry.input
class CreatePnlSnapshotInput:
    """Whose profit and loss."""

    account_id: strawberry.ID


@strawberry.type
class PnlSnapshotPayload:
    """The answer of createPnlSnapshot."""

    pnl_snapshot: PnlSnapshot | None = None
    errors: list[UserError] = strawberry.field(default_factory=list)


@strawberry.type
class PositionMutation:
    """Mutations of positions."""

    @strawberry.mutation(
        description="Moves a position without an execution. Positions move through executions and through this alone.",
        extensions=scoped(Scope.MANAGE_BROKERS),
    )
    async def adjust_position(self, info: Info, input: AdjustPositionInput) -> AdjustPositionPayload:  # noqa: A002
        """Moves a position."""
        desk = info.context.desk
        try:
            booked = await adjust_position(
                desk,
                info.context.principal,
                _terms(input, desk.clock.now()),
                is_timed=input.effective_at is not None,
            )
        except OmsError as error:
            return AdjustPositionPayload(errors=user_errors(error))
        return AdjustPositionPayload(adjustment=PositionAdjustment.of(booked))

    @strawberry.mutation(
        description="Takes a snapshot of the account's profit and loss; at most one a second, to ask again answers it.",
        extensions=scoped(Scope.VIEW_POSITIONS),
    )
    async def create_pnl_snapshot(self, info: Info, input: CreatePnlSnapshotInput) -> PnlSnapshotPayload:  # noqa: A002
        """Takes a snapshot."""
        try:
            account_id = AccountId(parse_id(input.account_id, "accountId"))
            snapshot = await create_snapshot(info.context.desk, info.context.principal, account_id)
        except OmsError as error:
            return PnlSnapshotPayload(errors=user_errors(error))
        return PnlSnapshotPayload(pnl_snapshot=PnlSnapshot.of(snapshot))


def _terms(given: AdjustPositionInput, now: datetime) -> AdjustmentTerms:
    reason = given.reason.strip()
    if not 1 <= len(reason) <= REASON_LENGTH_MAX or "\x00" in reason:
        raise AdjustmentRefusedError(f"A reason has 1 to {REASON_LENGTH_MAX} characters.", path=["reason"])
    key = given.idempotency_key
    if not 1 <= len(key) <= KEY_LENGTH_MAX or not (key.isascii() and key.isprintable()):
        raise AdjustmentRefusedError(
            f"A key has 1 to {KEY_LENGTH_MAX} printable ASCII characters.", path=["idempotencyKey"]
        )
    return AdjustmentTerms(
        account_id=AccountId(parse_id(given.account_id, "accountId")),
        instrument_id=InstrumentId(parse_id(given.instrument_id, "instrumentId")),
        type=given.type,
        quantity=given.quantity,
        price=given.price,
        ratio=given.ratio,
        effective_at=given.effective_at or now,
        reason=reason,
        idempotency_key=key,
    )
