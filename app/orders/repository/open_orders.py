"""The open orders of an account, for who ends them all."""

from dataclasses import dataclass

from app.core.ids import InstrumentId, OrderId
from app.core.messages import AccountKey
from app.infra.db import BatchSession


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenOrder:
    """An open order: whether a cancel of it is asked for, whether one can be asked for from here, and who placed it."""

    id: OrderId
    is_ending: bool
    is_managed: bool
    placed_by: str


async def open_orders(
    session: BatchSession, key: AccountKey, instrument_id: InstrumentId | None, limit: int
) -> list[OpenOrder]:
    """The open orders of the account, in the instrument where one is named, the oldest first."""
    rows = await session.fetch(
        """
        SELECT id, state = 'PENDING_CANCEL' AS is_ending, placed_by,
          origin NOT IN ('EXTERNAL', 'ALLOCATION') OR broker_order_id IS NOT NULL AS is_managed
        FROM orders WHERE tenant_id = $1 AND account_id = $2
          AND state NOT IN ('FILLED', 'CANCELED', 'EXPIRED', 'REJECTED')
          AND ($3::uuid IS NULL OR instrument_id = $3) ORDER BY id LIMIT $4
        """,
        key.tenant_id,
        key.account_id,
        instrument_id,
        limit,
    )
    return [
        OpenOrder(id=row["id"], is_ending=row["is_ending"], is_managed=row["is_managed"], placed_by=row["placed_by"])
        for row in rows
    ]
