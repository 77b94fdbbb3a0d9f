"""Set-based SQL of tenants: all of them, and the keys that the secrets of one are sealed under."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.core.ids import TenantId
from app.infra.db import BatchSession
from app.infra.vault import WrappedKey


async def all_ids(session: BatchSession) -> list[TenantId]:
    """The tenants of the installation; the role of the session must be SYSTEM."""
    return [row["id"] for row in await session.fetch("SELECT id FROM tenants ORDER BY id")]


async def listed(session: BatchSession) -> list[dict[str, Any]]:
    """Id, slug, name, is_active and created_at of all tenants, the oldest first; the role must be SYSTEM."""
    rows = await session.fetch("SELECT id, slug, name, is_active, created_at FROM tenants ORDER BY id")
    return [dict(row) for row in rows]


async def settings_of(session: BatchSession, tenant_id: TenantId) -> dict[str, Any]:
    """The settings of the session's tenant, as they are stored."""
    (row,) = await session.fetch("SELECT settings FROM tenants WHERE id = $1", tenant_id)
    return dict(row["settings"])


async def slugs(session: BatchSession, slug: str | None = None) -> dict[TenantId, str]:
    """The slugs of all tenants, or of the one that has this slug; the role of the session must be SYSTEM."""
    rows = await session.fetch("SELECT id, slug FROM tenants WHERE $1::text IS NULL OR slug = $1 ORDER BY id", slug)
    return {row["id"]: row["slug"] for row in rows}


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredKey:
    """A data key of a tenant as it is stored. The highest version seals what is new."""

    tenant_id: TenantId
    version: int
    wrapped: WrappedKey

    @property
    def purpose(self) -> str:
        """What the key is wrapped for: it opens as nothing else."""
        return key_purpose(self.tenant_id, self.version)


def key_purpose(tenant_id: TenantId, version: int) -> str:
    """The words that name a data key."""
    return f"tenant {tenant_id} version {version}"


async def newest_key(session: BatchSession, tenant_id: TenantId) -> StoredKey | None:
    """The key that seals what is new; no other transaction touches the tenant's keys until this one ends. None before
    the first.
    """
    found = await keys_for_update(session, tenant_id)
    return found[-1] if found else None


async def keys_for_update(session: BatchSession, tenant_id: TenantId) -> list[StoredKey]:
    """All keys of the tenant, the oldest first, locked until the transaction ends."""
    # Before the first key there is no row that could be locked.
    await session.execute(
        "SELECT pg_advisory_xact_lock(hashtextextended('data keys of ' || $1::uuid::text, 0))", tenant_id
    )
    return await keys(session, tenant_id)


async def keys(session: BatchSession, tenant_id: TenantId) -> list[StoredKey]:
    """All keys of the tenant, the oldest first."""
    rows = await session.fetch("SELECT * FROM tenant_data_keys WHERE tenant_id = $1 ORDER BY version", tenant_id)
    return [_stored(row) for row in rows]


async def insert_key(session: BatchSession, key: StoredKey, now: datetime) -> None:
    """Stores a new key."""
    await session.execute(
        """
        INSERT INTO tenant_data_keys (tenant_id, version, master_version, wrapped, created_at)
        VALUES ($1, $2, $3, $4, $5)
        """,
        key.tenant_id,
        key.version,
        key.wrapped.master_version,
        key.wrapped.wrapped,
        now,
    )


async def rewrap_key(session: BatchSession, key: StoredKey) -> None:
    """Stores the key as another version of the master key wrapped it."""
    await session.execute(
        "UPDATE tenant_data_keys SET master_version = $3, wrapped = $4 WHERE tenant_id = $1 AND version = $2",
        key.tenant_id,
        key.version,
        key.wrapped.master_version,
        key.wrapped.wrapped,
    )


async def delete_key(session: BatchSession, key: StoredKey) -> None:
    """Takes a key away that nothing is sealed under any more; a foreign key holds it otherwise."""
    await session.execute(
        "DELETE FROM tenant_data_keys WHERE tenant_id = $1 AND version = $2", key.tenant_id, key.version
    )


def _stored(row: Any) -> StoredKey:
    return StoredKey(
        tenant_id=row["tenant_id"],
        version=row["version"],
        wrapped=WrappedKey(master_version=row["master_version"], wrapped=row["wrapped"]),
    )
