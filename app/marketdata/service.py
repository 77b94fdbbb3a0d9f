"""Quotes in Redis: the newest value of each instrument in a hash, and every window's changes on a channel."""

from collections.abc import Sequence

from app.core.ids import InstrumentId, TenantId
from app.core.messages import Tick
from app.infra.redis import Redis
from app.marketdata.domain import decode_tick, encode_tick, join_ticks, newest, quotes_key, ticks_channel


async def publish_ticks(redis: Redis, tenant_id: TenantId, ticks: Sequence[Tick]) -> None:
    """Keep the newest tick of each instrument, then tell them all in one message."""
    if not ticks:
        return
    encoded = {str(tick.instrument_id): encode_tick(tick) for tick in newest(ticks)}
    await redis.write_fields(quotes_key(tenant_id), encoded)
    await redis.publish([(ticks_channel(tenant_id), join_ticks(encoded.values()))])


async def read_quotes(
    redis: Redis, tenant_id: TenantId, instrument_ids: Sequence[InstrumentId]
) -> dict[InstrumentId, Tick]:
    """The newest tick of each of these instruments that has one."""
    found = await redis.read_fields(quotes_key(tenant_id), [str(one) for one in instrument_ids])
    return {
        instrument_id: decode_tick(payload)
        for instrument_id, payload in zip(instrument_ids, found, strict=True)
        if payload is not None
    }
