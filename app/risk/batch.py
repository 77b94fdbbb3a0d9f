"""Set-based SQL of risk limits for the hot paths."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final
from uuid import UUID

import orjson

from app.core.fix import RiskLimitType
from app.core.ids import AccountId, InstrumentId, LimitId, StrategyId, TenantId
from app.infra.db import BatchSession, Read
from app.risk.domain import NO_LIMITS, Chain, RiskLimit, chain_of

CHAINS_KEPT: Final = 512


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


def chains_of(tenant_ids: Sequence[TenantId]) -> Read[dict[TenantId, Chain]]:
    """The chain of the active limits of each of these tenants. One that did not change is not read anew."""

    def decoded(documents: dict[str, str] | None) -> dict[TenantId, Chain]:
        found = documents or {}
        return {one: _chain_from_text(text) if (text := found.get(str(one))) else NO_LIMITS for one in tenant_ids}

    return Read(
        sql="""
        SELECT jsonb_object_agg(c.tenant_id, c.document) FROM (
          SELECT l.tenant_id, jsonb_agg(to_jsonb(l)
              || jsonb_build_object('value', l.value::text, 'warn_at', l.warn_at::text) ORDER BY l.id)::text AS document
          FROM risk_limits AS l WHERE tenant_id = ANY($1::uuid[]) AND is_active AND NOT is_shadow GROUP BY l.tenant_id
        ) AS c
        """,
        parameters=(list(tenant_ids),),
        decode=decoded,
    )


@lru_cache(maxsize=CHAINS_KEPT)
def _chain_from_text(text: str) -> Chain:
    return chain_of(_limit_from_document(one) for one in orjson.loads(text))


def locking_washes(places: Iterable[tuple[TenantId, InstrumentId]]) -> str:
    """The statement that puts those in line who deal in one of these instruments for a tenant that guards wash trades.

    It goes before the locks of accounts, and takes its own in the order of their keys. Where no limit is in force that
    guards, it takes none.
    """
    listed = ", ".join(f"('{tenant_id}'::uuid, '{instrument_id}')" for tenant_id, instrument_id in places)
    return (
        "SELECT pg_advisory_xact_lock(o.key) FROM (SELECT DISTINCT hashtextextended('wash:' || w.tenant_id || ':' || "
        f"w.instrument_id, 0) AS key FROM (VALUES {listed}) AS w(tenant_id, instrument_id) WHERE EXISTS (SELECT FROM "
        "risk_limits AS l WHERE l.tenant_id = w.tenant_id AND l.limit_type = 'WASH_TRADE' AND l.is_active AND NOT "
        "l.is_shadow) ORDER BY key OFFSET 0) AS o"
    )


async def lock_washes(session: BatchSession, places: Iterable[tuple[TenantId, InstrumentId]]) -> None:
    """Runs `locking_washes`, before any account is locked."""
    wanted = list(places)
    if wanted:
        await session.fetch(locking_washes(wanted))


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
