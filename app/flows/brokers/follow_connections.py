"""brokerConnections: each account as it stands, then whenever its connection changes."""

from collections.abc import AsyncIterator

from app.brokers import viewing
from app.brokers.viewing import AccountView
from app.flows.brokers.connection_news import changed_accounts, connections_channel
from app.flows.desk import Desk
from app.identity.domain import Principal
from app.infra.bus import Gap

ACCOUNTS_MAX = 1_000


async def follow_connections(desk: Desk, principal: Principal) -> AsyncIterator[AccountView]:
    """The tenant's accounts, then each that changed; where changes were missed, all of them again."""
    async with desk.bus.subscribe(connections_channel(principal.tenant_id)) as stream:
        for account in await _all(desk, principal):
            yield account
        async for message in stream:
            if isinstance(message, Gap):
                found = await _all(desk, principal)
            else:
                async with desk.reading(principal) as session:
                    named = await viewing.accounts_by_ids(session, principal.tenant_id, changed_accounts(message))
                found = list(named.values())
            for account in found:
                yield account


async def _all(desk: Desk, principal: Principal) -> list[AccountView]:
    async with desk.reading(principal) as session:
        return await viewing.accounts(session, principal.tenant_id, limit=ACCOUNTS_MAX)
