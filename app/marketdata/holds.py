"""Who holds which market in Redis: references of processes that renew them while somebody reads."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from app.core.ids import InstrumentId, TenantId
from app.core.streaming import StreamKey, parse_key
from app.infra.redis import Redis
from app.marketdata.lines import REFERENCE_S, LineStatus, decode_status, encode_status, wanted_key
from app.marketdata.streams import (
    NOT_KEPT,
    StreamMessage,
    encode_message,
    stream_lines_key,
    streams_channel,
    teller_key,
)

TELLER_S: Final = 5.0
"""How long a session stays the teller of a tenant's streams without renewing it."""

LINES_KEPT_S: Final = 10.0

# Sets the name when there is none, renews our own, and answers 0 where another tells.
_TAKE = """
local holder = redis.call('get', KEYS[1])
if holder and holder ~= ARGV[1] then return 0 end
redis.call('set', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
"""
_GIVE = "if redis.call('get', KEYS[1]) == ARGV[1] then redis.call('del', KEYS[1]) end return 1"


def _markets_key(tenant_id: TenantId) -> str:
    return f"held-markets:{tenant_id}"


def _streams_key(tenant_id: TenantId) -> str:
    return f"held-streams:{tenant_id}"


Held = InstrumentId | StreamKey


async def hold(redis: Redis, tenant_id: TenantId, holder: str, held: Iterable[Held], now: datetime) -> None:
    """Take or renew the holder's references on these: they end by themselves when they are not renewed."""
    by_key = _by_key(tenant_id, holder, held)
    async with redis.client.pipeline(transaction=False) as pipeline:
        for key, members in by_key.items():
            pipeline.zadd(redis.prefix + key, dict.fromkeys(members, now.timestamp()))
        await pipeline.execute()


async def let_go(redis: Redis, tenant_id: TenantId, holder: str, held: Iterable[Held], now: datetime) -> None:
    """Give the holder's references on these back. A market that was read counts as used lately, and as read no more."""
    held = list(held)
    by_key = _by_key(tenant_id, holder, held)
    read_until = (now - timedelta(seconds=REFERENCE_S)).timestamp()
    used = {str(one): read_until for one in held if not isinstance(one, StreamKey)}
    async with redis.client.pipeline(transaction=False) as pipeline:
        for key, members in by_key.items():
            pipeline.zrem(redis.prefix + key, *members)
        if used:
            pipeline.zadd(redis.prefix + wanted_key(tenant_id), used, gt=True)
        await pipeline.execute()


async def held_markets(redis: Redis, tenant_id: TenantId, now: datetime) -> set[InstrumentId]:
    """The instruments whose quotes some process holds."""
    return {InstrumentId(UUID(name)) for name in await _held(redis, _markets_key(tenant_id), now)}


async def held_streams(redis: Redis, tenant_id: TenantId, now: datetime) -> set[StreamKey]:
    """The streams that some process holds."""
    return {parse_key(name) for name in await _held(redis, _streams_key(tenant_id), now)}


async def take_telling(redis: Redis, tenant_id: TenantId, teller: str) -> bool:
    """Become or stay the one that tells the tenant's streams; False while another is."""
    key = redis.prefix + teller_key(tenant_id)
    found: Any = await redis.client.eval(_TAKE, 1, key, teller, int(TELLER_S * 1_000))
    return bool(found)


async def give_telling(redis: Redis, tenant_id: TenantId, teller: str) -> None:
    """Let another tell the tenant's streams."""
    await redis.client.eval(_GIVE, 1, redis.prefix + teller_key(tenant_id), teller)


async def publish_streams(
    redis: Redis, tenant_id: TenantId, message: StreamMessage, standing: Mapping[StreamKey, LineStatus]
) -> None:
    """Tell news, and keep how all streams stand for as long as the teller is heard, in one round trip."""
    key = redis.prefix + stream_lines_key(tenant_id)
    # redis-py types the mapping by its widest key and value.
    fields: dict[Any, Any] = {str(one): encode_status(status) for one, status in standing.items()}
    async with redis.client.pipeline(transaction=False) as pipeline:
        pipeline.delete(key)
        if fields:
            pipeline.hset(key, mapping=fields)
            pipeline.pexpire(key, int(LINES_KEPT_S * 1_000))
        pipeline.publish(redis.prefix + streams_channel(tenant_id), encode_message(message))
        await pipeline.execute()


async def tell_streams(redis: Redis, tenant_id: TenantId, message: StreamMessage) -> None:
    """Tell news where no stream stands otherwise than before."""
    await redis.publish([(streams_channel(tenant_id), encode_message(message))])


async def stream_lines(redis: Redis, tenant_id: TenantId, keys: Iterable[StreamKey]) -> dict[StreamKey, LineStatus]:
    """How each of these streams stands."""
    asked = list(keys)
    found: list[Any] = await redis.client.hmget(redis.prefix + stream_lines_key(tenant_id), [str(one) for one in asked])
    return {
        key: NOT_KEPT if payload is None else decode_status(payload) for key, payload in zip(asked, found, strict=True)
    }


def _by_key(tenant_id: TenantId, holder: str, held: Iterable[Held]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for one in held:
        key = _streams_key(tenant_id) if isinstance(one, StreamKey) else _markets_key(tenant_id)
        found.setdefault(key, []).append(f"{one}|{holder}")
    return found


async def _held(redis: Redis, key: str, now: datetime) -> set[str]:
    async with redis.client.pipeline(transaction=False) as pipeline:
        pipeline.zremrangebyscore(redis.prefix + key, "-inf", now.timestamp() - REFERENCE_S)
        pipeline.zrange(redis.prefix + key, 0, -1)
        _, found = await pipeline.execute()
    return {member.decode().partition("|")[0] for member in found}
