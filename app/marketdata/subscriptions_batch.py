"""Standing wishes for market data, and the SQL that keeps them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from app.core.ids import InstrumentId, TenantId
from app.infra.db import BatchSession

SUBSCRIPTIONS_MAX = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketDataSubscription:
    """A standing wish for an instrument's market data.

    ticks_received are the broker's messages since it began, last_tick_at when the last of them came; gaps are how often
    the data stopped though it was wished for.
    """

    id: UUID
    instrument_id: InstrumentId
    is_active: bool
    created_by: str
    created_at: datetime
    ended_at: datetime | None = None
    last_tick_at: datetime | None = None
    ticks_received: int = 0
    gaps: int = 0


async def active(session: BatchSession, tenant_id: TenantId) -> list[MarketDataSubscription]:
    """The active ones, the oldest first."""
    rows = await session.fetch(
        """
        SELECT * FROM market_data_subscriptions WHERE tenant_id = $1 AND is_active ORDER BY created_at, id LIMIT $2
        """,
        tenant_id,
        SUBSCRIPTIONS_MAX,
    )
    return [_subscription(row) for row in rows]


async def active_of(
    session: BatchSession, tenant_id: TenantId, instrument_id: InstrumentId
) -> MarketDataSubscription | None:
    """The active one of an instrument."""
    rows = await session.fetch(
        "SELECT * FROM market_data_subscriptions WHERE tenant_id = $1 AND instrument_id = $2 AND is_active",
        tenant_id,
        instrument_id,
    )
    return _subscription(rows[0]) if rows else None


async def by_id(session: BatchSession, tenant_id: TenantId, subscription_id: UUID) -> MarketDataSubscription | None:
    """The one of this id."""
    rows = await session.fetch(
        "SELECT * FROM market_data_subscriptions WHERE tenant_id = $1 AND id = $2", tenant_id, subscription_id
    )
    return _subscription(rows[0]) if rows else None


async def insert_missing(session: BatchSession, tenant_id: TenantId, new: MarketDataSubscription) -> bool:
    """True when it was stored; False when its instrument has an active one already."""
    return bool(
        await session.fetch(
            """
            INSERT INTO market_data_subscriptions (tenant_id, id, instrument_id, is_active, created_by, created_at,
              ticks_received, gaps)
            VALUES ($1, $2, $3, true, $4, $5, 0, 0)
            ON CONFLICT (tenant_id, instrument_id) WHERE is_active DO NOTHING RETURNING true
            """,
            tenant_id,
            new.id,
            new.instrument_id,
            new.created_by,
            new.created_at,
        )
    )


async def end(session: BatchSession, tenant_id: TenantId, subscription_id: UUID, now: datetime) -> bool:
    """True when it was active and is no more."""
    return bool(
        await session.fetch(
            """
            UPDATE market_data_subscriptions SET is_active = false, ended_at = $3
            WHERE tenant_id = $1 AND id = $2 AND is_active RETURNING true
            """,
            tenant_id,
            subscription_id,
            now,
        )
    )


def _subscription(row: Mapping[str, Any]) -> MarketDataSubscription:
    return MarketDataSubscription(
        id=row["id"],
        instrument_id=InstrumentId(row["instrument_id"]),
        is_active=row["is_active"],
        created_by=row["created_by"],
        created_at=row["created_at"],
        ended_at=row["ended_at"],
        last_tick_at=row["last_tick_at"],
        ticks_received=row["ticks_received"],
        gaps=row["gaps"],
    )
