"""Wake-up calls between processes: lost ones cost a moment, never an order; whoever waits also looks by itself."""

import contextlib

from app.infra.redis import REDIS_LOST, Redis

LANES = "hint:lanes"
OUTBOX = "hint:outbox"


async def hint(redis: Redis, *channels: str) -> None:
    """Tells those who wait on the channels to look now."""
    with contextlib.suppress(*REDIS_LOST):
        await redis.publish([(channel, b"1") for channel in channels])
