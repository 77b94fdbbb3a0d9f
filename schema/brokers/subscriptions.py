"""Subscriptions of broker accounts."""

from collections.abc import AsyncGenerator

import strawberry

from app.flows.brokers.follow_connections import follow_connections
from app.identity.domain import Scope
from schema.base.context import Info
from schema.base.permissions import scoped
from schema.brokers.types import BrokerAccount


@strawberry.type
class BrokerSubscription:
    """Subscriptions of broker accounts."""

    @strawberry.subscription(
        description="Each account of the tenant as it stands, then whenever its connection changes: the state, the "
        "gate, the last error, what updateBrokerAccount set, and about every five seconds the heartbeat.",
        extensions=scoped(Scope.VIEW_ORDERS),
    )
    async def broker_connections(self, info: Info) -> AsyncGenerator[BrokerAccount, None]:
        """Accounts whose connections change."""
        async for account in follow_connections(info.context.desk, info.context.principal):
            yield BrokerAccount.of(account)
