"""The SQL of policies of approval, and of reading what orders asked for."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, insert, select, update

from app.approvals import models
from app.approvals.batch import approval_from_row
from app.approvals.domain import ApprovalPolicy, OrderApproval, hours_document, hours_from_document
from app.core.ids import OrderId, PolicyId, TenantId
from app.core.paging import Page, Window, page_of
from app.infra.db import ReadSession, WriteSession
from app.infra.tables import metadata

_POLICIES = metadata.tables[models.ApprovalPolicyRow.__tablename__]
_APPROVALS = metadata.tables[models.OrderApprovalRow.__tablename__]


def _policy_from_row(row: Any) -> ApprovalPolicy:
    return ApprovalPolicy(
        id=row["id"],
        account_id=row["account_id"],
        strategy_id=row["strategy_id"],
        notional=row["notional"],
        currency=row["currency"],
        hours=hours_from_document(row["hours"]),
        expiry_s=row["expiry_s"],
        is_active=row["is_active"],
        version=row["version"],
        author=row["author"],
        reason=row["reason"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
    )


def _values(policy: ApprovalPolicy) -> dict[str, Any]:
    return {**asdict(policy), "hours": hours_document(policy.hours)}


async def policy_for_update(session: WriteSession, tenant_id: TenantId, policy_id: PolicyId) -> ApprovalPolicy | None:
    """The policy, locked; None if the tenant has none of the id."""
    statement = select(_POLICIES).where(_POLICIES.c.tenant_id == tenant_id, _POLICIES.c.id == policy_id)
    row = (await session.execute(statement.with_for_update())).mappings().one_or_none()
    return None if row is None else _policy_from_row(row)


async def add_policy(session: WriteSession, tenant_id: TenantId, policy: ApprovalPolicy) -> None:
    """Stores a new policy."""
    await session.execute(insert(_POLICIES).values(tenant_id=tenant_id, **_values(policy)))


async def store_policy(session: WriteSession, tenant_id: TenantId, policy: ApprovalPolicy) -> None:
    """Writes a policy as it is to stand."""
    statement = update(_POLICIES).where(_POLICIES.c.tenant_id == tenant_id, _POLICIES.c.id == policy.id)
    await session.execute(statement.values(**_values(policy)))


async def drop_policy(session: WriteSession, tenant_id: TenantId, policy_id: PolicyId) -> None:
    """Takes a policy away."""
    await session.execute(delete(_POLICIES).where(_POLICIES.c.tenant_id == tenant_id, _POLICIES.c.id == policy_id))


async def count_policies(session: ReadSession | WriteSession, tenant_id: TenantId) -> int:
    """How many policies the tenant has."""
    statement = select(func.count()).select_from(_POLICIES).where(_POLICIES.c.tenant_id == tenant_id)
    return int((await session.execute(statement)).scalar_one())


async def policies_page(session: ReadSession, tenant_id: TenantId, window: Window[UUID]) -> Page[ApprovalPolicy]:
    """The policies of the window, the newest first."""
    key = _POLICIES.c.id
    statement = select(_POLICIES).where(_POLICIES.c.tenant_id == tenant_id)
    if window.after is not None:
        statement = statement.where(key < window.after)
    if window.before is not None:
        statement = statement.where(key > window.before)
    statement = statement.order_by(key if window.is_from_end else key.desc()).limit(window.size + 1)
    rows = (await session.execute(statement)).mappings().all()
    return page_of([_policy_from_row(row) for row in rows], window)


async def approvals_of_orders(
    session: ReadSession, tenant_id: TenantId, order_ids: Sequence[OrderId]
) -> dict[OrderId, list[OrderApproval]]:
    """The requests of each of the orders."""
    statement = select(_APPROVALS).where(_APPROVALS.c.tenant_id == tenant_id, _APPROVALS.c.order_id.in_(order_ids))
    found: dict[OrderId, list[OrderApproval]] = defaultdict(list)
    rows: Sequence[Any] = (await session.execute(statement.order_by(_APPROVALS.c.policy_id))).mappings().all()
    for row in rows:
        found[row["order_id"]].append(approval_from_row(row))
    return found
