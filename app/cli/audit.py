"""`oms audit …`: the work behind the commands."""

import asyncio
import base64
import json
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, TextIO, TypeVar

from app.audit import reading_batch
from app.audit.domain import SignedHead
from app.audit.reading_batch import AuditFilter
from app.cli.exits import ExitCode
from app.core.clock import as_utc
from app.core.errors import InputError, NotFoundError, UnavailableError
from app.core.ids import TenantId, UserId
from app.core.paging import Window
from app.flows.audit.export_audit import (
    about_person,
    as_json,
    csv_header,
    csv_line,
    exported,
    json_line,
    note_export,
    parsed_id,
)
from app.flows.audit.keep_audit import signatures_of, signer_of, sink_of
from app.flows.audit.read_audit import AuditEntryView, search_audit
from app.flows.audit.sign_heads import heads_of_sink
from app.flows.audit.verify_audit import AuditVerdict, verify_audit
from app.identity.domain import Principal, system_principal
from app.infra.db import Database, DatabaseRole
from app.infra.local_secrets import with_own_master_key
from app.infra.reach import reachable_postgres
from app.infra.settings import Settings, load_settings
from app.infra.signing import Signer, new_signing_key
from app.infra.system import SystemClock, SystemIds
from app.infra.uow import begin_batch, begin_system
from app.infra.vault import Vault
from app.tenants import batch as tenants

AnswerT = TypeVar("AnswerT")
FORMATS = ("jsonl", "csv")


@dataclass(frozen=True, slots=True)
class Asked:
    """The conditions of a search as typed."""

    actor: str | None
    action: str | None
    resource_type: str | None
    resource_id: str | None
    request_id: str | None
    since: str | None
    until: str | None
    text: str | None

    def filter(self) -> AuditFilter:
        """The conditions. Raises InputError."""
        return AuditFilter(
            actor=self.actor,
            action=self.action,
            resource_type=self.resource_type,
            resource_id=self.resource_id,
            request_id=self.request_id,
            created_after=_time(self.since, "since"),
            created_before=_time(self.until, "until"),
            text=self.text,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Desk:
    settings: Settings
    database: Database
    system_database: Database
    vault: Vault

    async def tenants(self, slug: str | None) -> dict[TenantId, str]:
        """The tenants of the installation, or the one. Raises NotFoundError."""
        async with begin_system(self.system_database) as session:
            found = await tenants.slugs(session, slug)
        if slug is not None and not found:
            raise NotFoundError(f"There is no tenant {slug}.")
        return found

    async def principal(self, slug: str) -> Principal:
        """The command line as who acts in the tenant. Raises NotFoundError."""
        (tenant_id,) = await self.tenants(slug)
        return system_principal(tenant_id, "cli")

    async def note(self, principal: Principal, what: str, asked: dict[str, Any]) -> None:
        """Writes into the log that it is read."""
        await note_export(self.database, SystemClock(), SystemIds(), principal, what, asked)


def verify(tenant: str | None, *, has_sink: bool, as_json: bool) -> ExitCode:
    """Verify the logs and print what is broken; returns ERROR when anything is.

    Raises: NotFoundError for an unknown tenant, HeadSinkError when the sink does not answer.
    """

    async def work(desk: _Desk) -> ExitCode:
        code = ExitCode.OK
        sink, signatures = sink_of(desk.settings) if has_sink else None, signatures_of(desk.settings)
        for tenant_id, slug in (await desk.tenants(tenant)).items():
            # What is outside is read first: the log goes on growing.
            heads, bad = ([], 0) if sink is None else await heads_of_sink(sink, tenant_id)
            verdict = await verify_audit(desk.database, signatures, tenant_id, limit=None, outside=heads)
            print(_document(slug, verdict, len(heads), bad) if as_json else _lines(slug, verdict, len(heads), bad))
            if not verdict.verification.is_intact:
                code = ExitCode.ERROR
        return code

    return _run(work)


def search(tenant: str, asked: Asked, *, limit: int, as_json: bool) -> None:
    """Print the newest entries that fit. Raises: NotFoundError, InputError."""
    wanted = asked.filter()

    async def work(desk: _Desk) -> None:
        principal = await desk.principal(tenant)
        await desk.note(principal, "audit_log.searched", asdict(asked))
        after: int | None = None
        left = limit
        while left:
            window = Window(size=left, after=after)
            found = await search_audit(desk.database, desk.vault, principal, wanted, window)
            for view in found.page.items:
                print(_search_document(view) if as_json else _search_line(view))
            left -= len(found.page.items)
            if found.looked_to is None:
                return
            after = found.looked_to

    _run(work)


def export(tenant: str, asked: Asked, *, form: str, output: Path | None) -> None:
    """Write the entries that fit, from the oldest on. Raises: NotFoundError, InputError."""
    if form not in FORMATS:
        raise InputError(f"The formats are {' and '.join(FORMATS)}.", path=["format"])
    wanted = asked.filter()

    async def work(desk: _Desk) -> None:
        principal = await desk.principal(tenant)
        await desk.note(principal, "audit_log.exported", {**asdict(asked), "format": form})
        if output is None:
            await _export(desk, principal.tenant_id, wanted, form, sys.stdout)
            return
        try:
            file = output.open("x", encoding="utf-8", newline="")
        except OSError as error:
            raise UnavailableError(f"cannot write {output}: {error.strerror}") from error
        with file:
            await _export(desk, principal.tenant_id, wanted, form, file)

    _run(work)


def export_heads(tenant: str) -> None:
    """Print the signed heads of a tenant. Raises: NotFoundError, HeadSinkError."""

    async def work(desk: _Desk) -> None:
        (tenant_id,) = await desk.tenants(tenant)
        for one in await _heads(desk, tenant_id):
            sys.stdout.write(one.line().decode())

    _run(work)


def export_person(tenant: str, user: str) -> None:
    """Print all that is kept of a person in a tenant. Raises: NotFoundError."""
    user_id = UserId(parsed_id(user))

    async def work(desk: _Desk) -> None:
        principal = await desk.principal(tenant)
        await desk.note(principal, "person.exported", {"user_id": str(user_id)})
        async for thing in about_person(desk.database, desk.vault, principal.tenant_id, user_id):
            print(as_json(thing))

    _run(work)


def generate_key(version: str) -> None:
    """Print a new entry of OMS_AUDIT_SIGNING_KEY. Raises: SigningKeyError for a version that is none."""
    entry = f"{version}:{new_signing_key()}"
    Signer.of(entry)
    print(entry)


def show_keys() -> None:
    """Print the public keys of the settings."""
    signer = signer_of(load_settings())
    if signer is None:
        raise NotFoundError("OMS_AUDIT_SIGNING_KEY is not set: nothing is signed.")
    for version, key in signer.public_keys().items():
        print(f"{version}:{base64.b64encode(key).decode()}")


def _run(work: Callable[[_Desk], Awaitable[AnswerT]]) -> AnswerT:
    async def run() -> AnswerT:
        async with _open() as desk:
            return await work(desk)

    return asyncio.run(run())


@asynccontextmanager
async def _open() -> AsyncIterator[_Desk]:
    settings = with_own_master_key(load_settings())
    url = await reachable_postgres(settings)
    database = Database(url, DatabaseRole.APP, size=1)
    system_database = Database(url, DatabaseRole.SYSTEM, size=1)
    try:
        await database.open()
        await system_database.open()
        vault = Vault.of(settings.master_key.get_secret_value())
        yield _Desk(settings=settings, database=database, system_database=system_database, vault=vault)
    finally:
        await system_database.close()
        await database.close()


async def _export(desk: _Desk, tenant_id: TenantId, wanted: AuditFilter, form: str, out: TextIO) -> None:
    if form == "csv":
        out.write(csv_header() + "\r\n")
    async for page in exported(desk.database, desk.vault, tenant_id, wanted):
        for link, view in page:
            out.write(csv_line(view) + "\r\n" if form == "csv" else json_line(link, view) + "\n")


async def _heads(desk: _Desk, tenant_id: TenantId) -> list[SignedHead]:
    sink = sink_of(desk.settings)
    if sink is not None:
        return (await heads_of_sink(sink, tenant_id))[0]
    async with begin_batch(desk.database, tenant_id) as session:
        return await reading_batch.signed_heads(session, tenant_id, 0, 1_000_000)


def _lines(slug: str, verdict: AuditVerdict, outside: int, bad: int) -> str:
    found = verdict.verification
    word = "intact" if found.is_intact else "BROKEN"
    lines = [
        f"{slug}: {word}, {found.entries} entries from {verdict.since} to {verdict.through}, "
        f"{verdict.heads} signed heads, {outside} lines of the sink"
    ]
    if verdict.unreadable_heads or bad:
        lines.append(f"  {verdict.unreadable_heads} heads without a signature that holds, {bad} lines that are none")
    lines += [f"  {one.kind.value.lower()} from {one.sequence} to {one.until}" for one in found.breaks]
    return "\n".join(lines)


def _document(slug: str, verdict: AuditVerdict, outside: int, bad: int) -> str:
    found = verdict.verification
    return json.dumps(
        {
            "tenant": slug,
            "isIntact": found.is_intact,
            "entries": found.entries,
            "fromSequence": verdict.since,
            "toSequence": verdict.through,
            "firstBrokenSequence": found.first_broken_sequence,
            "signedHeads": verdict.heads,
            "unverifiedHeads": verdict.unreadable_heads,
            "sinkLines": outside,
            "unreadableSinkLines": bad,
            "breaks": [
                {"kind": one.kind.value, "fromSequence": one.sequence, "toSequence": one.until} for one in found.breaks
            ],
        }
    )


def _search_line(view: AuditEntryView) -> str:
    resource = view.resource_type if view.resource_id is None else f"{view.resource_type} {view.resource_id}"
    # Values come from outside: what is no printable character must not reach a terminal.
    line = f"{view.sequence}  {view.created_at.isoformat()}  {view.actor}  {view.action}  {resource}"
    return "".join(one if one.isprintable() else "?" for one in line)


def _search_document(view: AuditEntryView) -> str:
    return as_json(asdict(view) | {"hash": view.hash.hex()})


def _time(text: str | None, name: str) -> datetime | None:
    if text is None:
        return None
    try:
        return as_utc(datetime.fromisoformat(text))
    except ValueError as error:
        raise InputError(f"{text} is no time such as 2026-11-21T09:30:00Z.", path=[name]) from error
