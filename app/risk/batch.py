"""Set-based SQL of risk limits for the hot paths."""

from collections.abc import Mapping, Sequence
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
