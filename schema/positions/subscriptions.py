"""Subscriptions of positions."""

from collections.abc import AsyncGenerator

import strawberry

from app.core.ids import AccountId
from app.flows.live.follow_live_positions import follow_live_positions
from app.identity.domain import Scope
from schema.base.context import Info
from schema.base.ids import parse_ids
from schema.base.live import LIVE_TABLE, THROTTLE_MS
from schema.base.permissions import scoped
from schema.positions.live import PositionBatch


@strawberry.type
class PositionSubscription:
    """Subscriptions of positions."""

    @strawberry.subscription(
        description="What the tenant's accounts hold, or those named, live, with the newest market price. A position "
        "that becomes flat is removed. " + LIVE_TABLE,
        extensions=scoped(Scope.VIEW_POSITIONS),
    )
    async def positions_changed(
        self, info: Info, account_ids: list[strawberry.ID] | None = None, throttle_ms: int | None = 200
    ) -> AsyncGenerator[PositionBatch, None]:
        """The live table of positions."""
        given = parse_ids(account_ids, "accountIds")
        accounts = None if given is None else tuple(AccountId(one) for one in given)
        window_ms = THROTTLE_MS if throttle_ms is None else throttle_ms
        async for update in follow_live_positions(info.context.desk, info.context.principal, accounts, window_ms):
            yield PositionBatch.of(update)
