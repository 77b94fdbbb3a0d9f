"""What a process keeps for risk figures: the answers of the last second, and whose turn it is to compute.

The figures are worked out in a thread, one book at a time, so that orders do not wait for them.
"""

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from typing import Any, Final, Protocol, TypeVar
from zoneinfo import ZoneInfo

from app.core.clock import Clock
from app.flows.positions.fx_rates import RateSource
from app.identity.domain import Principal
from app.infra.expiring import ExpiringCache

LIFE_S: Final = 1.0
KEPT_MAX: Final = 100
AnswerT = TypeVar("AnswerT")


class RiskDesk:
    """What a process keeps for risk figures: the answers of the last second, and whose turn it is to compute."""

    def __init__(self) -> None:
        self._kept: ExpiringCache[Hashable, Any] = ExpiringCache(life_s=LIFE_S, size_max=KEPT_MAX)
        self._turn = asyncio.Semaphore(1)

    async def told(self, principal: Principal, asked: Hashable, fetch: Callable[[], Awaitable[AnswerT]]) -> AnswerT:
        """The answer to a question of those who see the same accounts."""
        answer: AnswerT = await self._kept.get((principal.tenant_id, principal.viewable, asked), fetch)
        return answer

    async def computed(self, work: Callable[[], AnswerT]) -> AnswerT:
        """What the work answers, in a thread; others wait until it is done."""
        async with self._turn:
            return await asyncio.to_thread(work)


class RiskSource(RateSource, Protocol):
    """What risk figures are made from: a desk, or as much of one as a command opens."""

    @property
    def clock(self) -> Clock:
        """What now is."""
        ...

    @property
    def trading_timezone(self) -> ZoneInfo:
        """Where a trading day begins at midnight."""
        ...

    @property
    def risk(self) -> RiskDesk:
        """The answers of the last second."""
        ...
