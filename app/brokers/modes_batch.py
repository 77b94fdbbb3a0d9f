"""Set-based SQL of which accounts trade with money and which on paper, and what they are counted in."""

from dataclasses import dataclass
from datetime import datetime

from app.core.fix import BrokerKind
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


@dataclass(frozen=True, slots=True, kw_only=True)
class TradingAccount:
    """An account that is not closed, with its base currency and its mode: LIVE, PAPER, or SIM in the house."""

    account_id: AccountId
    base_currency: str
    mode: str


async def trading_accounts(
    session: BatchSession, tenant_id: TenantId, limit: int, *, before: datetime
) -> list[TradingAccount]:
    """The accounts that are not closed and were made before an instant, the oldest first."""
    rows = await session.fetch(
        """
        SELECT id, base_currency, CASE WHEN broker = $4 THEN 'SIM' WHEN is_paper THEN 'PAPER' ELSE 'LIVE' END AS mode
        FROM broker_accounts WHERE tenant_id = $1 AND is_active AND created_at < $3 ORDER BY id LIMIT $2
        """,
        tenant_id,
        limit,
        before,
        BrokerKind.PAPER.value,
    )
    return [TradingAccount(account_id=row["id"], base_currency=row["base_currency"], mode=row["mode"]) for row in rows]
