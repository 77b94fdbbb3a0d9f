"""The SQL of surveillance cases, their notes, and how far was looked."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from app.compliance.domain.cases import CaseNote, CaseState, Disposition, SurveillanceCase
from app.compliance.domain.surveillance import CaseKind, Suspicion, Touch
from app.core.ids import AccountId, CaseId, TenantId, uuid7
from app.core.paging import Page, Window, page_of
from app.infra.db import BatchSession, plain_json


async def looked_to(session: BatchSession, tenant_id: TenantId) -> datetime | None:
    """Up to when was looked, locked for whoever looks on; None before the first look."""
    await session.execute(
        "SELECT pg_advisory_xact_lock(hashtextextended('surveillance ' || $1::text, 0))", str(tenant_id)
    )
    rows = await session.fetch("SELECT looked_to FROM surveillance_cursors WHERE tenant_id = $1", tenant_id)
    return rows[0]["looked_to"] if rows else None


async def set_looked_to(session: BatchSession, tenant_id: TenantId, at: datetime) -> None:
    """Stores up to when was looked."""
    await session.execute(
        """
        INSERT INTO surveillance_cursors (tenant_id, looked_to) VALUES ($1, $2)
        ON CONFLICT (tenant_id) DO UPDATE SET looked_to = excluded.looked_to
        """,
        tenant_id,
        at,
    )


async def open_cases(
    session: BatchSession, tenant_id: TenantId, found: Sequence[tuple[CaseId, Suspicion]], now: datetime
) -> list[CaseId]:
    """Opens the cases that are not open or closed already; which ones are new."""
    rows = await session.fetch(
        """
        INSERT INTO surveillance_cases (tenant_id, state, version, opened_at, updated_at, id, kind, case_key, summary,
          account_id, instrument_id, evidence, occurred_at)
        SELECT $1::uuid, 'OPEN', 1, $2::timestamptz, $2::timestamptz, n.id, n.kind, n.case_key, n.summary, n.account_id,
          n.instrument_id, n.evidence::jsonb, n.occurred_at
        FROM unnest($3::uuid[], $4::text[], $5::text[], $6::text[], $7::uuid[], $8::uuid[], $9::text[],
          $10::timestamptz[]) AS n(id, kind, case_key, summary, account_id, instrument_id, evidence, occurred_at)
        ON CONFLICT (tenant_id, kind, case_key) DO NOTHING
        RETURNING id
        """,
        tenant_id,
        now,
        [case_id for case_id, _ in found],
        [one.kind.value for _, one in found],
        [one.key for _, one in found],
        [one.summary for _, one in found],
        [one.account_id for _, one in found],
        [one.instrument_id for _, one in found],
        [plain_json({"orders": one.order_ids, "executions": one.execution_ids}) for _, one in found],
        [one.occurred_at for _, one in found],
    )
    return [row["id"] for row in rows]


async def touches_since(
    session: BatchSession, tenant_id: TenantId, since: datetime, until: datetime, limit: int
) -> list[Touch]:
    """The touches of restricted names from `since` up to `until`, the oldest first."""
    rows = await session.fetch(
        "SELECT * FROM restriction_alerts WHERE tenant_id = $1 AND id >= $2 AND id < $3 ORDER BY id LIMIT $4",
        tenant_id,
        uuid7(since, 0),
        uuid7(until, 0),
        limit,
    )
    return [
        Touch(
            alert_id=row["id"],
            entry_id=row["entry_id"],
            order_id=row["order_id"],
            account_id=row["account_id"],
            instrument_id=row["instrument_id"],
            acted_by=row["acted_by"],
            at=row["created_at"],
        )
        for row in rows
    ]


async def find_case(
    session: BatchSession, tenant_id: TenantId, case_id: CaseId, *, for_update: bool = False
) -> SurveillanceCase | None:
    """The case; None if the tenant has none of the id."""
    lock = " FOR UPDATE" if for_update else ""
    rows = await session.fetch(
        f"SELECT * FROM surveillance_cases WHERE tenant_id = $1 AND id = $2{lock}", tenant_id, case_id
    )
    return _case(rows[0]) if rows else None


async def store_case(session: BatchSession, tenant_id: TenantId, case: SurveillanceCase) -> None:
    """Writes what may change of a case."""
    await session.execute(
        """
        UPDATE surveillance_cases SET state = $3, assignee = $4, disposition = $5, disposition_reason = $6,
          proposed_by = $7, closed_by = $8, version = $9, updated_at = $10
        WHERE tenant_id = $1 AND id = $2
        """,
        tenant_id,
        case.id,
        case.state.value,
        case.assignee,
        None if case.disposition is None else case.disposition.value,
        case.disposition_reason,
        case.proposed_by,
        case.closed_by,
        case.version,
        case.updated_at,
    )


async def add_note(
    session: BatchSession, tenant_id: TenantId, case_id: CaseId, account_id: AccountId, note: CaseNote
) -> None:
    """Appends a note."""
    await session.execute(
        """
        INSERT INTO surveillance_notes (tenant_id, id, case_id, account_id, note, written_by, written_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7)
        """,
        tenant_id,
        note.id,
        case_id,
        account_id,
        note.note,
        note.written_by,
        note.written_at,
    )


async def notes_of(session: BatchSession, tenant_id: TenantId, case_id: CaseId, limit: int) -> list[CaseNote]:
    """The notes of a case, the newest first."""
    rows = await session.fetch(
        "SELECT * FROM surveillance_notes WHERE tenant_id = $1 AND case_id = $2 ORDER BY id DESC LIMIT $3",
        tenant_id,
        case_id,
        limit,
    )
    return [
        CaseNote(id=row["id"], note=row["note"], written_by=row["written_by"], written_at=row["written_at"])
        for row in rows
    ]


async def parties_of(session: BatchSession, tenant_id: TenantId, case: SurveillanceCase) -> set[str]:
    """Who placed the orders that a case is about, and who touched a restricted name with them."""
    rows = await session.fetch(
        """
        SELECT placed_by AS actor FROM orders WHERE tenant_id = $1 AND id = ANY($2::uuid[])
        UNION SELECT acted_by FROM restriction_alerts WHERE tenant_id = $1 AND order_id = ANY($2::uuid[])
        """,
        tenant_id,
        list(case.order_ids),
    )
    return {row["actor"] for row in rows}


_FITTING = """
  tenant_id = $1 AND ($2::text[] IS NULL OR state = ANY($2)) AND ($3::text[] IS NULL OR kind = ANY($3))
  AND ($4::uuid IS NULL OR account_id = $4)
"""


async def cases_page(
    session: BatchSession,
    tenant_id: TenantId,
    states: Sequence[CaseState] | None,
    kinds: Sequence[CaseKind] | None,
    account_id: AccountId | None,
    window: Window[UUID],
) -> Page[SurveillanceCase]:
    """The cases of the window that fit, the newest first."""
    order = "ASC" if window.is_from_end else "DESC"
    rows = await session.fetch(
        f"""
        SELECT * FROM surveillance_cases WHERE {_FITTING} AND ($5::uuid IS NULL OR id < $5)
          AND ($6::uuid IS NULL OR id > $6)
        ORDER BY id {order} LIMIT $7
        """,
        tenant_id,
        states,
        kinds,
        account_id,
        window.after,
        window.before,
        window.size + 1,
    )
    return page_of([_case(row) for row in rows], window)


async def count_cases(
    session: BatchSession,
    tenant_id: TenantId,
    states: Sequence[CaseState] | None,
    kinds: Sequence[CaseKind] | None,
    account_id: AccountId | None,
) -> int:
    """How many cases fit."""
    rows = await session.fetch(
        f"SELECT count(*) AS n FROM surveillance_cases WHERE {_FITTING}", tenant_id, states, kinds, account_id
    )
    return int(rows[0]["n"])


def _case(row: Mapping[str, Any]) -> SurveillanceCase:
    return SurveillanceCase(
        id=row["id"],
        kind=CaseKind(row["kind"]),
        state=CaseState(row["state"]),
        summary=row["summary"],
        account_id=row["account_id"],
        instrument_id=row["instrument_id"],
        order_ids=tuple(row["evidence"]["orders"]),
        execution_ids=tuple(row["evidence"]["executions"]),
        assignee=row["assignee"],
        disposition=None if row["disposition"] is None else Disposition(row["disposition"]),
        disposition_reason=row["disposition_reason"],
        proposed_by=row["proposed_by"],
        closed_by=row["closed_by"],
        version=row["version"],
        occurred_at=row["occurred_at"],
        opened_at=row["opened_at"],
        updated_at=row["updated_at"],
    )
