"""A row in every table of compliance."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from app.compliance.models import (
    CalendarDayRow,
    OrderRecordExportRow,
    OrderRecordPieceRow,
    RecordRetentionRow,
    RestrictedEntryRow,
    RestrictedListRow,
    RestrictedListVersionRow,
    RestrictionAlertRow,
    SurveillanceCaseRow,
    SurveillanceCursorRow,
    SurveillanceNoteRow,
)
from app.core.ids import AccountId, InstrumentId, TenantId
from app.infra.db import WriteSession
from app.infra.system import SystemIds

_ids = SystemIds()


async def add_compliance(
    session: WriteSession, tenant_id: TenantId, account_id: AccountId, instrument_id: InstrumentId, order_id: UUID
) -> None:
    """A list that keeps nothing out of what the firm deals in, and a touch of it."""
    now, list_id, entry_id = datetime.now(UTC), _ids.new(), _ids.new()
    version: dict[str, Any] = {
        "tenant_id": tenant_id,
        "name": "watched",
        "is_active": True,
        "is_reason_visible": False,
        "version": 1,
        "changed_by": "test",
        "reason": "test",
    }
    session.add(RestrictedListRow(**version, id=list_id, description="", created_at=now, updated_at=now))
    await session.flush()
    session.add(RestrictedListVersionRow(**version, list_id=list_id, added=1, removed=0, changed_at=now))
    session.add(
        RestrictedEntryRow(
            tenant_id=tenant_id,
            id=entry_id,
            list_id=list_id,
            symbol="NOTDEALT",
            kind="NO_TRADE",
            reason="canary",
            added_in=1,
            added_by="test",
            added_at=now,
        )
    )
    session.add(RecordRetentionRow(tenant_id=tenant_id, alert_days=4000, case_days=4000, set_by="canary", set_at=now))
    session.add(
        CalendarDayRow(
            tenant_id=tenant_id,
            exchange="CANARY",
            day=now.date(),
            name="canary",
            is_closed=True,
            set_by="test",
            reason="canary",
            set_at=now,
        )
    )
    await session.flush()
    session.add(
        RestrictionAlertRow(
            tenant_id=tenant_id,
            id=_ids.new(),
            act="PLACE",
            outcome="BLOCKED",
            kind="NO_TRADE",
            list_id=list_id,
            entry_id=entry_id,
            order_id=order_id,
            account_id=account_id,
            instrument_id=instrument_id,
            acted_by="test",
            created_at=now,
        )
    )
    await session.flush()
    case_id = _ids.new()
    session.add(SurveillanceCursorRow(tenant_id=tenant_id, looked_to=now))
    session.add(
        SurveillanceCaseRow(
            tenant_id=tenant_id,
            id=case_id,
            kind="WASH_TRADE",
            case_key="canary",
            state="OPEN",
            summary="canary",
            account_id=account_id,
            instrument_id=instrument_id,
            evidence={"orders": [], "executions": []},
            occurred_at=now,
            opened_at=now,
            updated_at=now,
        )
    )
    await session.flush()
    session.add(
        SurveillanceNoteRow(
            tenant_id=tenant_id,
            id=_ids.new(),
            case_id=case_id,
            account_id=account_id,
            note="canary",
            written_by="test",
            written_at=now,
        )
    )
    await session.flush()
    export_id = _ids.new()
    session.add(
        OrderRecordExportRow(
            tenant_id=tenant_id,
            id=export_id,
            from_time=now - timedelta(days=1),
            to_time=now,
            format="jsonl",
            state="DONE",
            requested_by="test",
            requested_at=now,
            due_at=now,
            attempt=1,
            pieces=1,
            size_bytes=6,
            stored_bytes=6,
            sha256="canary",
            expires_at=now + timedelta(days=7),
        )
    )
    await session.flush()
    session.add(OrderRecordPieceRow(tenant_id=tenant_id, export_id=export_id, place=0, content=b"canary"))
    await session.flush()
