"""Set-based SQL of what accounts hold and may still get, for the monitor of their limits."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from app.core.ids import AccountId, InstrumentId, TenantId
from app.infra.db import BatchSession


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A position that is held, or that orders are open in."""

    account_id: AccountId
    instrument_id: InstrumentId
    quantity: Decimal
    average_price: Decimal
    open_buy_quantity: Decimal
    open_sell_quantity: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class LastSnapshot:
    """The last snapshot of an account: the broker's equity, and what our books and marks said it had earned in all."""

    equity: Decimal
    net: Decimal


async def standings(
    session: BatchSession, tenant_id: TenantId, account_ids: Iterable[AccountId], limit: int
) -> list[Standing]:
    """What these accounts hold and may still get."""
    rows = await session.fetch(
        """
        SELECT account_id, instrument_id, quantity, average_price, open_buy_quantity, open_sell_quantity
        FROM positions WHERE tenant_id = $1 AND account_id = ANY($2::uuid[])
          AND (quantity <> 0 OR open_buy_quantity <> 0 OR open_sell_quantity <> 0)
        ORDER BY account_id, instrument_id LIMIT $3
        """,
        tenant_id,
        list(account_ids),
        limit,
    )
    return [Standing(**dict(row)) for row in rows]


async def last_snapshots(
    session: BatchSession, tenant_id: TenantId, account_ids: Iterable[UUID]
) -> dict[AccountId, LastSnapshot]:
    """The last snapshot of each of these accounts; absent where none was taken."""
    rows = await session.fetch(
        """
        SELECT w.account_id, s.equity, s.net FROM unnest($2::uuid[]) AS w(account_id)
        CROSS JOIN LATERAL (
          SELECT equity, net FROM pnl_snapshots AS one WHERE one.tenant_id = $1 AND one.account_id = w.account_id
          ORDER BY one.at DESC LIMIT 1) AS s
        """,
        tenant_id,
        list(account_ids),
    )
    return {row["account_id"]: LastSnapshot(equity=row["equity"], net=row["net"]) for row in rows}
