"""Exports: entries from the oldest on as JSON lines or CSV, and all that is kept of a person."""

import base64
import csv
import io
import json
from collections.abc import AsyncIterator
from dataclasses import asdict
from typing import Any, Final
from uuid import UUID

from app.audit import reading_batch
from app.audit import service as audit
from app.audit.domain import Link
from app.audit.domain.chain import link_document, written_time
from app.audit.reading_batch import AuditFilter
from app.core.clock import Clock
from app.core.errors import NotFoundError
from app.core.ids import Ids, TenantId, UserId
from app.core.paging import Window
from app.flows.audit.read_audit import AuditEntryView, shown
from app.identity import erasure
from app.identity.domain import Principal
from app.infra.db import Database
from app.infra.uow import Scope, begin_batch, reading
from app.infra.vault import Vault

PAGE: Final = 500
COLUMNS: Final = (
    "sequence",
    "createdAt",
    "actor",
    "action",
    "resourceType",
    "resourceId",
    "oldValues",
    "newValues",
    "ipAddress",
    "requestId",
    "id",
    "hash",
)
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


async def note_export(
    database: Database, clock: Clock, ids: Ids, principal: Principal, what: str, asked: dict[str, Any]
) -> None:
    """Writes into the log that it is about to be read out; asked says which part."""
    given = {name: value for name, value in asked.items() if value}
    act = audit.entry(principal, what, "audit_log", None, entry_id=ids.new(), now=clock.now(), new=given)
    async with begin_batch(database, principal.tenant_id) as session:
        await session.write([audit.record_batch([act])])


async def exported(
    database: Database, vault: Vault, tenant_id: TenantId, wanted: AuditFilter
) -> AsyncIterator[list[tuple[Link, AuditEntryView]]]:
    """The sealed entries that fit, page by page from the oldest on, up to the end of the log as it was at the begin."""
    async with begin_batch(database, tenant_id) as session:
        end = await reading_batch.last_sequence(session, tenant_id) or 0
    at = 0
    while at < end:
        async with begin_batch(database, tenant_id) as session:
            window = Window(size=PAGE, before=at, after=end + 1, is_from_end=True)
            found = await reading_batch.search(session, tenant_id, wanted, window)
            links = found.links[:PAGE]
            views = await shown(session, vault, tenant_id, links)
        if links:
            yield list(zip(links, views, strict=True))
        if len(found.links) > PAGE:
            at = links[-1].entry.sequence
        elif found.looked_to is not None:
            at = found.looked_to
        else:
            return


def json_line(link: Link, view: AuditEntryView) -> str:
    """An entry as a line: `entry` as it is hashed but for `previous`, the hash, and what is personal opened."""
    line = link_document(link)
    if link.entry.sealed_address is not None or link.entry.sealed_values is not None:
        line["shown"] = {"ipAddress": view.ip_address, "oldValues": view.old_values, "newValues": view.new_values}
    # Escaped: some readers take other characters than a line feed for the end of a line too.
    return json.dumps(line)


def csv_header() -> str:
    """The first line of a CSV export."""
    return _csv(COLUMNS)


def csv_line(view: AuditEntryView) -> str:
    """An entry as a line of CSV (RFC 4180). What a spreadsheet would take for a formula begins with an apostrophe."""
    cells = (
        str(view.sequence),
        written_time(view.created_at),
        view.actor,
        view.action,
        view.resource_type,
        view.resource_id or "",
        "" if view.old_values is None else json.dumps(view.old_values, ensure_ascii=False),
        "" if view.new_values is None else json.dumps(view.new_values, ensure_ascii=False),
        view.ip_address or "",
        view.request_id or "",
        str(view.id),
        view.hash.hex(),
    )
    return _csv(tuple(f"'{cell}" if cell.startswith(_FORMULA) else cell for cell in cells))


async def about_person(
    database: Database, vault: Vault, tenant_id: TenantId, user_id: UserId
) -> AsyncIterator[dict[str, Any]]:
    """All that is kept of a person in the tenant: kind and values of each thing. Raises NotFoundError."""
    async with begin_batch(database, tenant_id) as session:
        profile = await erasure.profile(session, user_id)
        if profile is None:
            raise NotFoundError("There is no such person.", path=["user"])
        actors = [f"user:{user_id}", *(f"key:{one}" for one in await erasure.api_key_ids(session, tenant_id, user_id))]
        tables = await erasure.tables_about_people(session)
    yield {"kind": "profile", "values": profile}
    scope = Scope(tenant_id=tenant_id, user_id=user_id, platform_user_id=user_id)
    async with reading(database, scope) as looking:
        own = [one async for one in erasure.rows_of_person(looking, tenant_id, user_id)]
    for kind, values in own:
        yield {"kind": kind, "values": values}
    for table in tables:
        async with begin_batch(database, tenant_id) as session:
            rows = await erasure.rows_about(session, tenant_id, table, user_id, actors)
        for row in rows:
            yield {"kind": table[0], "values": row}
    for wanted in (
        *(AuditFilter(actor=actor) for actor in actors),
        AuditFilter(resource_type="user", resource_id=str(user_id)),
    ):
        async for page in exported(database, vault, tenant_id, wanted):
            for _, view in page:
                yield {"kind": "audit", "values": asdict(view)}


def as_json(value: dict[str, Any]) -> str:
    """A thing as a line: numbers exact, bytes in base64."""
    return json.dumps(value, ensure_ascii=False, default=_plain)


def _plain(value: Any) -> str:
    if isinstance(value, bytes | memoryview):
        return base64.b64encode(bytes(value)).decode()
    return str(value)


def _csv(cells: tuple[str, ...]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="").writerow(cells)
    return text.getvalue()


def parsed_id(text: str) -> UUID:
    """The id of a text. Raises NotFoundError for what is none."""
    try:
        return UUID(text)
    except ValueError as error:
        raise NotFoundError(f"{text} is no id.") from error
