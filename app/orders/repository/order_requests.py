"""Cancels and replaces."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from app.core.ids import OrderId, RequestId, TenantId
from app.infra.db import BatchSession, Write
from app.orders.domain.order import OrderRequest
from app.orders.repository.rows import (
    checks_text,
    request_from_row,
    request_terms_document,
)


async def open_requests(session: BatchSession, tenant_id: TenantId, order_ids: Iterable[OrderId]) -> list[OrderRequest]:
    """The requests of these orders that are not resolved."""
    rows = await session.fetch(
        "SELECT * FROM order_requests WHERE tenant_id = $1 AND order_id = ANY($2::uuid[]) AND outcome = 'PENDING'",
        tenant_id,
        list(order_ids),
    )
    return [request_from_row(row, with_checks=False) for row in rows]


def insert_requests(tenant_id: TenantId, requests: Sequence[OrderRequest]) -> Write:
    """Stores new requests."""
    return Write.of(
        """
        INSERT INTO order_requests (tenant_id, id, order_id, kind, outcome, terms, reason, requested_by, requested_at,
          resolved_at, is_house_refusal, risk_checks)
        SELECT $1::uuid, n.id, n.order_id, n.kind, n.outcome, n.terms, n.reason, n.requested_by, n.requested_at,
          n.resolved_at, n.is_house_refusal, n.risk_checks::jsonb
        FROM unnest($2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::jsonb[], $7::text[], $8::text[],
          $9::timestamptz[], $10::timestamptz[], $11::boolean[], $12::text[])
          AS n(id, order_id, kind, outcome, terms, reason, requested_by, requested_at, resolved_at, is_house_refusal,
            risk_checks)
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
        [request.is_house_refusal for request in requests],
        [checks_text(request.risk_checks) for request in requests],
    )


def resolve_requests(tenant_id: TenantId, requests: Sequence[OrderRequest]) -> Write:
    """Writes the outcomes of requests; of one that is named more than once, the last."""
    # An update takes any one of several rows for the same request: a note of a refusal may come with the end.
    requests = list({request.id: request for request in requests}.values())
    return Write.of(
        """
        UPDATE order_requests AS r SET outcome = n.outcome, reason = coalesce(n.reason, r.reason),
          resolved_at = n.resolved_at, is_house_refusal = n.is_house_refusal
        FROM unnest($2::uuid[], $3::text[], $4::text[], $5::timestamptz[], $6::boolean[])
          AS n(id, outcome, reason, resolved_at, is_house_refusal)
        WHERE r.tenant_id = $1 AND r.id = n.id
        """,
        tenant_id,
        [request.id for request in requests],
        [request.outcome for request in requests],
        [request.reason for request in requests],
        [request.resolved_at for request in requests],
        [request.is_house_refusal for request in requests],
    )


def mark_sent(tenant_id: TenantId, ids: Sequence[RequestId], now: datetime) -> Write:
    """Stores that requests are about to be written to the socket."""
    return Write.of(
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
    return {row["id"]: request_from_row(row, with_checks=False) for row in rows}


async def refused_replaces(session: BatchSession, tenant_id: TenantId, ids: Sequence[OrderId]) -> dict[OrderId, str]:
    """Why the broker refused the last modify of these orders; absent where none was refused."""
    rows = await session.fetch(
        """
        SELECT DISTINCT ON (order_id) order_id, reason FROM order_requests
        WHERE tenant_id = $1 AND order_id = ANY($2::uuid[]) AND kind = 'REPLACE' AND outcome = 'REJECTED'
          AND NOT is_house_refusal
        ORDER BY order_id, requested_at DESC
        """,
        tenant_id,
        list(ids),
    )
    return {row["order_id"]: row["reason"] for row in rows}


async def requests_of(
    session: BatchSession, tenant_id: TenantId, order_ids: Iterable[OrderId], *, with_checks: bool = False
) -> list[OrderRequest]:
    """All requests of these orders; without their risk checks unless they are asked for."""
    rows = await session.fetch(
        "SELECT * FROM order_requests WHERE tenant_id = $1 AND order_id = ANY($2::uuid[])", tenant_id, list(order_ids)
    )
    return [request_from_row(row, with_checks=with_checks) for row in rows]
