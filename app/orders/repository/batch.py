"""Orders in sets: each statement serves a whole batch."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.core.allocation import allocation_document
from app.core.arrival import arrival_document
from app.core.ids import InstrumentId, OrderId, TenantId
from app.core.messages import AccountKey
from app.infra.db import BatchSession, Read, Write
from app.orders.domain.order import Order
from app.orders.repository.rows import checks_text, order_from_row


@dataclass(frozen=True, slots=True, kw_only=True)
class AddressedOrders:
    """The orders that reports may mean, without their risk checks, each with the stamp of its stored version.

    has_early_commissions: the account has commissions that came before their executions.
    """

    orders: list[Order]
    stamps: dict[OrderId, int]
    has_early_commissions: bool


async def orders_by_client_id(
    session: BatchSession, wanted: Sequence[tuple[AccountKey, str]]
) -> dict[tuple[AccountKey, str], Order]:
    """The orders that bear these client order ids."""
    # Each by itself: as a join of the two, the planner reads all orders of the tenants until it has statistics.
    rows = await session.fetch(
        """
        SELECT o.* FROM unnest($1::uuid[], $2::uuid[], $3::text[]) AS w(tenant_id, account_id, client_order_id)
        CROSS JOIN LATERAL (
          SELECT * FROM orders WHERE tenant_id = w.tenant_id AND account_id = w.account_id
            AND client_order_id = w.client_order_id OFFSET 0) AS o
        """,
        [key.tenant_id for key, _ in wanted],
        [key.account_id for key, _ in wanted],
        [client_order_id for _, client_order_id in wanted],
    )
    orders = (order_from_row(row) for row in rows)
    return {
        (AccountKey(tenant_id=order.tenant_id, account_id=order.account_id), order.client_order_id): order
        for order in orders
    }


def client_ids_taken(wanted: Sequence[tuple[AccountKey, str]]) -> Read[bool]:
    """Whether an order bears one of these client order ids already."""
    return Read(
        sql="""
        EXISTS (
          SELECT FROM unnest($1::uuid[], $2::uuid[], $3::text[]) AS w(tenant_id, account_id, client_order_id)
          CROSS JOIN LATERAL (
            SELECT id FROM orders WHERE tenant_id = w.tenant_id AND account_id = w.account_id
              AND client_order_id = w.client_order_id OFFSET 0) AS o)
        """,
        parameters=(
            [key.tenant_id for key, _ in wanted],
            [key.account_id for key, _ in wanted],
            [client_order_id for _, client_order_id in wanted],
        ),
        decode=bool,
    )


async def orders_by_id(session: BatchSession, tenant_id: TenantId, ids: Iterable[OrderId]) -> dict[OrderId, Order]:
    """The orders of these ids."""
    rows = await session.fetch(
        "SELECT * FROM orders WHERE tenant_id = $1 AND id = ANY($2::uuid[])", tenant_id, list(ids)
    )
    return {row["id"]: order_from_row(row) for row in rows}


async def orders_by_address(
    session: BatchSession,
    key: AccountKey,
    *,
    order_ids: Sequence[OrderId],
    permanent_ids: Sequence[int],
    broker_order_ids: Sequence[tuple[int, int]],
    execution_roots: Sequence[str],
) -> AddressedOrders:
    """The orders of an account that a broker may mean by any of these names; its order ids go with their client id."""
    placed = list(set(broker_order_ids))
    # Each name is looked up by itself: before the first ANALYZE the planner takes every table for one row, and scans
    # the tenant's orders once for every name and order. OFFSET 0 keeps it from joining them differently.
    rows = await session.fetch(
        """
        WITH named AS MATERIALIZED (
          SELECT unnest($3::uuid[]) AS id
          UNION SELECT found.id FROM unnest($4::bigint[]) AS w(number) CROSS JOIN LATERAL (
            SELECT id FROM orders
            WHERE tenant_id = $1 AND account_id = $2 AND permanent_id = w.number OFFSET 0) AS found
          UNION SELECT found.id FROM unnest($5::int[], $6::bigint[]) AS w(client, number) CROSS JOIN LATERAL (
            SELECT id FROM orders
            WHERE tenant_id = $1 AND account_id = $2 AND broker_client_id = w.client AND broker_order_id = w.number
            OFFSET 0) AS found
          UNION SELECT found.order_id FROM unnest($7::text[]) AS w(root) CROSS JOIN LATERAL (
            SELECT order_id FROM executions
            WHERE tenant_id = $1 AND account_id = $2 AND execution_root = w.root OFFSET 0) AS found
        )
        SELECT early.has_early, o.* FROM (
          SELECT EXISTS (SELECT FROM early_commissions WHERE tenant_id = $1 AND account_id = $2) AS has_early) AS early
        LEFT JOIN (named CROSS JOIN LATERAL (
          SELECT *, xmin AS stamp FROM orders WHERE tenant_id = $1 AND id = named.id OFFSET 0) AS o)
          ON o.account_id = $2
        """,
        key.tenant_id,
        key.account_id,
        list(set(order_ids)),
        list(set(permanent_ids)),
        [client_id for client_id, _ in placed],
        [number for _, number in placed],
        list(set(execution_roots)),
    )
    found = [row for row in rows if row["id"] is not None]
    return AddressedOrders(
        orders=[order_from_row(row, with_checks=False) for row in found],
        stamps={row["id"]: row["stamp"] for row in found},
        has_early_commissions=rows[0]["has_early"],
    )


def has_stamps(tenant_id: TenantId, stamps: Mapping[OrderId, int]) -> Read[bool]:
    """Whether the stored version of every order is still the one with this stamp."""
    return Read(
        sql="""
        NOT EXISTS (
          SELECT FROM unnest($2::uuid[], $3::xid[]) AS w(id, stamp) CROSS JOIN LATERAL (
            SELECT xmin AS stamp FROM orders WHERE tenant_id = $1 AND id = w.id OFFSET 0) AS o
          WHERE o.stamp <> w.stamp)
        """,
        parameters=(tenant_id, list(stamps), list(stamps.values())),
        decode=bool,
    )


_INSERT = """
INSERT INTO orders (tenant_id, id, account_id, instrument_id, client_order_id, terms_hash, side, order_type,
  time_in_force, expires_at, quantity, limit_price, stop_price, trailing_amount, post_only,
  outside_regular_hours, origin, order_metadata, placed_by, state, reject_origin, reject_code, reject_reason,
  risk_checks, broker_client_id, broker_order_id, permanent_id, created_at, updated_at, filled_quantity,
  filled_notional, commission, overfilled_quantity, average_fill_price, parent_id, link_role, oca_group,
  group_quantity, closes_position, is_staged, release_at, arrival, in_doubt, version)
SELECT n.*, false, 1
FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::text[], $6::bytea[], $7::text[], $8::text[],
  $9::text[], $10::timestamptz[], $11::numeric[], $12::numeric[], $13::numeric[], $14::numeric[], $15::bool[],
  $16::bool[], $17::text[], $18::jsonb[], $19::text[], $20::text[], $21::text[], $22::text[], $23::text[],
  $24::text[]::json[], $25::int[], $26::bigint[], $27::bigint[], $28::timestamptz[], $29::timestamptz[],
  $30::numeric[], $31::numeric[], $32::numeric[], $33::numeric[], $34::numeric[], $35::uuid[], $36::text[],
  $37::text[], $38::numeric[], $39::bool[], $40::bool[], $41::timestamptz[], $42::jsonb[]) AS n
"""
# Most orders are plain: they do not carry these along.
_INSERT_ALLOCATED = _INSERT.replace("in_doubt, version)", "allocation, block_id, in_doubt, version)").replace(
    "$42::jsonb[]) AS n", "$42::jsonb[], $43::jsonb[], $44::uuid[]) AS n"
)


def insert_orders(orders: Sequence[Order]) -> Write:
    """Stores new orders."""
    if any(order.allocation is not None or order.block_id is not None for order in orders):
        return Write.of(_INSERT_ALLOCATED, *_columns(orders), *_allocated_columns(orders))
    return Write.of(_INSERT, *_columns(orders))


def update_orders(orders: Sequence[Order]) -> Write:
    """Writes what may change of orders: terms by an accepted replace, state, ledger sums, names at the broker."""
    return Write.of(
        """
        UPDATE orders AS o SET state = n.state, quantity = n.quantity, limit_price = n.limit_price,
          stop_price = n.stop_price, time_in_force = n.time_in_force, filled_quantity = n.filled,
          filled_notional = n.notional, average_fill_price = n.average, commission = n.commission,
          overfilled_quantity = n.overfilled, reject_origin = n.reject_origin, reject_code = n.reject_code,
          reject_reason = n.reject_reason, in_doubt = n.in_doubt, version = n.version,
          permanent_id = n.permanent_id, updated_at = n.updated_at, trailing_amount = n.trailing_amount
        FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::numeric[], $5::numeric[], $6::numeric[], $7::text[],
          $8::numeric[], $9::numeric[], $10::numeric[], $11::numeric[], $12::numeric[], $13::text[], $14::text[],
          $15::text[], $16::bool[], $17::int[], $18::bigint[], $19::timestamptz[], $20::numeric[]) AS n(tenant_id, id,
          state, quantity, limit_price, stop_price, time_in_force, filled, notional, average, commission, overfilled,
          reject_origin, reject_code, reject_reason, in_doubt, version, permanent_id, updated_at, trailing_amount)
        WHERE o.tenant_id = n.tenant_id AND o.id = n.id
        """,
        [order.tenant_id for order in orders],
        [order.id for order in orders],
        [order.state for order in orders],
        [order.terms.quantity for order in orders],
        [order.terms.limit_price for order in orders],
        [order.terms.stop_price for order in orders],
        [order.terms.time_in_force for order in orders],
        [order.filled_quantity for order in orders],
        [order.filled_notional for order in orders],
        [order.average_fill_price for order in orders],
        [order.commission for order in orders],
        [order.overfilled_quantity for order in orders],
        [order.reject_origin for order in orders],
        [order.reject_code for order in orders],
        [order.reject_reason for order in orders],
        [order.in_doubt for order in orders],
        [order.version for order in orders],
        [order.permanent_id for order in orders],
        [order.updated_at for order in orders],
        [order.terms.trailing_amount for order in orders],
    )


def store_checks(tenant_id: TenantId, orders: Sequence[Order]) -> Write:
    """Writes what the limits said of these orders."""
    return Write.of(
        """
        UPDATE orders AS o SET risk_checks = n.checks::json FROM unnest($2::uuid[], $3::text[]) AS n(id, checks)
        WHERE o.tenant_id = $1 AND o.id = n.id
        """,
        tenant_id,
        [order.id for order in orders],
        [checks_text(order.risk_checks) for order in orders],
    )


def store_claim(order: Order) -> Write:
    """Stores who took on an order that was placed outside, and under which number it can be reached."""
    return Write.of(
        """
        UPDATE orders SET placed_by = $3::text, order_metadata = $4::jsonb, broker_order_id = $5::bigint,
          updated_at = $6::timestamptz
        WHERE tenant_id = $1::uuid AND id = $2::uuid
        """,
        order.tenant_id,
        order.id,
        order.placed_by,
        order.metadata,
        order.broker_order_id,
        order.updated_at,
    )


async def unsettled_orders(session: BatchSession, key: AccountKey, *, only_in_doubt: bool = False) -> list[Order]:
    """Orders that the broker may know and that are not over, oldest first; all, or those in doubt alone."""
    rows = await session.fetch(
        """
        SELECT * FROM orders WHERE tenant_id = $1 AND account_id = $2
          AND (broker_order_id IS NOT NULL OR origin = 'EXTERNAL')
          AND state NOT IN ('FILLED', 'CANCELED', 'EXPIRED', 'REJECTED') AND (in_doubt OR NOT $3) ORDER BY id
        """,
        key.tenant_id,
        key.account_id,
        only_in_doubt,
    )
    return [order_from_row(row) for row in rows]


async def held_orders(session: BatchSession, key: AccountKey) -> list[Order]:
    """Orders that wait for the gate of the account, oldest first: not those that wait for something else."""
    rows = await session.fetch(
        """
        SELECT * FROM orders WHERE tenant_id = $1 AND account_id = $2 AND state = 'HELD' AND NOT is_staged
          AND parent_id IS NULL AND close_id IS NULL AND waits_for IS NULL ORDER BY id
        """,
        key.tenant_id,
        key.account_id,
    )
    return [order_from_row(row) for row in rows]


async def orders_of_account(session: BatchSession, key: AccountKey, after: OrderId | None, limit: int) -> list[Order]:
    """The next orders of the account behind an id, oldest first."""
    rows = await session.fetch(
        """
        SELECT * FROM orders WHERE tenant_id = $1 AND account_id = $2 AND ($3::uuid IS NULL OR id > $3)
        ORDER BY id LIMIT $4
        """,
        key.tenant_id,
        key.account_id,
        after,
        limit,
    )
    return [order_from_row(row) for row in rows]


async def orders_open_at(
    session: BatchSession, key: AccountKey, at: datetime, instrument_ids: Sequence[InstrumentId] | None
) -> list[OrderId]:
    """The orders of the account that may have been open at an instant: those open now and those that ended since.

    With one that is linked come all of its family until then.
    """
    rows = await session.fetch(
        """
        WITH open AS (
          SELECT id, parent_id, link_role, oca_group FROM orders
          WHERE tenant_id = $1 AND account_id = $2 AND created_at <= $3
            AND (state NOT IN ('FILLED', 'CANCELED', 'EXPIRED', 'REJECTED') OR updated_at > $3)
            AND ($4::uuid[] IS NULL OR instrument_id = ANY($4))),
        linked AS (SELECT coalesce(parent_id, id) AS id, oca_group FROM open WHERE link_role IS NOT NULL)
        SELECT id FROM open
        UNION SELECT id FROM orders WHERE tenant_id = $1 AND id IN (SELECT id FROM linked) AND created_at <= $3
        UNION SELECT id FROM orders
        WHERE tenant_id = $1 AND parent_id IN (SELECT id FROM linked) AND created_at <= $3
        UNION SELECT id FROM orders
        WHERE tenant_id = $1 AND oca_group IN (SELECT oca_group FROM linked) AND created_at <= $3
        ORDER BY id
        """,
        key.tenant_id,
        key.account_id,
        at,
        None if instrument_ids is None else list(instrument_ids),
    )
    return [row["id"] for row in rows]


async def instruments_ordered(session: BatchSession, key: AccountKey, at: datetime) -> set[InstrumentId]:
    """The instruments that the account had any order in until an instant, those that never left aside."""
    rows = await session.fetch(
        """
        SELECT DISTINCT instrument_id FROM orders WHERE tenant_id = $1 AND account_id = $2 AND created_at <= $3
          AND reject_origin IS DISTINCT FROM 'OMS'
        """,
        key.tenant_id,
        key.account_id,
        at,
    )
    return {row["instrument_id"] for row in rows}


def _columns(orders: Sequence[Order]) -> list[list[Any]]:
    return [
        [order.tenant_id for order in orders],
        [order.id for order in orders],
        [order.account_id for order in orders],
        [order.instrument_id for order in orders],
        [order.client_order_id for order in orders],
        [order.terms_hash for order in orders],
        [order.side for order in orders],
        [order.order_type for order in orders],
        [order.terms.time_in_force for order in orders],
        [order.terms.expires_at for order in orders],
        [order.terms.quantity for order in orders],
        [order.terms.limit_price for order in orders],
        [order.terms.stop_price for order in orders],
        [order.terms.trailing_amount for order in orders],
        [order.post_only for order in orders],
        [order.outside_regular_hours for order in orders],
        [order.origin for order in orders],
        [order.metadata for order in orders],
        [order.placed_by for order in orders],
        [order.state for order in orders],
        [order.reject_origin for order in orders],
        [order.reject_code for order in orders],
        [order.reject_reason for order in orders],
        [checks_text(order.risk_checks) for order in orders],
        [order.broker_client_id for order in orders],
        [order.broker_order_id for order in orders],
        [order.permanent_id for order in orders],
        [order.created_at for order in orders],
        [order.updated_at for order in orders],
        [order.filled_quantity for order in orders],
        [order.filled_notional for order in orders],
        [order.commission for order in orders],
        [order.overfilled_quantity for order in orders],
        [order.average_fill_price for order in orders],
        [order.parent_id for order in orders],
        [order.link_role for order in orders],
        [order.oca_group for order in orders],
        [order.group_quantity for order in orders],
        [order.closes_position for order in orders],
        [order.is_staged for order in orders],
        [order.release_at for order in orders],
        [None if order.arrival is None else arrival_document(order.arrival) for order in orders],
    ]


def _allocated_columns(orders: Sequence[Order]) -> list[list[Any]]:
    return [
        [None if order.allocation is None else allocation_document(order.allocation) for order in orders],
        [order.block_id for order in orders],
    ]
