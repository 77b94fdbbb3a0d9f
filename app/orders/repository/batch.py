"""Set-based reads and writes of the hot paths: each statement serves a whole batch."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from app.core.ids import AccountId, ExecutionKey, OrderId, RequestId, TenantId
from app.core.messages import AccountKey, LaneKind
from app.infra.db import BatchSession, Write, plain_json
from app.orders.domain.order import Execution, LoggedEvent, Order, OrderRequest
from app.orders.repository.rows import (
    event_from_row,
    execution_from_row,
    order_from_row,
    request_from_row,
    request_terms_document,
    risk_check_document,
)


@dataclass(slots=True, kw_only=True)
class Book:
    """An account's book as locked, counting on: where its event log stands and how many orders are open."""

    last_sequence: int
    open_orders: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneEntry:
    """A command for the connector: what to do with which order."""

    key: AccountKey
    kind: LaneKind
    order_id: OrderId
    request_id: RequestId | None = None


async def books_for_update(session: BatchSession, keys: Iterable[AccountKey]) -> dict[AccountKey, Book]:
    """Locks the books of the accounts in key order, so that no two writers wait for each other; absent if unknown."""
    wanted = list(keys)
    rows = await session.fetch(
        """
        SELECT tenant_id, account_id, last_sequence, open_orders FROM account_books
        WHERE (tenant_id, account_id) IN (SELECT * FROM unnest($1::uuid[], $2::uuid[]))
        ORDER BY tenant_id, account_id FOR UPDATE
        """,
        [key.tenant_id for key in wanted],
        [key.account_id for key in wanted],
    )
    return {
        AccountKey(tenant_id=row["tenant_id"], account_id=row["account_id"]): Book(
            last_sequence=row["last_sequence"], open_orders=row["open_orders"]
        )
        for row in rows
    }


def update_books(books: dict[AccountKey, Book]) -> Write:
    """Writes the books back."""
    return Write.of(
        """
        UPDATE account_books AS b SET last_sequence = n.last_sequence, open_orders = n.open_orders
        FROM unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::int[])
          AS n(tenant_id, account_id, last_sequence, open_orders)
        WHERE b.tenant_id = n.tenant_id AND b.account_id = n.account_id
        """,
        [key.tenant_id for key in books],
        [key.account_id for key in books],
        [book.last_sequence for book in books.values()],
        [book.open_orders for book in books.values()],
    )


async def orders_by_client_id(
    session: BatchSession, wanted: Sequence[tuple[AccountKey, str]]
) -> dict[tuple[AccountKey, str], Order]:
    """The orders that bear these client order ids."""
    rows = await session.fetch(
        """
        SELECT o.* FROM orders AS o
        JOIN unnest($1::uuid[], $2::uuid[], $3::text[]) AS w(tenant_id, account_id, client_order_id)
          USING (tenant_id, account_id, client_order_id)
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
    broker_order_ids: Sequence[int],
    execution_roots: Sequence[str],
) -> list[Order]:
    """The orders of an account that a broker may mean by any of these names."""
    # Each name is looked up by itself: before the first ANALYZE the planner takes every table for one row, and scans
    # the tenant's orders once for every name and order. OFFSET 0 keeps it from joining them differently.
    rows = await session.fetch(
        """
        WITH named AS MATERIALIZED (
          SELECT unnest($3::uuid[]) AS id
          UNION SELECT found.id FROM unnest($4::bigint[]) AS w(number) CROSS JOIN LATERAL (
            SELECT id FROM orders
            WHERE tenant_id = $1 AND account_id = $2 AND permanent_id = w.number OFFSET 0) AS found
          UNION SELECT found.id FROM unnest($5::bigint[]) AS w(number) CROSS JOIN LATERAL (
            SELECT id FROM orders
            WHERE tenant_id = $1 AND account_id = $2 AND broker_order_id = w.number OFFSET 0) AS found
          UNION SELECT found.order_id FROM unnest($6::text[]) AS w(root) CROSS JOIN LATERAL (
            SELECT order_id FROM executions
            WHERE tenant_id = $1 AND account_id = $2 AND execution_root = w.root OFFSET 0) AS found
        )
        SELECT o.* FROM named CROSS JOIN LATERAL (
          SELECT * FROM orders WHERE tenant_id = $1 AND id = named.id OFFSET 0) AS o
        WHERE o.account_id = $2
        """,
        key.tenant_id,
        key.account_id,
        list(set(order_ids)),
        list(set(permanent_ids)),
        list(set(broker_order_ids)),
        list(set(execution_roots)),
    )
    return [order_from_row(row) for row in rows]


async def open_requests(session: BatchSession, tenant_id: TenantId, order_ids: Iterable[OrderId]) -> list[OrderRequest]:
    """The requests of these orders that are not resolved."""
    rows = await session.fetch(
        "SELECT * FROM order_requests WHERE tenant_id = $1 AND order_id = ANY($2::uuid[]) AND outcome = 'PENDING'",
        tenant_id,
        list(order_ids),
    )
    return [request_from_row(row) for row in rows]


async def revisions(session: BatchSession, key: AccountKey, roots: Sequence[str]) -> list[Execution]:
    """The ledger's rows of these roots."""
    rows = await session.fetch(
        """
        SELECT * FROM executions WHERE tenant_id = $1 AND account_id = $2 AND execution_root = ANY($3::text[])
        """,
        key.tenant_id,
        key.account_id,
        list(roots),
    )
    return [execution_from_row(row) for row in rows]


async def active_executions(session: BatchSession, key: AccountKey, instrument_ids: Sequence[Any]) -> list[Execution]:
    """All rows of the ledger that hold, of these instruments, in the order of their dealing."""
    rows = await session.fetch(
        """
        SELECT * FROM executions WHERE tenant_id = $1 AND account_id = $2 AND instrument_id = ANY($3::uuid[])
          AND NOT is_superseded ORDER BY executed_at, id
        """,
        key.tenant_id,
        key.account_id,
        list(instrument_ids),
    )
    return [execution_from_row(row) for row in rows]


def insert_orders(orders: Sequence[Order]) -> Write:
    """Stores new orders."""
    return Write.of(
        """
        INSERT INTO orders (tenant_id, id, account_id, instrument_id, client_order_id, terms_hash, side, order_type,
          time_in_force, expires_at, quantity, limit_price, stop_price, trailing_amount, post_only,
          outside_regular_hours, origin, order_metadata, placed_by, state, filled_quantity, filled_notional, commission,
          overfilled_quantity, reject_origin, reject_code, reject_reason, in_doubt, risk_checks, version,
          broker_client_id, broker_order_id, permanent_id, created_at, updated_at, average_fill_price)
        SELECT n.*, r.filled, r.notional, r.commission, r.overfilled, r.origin, r.code, r.reason, false,
          r.checks::jsonb, 1, r.client, r.broker, r.permanent, r.created_at, r.created_at, r.average
        FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::text[], $6::bytea[], $7::text[], $8::text[],
          $9::text[], $10::timestamptz[], $11::numeric[], $12::numeric[], $13::numeric[], $14::numeric[], $15::bool[],
          $16::bool[], $17::text[], $18::jsonb[], $19::text[], $20::text[]) WITH ORDINALITY AS n(
            a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11, a12, a13, a14, a15, a16, a17, a18, a19, a20, place)
        JOIN unnest($21::text[], $22::text[], $23::text[], $24::text[], $25::int[], $26::bigint[], $27::bigint[],
          $28::timestamptz[], $29::numeric[], $30::numeric[], $31::numeric[], $32::numeric[], $33::numeric[])
          WITH ORDINALITY AS r(origin, code, reason, checks, client, broker, permanent, created_at, filled, notional,
            commission, overfilled, average, place) USING (place)
        """.replace("n.*", ", ".join(f"n.a{place}" for place in range(1, 21))),
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
        # As text: the driver would take a list within the array for another dimension.
        [plain_json([risk_check_document(check) for check in order.risk_checks]) for order in orders],
        [order.broker_client_id for order in orders],
        [order.broker_order_id for order in orders],
        [order.permanent_id for order in orders],
        [order.created_at for order in orders],
        [order.filled_quantity for order in orders],
        [order.filled_notional for order in orders],
        [order.commission for order in orders],
        [order.overfilled_quantity for order in orders],
        [order.average_fill_price for order in orders],
    )


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


def insert_executions(tenant_id: TenantId, executions: Sequence[Execution]) -> Write:
    """Appends rows to the ledger."""
    return Write.of(
        """
        INSERT INTO executions (tenant_id, id, account_id, order_id, instrument_id, execution_id, execution_root,
          revision, side, quantity, price, liquidity, is_superseded, realized_pnl, commission, commission_currency,
          executed_at, recorded_at)
        SELECT $1::uuid, n.* FROM unnest($2::uuid[], $3::uuid[], $4::uuid[], $5::uuid[], $6::text[], $7::text[],
          $8::int[], $9::text[], $10::numeric[], $11::numeric[], $12::text[], $13::bool[], $14::numeric[],
          $15::numeric[], $16::text[], $17::timestamptz[], $18::timestamptz[]) AS n
        """,
        tenant_id,
        [row.id for row in executions],
        [row.account_id for row in executions],
        [row.order_id for row in executions],
        [row.instrument_id for row in executions],
        [row.execution_id for row in executions],
        [row.root for row in executions],
        [row.revision for row in executions],
        [row.side for row in executions],
        [row.quantity for row in executions],
        [row.price for row in executions],
        [row.liquidity for row in executions],
        [row.is_superseded for row in executions],
        [row.realized_pnl for row in executions],
        [row.commission for row in executions],
        [row.commission_currency for row in executions],
        [row.executed_at for row in executions],
        [row.recorded_at for row in executions],
    )


def update_executions(tenant_id: TenantId, executions: Sequence[Execution]) -> Write:
    """Marks superseded rows and books commissions; what was dealt never changes."""
    return Write.of(
        """
        UPDATE executions AS e SET is_superseded = n.is_superseded, commission = n.commission,
          commission_currency = n.currency, realized_pnl = n.realized_pnl
        FROM unnest($2::uuid[], $3::bool[], $4::numeric[], $5::text[], $6::numeric[])
          AS n(id, is_superseded, commission, currency, realized_pnl)
        WHERE e.tenant_id = $1 AND e.id = n.id
        """,
        tenant_id,
        [row.id for row in executions],
        [row.is_superseded for row in executions],
        [row.commission for row in executions],
        [row.commission_currency for row in executions],
        [row.realized_pnl for row in executions],
    )


def insert_requests(tenant_id: TenantId, requests: Sequence[OrderRequest]) -> Write:
    """Stores new requests."""
    return Write.of(
        """
        INSERT INTO order_requests (tenant_id, id, order_id, kind, outcome, terms, reason, requested_by, requested_at,
          resolved_at)
        SELECT $1::uuid, n.* FROM unnest($2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::jsonb[], $7::text[],
          $8::text[], $9::timestamptz[], $10::timestamptz[]) AS n
        """,
        tenant_id,
        [request.id for request in requests],
        [request.order_id for request in requests],
        [request.kind for request in requests],
        [request.outcome for request in requests],
        [request_terms_document(request) for request in requests],
        [request.reason for request in requests],
        [request.requested_by for request in requests],
        [request.requested_at for request in requests],
        [request.resolved_at for request in requests],
    )


def resolve_requests(tenant_id: TenantId, requests: Sequence[OrderRequest]) -> Write:
    """Writes the outcomes of requests."""
    return Write.of(
        """
        UPDATE order_requests AS r SET outcome = n.outcome, reason = coalesce(n.reason, r.reason),
          resolved_at = n.resolved_at
        FROM unnest($2::uuid[], $3::text[], $4::text[], $5::timestamptz[]) AS n(id, outcome, reason, resolved_at)
        WHERE r.tenant_id = $1 AND r.id = n.id
        """,
        tenant_id,
        [request.id for request in requests],
        [request.outcome for request in requests],
        [request.reason for request in requests],
        [request.resolved_at for request in requests],
    )


def append_events(events: Sequence[tuple[TenantId, LoggedEvent]]) -> Write:
    """Appends to the event logs; the sequences were taken under the lock of the book."""
    return Write.of(
        """
        INSERT INTO order_events (tenant_id, account_id, sequence, order_id, type, from_state, to_state, actor, reason,
          details, occurred_at, recorded_at)
        SELECT n.* FROM unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::uuid[], $5::text[], $6::text[], $7::text[],
          $8::text[], $9::text[], $10::jsonb[], $11::timestamptz[], $12::timestamptz[]) AS n
        """,
        [tenant_id for tenant_id, _ in events],
        [logged.event.account_id for _, logged in events],
        [logged.sequence for _, logged in events],
        [logged.event.order_id for _, logged in events],
        [logged.event.type for _, logged in events],
        [logged.event.from_state for _, logged in events],
        [logged.event.to_state for _, logged in events],
        [logged.event.actor for _, logged in events],
        [logged.event.reason for _, logged in events],
        [logged.event.details for _, logged in events],
        [logged.event.occurred_at for _, logged in events],
        [logged.recorded_at for _, logged in events],
    )


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


async def has_lane(session: BatchSession, key: AccountKey) -> bool:
    """True when the lane of the account holds anything; asked without the lock of the book."""
    return bool(
        await session.fetch(
            "SELECT 1 FROM lane_commands WHERE tenant_id = $1 AND account_id = $2 LIMIT 1",
            key.tenant_id,
            key.account_id,
        )
    )


async def take_lane(session: BatchSession, key: AccountKey, kinds: Sequence[LaneKind], limit: int) -> list[LaneEntry]:
    """Takes the first commands of a lane away, in order. The book of the account is locked by the caller."""
    rows = await session.fetch(
        """
        WITH taken AS (
          DELETE FROM lane_commands WHERE tenant_id = $1 AND account_id = $2 AND id IN (
            SELECT id FROM lane_commands WHERE tenant_id = $1 AND account_id = $2 AND kind = ANY($3::text[])
            ORDER BY id LIMIT $4)
          RETURNING id, kind, order_id, request_id)
        SELECT kind, order_id, request_id FROM taken ORDER BY id
        """,
        key.tenant_id,
        key.account_id,
        list(kinds),
        limit,
    )
    return [
        LaneEntry(key=key, kind=LaneKind(row["kind"]), order_id=row["order_id"], request_id=row["request_id"])
        for row in rows
    ]


async def store_claims(
    session: BatchSession, key: AccountKey, claims: Sequence[tuple[OrderId, int]], client_id: int, generation: int
) -> None:
    """Stores the broker's order ids that orders are about to be sent with: the durable intent to send."""
    await session.execute(
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


async def mark_sent(session: BatchSession, tenant_id: TenantId, ids: Sequence[RequestId], now: datetime) -> None:
    """Stores that requests are about to be written to the socket."""
    await session.execute(
        "UPDATE order_requests SET sent_at = $3 WHERE tenant_id = $1 AND id = ANY($2::uuid[])",
        tenant_id,
        list(ids),
        now,
    )


async def requests_by_id(
    session: BatchSession, tenant_id: TenantId, ids: Sequence[RequestId]
) -> dict[RequestId, OrderRequest]:
    """The requests of these ids."""
    rows = await session.fetch(
        "SELECT * FROM order_requests WHERE tenant_id = $1 AND id = ANY($2::uuid[])", tenant_id, list(ids)
    )
    return {row["id"]: request_from_row(row) for row in rows}


async def unsettled_orders(session: BatchSession, key: AccountKey) -> list[Order]:
    """Orders whose intent to send is durable and that are not over, oldest first."""
    rows = await session.fetch(
        """
        SELECT * FROM orders WHERE tenant_id = $1 AND account_id = $2 AND broker_order_id IS NOT NULL
          AND state NOT IN ('FILLED', 'CANCELED', 'EXPIRED', 'REJECTED') ORDER BY id
        """,
        key.tenant_id,
        key.account_id,
    )
    return [order_from_row(row) for row in rows]


async def drop_from_lane(session: BatchSession, key: AccountKey, order_id: OrderId) -> None:
    """Takes away what the lane still holds of an order."""
    await session.execute(
        "DELETE FROM lane_commands WHERE tenant_id = $1 AND account_id = $2 AND order_id = $3",
        key.tenant_id,
        key.account_id,
        order_id,
    )


async def held_orders(session: BatchSession, key: AccountKey) -> list[Order]:
    """Orders that wait for the gate of the account, oldest first."""
    rows = await session.fetch(
        "SELECT * FROM orders WHERE tenant_id = $1 AND account_id = $2 AND state = 'HELD' ORDER BY id",
        key.tenant_id,
        key.account_id,
    )
    return [order_from_row(row) for row in rows]


async def take_early_commissions(
    session: BatchSession, key: AccountKey, execution_ids: Sequence[str]
) -> dict[str, tuple[Decimal, str]]:
    """Takes the commissions that came before these executions."""
    rows = await session.fetch(
        """
        DELETE FROM early_commissions WHERE tenant_id = $1 AND account_id = $2 AND execution_id = ANY($3::text[])
        RETURNING execution_id, commission, currency
        """,
        key.tenant_id,
        key.account_id,
        list(execution_ids),
    )
    return {row["execution_id"]: (row["commission"], row["currency"]) for row in rows}


async def keep_early_commission(
    session: BatchSession, key: AccountKey, execution_id: str, commission: Decimal, currency: str, now: datetime
) -> None:
    """Keeps a commission until its execution comes."""
    await session.execute(
        """
        INSERT INTO early_commissions (tenant_id, account_id, execution_id, commission, currency, recorded_at)
        VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING
        """,
        key.tenant_id,
        key.account_id,
        execution_id,
        commission,
        currency,
        now,
    )


async def quarantine(
    session: BatchSession,
    key: AccountKey,
    *,
    entry_id: Any,
    order_id: OrderId | None,
    reason: str,
    report: dict[str, Any],
    now: datetime,
) -> None:
    """Keeps a report that fits nowhere, whole."""
    await session.execute(
        """
        INSERT INTO quarantined_reports (tenant_id, id, account_id, order_id, reason, report, recorded_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7)
        """,
        key.tenant_id,
        entry_id,
        key.account_id,
        order_id,
        reason,
        report,
        now,
    )


async def open_book(session: BatchSession, key: AccountKey) -> None:
    """Opens the book of a new account."""
    await session.execute(
        """
        INSERT INTO account_books (tenant_id, account_id, last_sequence, open_orders) VALUES ($1, $2, 0, 0)
        ON CONFLICT DO NOTHING
        """,
        key.tenant_id,
        key.account_id,
    )


async def last_sequences(session: BatchSession, tenant_id: TenantId) -> dict[AccountId, int]:
    """Where the event log of each account of the tenant ends."""
    rows = await session.fetch("SELECT account_id, last_sequence FROM account_books WHERE tenant_id = $1", tenant_id)
    return {row["account_id"]: row["last_sequence"] for row in rows}


async def events_after(session: BatchSession, key: AccountKey, sequence: int, limit: int) -> list[LoggedEvent]:
    """The next events of an account's log behind a sequence, in order."""
    rows = await session.fetch(
        """
        SELECT * FROM order_events WHERE tenant_id = $1 AND account_id = $2 AND sequence > $3
        ORDER BY sequence LIMIT $4
        """,
        key.tenant_id,
        key.account_id,
        sequence,
        limit,
    )
    return [event_from_row(row) for row in rows]


async def executions_by_key(
    session: BatchSession, tenant_id: TenantId, keys: Sequence[ExecutionKey]
) -> dict[ExecutionKey, Execution]:
    """The ledger's rows of these ids."""
    rows = await session.fetch(
        "SELECT * FROM executions WHERE tenant_id = $1 AND id = ANY($2::uuid[])", tenant_id, list(keys)
    )
    return {row["id"]: execution_from_row(row) for row in rows}
