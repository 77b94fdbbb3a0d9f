"""The SQL of reading positions."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select

from app.core.ids import AccountId, InstrumentId, PositionId, TenantId
from app.infra.db import ReadSession
from app.infra.tables import metadata
from app.positions import models
from app.positions.batch import position_from_row
from app.positions.domain import Position

_POSITIONS = metadata.tables[models.PositionRow.__tablename__]
_C = _POSITIONS.c


async def by_ids(
    session: ReadSession, tenant_id: TenantId, position_ids: Sequence[PositionId]
) -> dict[PositionId, Position]:
    """The positions by id; absent if the tenant has none of the id."""
    statement = select(_POSITIONS).where(_C.tenant_id == tenant_id, _C.id.in_(position_ids))
    found = (position_from_row(row) for row in (await session.execute(statement)).mappings())
    return {position.id: position for position in found}


async def positions(
    session: ReadSession,
    tenant_id: TenantId,
    *,
    account_ids: Sequence[AccountId] | None,
    instrument_ids: Sequence[InstrumentId] | None,
    include_flat: bool,
    limit: int,
) -> list[Position]:
    """Positions by account and instrument. A flat one that open orders may move counts as flat."""
    statement = select(_POSITIONS).where(_C.tenant_id == tenant_id)
    if account_ids is not None:
        statement = statement.where(_C.account_id.in_(account_ids))
    if instrument_ids is not None:
        statement = statement.where(_C.instrument_id.in_(instrument_ids))
    if not include_flat:
        statement = statement.where(_C.quantity != 0)
    statement = statement.order_by(_C.account_id, _C.instrument_id).limit(limit)
    return [position_from_row(row) for row in (await session.execute(statement)).mappings()]


async def page(
    session: ReadSession,
    tenant_id: TenantId,
    *,
    account_ids: Sequence[AccountId] | None,
    after: UUID | None,
    limit: int,
) -> list[Position]:
    """The positions that are not flat, behind an id in the order of ids."""
    statement = select(_POSITIONS).where(_C.tenant_id == tenant_id, _C.quantity != 0)
    if account_ids is not None:
        statement = statement.where(_C.account_id.in_(account_ids))
    if after is not None:
        statement = statement.where(_C.id > after)
    statement = statement.order_by(_C.id).limit(limit)
    return [position_from_row(row) for row in (await session.execute(statement)).mappings()]
