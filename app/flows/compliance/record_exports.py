"""requestOrderRecords, the list of exports, and the file that one gives out: who asked and who fetched is audited."""

import zlib
from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from app.audit import service as audit
from app.audit.domain import AuditEntry
from app.compliance import exports_batch
from app.compliance.domain.order_record import RecordFormat
from app.compliance.domain.record_exports import KEPT_MAX, UNFINISHED_MAX, ExportState, RecordExport
from app.compliance.errors import RecordExportsFullError, RecordExportUnfinishedError, RecordExportUnknownError
from app.core.clock import as_utc
from app.core.errors import UnavailableError
from app.core.ids import Ids, RecordExportId
from app.core.paging import Page, Window
from app.flows.compliance.execution_quality import check_span
from app.flows.compliance.order_records import ENDS, WantedRecords
from app.flows.desk import Desk
from app.identity.domain import Principal
from app.infra.db import BatchSession
from app.infra.uow import begin_batch

RESOURCE: Final = "order_record_export"


async def request_export(desk: Desk, principal: Principal, wanted: WantedRecords, form: RecordFormat) -> RecordExport:
    """The export, queued for the worker. The account, if one is named, must be known to be the tenant's.

    Raises InputError for a time that cannot be, RecordExportsFullError, WholeTenantError.
    """
    principal.require_whole_tenant()
    check_span(wanted.after, wanted.before, ENDS)
    tenant_id, now = principal.tenant_id, desk.clock.now()
    export = RecordExport(
        tenant_id=tenant_id,
        id=RecordExportId(desk.ids.new()),
        after=as_utc(wanted.after),
        before=as_utc(wanted.before),
        account_id=wanted.account_id,
        form=form,
        state=ExportState.QUEUED,
        requested_by=principal.actor,
        requested_at=now,
    )
    async with begin_batch(desk.database, tenant_id) as session:
        await exports_batch.lock_exports(session, tenant_id)
        unfinished, kept = await exports_batch.counts(session, tenant_id, now)
        if unfinished >= UNFINISHED_MAX:
            raise RecordExportsFullError(f"At most {UNFINISHED_MAX} exports wait or run at once.", UNFINISHED_MAX)
        if kept >= KEPT_MAX:
            raise RecordExportsFullError(f"At most {KEPT_MAX} exports are kept at once; old ones expire.", KEPT_MAX)
        await exports_batch.add(session, export)
        act = _entry(desk, principal, "order_records.requested", export, now, asked_document(export))
        await session.write([audit.record_batch([act])])
    return export


async def list_exports(desk: Desk, principal: Principal, window: Window[UUID]) -> Page[RecordExport]:
    """A page of the tenant's exports that have not expired, the newest first. Raises WholeTenantError."""
    principal.require_whole_tenant()
    async with begin_batch(desk.database, principal.tenant_id) as session:
        return await exports_batch.exports_page(session, principal.tenant_id, window, desk.clock.now())


async def count_exports(desk: Desk, principal: Principal) -> int:
    """How many exports of the tenant have not expired."""
    async with begin_batch(desk.database, principal.tenant_id) as session:
        return (await exports_batch.counts(session, principal.tenant_id, desk.clock.now()))[1]


async def find_export(desk: Desk, principal: Principal, export_id: RecordExportId) -> RecordExport:
    """The export. Raises RecordExportUnknownError, WholeTenantError."""
    principal.require_whole_tenant()
    async with begin_batch(desk.database, principal.tenant_id) as session:
        found = await exports_batch.find(session, principal.tenant_id, export_id, desk.clock.now())
    if found is None:
        raise RecordExportUnknownError("id")
    return found


async def open_file(desk: Desk, principal: Principal, export_id: RecordExportId) -> RecordExport:
    """The export whose file is about to be given out: that it is stands in the audit log from here on.

    Raises RecordExportUnknownError, RecordExportUnfinishedError, WholeTenantError.
    """
    export, now = await find_export(desk, principal, export_id), desk.clock.now()
    if not export.is_file_at(now):
        raise RecordExportUnfinishedError(export.state.value)
    told = {"sha256": export.sha256, "sizeBytes": export.size_bytes, **asked_document(export)}
    act = _entry(desk, principal, "order_records.downloaded", export, now, told)
    async with begin_batch(desk.database, principal.tenant_id) as session:
        await session.write([audit.record_batch([act])])
    return export


async def file_of(desk: Desk, export: RecordExport) -> AsyncIterator[bytes]:
    """The file piece by piece; between them no transaction is open.

    Raises UnavailableError when it goes meanwhile, because it expires.
    """
    for place in range(export.pieces):
        async with begin_batch(desk.database, export.tenant_id) as session:
            content = await exports_batch.piece(session, export.tenant_id, export.id, place)
        if content is None:
            raise UnavailableError("the file has expired")
        yield zlib.decompress(content)


async def forget_files(session: BatchSession, principal: Principal, ids: Ids, now: datetime) -> None:
    """Throws the files away that are kept of the tenant, and lets those that are being written begin anew.

    For the erasure of a person, whom they name. Which files went is in the audit log.
    """
    await exports_batch.begin_anew(session, principal.tenant_id, now)
    gone = await exports_batch.written(session, principal.tenant_id)
    await throw_away(session, gone, principal, "order_records.forgotten", ids, now)


async def throw_away(
    session: BatchSession, gone: Sequence[RecordExport], principal: Principal, action: str, ids: Ids, now: datetime
) -> None:
    """Takes exports away with their files; the audit log says by this action which they were."""
    for export in gone:
        await exports_batch.drop(session, export)
    if gone:
        acts = [
            audit.entry(
                principal,
                action,
                RESOURCE,
                export.id,
                entry_id=ids.new(),
                now=now,
                old={"sha256": export.sha256, **asked_document(export)},
            )
            for export in gone
        ]
        await session.write([audit.record_batch(acts)])


def asked_document(export: RecordExport) -> dict[str, Any]:
    """What was asked for, for the audit log."""
    return {
        "after": export.after.isoformat(),
        "before": export.before.isoformat(),
        "accountId": None if export.account_id is None else str(export.account_id),
        "format": export.form.value,
    }


def _entry(
    desk: Desk, principal: Principal, action: str, export: RecordExport, now: datetime, told: dict[str, Any]
) -> AuditEntry:
    return audit.entry(principal, action, RESOURCE, export.id, entry_id=desk.ids.new(), now=now, new=told)
