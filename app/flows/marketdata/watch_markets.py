"""Which markets of a tenant are watched, and what came of it: asked and told by the connector's feed."""

import contextlib
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Final

from app.core.ids import InstrumentId, TenantId
from app.core.messages import Contract
from app.flows.orders.claim_orders import contract_of
from app.infra.db import Database
from app.infra.redis import REDIS_LOST, Redis
from app.infra.uow import begin_batch
from app.instruments import batch as instruments
from app.marketdata import batch
from app.marketdata import service as marketdata
from app.marketdata.holds import held_markets
from app.marketdata.lines import LineCounts, WatchList, choose

WATCHABLE_MAX: Final = 10_000


async def watch_list(database: Database, redis: Redis, tenant_id: TenantId, now: datetime, limit: int) -> WatchList:
    """Which instruments get one of so many lines. Without Redis nobody is known to read, and the rest decides."""
    async with begin_batch(database, tenant_id) as session:
        watchable = await batch.watchable(session, tenant_id, WATCHABLE_MAX)
    used: dict[InstrumentId, float] = {}
    with contextlib.suppress(*REDIS_LOST):
        used = await marketdata.used_at(redis, tenant_id, now)
        used |= dict.fromkeys(await held_markets(redis, tenant_id, now), now.timestamp())
    return choose(watchable, used, now.timestamp(), limit)


async def stream_contracts(
    database: Database, tenant_id: TenantId, instrument_ids: Collection[InstrumentId]
) -> dict[InstrumentId, Contract]:
    """What the broker knows these instruments by; those that it does not know, or that have run out, are left out."""
    async with begin_batch(database, tenant_id) as session:
        found = await instruments.find(session, ids=[(tenant_id, one) for one in instrument_ids])
    return {one.id: contract_of(one) for _, one in found if one.is_active and one.contract_id is not None}


async def count_ticks(database: Database, tenant_id: TenantId, counts: Mapping[InstrumentId, LineCounts]) -> None:
    """Adds what came over lines to the subscriptions of their instruments; lost counts are no loss of data."""
    async with begin_batch(database, tenant_id, is_durable=False) as session:
        await batch.count_ticks(session, tenant_id, counts)
