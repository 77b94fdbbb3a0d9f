"""Which markets the followers of this process read: counted here, and held in Redis as one reference each.

A follower that ends lets go at once; the references of a process that was killed run out by themselves.
"""

import asyncio
import contextlib
import logging
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Final, Self

from app.core.clock import Clock
from app.core.ids import Ids, TenantId
from app.infra.redis import REDIS_LOST, Redis
from app.infra.sharing import end_task
from app.marketdata import holds
from app.marketdata.holds import Held

log = logging.getLogger(__name__)

RENEWED_S: Final = 10.0
"""How often a process says that it still reads: three times before its references run out."""


class MarketHolds:
    """The references of one process. Without Redis nothing is held: quotes go on, and are held again at the renewal."""

    def __init__(self, redis: Redis, clock: Clock, ids: Ids) -> None:
        self._redis = redis
        self._clock = clock
        self._holder = ids.new().hex
        self._counts: defaultdict[TenantId, Counter[Held]] = defaultdict(Counter)
        self._renewing: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._renewing = asyncio.create_task(self._renew_forever(), name="market holds")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._renewing is not None:
            await end_task(self._renewing)

    @asynccontextmanager
    async def hold(self, tenant_id: TenantId, wanted: Iterable[Held]) -> AsyncIterator[None]:
        """A reference on each of these while the block lasts; the market's line or stream stays while there is one."""
        held = list(wanted)
        counts = self._counts[tenant_id]
        counts.update(held)
        try:
            with contextlib.suppress(*REDIS_LOST):
                await holds.hold(self._redis, tenant_id, self._holder, held, self._clock.now())
            yield
        finally:
            await asyncio.shield(self._let_go(tenant_id, held))

    async def _let_go(self, tenant_id: TenantId, held: list[Held]) -> None:
        counts = self._counts[tenant_id]
        counts.subtract(held)
        over = [one for one in held if counts[one] <= 0]
        for one in over:
            del counts[one]
        if not counts:
            del self._counts[tenant_id]
        if over:
            # Where Redis is away they run out by themselves.
            with contextlib.suppress(*REDIS_LOST):
                await holds.let_go(self._redis, tenant_id, self._holder, over, self._clock.now())
                # Who came meanwhile told Redis perhaps before that.
                current = self._counts.get(tenant_id)
                again = [] if current is None else [one for one in over if one in current]
                if again:
                    await holds.hold(self._redis, tenant_id, self._holder, again, self._clock.now())

    async def _renew_forever(self) -> None:
        while True:
            await asyncio.sleep(RENEWED_S)
            for tenant_id, counts in list(self._counts.items()):
                try:
                    await holds.hold(self._redis, tenant_id, self._holder, list(counts), self._clock.now())
                except REDIS_LOST as error:
                    log.warning("who reads markets cannot be told: %s", error)
