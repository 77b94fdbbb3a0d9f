"""Cases of surveillance: how one goes from found to closed, and by whom."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

from app.compliance.domain.surveillance import CaseKind
from app.compliance.errors import CaseInvalidError, CaseOfOwnError
from app.core.ids import AccountId, CaseId, InstrumentId, UserId
from app.core.records import replace
from app.core.texts import is_readable

NOTE_LENGTH_MAX: Final = 2_000
REASON_LENGTH_MAX: Final = 500


class CaseState(StrEnum):
    """A case is OPEN until somebody takes it, UNDER_REVIEW until it is CLOSED; a closed one is never opened again."""

    OPEN = "OPEN"
    UNDER_REVIEW = "UNDER_REVIEW"
    CLOSED = "CLOSED"


class Disposition(StrEnum):
    """What a closed case was held to be."""

    NO_VIOLATION = "NO_VIOLATION"
    VIOLATION = "VIOLATION"


@dataclass(frozen=True, slots=True, kw_only=True)
class SurveillanceCase:
    """A case. Until it is closed, disposition and proposed_by are what a first person proposed."""

    id: CaseId
    kind: CaseKind
    state: CaseState
    summary: str
    account_id: AccountId
    instrument_id: InstrumentId | None
    order_ids: tuple[str, ...]
    execution_ids: tuple[str, ...]
    assignee: str | None
    disposition: Disposition | None
    disposition_reason: str | None
    proposed_by: str | None
    closed_by: str | None
    version: int
    occurred_at: datetime
    opened_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseNote:
    """What somebody wrote about a case."""

    id: UUID
    note: str
    written_by: str
    written_at: datetime


def reviewed(case: SurveillanceCase, *, assignee: str, now: datetime) -> SurveillanceCase:
    """The case in somebody's hands. Raises CaseInvalidError for one that is closed."""
    _check_open(case)
    return replace(case, state=CaseState.UNDER_REVIEW, assignee=assignee, version=case.version + 1, updated_at=now)


def closed(
    case: SurveillanceCase,
    disposition: Disposition,
    reason: str,
    *,
    by: str,
    is_person: bool,
    parties: Collection[str],
    people: Mapping[str, UserId],
    now: datetime,
) -> SurveillanceCase:
    """The case after somebody said what it was; parties are those whose orders it is about.

    Either disposition needs two who say the same, neither of them a party, by whichever credential: the first one
    proposes, and the second one is a person. Who says otherwise than was proposed proposes anew. people tells who
    stands behind the actors. Raises CaseInvalidError and CaseOfOwnError.
    """
    _check_open(case)
    if any(_is_one(by, party, people) for party in parties):
        raise CaseOfOwnError
    if not is_readable(reason, REASON_LENGTH_MAX):
        raise CaseInvalidError(f"A reason has 1 to {REASON_LENGTH_MAX} characters.", path=["reason"])
    after = replace(
        case, disposition=disposition, disposition_reason=reason.strip(), version=case.version + 1, updated_at=now
    )
    proposer = case.proposed_by
    if case.disposition is disposition and proposer is not None and not _is_one(by, proposer, people):
        if not is_person:
            raise CaseInvalidError("It is proposed already: a second person closes it.", path=["disposition"])
        return replace(after, state=CaseState.CLOSED, closed_by=by)
    return replace(after, state=CaseState.UNDER_REVIEW, proposed_by=by)


def checked_note(note: str) -> str:
    """The note. Raises CaseInvalidError."""
    if not is_readable(note, NOTE_LENGTH_MAX):
        raise CaseInvalidError(f"A note has 1 to {NOTE_LENGTH_MAX} characters.", path=["note"])
    return note.strip()


def _is_one(actor: str, other: str, people: Mapping[str, UserId]) -> bool:
    return actor == other or (actor in people and people[actor] == people.get(other))


def _check_open(case: SurveillanceCase) -> None:
    if case.state is CaseState.CLOSED:
        raise CaseInvalidError("The case is closed.", path=["caseId"])
