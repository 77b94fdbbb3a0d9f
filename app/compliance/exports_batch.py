"""The SQL of kept exports of order records and of the pieces of their files."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from app.compliance.domain.order_record import RecordFormat
from app.compliance.domain.record_exports import ExportFailure, ExportState, RecordExport
from app.core.ids import RecordExportId, TenantId
from app.core.paging import Page, Window, page_of
from app.infra.db import BatchSession

_WAITING = "state IN ('QUEUED', 'RUNNING')"


async def lock_exports(session: BatchSession, tenant_id: TenantId) -> None:
    """Keeps those who ask for an export apart, so that none overlooks another's."""
    await session.execute(
        "SELECT pg_advisory_xact_lock(hashtextextended('record exports ' || $1::text, 0))", str(tenant_id)
    )


async def counts(session: BatchSession, tenant_id: TenantId, now: datetime) -> tuple[int, int]:
    """How many exports of the tenant wait or run, and how many there are that have not expired."""
    rows = await session.fetch(
        f"""
        SELECT count(*) FILTER (WHERE {_WAITING}) AS unfinished,
          count(*) FILTER (WHERE expires_at IS NULL OR expires_at > $2) AS kept
        FROM order_record_exports WHERE tenant_id = $1
        """,
        tenant_id,
        now,
    )
    return int(rows[0]["unfinished"]), int(rows[0]["kept"])


async def add(session: BatchSession, export: RecordExport) -> None:
    """Stores a new export, due at once."""
    await session.execute(
        """
        INSERT INTO order_record_exports (tenant_id, id, from_time, to_time, of_account_id, format, state, requested_by,
          requested_at, due_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9)
        """,
        export.tenant_id,
        export.id,
        export.after,
        export.before,
        export.account_id,
        export.form,
        export.state,
        export.requested_by,
        export.requested_at,
    )


async def find(
    session: BatchSession, tenant_id: TenantId, export_id: RecordExportId, now: datetime
) -> RecordExport | None:
    """The export; None if the tenant has none of the id, or no more."""
    rows = await session.fetch(
        """
        SELECT * FROM order_record_exports WHERE tenant_id = $1 AND id = $2 AND (expires_at IS NULL OR expires_at > $3)
        """,
        tenant_id,
        export_id,
        now,
    )
    return _export(rows[0]) if rows else None


async def exports_page(
    session: BatchSession, tenant_id: TenantId, window: Window[UUID], now: datetime
) -> Page[RecordExport]:
    """The exports of the window that have not expired, the newest first."""
    order = "ASC" if window.is_from_end else "DESC"
    rows = await session.fetch(
        f"""
        SELECT * FROM order_record_exports WHERE tenant_id = $1 AND ($2::uuid IS NULL OR id < $2)
          AND ($3::uuid IS NULL OR id > $3) AND (expires_at IS NULL OR expires_at > $4)
        ORDER BY id {order} LIMIT $5
        """,
        tenant_id,
        window.after,
        window.before,
        now,
        window.size + 1,
    )
    return page_of([_export(row) for row in rows], window)


async def due(session: BatchSession, now: datetime, limit: int) -> list[tuple[TenantId, RecordExportId]]:
    """Exports that a worker may take up now, those first that have waited longest. The role must be SYSTEM."""
    rows = await session.fetch(
        f"SELECT tenant_id, id FROM order_record_exports WHERE {_WAITING} AND due_at <= $1 ORDER BY due_at LIMIT $2",
        now,
        limit,
    )
    return [(row["tenant_id"], row["id"]) for row in rows]


async def take(
    session: BatchSession, tenant_id: TenantId, export_id: RecordExportId, *, now: datetime, until: datetime
) -> RecordExport | None:
    """The export in the caller's hands until then; None where another has it, or it is over."""
    rows = await session.fetch(
        f"""
        UPDATE order_record_exports SET state = 'RUNNING', attempt = attempt + 1, stalled = stalled + 1,
          due_at = $4, started_at = coalesce(started_at, $3)
        WHERE tenant_id = $1 AND id = $2 AND {_WAITING} AND due_at <= $3 RETURNING *
        """,
        tenant_id,
        export_id,
        now,
        until,
    )
    return _export(rows[0]) if rows else None


async def store(session: BatchSession, export: RecordExport, due_at: datetime) -> bool:
    """Stores how far the export is; False, with nothing stored, where another has taken it up meanwhile."""
    rows = await session.fetch(
        """
        UPDATE order_record_exports SET state = $4, stalled = $5, behind = $6, orders_total = $7, orders_written = $8,
          pieces = $9, size_bytes = $10, stored_bytes = $11, sha256 = $12, failure = $13, finished_at = $14,
          expires_at = $15, due_at = $16
        WHERE tenant_id = $1 AND id = $2 AND attempt = $3 AND state = 'RUNNING' RETURNING id
        """,
        export.tenant_id,
        export.id,
        export.attempt,
        export.state,
        export.stalled,
        export.behind,
        export.orders_total,
        export.orders_written,
        export.pieces,
        export.size_bytes,
        export.stored_bytes,
        export.sha256,
        export.failure,
        export.finished_at,
        export.expires_at,
        due_at,
    )
    return bool(rows)


async def add_piece(session: BatchSession, export: RecordExport, place: int, content: bytes) -> None:
    """Stores a piece of the file."""
    await session.execute(
        "INSERT INTO order_record_pieces (tenant_id, export_id, place, content) VALUES ($1, $2, $3, $4)",
        export.tenant_id,
        export.id,
        place,
        content,
    )


async def piece(session: BatchSession, tenant_id: TenantId, export_id: RecordExportId, place: int) -> bytes | None:
    """A piece of the file as it was stored; None where there is none, or no more."""
    rows = await session.fetch(
        "SELECT content FROM order_record_pieces WHERE tenant_id = $1 AND export_id = $2 AND place = $3",
        tenant_id,
        export_id,
        place,
    )
    return bytes(rows[0]["content"]) if rows else None


async def drop_pieces(session: BatchSession, tenant_id: TenantId, export_id: RecordExportId) -> None:
    """Throws away what is stored of the file."""
    await session.execute(
        "DELETE FROM order_record_pieces WHERE tenant_id = $1 AND export_id = $2", tenant_id, export_id
    )


async def expired(session: BatchSession, tenant_id: TenantId, now: datetime, limit: int) -> list[RecordExport]:
    """Exports that have expired, locked, the oldest first."""
    rows = await session.fetch(
        """
        SELECT * FROM order_record_exports WHERE tenant_id = $1 AND expires_at <= $2
        ORDER BY id LIMIT $3 FOR UPDATE SKIP LOCKED
        """,
        tenant_id,
        now,
        limit,
    )
    return [_export(row) for row in rows]


async def begin_anew(session: BatchSession, tenant_id: TenantId, now: datetime) -> None:
    """Throws away what is written of exports that run: they are due now, and who has one writes nothing more of it."""
    rows = await session.fetch(
        """
        UPDATE order_record_exports SET state = 'QUEUED', attempt = attempt + 1, stalled = 0, due_at = $2,
          behind = NULL, orders_total = NULL, orders_written = 0, pieces = 0, size_bytes = 0, stored_bytes = 0
        WHERE tenant_id = $1 AND state = 'RUNNING' RETURNING id
        """,
        tenant_id,
        now,
    )
    for row in rows:
        await drop_pieces(session, tenant_id, row["id"])


async def written(session: BatchSession, tenant_id: TenantId) -> list[RecordExport]:
    """The exports that have a file, locked, the oldest first."""
    rows = await session.fetch(
        "SELECT * FROM order_record_exports WHERE tenant_id = $1 AND state = 'DONE' ORDER BY id FOR UPDATE", tenant_id
    )
    return [_export(row) for row in rows]


async def drop(session: BatchSession, export: RecordExport) -> None:
    """Throws away an export and its file."""
    await drop_pieces(session, export.tenant_id, export.id)
    await session.execute(
        "DELETE FROM order_record_exports WHERE tenant_id = $1 AND id = $2", export.tenant_id, export.id
    )


def _export(row: Mapping[str, Any]) -> RecordExport:
    return RecordExport(
        tenant_id=row["tenant_id"],
        id=row["id"],
        after=row["from_time"],
        before=row["to_time"],
        account_id=row["of_account_id"],
        form=RecordFormat(row["format"]),
        state=ExportState(row["state"]),
        requested_by=row["requested_by"],
        requested_at=row["requested_at"],
        attempt=row["attempt"],
        stalled=row["stalled"],
        behind=row["behind"],
        orders_total=row["orders_total"],
        orders_written=row["orders_written"],
        pieces=row["pieces"],
        size_bytes=row["size_bytes"],
        stored_bytes=row["stored_bytes"],
        sha256=row["sha256"],
        failure=ExportFailure(row["failure"]) if row["failure"] else None,
        started_at=row["started_at"],
        finished_at=row["finished_at"],
        expires_at=row["expires_at"],
    )
