"""Mutations of restricted lists: what may not be dealt, changed one by one or by a file, and given out as one."""

from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

from app.audit import service as audit
from app.compliance import lists_batch
from app.compliance.domain.list_file import LineReport, changes_of, list_file, read_entries
from app.compliance.domain.lists import (
    CHANGES_MAX,
    ENTRIES_MAX,
    LISTS_MAX,
    NAME_LENGTH_MAX,
    TEXT_LENGTH_MAX,
    ListEntry,
    NewEntry,
    RestrictedList,
    checked_entry,
    checked_optional,
    checked_text,
    entries_document,
    list_document,
    loosened_entries,
)
from app.compliance.errors import (
    RestrictedListFullError,
    RestrictedListInvalidError,
    RestrictedListMovedError,
    RestrictedListUnknownError,
)
from app.core.ids import InstrumentId, ListEntryId, RestrictedListId, TenantId
from app.core.messages import AccountKey
from app.core.records import replace
from app.flows.desk import Desk
from app.flows.risk.loosening import require_a_person, tell_others
from app.identity.domain import Principal
from app.infra.db import BatchSession
from app.infra.uow import begin_batch
from app.instruments import batch as instruments
from app.orders.repository import account_books

AUDITED_ENTRIES_MAX: Final = 100
"""Beyond so many entries the audit log tells their number; the list's own versions keep all of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListSetting:
    """A list as it is asked for: new without an id; else what is None stays as it is."""

    id: RestrictedListId | None = None
    expected_version: int | None = None
    name: str | None = None
    description: str | None = None
    is_active: bool | None = None
    is_reason_visible: bool | None = None
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryChanges:
    """What becomes of the entries of a list."""

    list_id: RestrictedListId
    expected_version: int | None
    add: Sequence[NewEntry]
    remove: Sequence[ListEntryId]
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedList:
    """What became of a file; is_stored is False for a dry run, and where one refused line keeps all of it out."""

    is_stored: bool
    lines: tuple[LineReport, ...]
    restricted_list: RestrictedList


async def set_restricted_list(desk: Desk, principal: Principal, setting: ListSetting) -> RestrictedList:
    """The list as stored: from now on no order passes that it keeps out.

    What loosens it is told to the others who keep risk, and is nothing for an API key: LooseningNeedsAPersonError.
    Raises RestrictedListInvalidError, RestrictedListUnknownError, RestrictedListMovedError, RestrictedListFullError and
    WholeTenantError.
    """
    reason = checked_text(setting.reason, TEXT_LENGTH_MAX, "reason")
    async with _changing(desk, principal) as session:
        known = None
        if setting.id is not None:
            known = await _known(session, principal.tenant_id, setting.id, setting.expected_version)
        elif await lists_batch.count_lists(session, principal.tenant_id) >= LISTS_MAX:
            raise RestrictedListFullError(f"A tenant has at most {LISTS_MAX} restricted lists.")
        now = desk.clock.now()
        before = known or RestrictedList(
            id=RestrictedListId(desk.ids.new()),
            name="",
            description="",
            is_active=True,
            is_reason_visible=False,
            version=0,
            changed_by=principal.actor,
            reason=reason,
            created_at=now,
            updated_at=now,
        )
        after = replace(
            before,
            name=before.name if setting.name is None and known else _name(setting.name),
            description=before.description
            if setting.description is None
            else checked_optional(setting.description, TEXT_LENGTH_MAX, "description"),
            is_active=before.is_active if setting.is_active is None else setting.is_active,
            is_reason_visible=before.is_reason_visible
            if setting.is_reason_visible is None
            else setting.is_reason_visible,
        )
        after = _next(after, principal, reason, desk)
        if await lists_batch.name_is_taken(session, principal.tenant_id, after.name, after.id):
            raise RestrictedListInvalidError("Another list bears this name.", path=["name"])
        if before.is_active and not after.is_active:
            await _loosen(session, desk, principal, after, "it is switched off")
        await lists_batch.store_list(session, principal.tenant_id, after)
        old = None if known is None else list_document(known)
        await _record(session, desk, principal, "restricted_list.set", after, old=old, new=list_document(after))
    return after


async def change_entries(desk: Desk, principal: Principal, changes: EntryChanges) -> RestrictedList:
    """The list with its entries changed. An entry is never changed itself: it is removed, and another added.

    Raises what set_restricted_list does.
    """
    reason = checked_text(changes.reason, TEXT_LENGTH_MAX, "reason")
    if len(changes.add) + len(changes.remove) > CHANGES_MAX:
        raise RestrictedListInvalidError(f"At most {CHANGES_MAX} entries are changed at once.", path=["add"])
    add = [checked_entry(one, "add", str(index)) for index, one in enumerate(changes.add)]
    async with _changing(desk, principal) as session:
        known = await _known(session, principal.tenant_id, changes.list_id, changes.expected_version, "listId")
        if not changes.add and not changes.remove:
            raise RestrictedListInvalidError("There is nothing to change.", path=["add"])
        held = {entry.id: entry for entry in await lists_batch.entries_of(session, principal.tenant_id, known.id)}
        for index, one in enumerate(changes.remove):
            if one not in held:
                raise RestrictedListInvalidError("The list has no such entry.", path=["removeIds", str(index)])
        removed = [held[one] for one in dict.fromkeys(changes.remove)]
        await _check_targets(session, principal.tenant_id, add, held.values(), removed)
        return await _change(session, desk, principal, known, reason, add, removed, "restricted_list.change")


async def import_list(
    desk: Desk,
    principal: Principal,
    list_id: RestrictedListId,
    content: bytes,
    *,
    reason: str,
    expected_version: int | None,
    is_dry_run: bool,
    is_replacing: bool,
    takes_each: bool,
) -> ImportedList:
    """What became of each line of the file. With takes_each refused lines keep nobody else out.

    Raises what set_restricted_list does, and InputError for a file that is too large or has no fitting header.
    """
    reason = checked_text(reason, TEXT_LENGTH_MAX, "reason")
    lines = read_entries(content)
    tenant_id = principal.tenant_id
    async with _changing(desk, principal) as session:
        known = await _known(session, tenant_id, list_id, expected_version, "listId")
        held = await lists_batch.entries_of(session, tenant_id, known.id)
        entries = [line[1] for line in lines if not isinstance(line, LineReport)]
        ids, symbols = await _instruments_of(session, tenant_id, entries)
        changes = changes_of(lines, held, known=ids, known_symbols=symbols, is_replacing=is_replacing)
        is_stored = not is_dry_run and (changes.is_sound or takes_each)
        if is_stored and (changes.added or changes.removed):
            known = await _change(
                session, desk, principal, known, reason, changes.added, changes.removed, "restricted_list.import"
            )
        elif is_stored:
            await _record(session, desk, principal, "restricted_list.import", known, new={"added": 0, "removed": 0})
    return ImportedList(is_stored=is_stored, lines=changes.reports, restricted_list=known)


async def export_list(desk: Desk, principal: Principal, list_id: RestrictedListId) -> str:
    """The entries of a list as CSV. Raises RestrictedListUnknownError and WholeTenantError."""
    principal.require_whole_tenant()
    async with begin_batch(desk.database, principal.tenant_id) as session:
        known = await lists_batch.find_list(session, principal.tenant_id, list_id)
        if known is None:
            raise RestrictedListUnknownError("listId")
        entries = await lists_batch.entries_of(session, principal.tenant_id, list_id)
        await _record(session, desk, principal, "restricted_list.export", known, new={"entries": len(entries)})
    return list_file(entries)


@asynccontextmanager
async def _changing(desk: Desk, principal: Principal) -> AsyncIterator[BatchSession]:
    principal.require_whole_tenant()
    tenant_id = principal.tenant_id
    async with begin_batch(desk.database, tenant_id) as session:
        await lists_batch.wait_turn(session, tenant_id)
        accounts = await account_books.last_sequences(session, tenant_id)
        yield session
        # Whoever takes an order has read the lists behind the lock of its book: with all of them in hand at the end,
        # an order that did not see the change is stored before the change is, and none after.
        keys = [AccountKey(tenant_id=tenant_id, account_id=one) for one in accounts]
        await account_books.books_for_update(session, keys)


async def _known(
    session: BatchSession, tenant_id: TenantId, list_id: RestrictedListId, expected: int | None, path: str = "id"
) -> RestrictedList:
    known = await lists_batch.list_for_update(session, tenant_id, list_id)
    if known is None:
        raise RestrictedListUnknownError(path)
    if expected is not None and expected != known.version:
        raise RestrictedListMovedError(known.version, "expectedVersion")
    return known


def _name(name: str | None) -> str:
    if name is None:
        raise RestrictedListInvalidError("A new list has a name.", path=["name"])
    return checked_text(name, NAME_LENGTH_MAX, "name")


def _next(one: RestrictedList, principal: Principal, reason: str, desk: Desk) -> RestrictedList:
    return replace(one, version=one.version + 1, changed_by=principal.actor, reason=reason, updated_at=desk.clock.now())


async def _check_targets(
    session: BatchSession,
    tenant_id: TenantId,
    add: Sequence[NewEntry],
    held: Collection[ListEntry],
    removed: Sequence[ListEntry],
) -> None:
    taken = {entry.terms.target for entry in held} - {entry.terms.target for entry in removed}
    ids, _ = await _instruments_of(session, tenant_id, add)
    for index, entry in enumerate(add):
        if entry.instrument_id is not None and entry.instrument_id not in ids:
            raise RestrictedListInvalidError("There is no such instrument.", path=["add", str(index), "instrumentId"])
        if entry.target in taken:
            message = "The list has an entry of this kind for it: remove that one along."
            raise RestrictedListInvalidError(message, path=["add", str(index)])
        taken.add(entry.target)


async def _instruments_of(
    session: BatchSession, tenant_id: TenantId, entries: Sequence[NewEntry]
) -> tuple[frozenset[InstrumentId], frozenset[str]]:
    symbols = {entry.symbol for entry in entries if entry.symbol is not None}
    named = {entry.instrument_id for entry in entries if entry.instrument_id is not None}
    if not symbols and not named:
        return frozenset(), frozenset()
    found = await instruments.find(
        session, ids=[(tenant_id, one) for one in named], symbols=[(tenant_id, one) for one in symbols]
    )
    return frozenset(one.id for _, one in found), frozenset(one.symbol.upper() for _, one in found)


async def _change(
    session: BatchSession,
    desk: Desk,
    principal: Principal,
    known: RestrictedList,
    reason: str,
    added: Sequence[NewEntry],
    removed: Sequence[ListEntry],
    action: str,
) -> RestrictedList:
    count = known.entries + len(added) - len(removed)
    if count > ENTRIES_MAX:
        raise RestrictedListFullError(f"A list has at most {ENTRIES_MAX} entries.")
    after = replace(_next(known, principal, reason, desk), entries=count)
    let_go = loosened_entries([one.terms for one in removed], added, desk.clock.now()) if known.is_active else 0
    if let_go:
        await _loosen(session, desk, principal, after, f"entries that keep out less than before or nothing: {let_go}")
    await lists_batch.store_list(session, principal.tenant_id, after, added=len(added), removed=len(removed))
    await lists_batch.change_entries(
        session,
        principal.tenant_id,
        after,
        added=[(ListEntryId(desk.ids.new()), one) for one in added],
        removed=[one.id for one in removed],
    )
    gone = [one.terms for one in removed]
    await _record(session, desk, principal, action, after, old=_told(gone), new={**_told(added), "reason": reason})
    return after


async def _loosen(session: BatchSession, desk: Desk, principal: Principal, one: RestrictedList, change: str) -> None:
    require_a_person(principal)
    # A mail is read by others: neither the list's name nor what it names is in it.
    what = f"a restricted list is loosened with its version {one.version}"
    await tell_others(session, desk, principal, what, change)


def _told(entries: Sequence[NewEntry]) -> dict[str, Any]:
    if len(entries) > AUDITED_ENTRIES_MAX:
        return {"count": len(entries)}
    return {"count": len(entries), "entries": entries_document(entries)}


async def _record(
    session: BatchSession,
    desk: Desk,
    principal: Principal,
    action: str,
    one: RestrictedList,
    *,
    old: dict[str, Any] | None = None,
    new: dict[str, Any],
) -> None:
    act = audit.entry(
        principal,
        action,
        "RestrictedList",
        one.id,
        entry_id=desk.ids.new(),
        now=desk.clock.now(),
        old=old,
        new={**new, "version": one.version},
    )
    await session.write([audit.record_batch([act])])
