"""Quotes in Redis: the newest value of each instrument in a hash, and every window's changes on a channel."""

from collections.abc import Sequence
from typing import Any

from app.core.ids import InstrumentId, TenantId
from app.core.messages import Tick
from app.infra.redis import Redis
from app.marketdata.domain import decode_tick, encode_tick, join_ticks, newest, quotes_key, ticks_channel


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
