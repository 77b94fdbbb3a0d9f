"""Set-based SQL of risk limits for the hot paths."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from app.core.fix import RiskLimitType
from app.core.ids import AccountId, InstrumentId, LimitId, StrategyId, TenantId
from app.infra.db import BatchSession, Read
from app.risk.domain import RiskLimit


def limits_of(tenant_ids: Sequence[TenantId]) -> Read[dict[TenantId, list[RiskLimit]]]:
    """The active limits of these tenants that are no shadows, oldest first."""

    def decoded(documents: list[dict[str, Any]] | None) -> dict[TenantId, list[RiskLimit]]:
        limits: dict[TenantId, list[RiskLimit]] = {tenant_id: [] for tenant_id in tenant_ids}
        for one in documents or ():
            limits[TenantId(UUID(one["tenant_id"]))].append(_limit_from_document(one))
        return limits

    return Read(
        sql="""
        SELECT jsonb_agg(to_jsonb(l) || jsonb_build_object('value', l.value::text, 'warn_at', l.warn_at::text)
          ORDER BY l.tenant_id, l.id)
        FROM risk_limits AS l WHERE tenant_id = ANY($1::uuid[]) AND is_active AND NOT is_shadow
        """,
        parameters=(list(tenant_ids),),
        decode=decoded,
    )


async def active_limits(session: BatchSession, tenant_ids: Sequence[TenantId]) -> dict[TenantId, list[RiskLimit]]:
    """The active limits of these tenants that are no shadows, oldest first."""
    (limits,) = await session.read(limits_of(tenant_ids))
    return limits


def _limit_from_document(one: Mapping[str, Any]) -> RiskLimit:
    return RiskLimit(
        id=LimitId(UUID(one["id"])),
        limit_type=RiskLimitType(one["limit_type"]),
        value=None if one["value"] is None else Decimal(one["value"]),
        currency=one["currency"],
        conditions=one["conditions"],
        account_id=None if one["account_id"] is None else AccountId(UUID(one["account_id"])),
        instrument_id=None if one["instrument_id"] is None else InstrumentId(UUID(one["instrument_id"])),
        strategy_id=None if one["strategy_id"] is None else StrategyId(UUID(one["strategy_id"])),
        is_active=one["is_active"],
        is_shadow=one["is_shadow"],
        version=one["version"],
        warn_at=None if one["warn_at"] is None else Decimal(one["warn_at"]),
        effective_from=None if one["effective_from"] is None else datetime.fromisoformat(one["effective_from"]),
        effective_until=None if one["effective_until"] is None else datetime.fromisoformat(one["effective_until"]),
    )


async def insert_limits(
    session: BatchSession, tenant_id: TenantId, limits: Sequence[RiskLimit], author: str, now: datetime
) -> None:
    """Stores new limits."""
    await session.execute(
        """
        INSERT INTO risk_limits (tenant_id, id, limit_type, value, currency, conditions, account_id, strategy_id,
          instrument_id, is_active, is_shadow, warn_at, effective_from, effective_until, version, created_by,
          created_at, updated_at)
        SELECT $1::uuid, n.*, 1, $2::text, $3::timestamptz, $3::timestamptz FROM unnest($4::uuid[], $5::text[],
          $6::numeric[], $7::text[], $8::jsonb[], $9::uuid[], $10::uuid[], $11::uuid[], $12::boolean[],
          $13::boolean[], $14::numeric[], $15::timestamptz[], $16::timestamptz[]) AS n
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
        [limit.strategy_id for limit in limits],
        [limit.instrument_id for limit in limits],
        [limit.is_active for limit in limits],
        [limit.is_shadow for limit in limits],
        [limit.warn_at for limit in limits],
        [limit.effective_from for limit in limits],
        [limit.effective_until for limit in limits],
    )
