"""The SQL of restricted lists, their entries and their versions."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

from app.compliance.domain.lists import ListEntry, ListVersion, NewEntry, RestrictedList
from app.compliance.domain.restrictions import RestrictionKind
from app.core.ids import ListEntryId, RestrictedListId, TenantId
from app.core.paging import Page, Window, page_of
from app.infra.db import BatchSession

_LISTS = """
  SELECT l.*, (SELECT count(*) FROM restricted_entries AS e WHERE e.tenant_id = l.tenant_id AND e.list_id = l.id
               AND e.removed_in IS NULL) AS entries
  FROM restricted_lists AS l
"""


async def wait_turn(session: BatchSession, tenant_id: TenantId) -> None:
    """Puts this transaction in line with all that change lists of the tenant."""
    await session.execute(
        "SELECT pg_advisory_xact_lock(hashtextextended('restricted_lists ' || $1::text, 0))", str(tenant_id)
    )


async def list_for_update(
    session: BatchSession, tenant_id: TenantId, list_id: RestrictedListId
) -> RestrictedList | None:
    """The list, locked; None if the tenant has none of the id."""
    rows = await session.fetch(f"{_LISTS} WHERE l.tenant_id = $1 AND l.id = $2 FOR UPDATE OF l", tenant_id, list_id)
    return _list(rows[0]) if rows else None


async def count_lists(session: BatchSession, tenant_id: TenantId) -> int:
    """How many lists the tenant has."""
    rows = await session.fetch("SELECT count(*) AS n FROM restricted_lists WHERE tenant_id = $1", tenant_id)
    return int(rows[0]["n"])


async def name_is_taken(session: BatchSession, tenant_id: TenantId, name: str, but: RestrictedListId | None) -> bool:
    """True when another list of the tenant bears the name, in whatever letters."""
    rows = await session.fetch(
        """
        SELECT FROM restricted_lists
        WHERE tenant_id = $1 AND lower(name) = lower($2::text) AND id IS DISTINCT FROM $3::uuid LIMIT 1
        """,
        tenant_id,
        name,
        but,
    )
    return bool(rows)


async def store_list(
    session: BatchSession, tenant_id: TenantId, one: RestrictedList, *, added: int = 0, removed: int = 0
) -> None:
    """Writes a list as it is from its version on, and the version; the first writes the list anew."""
    await session.execute(
        """
        INSERT INTO restricted_lists AS l (tenant_id, id, name, description, is_active, is_reason_visible, version,
          changed_by, reason, created_at, updated_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
        ON CONFLICT (tenant_id, id) DO UPDATE SET name = excluded.name, description = excluded.description,
          is_active = excluded.is_active, is_reason_visible = excluded.is_reason_visible, version = excluded.version,
          changed_by = excluded.changed_by, reason = excluded.reason, updated_at = excluded.updated_at
        """,
        tenant_id,
        one.id,
        one.name,
        one.description,
        one.is_active,
        one.is_reason_visible,
        one.version,
        one.changed_by,
        one.reason,
        one.created_at,
        one.updated_at,
    )
    await session.execute(
        """
        INSERT INTO restricted_list_versions (tenant_id, list_id, version, name, is_active, is_reason_visible, added,
          removed, changed_by, reason, changed_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
        """,
        tenant_id,
        one.id,
        one.version,
        one.name,
        one.is_active,
        one.is_reason_visible,
        added,
        removed,
        one.changed_by,
        one.reason,
        one.updated_at,
    )


async def entries_of(session: BatchSession, tenant_id: TenantId, list_id: RestrictedListId) -> list[ListEntry]:
    """The entries of the list as it stands, the oldest first."""
    rows = await session.fetch(
        """
        SELECT * FROM restricted_entries WHERE tenant_id = $1 AND list_id = $2 AND removed_in IS NULL ORDER BY id
        """,
        tenant_id,
        list_id,
    )
    return [_entry(row) for row in rows]


async def change_entries(
    session: BatchSession,
    tenant_id: TenantId,
    one: RestrictedList,
    *,
    added: Sequence[tuple[ListEntryId, NewEntry]],
    removed: Collection[ListEntryId],
) -> None:
    """Ends and adds entries with the version that the list has now."""
    await session.execute(
        """
        UPDATE restricted_entries SET removed_in = $4
        WHERE tenant_id = $1 AND list_id = $2 AND id = ANY($3::uuid[]) AND removed_in IS NULL
        """,
        tenant_id,
        one.id,
        list(removed),
        one.version,
    )
    await session.execute(
        """
        INSERT INTO restricted_entries (tenant_id, list_id, added_in, added_by, added_at, id, instrument_id, symbol,
          kind, reason, valid_from, valid_until)
        SELECT $1::uuid, $2::uuid, $3::int, $4::text, $5::timestamptz, n.*
        FROM unnest($6::uuid[], $7::uuid[], $8::text[], $9::text[], $10::text[], $11::timestamptz[],
          $12::timestamptz[]) AS n
        """,
        tenant_id,
        one.id,
        one.version,
        one.changed_by,
        one.updated_at,
        [entry_id for entry_id, _ in added],
        [terms.instrument_id for _, terms in added],
        [terms.symbol for _, terms in added],
        [terms.kind.value for _, terms in added],
        [terms.reason for _, terms in added],
        [terms.valid_from for _, terms in added],
        [terms.valid_until for _, terms in added],
    )


async def lists_page(session: BatchSession, tenant_id: TenantId, window: Window[UUID]) -> Page[RestrictedList]:
    """The lists of the window, the newest first."""
    order = "ASC" if window.is_from_end else "DESC"
    rows = await session.fetch(
        f"""
        {_LISTS} WHERE l.tenant_id = $1 AND ($2::uuid IS NULL OR l.id < $2) AND ($3::uuid IS NULL OR l.id > $3)
        ORDER BY l.id {order} LIMIT $4
        """,
        tenant_id,
        window.after,
        window.before,
        window.size + 1,
    )
    return page_of([_list(row) for row in rows], window)


async def find_list(session: BatchSession, tenant_id: TenantId, list_id: RestrictedListId) -> RestrictedList | None:
    """The list; None if the tenant has none of the id."""
    rows = await session.fetch(f"{_LISTS} WHERE l.tenant_id = $1 AND l.id = $2", tenant_id, list_id)
    return _list(rows[0]) if rows else None


_OF_VERSION = """
  tenant_id = $1 AND list_id = $2 AND CASE WHEN $3::int IS NULL THEN removed_in IS NULL
    ELSE added_in <= $3 AND (removed_in IS NULL OR removed_in > $3) END
"""


async def entries_page(
    session: BatchSession,
    tenant_id: TenantId,
    list_id: RestrictedListId,
    version: int | None,
    window: Window[UUID],
) -> Page[ListEntry]:
    """The entries of the window, the newest first, of the list as it stands or as it was at the version."""
    order = "ASC" if window.is_from_end else "DESC"
    rows = await session.fetch(
        f"""
        SELECT * FROM restricted_entries WHERE {_OF_VERSION} AND ($4::uuid IS NULL OR id < $4)
          AND ($5::uuid IS NULL OR id > $5)
        ORDER BY id {order} LIMIT $6
        """,
        tenant_id,
        list_id,
        version,
        window.after,
        window.before,
        window.size + 1,
    )
    return page_of([_entry(row) for row in rows], window)


async def count_entries(
    session: BatchSession, tenant_id: TenantId, list_id: RestrictedListId, version: int | None
) -> int:
    """How many entries the list has, or had at the version."""
    rows = await session.fetch(
        f"SELECT count(*) AS n FROM restricted_entries WHERE {_OF_VERSION}", tenant_id, list_id, version
    )
    return int(rows[0]["n"])


async def versions_page(
    session: BatchSession, tenant_id: TenantId, list_id: RestrictedListId, window: Window[int]
) -> Page[ListVersion]:
    """The versions of the window, the newest first."""
    order = "ASC" if window.is_from_end else "DESC"
    rows = await session.fetch(
        f"""
        SELECT * FROM restricted_list_versions WHERE tenant_id = $1 AND list_id = $2
          AND ($3::int IS NULL OR version < $3) AND ($4::int IS NULL OR version > $4)
        ORDER BY version {order} LIMIT $5
        """,
        tenant_id,
        list_id,
        window.after,
        window.before,
        window.size + 1,
    )
    found = [
        ListVersion(
            list_id=row["list_id"],
            version=row["version"],
            name=row["name"],
            is_active=row["is_active"],
            is_reason_visible=row["is_reason_visible"],
            added=row["added"],
            removed=row["removed"],
            changed_by=row["changed_by"],
            reason=row["reason"],
            changed_at=row["changed_at"],
        )
        for row in rows
    ]
    return page_of(found, window)


def _list(row: Mapping[str, Any]) -> RestrictedList:
    return RestrictedList(
        id=row["id"],
        name=row["name"],
        description=row["description"],
        is_active=row["is_active"],
        is_reason_visible=row["is_reason_visible"],
        version=row["version"],
        changed_by=row["changed_by"],
        reason=row["reason"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        entries=row["entries"],
    )


def _entry(row: Mapping[str, Any]) -> ListEntry:
    return ListEntry(
        id=row["id"],
        list_id=row["list_id"],
        terms=NewEntry(
            kind=RestrictionKind(row["kind"]),
            reason=row["reason"],
            instrument_id=row["instrument_id"],
            symbol=row["symbol"],
            valid_from=row["valid_from"],
            valid_until=row["valid_until"],
        ),
        added_in=row["added_in"],
        added_by=row["added_by"],
        added_at=row["added_at"],
        removed_in=row["removed_in"],
    )
