"""What `oms compliance` does."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from app.audit import service as audit
from app.compliance import lists_batch
from app.compliance.domain.list_file import list_file
from app.compliance.domain.lists import LISTS_MAX, RestrictedList
from app.compliance.domain.order_record import RecordFormat
from app.core.clock import as_utc
from app.core.errors import InputError, NotFoundError, UnavailableError
from app.core.ids import AccountId
from app.core.paging import Window
from app.flows.audit.export_audit import parsed_id
from app.flows.compliance.execution_quality import check_span
from app.flows.compliance.order_records import Checksum, WantedRecords, exported_records, note_export
from app.identity.domain import Principal, system_principal
from app.infra.db import Database, DatabaseRole
from app.infra.reach import reachable_postgres
from app.infra.settings import load_settings
from app.infra.system import SystemClock, SystemIds
from app.infra.uow import begin_batch, begin_system
from app.tenants import batch as tenants

AnswerT = TypeVar("AnswerT")


@dataclass(frozen=True, slots=True, kw_only=True)
class Office:
    """The tenant of a command, and what works for it."""

    database: Database
    principal: Principal
    clock: SystemClock = field(default_factory=SystemClock)
    ids: SystemIds = field(default_factory=SystemIds)


def show_lists(tenant: str, name: str | None) -> None:
    """Print the restricted lists, or the entries of one as CSV. Raises: NotFoundError."""

    async def work(office: Office) -> None:
        principal = office.principal
        act = audit.entry(
            principal,
            "restricted_list.read",
            "RestrictedList",
            None,
            entry_id=SystemIds().new(),
            now=SystemClock().now(),
            new={"list": name},
        )
        async with begin_batch(office.database, principal.tenant_id) as session:
            await session.write([audit.record_batch([act])])
            page = await lists_batch.lists_page(session, principal.tenant_id, Window(size=LISTS_MAX))
            if name is None:
                for one in page.items:
                    print(_line(one))
                return
            known = next((one for one in page.items if one.name == name), None)
            if known is None:
                raise NotFoundError(f"There is no restricted list {name}.")
            print(list_file(await lists_batch.entries_of(session, principal.tenant_id, known.id)), end="")

    at_office(tenant, work)


def export(tenant: str, *, since: str, until: str, output: Path, form: str, account: str | None) -> None:
    """Write the records of the orders of a time, and their checksum beside. Raises: NotFoundError, InputError."""
    if form not in list(RecordFormat):
        raise InputError(f"The formats are {' and '.join(RecordFormat)}.", path=["format"])
    chosen = RecordFormat(form)
    wanted = WantedRecords(
        after=_time(since, "since"),
        before=_time(until, "until"),
        account_id=None if account is None else AccountId(parsed_id(account)),
    )
    check_span(wanted.after, wanted.before)

    async def work(office: Office) -> Checksum:
        await note_export(office.database, SystemClock(), SystemIds(), office.principal, wanted, chosen)
        checksum = Checksum()
        try:
            with output.open("xb") as file:
                async for piece in exported_records(office.database, SystemClock(), office.principal, wanted, chosen):
                    file.write(checksum.add(piece))
            beside = output.with_name(f"{output.name}.sha256")
            beside.write_text(f"{checksum.digest}  {output.name}\n", encoding="utf-8")
        except OSError as error:
            raise UnavailableError(f"cannot write {output}: {error.strerror}") from error
        return checksum

    checksum = at_office(tenant, work)
    print(f"wrote {output}: {checksum.size} bytes, sha256 {checksum.digest}")


def _line(one: RestrictedList) -> str:
    state = "active" if one.is_active else "inactive"
    line = f"{one.name}  {state}  version {one.version}  {one.entries} entries  by {one.changed_by}: {one.reason}"
    return printable(line)


def printable(line: str) -> str:
    """The line for a terminal. Values come from outside: what is no printable character must not reach one."""
    return "".join(character if character.isprintable() else "?" for character in line)


def at_office(tenant: str, work: Callable[[Office], Awaitable[AnswerT]]) -> AnswerT:
    """The answer of the work for the tenant. Raises: NotFoundError, and what the work does."""

    async def run() -> AnswerT:
        async with _open(tenant) as office:
            return await work(office)

    return asyncio.run(run())


@asynccontextmanager
async def _open(slug: str) -> AsyncIterator[Office]:
    url = await reachable_postgres(load_settings())
    database = Database(url, DatabaseRole.APP, size=1)
    system_database = Database(url, DatabaseRole.SYSTEM, size=1)
    try:
        await database.open()
        await system_database.open()
        async with begin_system(system_database) as session:
            found = await tenants.slugs(session, slug)
        if not found:
            raise NotFoundError(f"There is no tenant {slug}.")
        (tenant_id,) = found
        yield Office(database=database, principal=system_principal(tenant_id, "cli"))
    finally:
        await system_database.close()
        await database.close()


def _time(text: str, name: str) -> datetime:
    try:
        return as_utc(datetime.fromisoformat(text))
    except ValueError as error:
        raise InputError(f"{text} is no time such as 2026-11-21T09:30:00Z.", path=[name]) from error
