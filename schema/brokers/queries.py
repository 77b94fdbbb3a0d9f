"""Queries of broker accounts."""

from typing import Final

import strawberry

from app.brokers import viewing
from app.identity.domain import Scope
from schema.base.context import Info
from schema.base.permissions import scoped
from schema.brokers.types import BrokerAccount

ACCOUNTS_MAX: Final = 1_000


@strawberry.type
class BrokerQuery:
    """Queries of broker accounts."""

    @strawberry.field(
        description=f"The tenant's trading accounts, the oldest first; at most {ACCOUNTS_MAX}.",
        extensions=scoped(Scope.VIEW_ORDERS),
    )
    async def broker_accounts(self, info: Info) -> list[BrokerAccount]:
        """The tenant's trading accounts."""
        principal = info.context.principal
        async with info.context.desk.reading(principal) as session:
            found = await viewing.accounts(session, principal.tenant_id, limit=ACCOUNTS_MAX)
        return [BrokerAccount.of(view) for view in found]
