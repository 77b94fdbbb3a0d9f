"""Subscriptions of market data."""

from collections.abc import AsyncGenerator

import strawberry

from app.flows.live.follow_ticks import follow_ticks
from app.identity.domain import Scope
from schema.base.context import Info
from schema.base.permissions import scoped
from schema.marketdata.types import TickBatch

THROTTLE_MS = 100


@strawberry.type
class TickSubscription:
    """Subscriptions of market data."""

    @strawberry.subscription(
        description="Conflated per instrument: each message holds the newest tick of each instrument that changed in "
        "the window.",
        extensions=scoped(Scope.VIEW_MARKET_DATA),
    )
    async def ticks(
        self, info: Info, symbols: list[str], throttle_ms: int | None = 100
    ) -> AsyncGenerator[TickBatch, None]:
        """Ticks of instruments."""
        window_ms = THROTTLE_MS if throttle_ms is None else throttle_ms
        async for update in follow_ticks(info.context.desk, info.context.principal, symbols, window_ms):
            yield TickBatch.of(update)
