"""Set-based SQL of risk limits for the hot paths."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from app.core.fix import RiskLimitType
from app.core.ids import TenantId
from app.infra.db import BatchSession
from app.risk.domain import RiskLimit


def limit_from_row(row: Mapping[str, Any]) -> RiskLimit:
    """The limit of a row of `risk_limits`."""
    return RiskLimit(
        id=row["id"],
        limit_type=RiskLimitType(row["limit_type"]),
        value=row["value"],
        currency=row["currency"],
        conditions=row["conditions"],
        account_id=row["account_id"],
        instrument_id=row["instrument_id"],
        is_active=row["is_active"],
        version=row["version"],
    )


async def active_limits(session: BatchSession, tenant_ids: Sequence[TenantId]) -> dict[TenantId, list[RiskLimit]]:
    """The limits in force of these tenants, oldest first."""
    rows = await session.fetch(
        "SELECT * FROM risk_limits WHERE tenant_id = ANY($1::uuid[]) AND is_active ORDER BY tenant_id, id",
        list(tenant_ids),
    )
    limits: dict[TenantId, list[RiskLimit]] = {tenant_id: [] for tenant_id in tenant_ids}
    for row in rows:
        limits[row["tenant_id"]].append(limit_from_row(row))
    return limits


async def insert_limits(
    session: BatchSession, tenant_id: TenantId, limits: Sequence[RiskLimit], author: str, now: datetime
) -> None:
    """Stores new limits."""
    await session.execute(
        """
        INSERT INTO risk_limits (tenant_id, id, limit_type, value, currency, conditions, account_id, instrument_id,
          is_active, version, created_by, created_at, updated_at)
        SELECT $1::uuid, n.*, true, 1, $2::text, $3::timestamptz, $3::timestamptz FROM unnest($4::uuid[], $5::text[],
          $6::numeric[], $7::text[], $8::jsonb[], $9::uuid[], $10::uuid[]) AS n
        """,
        tenant_id,
        author,
        now,
        [limit.id for limit in limits],
        [limit.limit_type for limit in limits],
        [limit.value for limit in limits],
        [limit.currency for limit in limits],
        [limit.conditions for limit in limits],
        [limit.account_id for limit in limits],
        [limit.instrument_id for limit in limits],
    )
