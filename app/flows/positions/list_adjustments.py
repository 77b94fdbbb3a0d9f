"""positionAdjustments: a page of typed adjustments, and how many there are."""

from uuid import UUID

from app.core.ids import AccountId, InstrumentId
from app.core.paging import Page, Window
from app.flows.desk import Desk
from app.identity.domain import Principal
from app.infra.uow import begin_batch
from app.positions import adjustments_batch as adjustments
from app.positions.domain import PositionAdjustment


async def list_adjustments(
    desk: Desk,
    principal: Principal,
    account_id: AccountId | None,
    instrument_id: InstrumentId | None,
    window: Window[UUID],
) -> Page[PositionAdjustment]:
    """A page of the tenant's adjustments, those booked last first."""
    async with begin_batch(desk.database, principal.tenant_id, accounts=principal.viewable) as session:
        return await adjustments.page(session, principal.tenant_id, account_id, instrument_id, window)


async def count_adjustments(
    desk: Desk, principal: Principal, account_id: AccountId | None, instrument_id: InstrumentId | None
) -> int:
    """How many adjustments there are."""
    async with begin_batch(desk.database, principal.tenant_id, accounts=principal.viewable) as session:
        return await adjustments.count(session, principal.tenant_id, account_id, instrument_id)
