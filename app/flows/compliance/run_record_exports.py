"""The worker writes the exports of order records that were asked for, piece by piece, so that no end of one is lost."""

import asyncio
import hashlib
import logging
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from app.audit import service as audit
from app.compliance import exports_batch
from app.compliance.domain.record_exports import (
    LEASE,
    PIECE_BYTES_MAX,
    STALLED_MAX,
    ExportFailure,
    ExportState,
    RecordExport,
)
from app.core.clock import Clock
from app.core.ids import Ids, OrderId, RecordExportId, TenantId
from app.core.records import replace
from app.flows.compliance.order_records import (
    PAGE,
    LivedOrder,
    WantedRecords,
    head_text,
    lived_orders,
    record_text,
)
from app.flows.compliance.record_exports import RESOURCE, asked_document, throw_away
from app.identity.domain import system_principal
from app.infra.db import BatchSession, Database
from app.infra.outages import go_on, known_as
from app.infra.uow import begin_batch, begin_system
from app.orders.repository.records import count_orders
from app.tenants import batch as tenants

TURN_PAGES: Final = 20
"""After so many pages an export waits until the others that are due have had their turn."""
TAKEN_MAX: Final = 8
IDLE_S: Final = 1.0
AWAY_S: Final = 5.0
PRUNED_MAX: Final = 10
_log = logging.getLogger("oms.record_exports")


class _TakenUpElsewhere(Exception):
    """Another worker goes on with the export: what this one has not stored is thrown away."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordExportRunner:
    """What writes exports. system_database is of the role SYSTEM; bytes_max is the room that one file may take.

    keep is for how long a file, or the word of a failure, is there.
    """

    database: Database
    system_database: Database
    clock: Clock
    ids: Ids
    keep: timedelta
    bytes_max: int

    async def run_forever(self) -> None:
        """Writes what is due until it is cancelled. A database that is away is waited for."""
        # Whatever it was must not end the worker: the export stays, and is taken up again.
        await go_on(self._turn, away_s=AWAY_S, log=_log, what="exports wait")

    async def _turn(self) -> float:
        return 0 if await self.run_due() else IDLE_S

    async def run_due(self) -> int:
        """Gives each export that is due a turn; how many were taken up."""
        async with begin_system(self.system_database) as session:
            due = await exports_batch.due(session, self.clock.now(), TAKEN_MAX)
        taken = 0
        for tenant_id, export_id in due:
            taken += await self.take_turn(tenant_id, export_id)
        return taken

    async def take_turn(self, tenant_id: TenantId, export_id: RecordExportId) -> bool:
        """Writes some pages of the export; False where another worker has it."""
        now = self.clock.now()
        async with begin_batch(self.database, tenant_id) as session:
            export = await exports_batch.take(session, tenant_id, export_id, now=now, until=now + LEASE)
        if export is None:
            return False
        try:
            if export.stalled > STALLED_MAX:
                await self._fail(export, ExportFailure.GIVEN_UP)
                return True
            for _ in range(TURN_PAGES):
                export = await self._page(export)
                if export.state.is_over:
                    return True
            async with begin_batch(self.database, tenant_id) as session:
                await exports_batch.store(session, export, self.clock.now())
        except _TakenUpElsewhere:
            _log.warning("export %s goes on in another worker", export_id)
        except Exception as error:
            # One that cannot go on must not hold up the others; it is taken up again when its lease is over.
            if known_as(error) is not None:
                raise
            _log.exception("export %s could not go on", export_id)
        return True

    async def _page(self, export: RecordExport) -> RecordExport:
        wanted = WantedRecords(after=export.after, before=export.before, account_id=export.account_id)
        async with begin_batch(self.database, export.tenant_id) as session:
            total = export.orders_total
            if total is None:
                total = await count_orders(session, export.tenant_id, export.account_id, export.after, export.before)
            found = await lived_orders(session, export.tenant_id, wanted, behind=export.behind, limit=PAGE)
        now = self.clock.now()
        # Aside: the loop serves the other chores of the worker.
        texts, pieces = await asyncio.to_thread(_written, export, found, now)
        after = replace(
            export,
            stalled=0,
            orders_total=max(total, export.orders_written + len(found)),
            orders_written=export.orders_written + len(found),
            behind=OrderId(found[-1].rows.order["id"]) if found else export.behind,
            pieces=export.pieces + len(pieces),
            size_bytes=export.size_bytes + texts,
            stored_bytes=export.stored_bytes + sum(map(len, pieces)),
        )
        if after.stored_bytes > self.bytes_max:
            return await self._fail(export, ExportFailure.TOO_LARGE)
        async with begin_batch(self.database, export.tenant_id) as session:
            # First of all, so that who lost the export meets nobody else's pieces.
            await _store(session, after, now + LEASE)
            for place, content in enumerate(pieces, export.pieces):
                await exports_batch.add_piece(session, export, place, content)
        return after if len(found) == PAGE else await self._finish(after)

    async def _finish(self, export: RecordExport) -> RecordExport:
        # Over what is stored, piece by piece: whoever began the file may be gone, and its sum with it.
        total = hashlib.sha256()
        for place in range(export.pieces):
            async with begin_batch(self.database, export.tenant_id) as session:
                content = await exports_batch.piece(session, export.tenant_id, export.id, place)
            assert content is not None, "a piece stays while its export is in hand"
            text = await asyncio.to_thread(zlib.decompress, content)
            await asyncio.to_thread(total.update, text)
        now = self.clock.now()
        done = replace(
            export,
            state=ExportState.DONE,
            sha256=total.hexdigest(),
            orders_total=export.orders_written,
            finished_at=now,
            expires_at=now + self.keep,
        )
        told = {"sha256": done.sha256, "sizeBytes": done.size_bytes, "orders": done.orders_written}
        async with begin_batch(self.database, export.tenant_id) as session:
            await _store(session, done, now)
            await self._record(session, done, "order_records.written", now, told)
        return done

    async def _fail(self, export: RecordExport, failure: ExportFailure) -> RecordExport:
        now = self.clock.now()
        failed = replace(
            export,
            state=ExportState.FAILED,
            failure=failure,
            pieces=0,
            stored_bytes=0,
            finished_at=now,
            expires_at=now + self.keep,
        )
        async with begin_batch(self.database, export.tenant_id) as session:
            await _store(session, failed, now)
            await exports_batch.drop_pieces(session, export.tenant_id, export.id)
            await self._record(session, failed, "order_records.failed", now, {"code": failure.value})
        _log.error("export %s failed: %s", export.id, failure.value)
        return failed

    async def _record(
        self, session: BatchSession, export: RecordExport, action: str, now: datetime, told: dict[str, Any]
    ) -> None:
        worker = system_principal(export.tenant_id, "exports")
        told = {**asked_document(export), **told}
        act = audit.entry(worker, action, RESOURCE, export.id, entry_id=self.ids.new(), now=now, new=told)
        await session.write([audit.record_batch([act])])


async def prune_record_exports(database: Database, system_database: Database, clock: Clock, ids: Ids) -> int:
    """Throws the exports away that have expired, with their files; how many. It is in the audit log."""
    async with begin_system(system_database) as session:
        tenant_ids = await tenants.all_ids(session)
    pruned = 0
    for tenant_id in tenant_ids:
        while batch := await _prune(database, tenant_id, clock.now(), ids):
            pruned += batch
    return pruned


async def _prune(database: Database, tenant_id: TenantId, now: datetime, ids: Ids) -> int:
    keeper = system_principal(tenant_id, "exports")
    async with begin_batch(database, tenant_id) as session:
        gone = await exports_batch.expired(session, tenant_id, now, PRUNED_MAX)
        await throw_away(session, gone, keeper, "order_records.expired", ids, now)
    return len(gone)


async def _store(session: BatchSession, export: RecordExport, due_at: datetime) -> None:
    if not await exports_batch.store(session, export, due_at):
        raise _TakenUpElsewhere


def _written(export: RecordExport, found: Sequence[LivedOrder], now: datetime) -> tuple[int, list[bytes]]:
    parts = [record_text(one, export.form) for one in found]
    if not export.pieces:
        wanted = WantedRecords(after=export.after, before=export.before, account_id=export.account_id)
        parts.insert(0, head_text(export.tenant_id, export.requested_by, wanted, export.form, now))
    content = "".join(parts).encode()
    cuts = range(0, len(content), PIECE_BYTES_MAX)
    return len(content), [zlib.compress(content[start : start + PIECE_BYTES_MAX]) for start in cuts]
