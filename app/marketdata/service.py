"""Quotes in Redis: the newest value of each instrument in a hash, and every window's changes on a channel."""

import contextlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from app.core.ids import InstrumentId, TenantId
from app.core.messages import Tick
from app.infra.redis import REDIS_LOST, Redis
from app.marketdata.domain import decode_tick, encode_tick, join_ticks, newest, quotes_key, ticks_channel
from app.marketdata.lines import (
    NO_LINE,
    RECENT_S,
    LineStatus,
    decode_status,
    encode_status,
    lines_key,
    wanted_key,
)


async def publish_ticks(redis: Redis, tenant_id: TenantId, ticks: Sequence[Tick]) -> None:
    """Keep the newest tick of each instrument and tell them all in one message, in one round trip."""
    if not ticks:
        return
    encoded = {str(tick.instrument_id): encode_tick(tick) for tick in newest(ticks)}
    # redis-py types the mapping by its widest key and value.
    fields: dict[Any, Any] = dict(encoded.items())
    async with redis.client.pipeline(transaction=False) as pipeline:
        pipeline.hset(redis.prefix + quotes_key(tenant_id), mapping=fields)
        pipeline.publish(redis.prefix + ticks_channel(tenant_id), join_ticks(encoded.values()))
        await pipeline.execute()


async def read_quotes(
    redis: Redis, tenant_id: TenantId, instrument_ids: Sequence[InstrumentId]
) -> dict[InstrumentId, Tick]:
    """The newest tick of each of these instruments that has one."""
    if not instrument_ids:
        return {}
    names = [str(one) for one in instrument_ids]
    found: list[Any] = await redis.client.hmget(redis.prefix + quotes_key(tenant_id), names)
    return {
        instrument_id: decode_tick(payload)
        for instrument_id, payload in zip(instrument_ids, found, strict=True)
        if payload is not None
    }


async def reachable_quotes(
    redis: Redis, tenant_id: TenantId, instrument_ids: Sequence[InstrumentId]
) -> dict[InstrumentId, Tick]:
    """As `read_quotes`, and none while Redis is away: a check that needs a reference price then fails closed."""
    with contextlib.suppress(*REDIS_LOST):
        return await read_quotes(redis, tenant_id, instrument_ids)
    return {}


async def want(redis: Redis, tenant_id: TenantId, instrument_ids: Iterable[InstrumentId], now: datetime) -> None:
    """Note that somebody reads these markets at this moment."""
    scores = {str(one): now.timestamp() for one in instrument_ids}
    if scores:
        await redis.client.zadd(redis.prefix + wanted_key(tenant_id), scores)


async def used_at(redis: Redis, tenant_id: TenantId, now: datetime) -> dict[InstrumentId, float]:
    """When somebody last read each market that was read lately, in seconds of the epoch; older notes are dropped."""
    key = redis.prefix + wanted_key(tenant_id)
    async with redis.client.pipeline(transaction=False) as pipeline:
        pipeline.zremrangebyscore(key, "-inf", now.timestamp() - RECENT_S)
        pipeline.zrange(key, 0, -1, withscores=True)
        _, found = await pipeline.execute()
    return {InstrumentId(UUID(name.decode())): score for name, score in found}


async def show_lines(
    redis: Redis,
    tenant_id: TenantId,
    statuses: Mapping[InstrumentId, LineStatus],
    *,
    closed: Iterable[InstrumentId] = (),
) -> None:
    """Keep how these lines stand, and forget those that were closed."""
    # redis-py types the mapping by its widest key and value.
    fields: dict[Any, Any] = {str(one): encode_status(status) for one, status in statuses.items()}
    gone = [str(one) for one in closed]
    if not gone and not fields:
        return
    async with redis.client.pipeline(transaction=False) as pipeline:
        if gone:
            pipeline.hdel(redis.prefix + lines_key(tenant_id), *gone)
        if fields:
            pipeline.hset(redis.prefix + lines_key(tenant_id), mapping=fields)
        await pipeline.execute()


async def read_lines(
    redis: Redis, tenant_id: TenantId, instrument_ids: Sequence[InstrumentId]
) -> dict[InstrumentId, LineStatus]:
    """How the line of each of these instruments stands."""
    if not instrument_ids:
        return {}
    found: list[Any] = await redis.client.hmget(
        redis.prefix + lines_key(tenant_id), [str(one) for one in instrument_ids]
    )
    return {
        instrument_id: NO_LINE if payload is None else decode_status(payload)
        for instrument_id, payload in zip(instrument_ids, found, strict=True)
    }
