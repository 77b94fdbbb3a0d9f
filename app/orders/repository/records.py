"""Everything that is stored of orders, for who must see their whole lives."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from app.core.ids import AccountId, OrderId, TenantId, uuid7
from app.infra.db import BatchSession

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderRows:
    """The rows of one order, each kind in the order of its time."""

    order: Row
    events: Sequence[Row]
    executions: Sequence[Row]
    requests: Sequence[Row]


async def order_rows(
    session: BatchSession,
    tenant_id: TenantId,
    account_id: AccountId | None,
    *,
    after: datetime,
    before: datetime,
    behind: OrderId | None,
    ahead_of: OrderId | None = None,
    is_from_end: bool = False,
    limit: int,
) -> list[OrderRows]:
    """The next orders that were stored from `after` up to, and without, `before`; of an account or of all.

    By their ids, the oldest first, or with is_from_end the newest first; strictly between the two ids.
    """
    # Ids sort by the time they were made: the key finds the time.
    orders = await session.fetch(
        f"""
        SELECT o.*, a.account_number, a.broker, i.symbol, i.exchange, i.currency, i.instrument_type, i.multiplier,
          i.broker_contract_id
        FROM orders AS o
        JOIN broker_accounts AS a ON a.tenant_id = o.tenant_id AND a.id = o.account_id
        JOIN instruments AS i ON i.tenant_id = o.tenant_id AND i.id = o.instrument_id
        WHERE o.tenant_id = $1 AND o.id >= $2 AND o.id < $3 AND ($4::uuid IS NULL OR o.account_id = $4)
          AND ($5::uuid IS NULL OR o.id > $5) AND ($6::uuid IS NULL OR o.id < $6)
        ORDER BY o.id {"DESC" if is_from_end else "ASC"} LIMIT $7
        """,
        tenant_id,
        uuid7(after, 0),
        uuid7(before, 0),
        account_id,
        behind,
        ahead_of,
        limit,
    )
    ids = [row["id"] for row in orders]
    events = await _of_orders(session, "order_events", "sequence", tenant_id, ids)
    executions = await _of_orders(session, "executions", "executed_at, execution_id", tenant_id, ids)
    requests = await _of_orders(session, "order_requests", "requested_at, id", tenant_id, ids)
    return [
        OrderRows(
            order=row,
            events=events.get(row["id"], ()),
            executions=executions.get(row["id"], ()),
            requests=requests.get(row["id"], ()),
        )
        for row in orders
    ]


async def count_orders(
    session: BatchSession, tenant_id: TenantId, account_id: AccountId | None, after: datetime, before: datetime
) -> int:
    """How many orders were stored in the time."""
    rows = await session.fetch(
        """
        SELECT count(*) AS n FROM orders
        WHERE tenant_id = $1 AND id >= $2 AND id < $3 AND ($4::uuid IS NULL OR account_id = $4)
        """,
        tenant_id,
        uuid7(after, 0),
        uuid7(before, 0),
        account_id,
    )
    return int(rows[0]["n"])


async def _of_orders(
    session: BatchSession, table: str, order: str, tenant_id: TenantId, ids: Sequence[UUID]
) -> dict[UUID, list[Row]]:
    rows = await session.fetch(
        f"SELECT * FROM {table} WHERE tenant_id = $1 AND order_id = ANY($2::uuid[]) ORDER BY {order}", tenant_id, ids
    )
    found: dict[UUID, list[Row]] = {}
    for row in rows:
        found.setdefault(row["order_id"], []).append(row)
    return found
