"""orderRecords and `oms compliance export`: the complete life of each order of a time, for a regulator."""

import hashlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from app.audit import service as audit
from app.compliance.domain.order_record import RecordFormat, csv_header, csv_lines, json_line, record_document
from app.compliance.domain.record_actors import actors_in
from app.core.clock import Clock
from app.core.ids import AccountId, Ids, OrderId, TenantId
from app.core.paging import Page, Window, page_of
from app.flows.compliance.execution_quality import check_span
from app.flows.desk import Desk
from app.identity.actors_batch import named_actors
from app.identity.domain import Principal
from app.identity.domain.actors import NamedActor
from app.infra.clock_source import clock_source
from app.infra.db import BatchSession, Database
from app.infra.uow import begin_batch
from app.orders.repository.records import OrderRows, count_orders, order_rows

PAGE: Final = 200
ENDS: Final = ("fromTime", "toTime")
"""What a client calls the two ends of the time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedRecords:
    """The orders that were stored from `after` up to, and without, `before`, of an account or of all."""

    after: datetime
    before: datetime
    account_id: AccountId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderRecord:
    """The record of an order under its id."""

    id: OrderId
    document: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class LivedOrder:
    """The rows of an order, and who is behind each actor that they name."""

    rows: OrderRows
    named: Mapping[str, NamedActor]


async def lived_orders(
    session: BatchSession,
    tenant_id: TenantId,
    wanted: WantedRecords,
    *,
    behind: OrderId | None,
    ahead_of: OrderId | None = None,
    is_from_end: bool = False,
    limit: int,
) -> list[LivedOrder]:
    """The next of the wanted orders between the two ids, by their ids; the actors of all are looked up at once."""
    found = await order_rows(
        session,
        tenant_id,
        wanted.account_id,
        after=wanted.after,
        before=wanted.before,
        behind=behind,
        ahead_of=ahead_of,
        is_from_end=is_from_end,
        limit=limit,
    )
    named = await named_actors(
        session, tenant_id, {actor for one in found for actor in actors_in(one.order, one.events, one.requests)}
    )
    return [LivedOrder(rows=one, named=named) for one in found]


async def list_records(
    desk: Desk, principal: Principal, wanted: WantedRecords, window: Window[UUID]
) -> Page[OrderRecord]:
    """A page of records, the oldest first. Raises InputError for a time that cannot be, and WholeTenantError."""
    principal.require_whole_tenant()
    check_span(wanted.after, wanted.before, ENDS)
    async with begin_batch(desk.database, principal.tenant_id) as session:
        found = await lived_orders(
            session,
            principal.tenant_id,
            wanted,
            behind=None if window.after is None else OrderId(window.after),
            ahead_of=None if window.before is None else OrderId(window.before),
            is_from_end=window.is_from_end,
            limit=window.size + 1,
        )
    return page_of([_record(one) for one in found], window)


async def count_records(desk: Desk, principal: Principal, wanted: WantedRecords) -> int:
    """How many orders the time has."""
    async with begin_batch(desk.database, principal.tenant_id) as session:
        return await count_orders(session, principal.tenant_id, wanted.account_id, wanted.after, wanted.before)


async def note_export(
    database: Database, clock: Clock, ids: Ids, principal: Principal, wanted: WantedRecords, form: RecordFormat
) -> None:
    """Writes into the audit log that the records are about to be given out."""
    asked = {
        "after": wanted.after.isoformat(),
        "before": wanted.before.isoformat(),
        "accountId": None if wanted.account_id is None else str(wanted.account_id),
        "format": form.value,
    }
    act = audit.entry(
        principal, "order_records.exported", "orders", None, entry_id=ids.new(), now=clock.now(), new=asked
    )
    async with begin_batch(database, principal.tenant_id) as session:
        await session.write([audit.record_batch([act])])


async def exported_records(
    database: Database, clock: Clock, principal: Principal, wanted: WantedRecords, form: RecordFormat
) -> AsyncIterator[str]:
    """The file piece by piece: a head that tells what it is and by which clock, then each order, the oldest first.

    A CSV has no head but its columns. Raises InputError for a time that cannot be.
    """
    check_span(wanted.after, wanted.before)
    yield head_text(principal.tenant_id, principal.actor, wanted, form, clock.now())
    behind: OrderId | None = None
    while True:
        async with begin_batch(database, principal.tenant_id) as session:
            found = await lived_orders(session, principal.tenant_id, wanted, behind=behind, limit=PAGE)
        for one in found:
            yield record_text(one, form)
        if len(found) < PAGE:
            return
        behind = OrderId(found[-1].rows.order["id"])


class Checksum:
    """SHA-256 over the pieces of a file, and how many bytes they have."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()
        self.size = 0

    def add(self, piece: str) -> bytes:
        """Takes the next piece; its bytes."""
        content = piece.encode()
        self._hash.update(content)
        self.size += len(content)
        return content

    @property
    def digest(self) -> str:
        """The sum so far, in hexadecimal."""
        return self._hash.hexdigest()


def head_text(tenant_id: TenantId, actor: str, wanted: WantedRecords, form: RecordFormat, now: datetime) -> str:
    """What a file begins with: the columns of a CSV, else what the file is, for whom, and by which clock."""
    return csv_header() if form is RecordFormat.CSV else json_line({"export": _head(tenant_id, actor, wanted, now)})


def record_text(order: LivedOrder, form: RecordFormat) -> str:
    """The record of an order as a file has it."""
    document = _record(order).document
    return csv_lines(document) if form is RecordFormat.CSV else json_line(document)


def _head(tenant_id: TenantId, actor: str, wanted: WantedRecords, now: datetime) -> dict[str, Any]:
    source = clock_source()
    return {
        "tenantId": str(tenant_id),
        "after": wanted.after.isoformat(),
        "before": wanted.before.isoformat(),
        "accountId": None if wanted.account_id is None else str(wanted.account_id),
        "exportedAt": now.isoformat(),
        "exportedBy": actor,
        "clock": {
            "source": source.name,
            "isSynchronized": source.is_synchronized,
            "errorMicrosecondsMax": source.error_us_max,
            "errorMicroseconds": source.error_us,
            "resolutionNanoseconds": source.resolution_ns,
            "note": "recordedAt is by the clock of the machine that stored it; this is what the machine that exports "
            "says of its own. occurredAt of executions is by the broker's clock, to the second.",
        },
    }


def _record(order: LivedOrder) -> OrderRecord:
    rows = order.rows
    document = record_document(rows.order, rows.events, rows.executions, rows.requests, order.named)
    return OrderRecord(id=OrderId(rows.order["id"]), document=document)
