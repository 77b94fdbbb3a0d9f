"""Reading positions."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from app.core.ids import AccountId, InstrumentId, PositionId, TenantId
from app.core.paging import Page, Window, page_of
from app.infra.db import ReadSession
from app.positions import repository
from app.positions.domain import Position
from app.positions.errors import PositionsTooManyError

LISTED_MAX: Final = 5_000


async def positions(
    session: ReadSession, tenant_id: TenantId, position_ids: Sequence[PositionId]
) -> dict[PositionId, Position]:
    """The positions by id; absent if the tenant has none of the id."""
    return await repository.by_ids(session, tenant_id, position_ids)


async def held(
    session: ReadSession,
    tenant_id: TenantId,
    *,
    account_ids: Sequence[AccountId] | None = None,
    instrument_ids: Sequence[InstrumentId] | None = None,
    include_flat: bool = False,
    path: str = "accountId",
) -> list[Position]:
    """Positions by account and instrument; without include_flat those of quantity zero stay out.

    Raises PositionsTooManyError with the path.
    """
    found = await repository.positions(
        session,
        tenant_id,
        account_ids=account_ids,
        instrument_ids=instrument_ids,
        include_flat=include_flat,
        limit=LISTED_MAX + 1,
    )
    if len(found) > LISTED_MAX:
        raise PositionsTooManyError(LISTED_MAX, path)
    return found


async def page(
    session: ReadSession,
    tenant_id: TenantId,
    *,
    account_ids: Sequence[AccountId] | None,
    window: Window[UUID],
) -> Page[Position]:
    """The positions of the window that are not flat, in the order of their ids."""
    found = await repository.page(
        session, tenant_id, account_ids=account_ids, after=window.after, limit=window.size + 1
    )
    return page_of(found, window)
