"""Set-based SQL of the accounts of a tenant as the monitor of their limits sees them."""

from dataclasses import dataclass
from datetime import datetime

from app.core.ids import AccountId, TenantId
from app.infra.db import BatchSession


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchedAccount:
    """An account that trades; connected_since is None while its broker is away."""

    id: AccountId
    base_currency: str
    connected_since: datetime | None


async def watched_accounts(session: BatchSession, tenant_id: TenantId, limit: int) -> dict[AccountId, WatchedAccount]:
    """The accounts of the tenant that are not closed, the oldest first."""
    rows = await session.fetch(
        """
        SELECT a.id, a.base_currency, c.connected_since FROM broker_accounts AS a
        LEFT JOIN broker_connections AS c ON c.tenant_id = a.tenant_id AND c.account_id = a.id
        WHERE a.tenant_id = $1 AND a.is_active ORDER BY a.id LIMIT $2
        """,
        tenant_id,
        limit,
    )
    return {row["id"]: WatchedAccount(**dict(row)) for row in rows}
