"""What `oms compliance cases` does."""

import json
from typing import Any

from app.audit import service as audit
from app.cli.compliance import Office, at_office, printable
from app.compliance.domain.cases import CaseNote, CaseState, Disposition, SurveillanceCase
from app.core.errors import InputError
from app.core.ids import CaseId
from app.core.paging import Window
from app.flows.audit.export_audit import parsed_id
from app.flows.compliance.surveillance_cases import close_case, list_cases, read_case, write_note
from app.infra.uow import begin_batch


def show_cases(tenant: str, state: str | None, limit: int, *, as_json: bool) -> None:
    """Print the newest cases. Raises: NotFoundError, InputError."""
    if state is not None and state not in list(CaseState):
        raise InputError(f"The states are {', '.join(CaseState)}.", path=["state"])
    states = None if state is None else [CaseState(state)]

    async def work(office: Office) -> list[SurveillanceCase]:
        await _note_reading(office, None)
        page = await list_cases(office, office.principal, states, None, None, Window(size=limit))
        return list(page.items)

    for one in at_office(tenant, work):
        print(json.dumps(_document(one)) if as_json else _line(one))


def show_case(tenant: str, case: str, *, as_json: bool) -> None:
    """Print a case with its evidence and newest notes. Raises: NotFoundError, CaseUnknownError."""
    case_id = CaseId(parsed_id(case))

    async def work(office: Office) -> tuple[SurveillanceCase, list[CaseNote]]:
        found = await read_case(office, office.principal, case_id)
        await _note_reading(office, case_id)
        return found

    found, notes = at_office(tenant, work)
    if as_json:
        told = [
            {"note": one.note, "writtenBy": one.written_by, "writtenAt": one.written_at.isoformat()} for one in notes
        ]
        print(json.dumps({**_document(found), "notes": told}))
        return
    print(_line(found))
    for name, ids in (("order", found.order_ids), ("execution", found.execution_ids)):
        for one_id in ids:
            print(f"{name}  {one_id}")
    if found.disposition is not None:
        said = f"{found.disposition.value}  proposed by {found.proposed_by}  closed by {found.closed_by or 'nobody'}"
        print(printable(f"{said}: {found.disposition_reason}"))
    for note in notes:
        print(printable(f"note  {note.written_at:%Y-%m-%d %H:%M}  {note.written_by}: {note.note}"))


def note_case(tenant: str, case: str, note: str) -> None:
    """Write a note on a case. Raises: NotFoundError, CaseUnknownError, CaseInvalidError."""
    case_id = CaseId(parsed_id(case))
    at_office(tenant, lambda office: write_note(office, office.principal, case_id, note))
    print(f"noted on {case_id}")


def propose_disposition(
    tenant: str, case: str, *, disposition: str, reason: str, version: int | None, as_json: bool
) -> None:
    """Propose what a case was. Raises: NotFoundError, InputError, and what close_case does."""
    if disposition not in list(Disposition):
        raise InputError(f"A case is held to be {' or '.join(Disposition)}.", path=["disposition"])
    case_id, chosen = CaseId(parsed_id(case)), Disposition(disposition)
    found = at_office(tenant, lambda office: close_case(office, office.principal, case_id, chosen, reason, version))
    print(json.dumps(_document(found)) if as_json else f"{_line(found)}\nproposed: a person closes it")


async def _note_reading(office: Office, case_id: CaseId | None) -> None:
    act = audit.entry(
        office.principal,
        "surveillance_case.read",
        "SurveillanceCase",
        case_id,
        entry_id=office.ids.new(),
        now=office.clock.now(),
    )
    async with begin_batch(office.database, office.principal.tenant_id) as session:
        await session.write([audit.record_batch([act])])


def _line(one: SurveillanceCase) -> str:
    at = one.occurred_at
    line = f"{one.id}  {at:%Y-%m-%d %H:%M:%S}  {one.kind.value}  {one.state.value}  account {one.account_id}"
    return printable(f"{line}  {one.assignee or 'nobody'}  version {one.version}: {one.summary}")


def _document(one: SurveillanceCase) -> dict[str, Any]:
    return {
        "id": str(one.id),
        "kind": one.kind.value,
        "state": one.state.value,
        "summary": one.summary,
        "accountId": str(one.account_id),
        "instrumentId": None if one.instrument_id is None else str(one.instrument_id),
        "orderIds": list(one.order_ids),
        "executionIds": list(one.execution_ids),
        "assignee": one.assignee,
        "disposition": None if one.disposition is None else one.disposition.value,
        "dispositionReason": one.disposition_reason,
        "proposedBy": one.proposed_by,
        "closedBy": one.closed_by,
        "version": one.version,
        "occurredAt": one.occurred_at.isoformat(),
        "openedAt": one.opened_at.isoformat(),
        "updatedAt": one.updated_at.isoformat(),
    }
