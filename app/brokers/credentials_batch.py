"""The SQL of accounts' sealed credentials."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.core.ids import AccountId, TenantId
from app.core.messages import AccountKey
from app.infra.db import BatchSession


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedCredential:
    """A secret of an account by its name, sealed under a data key of the tenant."""

    account_id: AccountId
    name: str
    key_version: int
    sealed: bytes


async def put_credentials(
    session: BatchSession, tenant_id: TenantId, credentials: Sequence[SealedCredential], now: datetime
) -> None:
    """Stores the secrets, in place of those of the same names."""
    await session.execute(
        """
        INSERT INTO broker_credentials (tenant_id, account_id, name, key_version, sealed, set_at)
        SELECT $1, n.*, $6 FROM unnest($2::uuid[], $3::text[], $4::int[], $5::bytea[]) AS n
        ON CONFLICT (tenant_id, account_id, name) DO UPDATE
           SET key_version = excluded.key_version, sealed = excluded.sealed, set_at = excluded.set_at
        """,
        tenant_id,
        [one.account_id for one in credentials],
        [one.name for one in credentials],
        [one.key_version for one in credentials],
        [one.sealed for one in credentials],
        now,
    )


async def reseal_credentials(
    session: BatchSession, tenant_id: TenantId, credentials: Sequence[SealedCredential]
) -> None:
    """Stores the same secrets sealed under another key: when they were set stays."""
    await session.execute(
        """
        UPDATE broker_credentials AS c SET key_version = n.key_version, sealed = n.sealed
          FROM unnest($2::uuid[], $3::text[], $4::int[], $5::bytea[]) AS n(account_id, name, key_version, sealed)
         WHERE c.tenant_id = $1 AND c.account_id = n.account_id AND c.name = n.name
        """,
        tenant_id,
        [one.account_id for one in credentials],
        [one.name for one in credentials],
        [one.key_version for one in credentials],
        [one.sealed for one in credentials],
    )


async def remove_credentials(session: BatchSession, key: AccountKey, names: Sequence[str]) -> None:
    """Takes the secrets of these names away."""
    await session.execute(
        "DELETE FROM broker_credentials WHERE tenant_id = $1 AND account_id = $2 AND name = ANY($3::text[])",
        key.tenant_id,
        key.account_id,
        list(names),
    )


async def credentials_of(session: BatchSession, key: AccountKey) -> list[SealedCredential]:
    """The secrets of an account, by name."""
    rows = await session.fetch(
        "SELECT * FROM broker_credentials WHERE tenant_id = $1 AND account_id = $2 ORDER BY name",
        key.tenant_id,
        key.account_id,
    )
    return [_credential(row) for row in rows]


async def sealed_under_older(
    session: BatchSession, tenant_id: TenantId, version: int, limit: int
) -> list[SealedCredential]:
    """Secrets that keys of lower versions seal, locked until the transaction ends."""
    rows = await session.fetch(
        """
        SELECT * FROM broker_credentials WHERE tenant_id = $1 AND key_version < $2
        ORDER BY account_id, name LIMIT $3 FOR UPDATE
        """,
        tenant_id,
        version,
        limit,
    )
    return [_credential(row) for row in rows]


def _credential(row: Any) -> SealedCredential:
    return SealedCredential(
        account_id=row["account_id"], name=row["name"], key_version=row["key_version"], sealed=row["sealed"]
    )
