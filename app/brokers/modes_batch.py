"""Set-based SQL of which accounts trade with money and which on paper, and what they are counted in."""

from dataclasses import dataclass

from app.core.ids import AccountId, TenantId
from app.infra.db import BatchSession


@dataclass(frozen=True, slots=True, kw_only=True)
class CountedAccount:
    """An account's base currency, and whether its money is made up."""

    account_id: AccountId
    base_currency: str
    is_paper: bool


async def account_modes(session: BatchSession, tenant_id: TenantId, limit: int) -> list[CountedAccount]:
    """The accounts that the session sees, the oldest first."""
    rows = await session.fetch(
        "SELECT id, base_currency, is_paper FROM broker_accounts WHERE tenant_id = $1 ORDER BY id LIMIT $2",
        tenant_id,
        limit,
    )
    return [
        CountedAccount(account_id=row["id"], base_currency=row["base_currency"], is_paper=row["is_paper"])
        for row in rows
    ]
