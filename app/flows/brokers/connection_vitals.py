"""How hard connections are used, in Redis: told by connectors with their signs of life, and read with connections."""

import contextlib
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from app.brokers.vitals import Vitals, decode_vitals, encode_vitals
from app.core.ids import AccountId, TenantId
from app.core.messages import AccountKey
from app.flows.brokers.connection_news import HEARTBEAT_TOLD_S, sign_of_life
from app.infra.redis import REDIS_LOST, Redis

VITALS_AGE_S_MAX: Final = 3 * HEARTBEAT_TOLD_S
"""After so long without news the use of a gateway is not known any more."""


def _vitals_key(tenant_id: TenantId) -> str:
    return f"vitals:{tenant_id}"


async def tell_vitals(redis: Redis, key: AccountKey, vitals: Vitals) -> None:
    """Keep the vitals and tell the sign of life that they came with, in one round trip."""
    channel, message = sign_of_life(key)
    async with redis.client.pipeline(transaction=False) as pipeline:
        pipeline.hset(redis.prefix + _vitals_key(key.tenant_id), str(key.account_id), encode_vitals(vitals))
        pipeline.publish(redis.prefix + channel, message)
        await pipeline.execute()


async def read_vitals(redis: Redis, tenant_id: TenantId, account_ids: Sequence[AccountId]) -> dict[AccountId, Vitals]:
    """The vitals of those accounts that have been told of; none while Redis is away."""
    found: list[Any] = []
    if account_ids:
        with contextlib.suppress(*REDIS_LOST):
            names = [str(one) for one in account_ids]
            found = await redis.client.hmget(redis.prefix + _vitals_key(tenant_id), names)
    return {
        account_id: decode_vitals(payload)
        for account_id, payload in zip(account_ids, found, strict=False)
        if payload is not None
    }


def are_new(vitals: Vitals, now: datetime) -> bool:
    """Whether the use of the gateway is known still."""
    return (now - vitals.at).total_seconds() <= VITALS_AGE_S_MAX


def is_today(day: date, now: datetime, zone: ZoneInfo) -> bool:
    """Whether it is the day that passes in the trading time zone."""
    return now.astimezone(zone).date() == day
