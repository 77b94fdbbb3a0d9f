"""Set-based SQL of broker accounts for the hot paths."""

from collections.abc import Iterable
from dataclasses import dataclass

from app.core.messages import AccountKey
from app.infra.db import BatchSession


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountFacts:
    """What the intake needs to know of an account: whether it trades, and whether its broker takes orders now."""

    is_active: bool
    is_gate_open: bool


async def account_facts(session: BatchSession, keys: Iterable[AccountKey]) -> dict[AccountKey, AccountFacts]:
    """The facts of these accounts; absent if unknown."""
    wanted = list(keys)
    rows = await session.fetch(
        """
        SELECT a.tenant_id, a.id, a.is_active, coalesce(c.is_gate_open, false) AS is_gate_open
        FROM broker_accounts AS a
        LEFT JOIN broker_connections AS c ON c.tenant_id = a.tenant_id AND c.account_id = a.id
        WHERE (a.tenant_id, a.id) IN (SELECT * FROM unnest($1::uuid[], $2::uuid[]))
        """,
        [key.tenant_id for key in wanted],
        [key.account_id for key in wanted],
    )
    return {
        AccountKey(tenant_id=row["tenant_id"], account_id=row["id"]): AccountFacts(
            is_active=row["is_active"], is_gate_open=row["is_gate_open"]
        )
        for row in rows
    }


async def take_order_ids(session: BatchSession, key: AccountKey, generation: int, count: int) -> int | None:
    """The first of `count` order ids that nobody had before; None when the generation is not the newest."""
    rows = await session.fetch(
        """
        UPDATE broker_connections SET next_order_id = next_order_id + $4
        WHERE tenant_id = $1 AND account_id = $2 AND generation = $3 RETURNING next_order_id - $4 AS first
        """,
        key.tenant_id,
        key.account_id,
        generation,
        count,
    )
    return int(rows[0]["first"]) if rows else None
