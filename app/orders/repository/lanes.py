"""The lanes of accounts: what the connector is to do, in order, and the durable intent to send."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from typing import Any

from app.core.ids import OrderId, RequestId
from app.core.messages import AccountKey, LaneKind
from app.infra.db import BatchSession, Read, Write
from app.orders.domain.order import Order
from app.orders.repository.rows import order_from_row


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneEntry:
    """A command for the connector: what to do with which order."""

    key: AccountKey
    kind: LaneKind
    order_id: OrderId
    request_id: RequestId | None = None


def push_lane(entries: Sequence[LaneEntry], now: datetime) -> Write:
    """Puts commands at the end of their accounts' lanes."""
    return Write.of(
        """
        INSERT INTO lane_commands (tenant_id, account_id, kind, order_id, request_id, created_at)
        SELECT n.*, $6::timestamptz FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::uuid[], $5::uuid[]) AS n
        """,
        [entry.key.tenant_id for entry in entries],
        [entry.key.account_id for entry in entries],
        [entry.kind for entry in entries],
        [entry.order_id for entry in entries],
        [entry.request_id for entry in entries],
        now,
    )


class LaneHolds(IntEnum):
    """What a lane holds."""

    NOTHING = 0
    NO_CANCELS = 1
    CANCELS = 2


def lane_holds(key: AccountKey) -> Read[LaneHolds]:
    """What the lane of the account holds, asked without the lock of the book; an index has the cancels alone."""
    return Read(
        sql="""
        CASE WHEN EXISTS (SELECT FROM lane_commands WHERE tenant_id = $1 AND account_id = $2 AND kind = 'CANCEL') THEN 2
        WHEN EXISTS (SELECT FROM lane_commands WHERE tenant_id = $1 AND account_id = $2) THEN 1 ELSE 0 END
        """,
        parameters=(key.tenant_id, key.account_id),
        decode=LaneHolds,
    )


async def take_lane(session: BatchSession, key: AccountKey, limit: int) -> list[tuple[LaneEntry, Order]]:
    """Takes the first commands of a lane away, in order, each with its order, without its risk checks.

    The book need not be locked: whoever takes a command out of the lane decides what becomes of it.
    """
    return await _take(session, key, "", limit)


async def waiting(session: BatchSession, key: AccountKey, limit: int) -> list[tuple[LaneEntry, Order]]:
    """The first commands of a lane that are no cancels, in order, each with its order, without its risk checks.

    The book is locked, so that none joins them; the connector may still take them out.
    """
    rows = await session.fetch(
        """
        SELECT l.id AS place, l.kind, l.request_id, o.* FROM (
          SELECT * FROM lane_commands WHERE tenant_id = $1 AND account_id = $2 AND kind <> 'CANCEL'
          ORDER BY id LIMIT $3) AS l
        CROSS JOIN LATERAL (SELECT * FROM orders WHERE tenant_id = $1 AND id = l.order_id OFFSET 0) AS o ORDER BY l.id
        """,
        key.tenant_id,
        key.account_id,
        limit,
    )
    return [_entry(key, row) for row in rows]


async def take_cancels(session: BatchSession, key: AccountKey, limit: int) -> list[tuple[LaneEntry, Order]]:
    """Takes the first cancels of a lane away, whatever stands before them.

    A cancel in a lane is always of an order that has left it, with no modify behind it: it overtakes nothing that it
    is about.
    """
    return await _take(session, key, "AND kind = 'CANCEL'", limit)


async def _take(session: BatchSession, key: AccountKey, which: str, limit: int) -> list[tuple[LaneEntry, Order]]:
    rows = await session.fetch(
        f"""
        WITH taken AS (
          DELETE FROM lane_commands WHERE tenant_id = $1 AND account_id = $2 AND id = ANY(ARRAY(
            SELECT id FROM lane_commands WHERE tenant_id = $1 AND account_id = $2 {which}
            ORDER BY id LIMIT $3))
          RETURNING id, kind, order_id, request_id)
        SELECT t.id AS place, t.kind, t.request_id, o.* FROM taken AS t
        CROSS JOIN LATERAL (SELECT * FROM orders WHERE tenant_id = $1 AND id = t.order_id OFFSET 0) AS o ORDER BY t.id
        """,
        key.tenant_id,
        key.account_id,
        limit,
    )
    return [_entry(key, row) for row in rows]


def _entry(key: AccountKey, row: Any) -> tuple[LaneEntry, Order]:
    entry = LaneEntry(key=key, kind=LaneKind(row["kind"]), order_id=row["id"], request_id=row["request_id"])
    return entry, order_from_row(row, with_checks=False)


def store_claims(key: AccountKey, claims: Sequence[tuple[OrderId, int]], client_id: int, generation: int) -> Write:
    """Stores the broker's order ids that orders are about to be sent with: the durable intent to send."""
    return Write.of(
        """
        UPDATE orders AS o SET broker_order_id = n.broker_order_id, broker_client_id = $4, claimed_generation = $5
        FROM unnest($2::uuid[], $3::bigint[]) AS n(id, broker_order_id)
        WHERE o.tenant_id = $1 AND o.id = n.id
        """,
        key.tenant_id,
        [order_id for order_id, _ in claims],
        [broker_order_id for _, broker_order_id in claims],
        client_id,
        generation,
    )


async def withdraw(session: BatchSession, key: AccountKey, order_ids: Sequence[OrderId]) -> set[OrderId]:
    """Takes what the lane still holds of these orders away; the orders whose first command came out.

    Those never left and never will. One that was on its way to be claimed is waited for, and does not come out.
    """
    rows = await session.fetch(
        """
        DELETE FROM lane_commands WHERE tenant_id = $1 AND account_id = $2 AND order_id = ANY($3::uuid[])
        RETURNING order_id, kind
        """,
        key.tenant_id,
        key.account_id,
        list(order_ids),
    )
    return {row["order_id"] for row in rows if row["kind"] == LaneKind.PLACE}


async def withdraw_requests(session: BatchSession, key: AccountKey, request_ids: Sequence[RequestId]) -> set[RequestId]:
    """Takes the commands of cancels and modifies out of the lane; those that the connector has already stay out."""
    rows = await session.fetch(
        """
        DELETE FROM lane_commands WHERE tenant_id = $1 AND account_id = $2 AND request_id = ANY($3::uuid[])
        RETURNING request_id
        """,
        key.tenant_id,
        key.account_id,
        list(request_ids),
    )
    return {row["request_id"] for row in rows}
