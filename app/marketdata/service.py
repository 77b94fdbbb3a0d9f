"""Quotes in Redis: the newest value of each instrument in a hash, and every window's changes on a channel."""

from collections.abc import Sequence
from typing import Any

from redis.asyncio import Redis

from app.core.ids import InstrumentId, TenantId
from app.core.messages import Tick
from app.marketdata.domain import decode_tick, encode_tick, join_ticks, newest, quotes_key, ticks_channel

Field = bytes | bytearray | memoryview[int] | str | int | float


async def publish_ticks(redis: Redis, tenant_id: TenantId, ticks: Sequence[Tick], *, prefix: str = "") -> None:
    """Keep the newest tick of each instrument and tell them all in one message, in one round trip."""
    if not ticks:
        return
    encoded = {str(tick.instrument_id): encode_tick(tick) for tick in newest(ticks)}
    fields: dict[Field, Field] = dict(encoded.items())
    pipeline = redis.pipeline(transaction=False)
    pipeline.hset(quotes_key(tenant_id, prefix), mapping=fields)
    pipeline.publish(ticks_channel(tenant_id, prefix), join_ticks(encoded.values()))
    await pipeline.execute()


async def read_quotes(
    redis: Redis, tenant_id: TenantId, instrument_ids: Sequence[InstrumentId], *, prefix: str = ""
) -> dict[InstrumentId, Tick]:
    """The newest tick of each of these instruments that has one."""
    if not instrument_ids:
        return {}
    found: list[Any] = await redis.hmget(quotes_key(tenant_id, prefix), [str(one) for one in instrument_ids])
    return {
        instrument_id: decode_tick(payload)
        for instrument_id, payload in zip(instrument_ids, found, strict=True)
        if payload is not None
    }
