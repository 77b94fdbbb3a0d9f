"""The SQL of advisers: the accounts that a broker names by number, what they are worth, and the adviser's groups."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from app.core.allocation import AllocationGroup, group_document
from app.core.ids import AccountId, TenantId
from app.core.messages import AccountKey
from app.infra.db import BatchSession, Read


@dataclass(frozen=True, slots=True, kw_only=True)
class Worth:
    """The broker's own figures of an account that blocks are divided by; None where it has not told them."""

    net_liquidation: Decimal | None
    available: Decimal | None


async def accounts_by_number(
    session: BatchSession, tenant_id: TenantId, numbers: Sequence[str]
) -> dict[str, AccountId]:
    """The tenant's accounts at the broker by their numbers; absent where it has none of the number."""
    rows = await session.fetch(
        """
        SELECT account_number, id FROM broker_accounts
        WHERE tenant_id = $1 AND broker = 'INTERACTIVE_BROKERS' AND account_number = ANY($2::text[])
        """,
        tenant_id,
        list(numbers),
    )
    return {row["account_number"]: AccountId(row["id"]) for row in rows}


def worth_of(tenant_id: TenantId, account_ids: Iterable[AccountId]) -> Read[dict[AccountId, Worth]]:
    """What the accounts are worth; absent where the broker has told nothing."""
    return Read(
        sql="""
        ARRAY (SELECT b FROM account_balances AS b WHERE tenant_id = $1 AND account_id = ANY($2::uuid[]))
        """,
        parameters=(tenant_id, list(account_ids)),
        decode=lambda rows: {
            AccountId(row["account_id"]): Worth(net_liquidation=row["equity"], available=row["available_funds"])
            for row in rows
        },
    )


async def store_groups(
    session: BatchSession, key: AccountKey, groups: Iterable[AllocationGroup], now: datetime
) -> None:
    """Stores the adviser's groups as the broker told them just now."""
    await session.execute(
        """
        UPDATE broker_accounts SET allocation_groups = $3, groups_told_at = $4
        WHERE tenant_id = $1 AND id = $2 AND is_adviser
        """,
        key.tenant_id,
        key.account_id,
        [group_document(group) for group in groups],
        now,
    )
