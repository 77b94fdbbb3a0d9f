"""Set-based SQL of approvals for flows on locked books."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from app.approvals.domain import ApprovalDecision, Decision, OrderApproval
from app.core.ids import AccountId, OrderId, TenantId
from app.infra.db import BatchSession, Write, plain_json


def approval_from_row(row: Mapping[str, Any]) -> OrderApproval:
    """The request of a row of `order_approvals`."""
    return OrderApproval(
        tenant_id=row["tenant_id"],
        order_id=row["order_id"],
        policy_id=row["policy_id"],
        policy_version=row["policy_version"],
        reasons=tuple(row["reasons"]),
        requested_at=row["requested_at"],
        expires_at=row["expires_at"],
        decision=ApprovalDecision(row["decision"]) if row["decision"] else None,
        decided_by=row["decided_by"],
        decider=row["decider"],
        decided_at=row["decided_at"],
        decision_reason=row["decision_reason"],
    )


def insert_approvals(approvals: Sequence[OrderApproval]) -> Write:
    """Stores new requests."""
    return Write.of(
        """
        INSERT INTO order_approvals (tenant_id, order_id, policy_id, policy_version, requested_at, expires_at, reasons)
        SELECT n.tenant_id, n.order_id, n.policy_id, n.policy_version, n.requested_at, n.expires_at, n.reasons::jsonb
        FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::int[], $5::timestamptz[], $6::timestamptz[], $7::text[])
          AS n(tenant_id, order_id, policy_id, policy_version, requested_at, expires_at, reasons)
        """,
        [one.tenant_id for one in approvals],
        [one.order_id for one in approvals],
        [one.policy_id for one in approvals],
        [one.policy_version for one in approvals],
        [one.requested_at for one in approvals],
        [one.expires_at for one in approvals],
        # As text: the driver would take a list within the array for another dimension.
        [plain_json(one.reasons) for one in approvals],
    )


def decide(decisions: Sequence[Decision]) -> Write:
    """Ends the requests of orders that wait for a decision."""
    return Write.of(
        """
        UPDATE order_approvals AS a SET decision = n.decision, decided_by = n.by, decider = n.person,
          decided_at = n.at, decision_reason = n.reason
        FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::uuid[], $6::timestamptz[], $7::text[])
          AS n(tenant_id, order_id, decision, by, person, at, reason)
        WHERE a.tenant_id = n.tenant_id AND a.order_id = n.order_id AND a.decision IS NULL
        """,
        [one.tenant_id for one in decisions],
        [one.order_id for one in decisions],
        [one.decision for one in decisions],
        [one.by for one in decisions],
        [one.person for one in decisions],
        [one.at for one in decisions],
        [one.reason for one in decisions],
    )


async def approvals_of(session: BatchSession, tenant_id: TenantId, order_id: OrderId) -> list[OrderApproval]:
    """The requests of an order."""
    rows = await session.fetch(
        "SELECT * FROM order_approvals WHERE tenant_id = $1 AND order_id = $2 ORDER BY policy_id", tenant_id, order_id
    )
    return [approval_from_row(row) for row in rows]


async def overdue(
    session: BatchSession, tenant_id: TenantId, now: datetime, limit: int
) -> dict[AccountId, list[OrderId]]:
    """Orders whose time to be approved is over, by account; at most `limit`, those first that ran out first."""
    rows = await session.fetch(
        """
        SELECT o.account_id, o.id FROM (
          SELECT order_id, min(expires_at) AS expires_at FROM order_approvals
          WHERE tenant_id = $1 AND decision IS NULL AND expires_at <= $2
          GROUP BY order_id ORDER BY 2 LIMIT $3) AS a
        JOIN orders AS o ON o.tenant_id = $1 AND o.id = a.order_id
        ORDER BY o.account_id, o.id
        """,
        tenant_id,
        now,
        limit,
    )
    found: dict[AccountId, list[OrderId]] = {}
    for row in rows:
        found.setdefault(row["account_id"], []).append(row["id"])
    return found
