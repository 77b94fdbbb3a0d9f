"""surveillanceCases and what is done with them: taking one, writing a note, saying what it was."""

from collections.abc import Sequence
from typing import Any, Protocol
from uuid import UUID

from app.audit import service as audit
from app.compliance import cases_batch
from app.compliance.domain.cases import (
    CaseNote,
    CaseState,
    Disposition,
    SurveillanceCase,
    checked_note,
    closed,
    reviewed,
)
from app.compliance.domain.surveillance import CaseKind
from app.compliance.errors import CaseMovedError, CaseUnknownError
from app.core.clock import Clock
from app.core.ids import AccountId, CaseId, Ids
from app.core.paging import Page, Window
from app.identity import batch as identity
from app.identity.domain import Principal
from app.infra.db import BatchSession, Database
from app.infra.uow import begin_batch

NOTES_MAX = 200


class CaseDesk(Protocol):
    """What work on cases needs; a Desk is one."""

    @property
    def database(self) -> Database:
        """The database under the role of the application."""
        ...

    @property
    def clock(self) -> Clock:
        """The time."""
        ...

    @property
    def ids(self) -> Ids:
        """New ids."""
        ...


async def take_case(desk: CaseDesk, principal: Principal, case_id: CaseId, expected: int | None) -> SurveillanceCase:
    """The case in the principal's own hands. Raises CaseUnknownError, CaseMovedError, CaseInvalidError."""
    principal.require_whole_tenant()
    async with begin_batch(desk.database, principal.tenant_id) as session:
        known = await _known(session, principal, case_id, expected)
        after = reviewed(known, assignee=principal.actor, now=desk.clock.now())
        await cases_batch.store_case(session, principal.tenant_id, after)
        await _record(session, desk, principal, "surveillance_case.take", known, {"assignee": principal.actor})
    return after


async def write_note(desk: CaseDesk, principal: Principal, case_id: CaseId, note: str) -> SurveillanceCase:
    """The case with one more note; a closed one takes notes too. Raises CaseUnknownError, CaseInvalidError."""
    principal.require_whole_tenant()
    text, now = checked_note(note), desk.clock.now()
    async with begin_batch(desk.database, principal.tenant_id) as session:
        known = await _known(session, principal, case_id, None)
        written = CaseNote(id=desk.ids.new(), note=text, written_by=principal.actor, written_at=now)
        await cases_batch.add_note(session, principal.tenant_id, known.id, known.account_id, written)
        await _record(session, desk, principal, "surveillance_case.note", known, {"noteId": str(written.id)})
    return known


async def close_case(
    desk: CaseDesk,
    principal: Principal,
    case_id: CaseId,
    disposition: Disposition,
    reason: str,
    expected: int | None,
) -> SurveillanceCase:
    """The case with the disposition proposed, or closed where another person proposed the same.

    Raises CaseUnknownError, CaseMovedError, CaseInvalidError, CaseOfOwnError.
    """
    principal.require_whole_tenant()
    async with begin_batch(desk.database, principal.tenant_id) as session:
        known = await _known(session, principal, case_id, expected)
        parties = await cases_batch.parties_of(session, principal.tenant_id, known)
        actors = {*parties, principal.actor} | ({known.proposed_by} if known.proposed_by else set())
        people = await identity.people_behind(session, principal.tenant_id, actors)
        now = desk.clock.now()
        after = closed(
            known,
            disposition,
            reason,
            by=principal.actor,
            is_person=principal.user_id is not None,
            parties=parties,
            people=people,
            now=now,
        )
        await cases_batch.store_case(session, principal.tenant_id, after)
        action = "surveillance_case.close" if after.state is CaseState.CLOSED else "surveillance_case.propose"
        told = {"disposition": disposition.value, "reason": after.disposition_reason, "state": after.state.value}
        await _record(session, desk, principal, action, known, told)
    return after


async def read_case(desk: CaseDesk, principal: Principal, case_id: CaseId) -> tuple[SurveillanceCase, list[CaseNote]]:
    """The case with its newest notes. Raises CaseUnknownError."""
    principal.require_whole_tenant()
    async with begin_batch(desk.database, principal.tenant_id) as session:
        known = await cases_batch.find_case(session, principal.tenant_id, case_id)
        if known is None:
            raise CaseUnknownError
        return known, await cases_batch.notes_of(session, principal.tenant_id, case_id, NOTES_MAX)


async def list_cases(
    desk: CaseDesk,
    principal: Principal,
    states: Sequence[CaseState] | None,
    kinds: Sequence[CaseKind] | None,
    account_id: AccountId | None,
    window: Window[UUID],
) -> Page[SurveillanceCase]:
    """A page of the cases that fit."""
    principal.require_whole_tenant()
    async with begin_batch(desk.database, principal.tenant_id) as session:
        return await cases_batch.cases_page(session, principal.tenant_id, states, kinds, account_id, window)


async def count_cases(
    desk: CaseDesk,
    principal: Principal,
    states: Sequence[CaseState] | None,
    kinds: Sequence[CaseKind] | None,
    account_id: AccountId | None,
) -> int:
    """How many cases fit."""
    principal.require_whole_tenant()
    async with begin_batch(desk.database, principal.tenant_id) as session:
        return await cases_batch.count_cases(session, principal.tenant_id, states, kinds, account_id)


async def _known(
    session: BatchSession, principal: Principal, case_id: CaseId, expected: int | None
) -> SurveillanceCase:
    known = await cases_batch.find_case(session, principal.tenant_id, case_id, for_update=True)
    if known is None:
        raise CaseUnknownError
    if expected is not None and expected != known.version:
        raise CaseMovedError(known.version)
    return known


async def _record(
    session: BatchSession,
    desk: CaseDesk,
    principal: Principal,
    action: str,
    before: SurveillanceCase,
    new: dict[str, Any],
) -> None:
    act = audit.entry(
        principal,
        action,
        "SurveillanceCase",
        before.id,
        entry_id=desk.ids.new(),
        now=desk.clock.now(),
        old={"state": before.state.value, "assignee": before.assignee},
        new=new,
    )
    await session.write([audit.record_batch([act])])
