"""Surveillance cases over GraphQL."""

from datetime import datetime
from typing import Final
from uuid import UUID

import strawberry

from app.compliance.domain import cases as domain
from app.compliance.domain.cases import CaseState, Disposition
from app.compliance.domain.surveillance import CaseKind
from app.compliance.errors import CaseUnknownError
from app.core.errors import OmsError
from app.core.ids import CaseId
from app.core.paging import Page, Window
from app.flows.compliance.surveillance_cases import (
    close_case,
    count_cases,
    list_cases,
    read_case,
    take_case,
    write_note,
)
from app.identity.domain import Scope
from schema.base.context import Info
from schema.base.errors import UserError, user_errors
from schema.base.ids import is_id, parse_id
from schema.base.pagination import Count, Counted, Cursors, page_info, window_of
from schema.base.permissions import scoped
from schema.brokers.types import known_account

CASE_CURSORS: Final = Cursors("surveillanceCase")

strawberry.enum(CaseKind, name="SurveillanceCaseKind", description="The pattern that was found.")
strawberry.enum(CaseState, name="SurveillanceCaseState", description="A closed case is never opened again.")
strawberry.enum(Disposition, name="SurveillanceDisposition", description="What a case was held to be.")


@strawberry.type(description="A pattern in orders and executions that a person must look into. It is no verdict.")
class SurveillanceCase:
    """A case."""

    id: strawberry.ID
    kind: CaseKind
    state: CaseState
    summary: str
    account_id: strawberry.ID
    instrument_id: strawberry.ID | None
    order_ids: list[strawberry.ID] = strawberry.field(description="The evidence, at most 200.")
    execution_ids: list[strawberry.ID]
    assignee: str | None
    disposition: Disposition | None = strawberry.field(description="Until the case is closed, what was proposed.")
    disposition_reason: str | None
    proposed_by: str | None
    closed_by: str | None
    version: int
    occurred_at: datetime
    opened_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, one: domain.SurveillanceCase) -> "SurveillanceCase":
        """The type of the value."""
        return cls(
            id=strawberry.ID(str(one.id)),
            kind=one.kind,
            state=one.state,
            summary=one.summary,
            account_id=strawberry.ID(str(one.account_id)),
            instrument_id=None if one.instrument_id is None else strawberry.ID(str(one.instrument_id)),
            order_ids=[strawberry.ID(order_id) for order_id in one.order_ids],
            execution_ids=[strawberry.ID(execution_id) for execution_id in one.execution_ids],
            assignee=one.assignee,
            disposition=one.disposition,
            disposition_reason=one.disposition_reason,
            proposed_by=one.proposed_by,
            closed_by=one.closed_by,
            version=one.version,
            occurred_at=one.occurred_at,
            opened_at=one.opened_at,
            updated_at=one.updated_at,
        )


@strawberry.type(description="What somebody wrote about a case.")
class SurveillanceNote:
    """A note."""

    id: strawberry.ID
    note: str
    written_by: str
    written_at: datetime


@strawberry.type(description="A case with its newest notes.")
class SurveillanceCaseFile:
    """A case with its notes."""

    case: SurveillanceCase
    notes: list[SurveillanceNote]


@strawberry.type
class SurveillanceCaseEdge:
    """A case at its place."""

    cursor: str
    node: SurveillanceCase


@strawberry.type(description="Cases, the newest first.")
class SurveillanceCaseConnection(Counted):
    """A page of cases."""

    edges: list[SurveillanceCaseEdge]

    @classmethod
    def of(
        cls, page: Page[domain.SurveillanceCase], window: Window[UUID], count: Count
    ) -> "SurveillanceCaseConnection":
        """The page with its cursors."""
        edges = [
            SurveillanceCaseEdge(cursor=CASE_CURSORS.write(str(one.id)), node=SurveillanceCase.of(one))
            for one in page.items
        ]
        return cls(edges=edges, page_info=page_info(page, window, [edge.cursor for edge in edges]), count=count)


@strawberry.input
class TakeSurveillanceCaseInput:
    """Which case the asker takes."""

    case_id: strawberry.ID
    expected_version: int | None = None


@strawberry.input
class WriteSurveillanceNoteInput:
    """A note on a case."""

    case_id: strawberry.ID
    note: str


@strawberry.input
class CloseSurveillanceCaseInput:
    """What a case is held to be."""

    case_id: strawberry.ID
    disposition: Disposition
    reason: str
    expected_version: int | None = None


@strawberry.type
class SurveillanceCasePayload:
    """A case, or what was wrong."""

    case: SurveillanceCase | None = None
    errors: list[UserError] = strawberry.field(default_factory=list)


@strawberry.type
class SurveillanceQuery:
    """Queries of cases."""

    @strawberry.field(
        description="The cases of surveillance, the newest first: in some states, of some kinds, of an account.",
        extensions=scoped(Scope.MANAGE_RISK),
    )
    async def surveillance_cases(
        self,
        info: Info,
        states: list[CaseState] | None = None,
        kinds: list[CaseKind] | None = None,
        account_id: strawberry.ID | None = None,
        first: int | None = 50,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
    ) -> SurveillanceCaseConnection:
        """A page of cases."""
        window = window_of(first=first, after=after, last=last, before=before, read=CASE_CURSORS.read_id)
        desk, principal = info.context.desk, info.context.principal
        account = None if account_id is None else await known_account(info, account_id, "accountId")

        async def count() -> int:
            return await count_cases(desk, principal, states, kinds, account)

        page = await list_cases(desk, principal, states, kinds, account, window)
        return SurveillanceCaseConnection.of(page, window, count)

    @strawberry.field(description="A case with its newest notes.", extensions=scoped(Scope.MANAGE_RISK))
    async def surveillance_case(self, info: Info, case_id: strawberry.ID) -> SurveillanceCaseFile:
        """A case with its notes."""
        found, notes = await read_case(info.context.desk, info.context.principal, _case_id(case_id))
        return SurveillanceCaseFile(
            case=SurveillanceCase.of(found),
            notes=[
                SurveillanceNote(
                    id=strawberry.ID(str(one.id)), note=one.note, written_by=one.written_by, written_at=one.written_at
                )
                for one in notes
            ],
        )


@strawberry.type
class SurveillanceMutation:
    """Mutations of cases."""

    @strawberry.mutation(description="Takes a case into one's own hands.", extensions=scoped(Scope.MANAGE_RISK))
    async def take_surveillance_case(
        self,
        info: Info,
        input: TakeSurveillanceCaseInput,  # noqa: A002
    ) -> SurveillanceCasePayload:
        """Takes a case."""
        try:
            case_id = _case_id(input.case_id)
            found = await take_case(info.context.desk, info.context.principal, case_id, input.expected_version)
        except OmsError as error:
            return SurveillanceCasePayload(errors=user_errors(error))
        return SurveillanceCasePayload(case=SurveillanceCase.of(found))

    @strawberry.mutation(description="Writes a note on a case; it stays.", extensions=scoped(Scope.MANAGE_RISK))
    async def write_surveillance_note(
        self,
        info: Info,
        input: WriteSurveillanceNoteInput,  # noqa: A002
    ) -> SurveillanceCasePayload:
        """Writes a note."""
        try:
            found = await write_note(info.context.desk, info.context.principal, _case_id(input.case_id), input.note)
        except OmsError as error:
            return SurveillanceCasePayload(errors=user_errors(error))
        return SurveillanceCasePayload(case=SurveillanceCase.of(found))

    @strawberry.mutation(
        description="Says what a case was. The first person proposes; the case is closed when another one says the "
        "same. Nobody does so whose orders it is about.",
        extensions=scoped(Scope.MANAGE_RISK, step_up=True),
    )
    async def close_surveillance_case(
        self,
        info: Info,
        input: CloseSurveillanceCaseInput,  # noqa: A002
    ) -> SurveillanceCasePayload:
        """Says what a case was."""
        try:
            found = await close_case(
                info.context.desk,
                info.context.principal,
                _case_id(input.case_id),
                input.disposition,
                input.reason,
                input.expected_version,
            )
        except OmsError as error:
            return SurveillanceCasePayload(errors=user_errors(error))
        return SurveillanceCasePayload(case=SurveillanceCase.of(found))


def _case_id(text: str) -> CaseId:
    if not is_id(text):
        raise CaseUnknownError
    return CaseId(parse_id(text))
