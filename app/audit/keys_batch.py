"""Set-based SQL of the keys that persons' values in the audit log are sealed under, within one tenant."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from app.core.ids import TenantId
from app.infra.db import BatchSession
from app.infra.vault import WrappedKey


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonKey:
    """A person's key as it is stored; an empty one was destroyed.

    subject is user:<id>, key:<id> of an API key, email:<address> of who has no id, or address:<address> of the unknown.
    """

    tenant_id: TenantId
    id: UUID
    subject: str
    wrapped: WrappedKey

    @property
    def purpose(self) -> str:
        """What the key is wrapped for: it opens as nothing else."""
        return key_purpose(self.tenant_id, self.id)

    @property
    def is_destroyed(self) -> bool:
        """True when nothing that was sealed under it can be read any more."""
        return not self.wrapped.wrapped


def key_purpose(tenant_id: TenantId, key_id: UUID) -> str:
    """The words that name a person's key."""
    return f"audit of tenant {tenant_id} person key {key_id}"


async def keys_by_ids(session: BatchSession, tenant_id: TenantId, ids: Sequence[UUID]) -> dict[UUID, PersonKey]:
    """Those of the keys that have not been destroyed."""
    rows = await session.fetch(
        "SELECT * FROM audit_person_keys WHERE tenant_id = $1 AND id = ANY($2::uuid[]) AND length(wrapped) > 0",
        tenant_id,
        list(ids),
    )
    return {row["id"]: person_key(row) for row in rows}


async def all_keys(session: BatchSession, tenant_id: TenantId, after: UUID, limit: int) -> list[PersonKey]:
    """The tenant's keys behind the given one, by id, locked until the transaction ends."""
    rows = await session.fetch(
        """
        SELECT * FROM audit_person_keys WHERE tenant_id = $1 AND id > $2 AND length(wrapped) > 0
        ORDER BY id LIMIT $3 FOR UPDATE
        """,
        tenant_id,
        after,
        limit,
    )
    return [person_key(row) for row in rows]


async def rewrap(session: BatchSession, keys: Sequence[PersonKey]) -> None:
    """Stores the keys as another version of the master key wrapped them."""
    await session.execute(
        """
        UPDATE audit_person_keys AS k SET master_version = n.master_version, wrapped = n.wrapped
        FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::bytea[]) AS n (tenant_id, id, master_version, wrapped)
        WHERE k.tenant_id = n.tenant_id AND k.id = n.id
        """,
        [key.tenant_id for key in keys],
        [key.id for key in keys],
        [key.wrapped.master_version for key in keys],
        [key.wrapped.wrapped for key in keys],
    )


async def versions(session: BatchSession, tenant_id: TenantId) -> dict[str, int]:
    """How many of the tenant's keys each version of the master key wraps."""
    rows = await session.fetch(
        """
        SELECT master_version, count(*) AS keys FROM audit_person_keys WHERE tenant_id = $1 AND length(wrapped) > 0
        GROUP BY 1
        """,
        tenant_id,
    )
    return {row["master_version"]: row["keys"] for row in rows}


async def destroy(
    session: BatchSession, tenant_id: TenantId, subjects: Sequence[str], new_ids: Sequence[UUID], now: datetime
) -> int:
    """Destroys the subjects' keys: what was sealed under them is unreadable from now on. Tells how many there were.

    The subject keeps an empty key, so that nothing of it is ever sealed readably again; new_ids are for subjects that
    had none.
    """
    rows = await session.fetch(
        """
        WITH had AS (
          SELECT count(*) AS keys FROM audit_person_keys
          WHERE tenant_id = $1 AND subject = ANY($2::text[]) AND length(wrapped) > 0),
        emptied AS (
          INSERT INTO audit_person_keys (tenant_id, id, subject, master_version, wrapped, created_at)
          SELECT $1, s.id, s.subject, '', '', $4 FROM unnest($2::text[], $3::uuid[]) AS s (subject, id)
          ON CONFLICT (tenant_id, subject) DO UPDATE SET master_version = '', wrapped = '')
        SELECT keys FROM had
        """,
        tenant_id,
        list(subjects),
        list(new_ids),
        now,
    )
    return int(rows[0]["keys"])


async def forget(session: BatchSession, tenant_id: TenantId, subjects: Sequence[str]) -> int:
    """Deletes the subjects' keys and their names. Tells how many there were."""
    rows = await session.fetch(
        "DELETE FROM audit_person_keys WHERE tenant_id = $1 AND subject = ANY($2::text[]) RETURNING id",
        tenant_id,
        list(subjects),
    )
    return len(rows)


def person_key(row: Any) -> PersonKey:
    """The key of a row."""
    return PersonKey(
        tenant_id=row["tenant_id"],
        id=row["id"],
        subject=row["subject"],
        wrapped=WrappedKey(master_version=row["master_version"], wrapped=row["wrapped"]),
    )
