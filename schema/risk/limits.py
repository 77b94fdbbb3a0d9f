"""The GraphQL types of limits, their versions, and the changes that wait for a second person."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

import strawberry
from strawberry.scalars import JSON

from app.core.errors import OmsError
from app.core.fix import RiskLimitType
from app.core.ids import LimitId
from app.core.paging import Page, Window
from app.risk.domain import RiskLimit as LimitValue
from app.risk.keeping.domain import changes
from app.risk.keeping.domain.changes import DrillOutcome, LimitAction, ProposalState, limit_of_document
from app.risk.keeping.errors import LimitInvalidError
from schema.base.errors import UserError, problem_errors, user_errors
from schema.base.node import Node
from schema.base.pagination import Count, Counted, Cursors, page_info

LIMIT_CURSORS: Final = Cursors("riskLimit")
VERSION_CURSORS: Final = Cursors("riskLimitVersion")
PROPOSAL_CURSORS: Final = Cursors("riskLimitProposal")

strawberry.enum(LimitAction, name="RiskLimitAction", description="What made a version of a limit.")
strawberry.enum(
    ProposalState,
    name="RiskLimitProposalState",
    description="How far a proposed change has come. OVERTAKEN: the limit changed meanwhile; WITHDRAWN: its maker took "
    "it back.",
)
strawberry.enum(
    DrillOutcome,
    name="RiskDrillOutcome",
    description="What a drill found. FIRED: the limit refused just beyond it, and not before. ALREADY_BREACHED: the "
    "account is beyond it now. FAILS_CLOSED: it refuses all, for a figure that it needs is missing. SILENT: it did not "
    "refuse. NOT_DRILLED: there was nothing to hold against it.",
)


@strawberry.type(description="What a limit says.")
class RiskLimitTerms:
    """What a limit says."""

    limit_type: RiskLimitType
    value: Decimal | None
    currency: str | None
    conditions: JSON
    account_id: strawberry.ID | None
    strategy_id: strawberry.ID | None
    instrument_id: strawberry.ID | None
    is_active: bool
    is_shadow: bool
    warn_at: Decimal | None
    effective_from: datetime | None
    effective_until: datetime | None

    @classmethod
    def of_document(cls, kept: Mapping[str, Any] | None) -> "RiskLimitTerms | None":
        """The type of what versions and proposals keep."""
        return None if kept is None else cls(**_terms(limit_of_document(LimitId(UUID(int=0)), 1, kept)))


@strawberry.type(
    description="What orders are held against. It covers what it names: an account, a strategy, an instrument, each or "
    "the whole firm; where several cover an order, all hold."
)
class RiskLimit(Node):
    """What orders are held against."""

    limit_type: RiskLimitType
    value: Decimal | None = strawberry.field(description="In the unit of the type.")
    currency: str | None
    conditions: JSON = strawberry.field(description="What it is held against, and what the type knows of its own.")
    account_id: strawberry.ID | None
    strategy_id: strawberry.ID | None
    instrument_id: strawberry.ID | None
    is_active: bool
    is_shadow: bool = strawberry.field(description="It is held beside the others and recorded, and refuses nothing.")
    warn_at: Decimal | None = strawberry.field(description="The part of the value at which to warn.")
    effective_from: datetime | None
    effective_until: datetime | None = strawberry.field(description="From this instant on it holds no more.")
    version: int
    created_by: str
    created_at: datetime
    updated_at: datetime
    last_drilled_at: datetime | None = strawberry.field(description="When it was last proven able to refuse.")
    last_drill_outcome: DrillOutcome | None
    last_drill_message: str | None = strawberry.field(
        description="What it found in words, with a warning of symbols that no instrument of the firm bears."
    )
    last_drill_version: int | None = strawberry.field(description="The version that was drilled.")

    @classmethod
    def of(cls, kept: changes.KeptLimit) -> "RiskLimit":
        """The type of the value."""
        limit, drill = kept.limit, kept.last_drill
        return cls(
            id=strawberry.ID(str(limit.id)),
            **_terms(limit),
            version=limit.version,
            created_by=kept.created_by,
            created_at=kept.created_at,
            updated_at=kept.updated_at,
            last_drilled_at=None if drill is None else drill.drilled_at,
            last_drill_outcome=None if drill is None else drill.outcome,
            last_drill_message=None if drill is None else drill.message,
            last_drill_version=None if drill is None else drill.limit_version,
        )


@strawberry.type(description="A version of a limit: who changed what, why, and who approved it.")
class RiskLimitVersion:
    """A version of a limit."""

    limit_id: strawberry.ID
    version: int
    action: LimitAction
    before: RiskLimitTerms | None
    after: RiskLimitTerms | None = strawberry.field(description="Null for a deletion.")
    changed_by: str
    approved_by: str | None = strawberry.field(description="The second person, where it took one.")
    proposal_id: strawberry.ID | None
    reason: str | None
    recorded_at: datetime

    @classmethod
    def of(cls, one: changes.LimitVersion) -> "RiskLimitVersion":
        """The type of the value."""
        return cls(
            limit_id=strawberry.ID(str(one.limit_id)),
            version=one.version,
            action=one.action,
            before=RiskLimitTerms.of_document(one.before),
            after=RiskLimitTerms.of_document(one.after),
            changed_by=one.changed_by,
            approved_by=one.approved_by,
            proposal_id=None if one.proposal_id is None else strawberry.ID(str(one.proposal_id)),
            reason=one.reason,
            recorded_at=one.recorded_at,
        )


@strawberry.type(description="A change of a limit that counts when a second person approves it.")
class RiskLimitProposal:
    """A change of a limit that waits."""

    id: strawberry.ID
    limit_id: strawberry.ID
    base_version: int
    before: RiskLimitTerms
    wanted: RiskLimitTerms | None = strawberry.field(description="What the limit is to be; null to delete it.")
    why: list[str] = strawberry.field(description="Why it takes a second person.")
    reason: str | None
    proposed_by: str
    created_at: datetime
    expires_at: datetime
    state: ProposalState
    decided_by: str | None
    decided_at: datetime | None
    decision_reason: str | None

    @classmethod
    def of(cls, one: changes.LimitProposal) -> "RiskLimitProposal":
        """The type of the value."""
        before = RiskLimitTerms.of_document(one.before)
        assert before is not None, "a proposal tells what was there"
        return cls(
            id=strawberry.ID(str(one.id)),
            limit_id=strawberry.ID(str(one.limit_id)),
            base_version=one.base_version,
            before=before,
            wanted=RiskLimitTerms.of_document(one.wanted),
            why=list(one.why),
            reason=one.reason,
            proposed_by=one.proposed_by,
            created_at=one.created_at,
            expires_at=one.expires_at,
            state=one.state,
            decided_by=one.decided_by,
            decided_at=one.decided_at,
            decision_reason=one.decision_reason,
        )


@strawberry.type
class RiskLimitEdge:
    """A limit at its place in a list."""

    cursor: str
    node: RiskLimit


@strawberry.type(description="Limits, the newest first.")
class RiskLimitConnection(Counted):
    """A page of limits."""

    edges: list[RiskLimitEdge]

    @classmethod
    def of(cls, page: Page[changes.KeptLimit], window: Window[UUID], count: Count) -> "RiskLimitConnection":
        """The page with its cursors."""
        write = LIMIT_CURSORS.write
        edges = [RiskLimitEdge(cursor=write(str(one.limit.id)), node=RiskLimit.of(one)) for one in page.items]
        return cls(edges=edges, page_info=page_info(page, window, [edge.cursor for edge in edges]), count=count)


@strawberry.type
class RiskLimitVersionEdge:
    """A version at its place in a list."""

    cursor: str
    node: RiskLimitVersion


@strawberry.type(description="Versions of a limit, the newest first.")
class RiskLimitVersionConnection(Counted):
    """A page of versions."""

    edges: list[RiskLimitVersionEdge]

    @classmethod
    def of(cls, page: Page[changes.LimitVersion], window: Window[int], count: Count) -> "RiskLimitVersionConnection":
        """The page with its cursors."""
        write = VERSION_CURSORS.write
        edges = [
            RiskLimitVersionEdge(cursor=write(str(one.version)), node=RiskLimitVersion.of(one)) for one in page.items
        ]
        return cls(edges=edges, page_info=page_info(page, window, [edge.cursor for edge in edges]), count=count)


@strawberry.type
class RiskLimitProposalEdge:
    """A proposal at its place in a list."""

    cursor: str
    node: RiskLimitProposal


@strawberry.type(description="Proposed changes of limits, the newest first.")
class RiskLimitProposalConnection(Counted):
    """A page of proposals."""

    edges: list[RiskLimitProposalEdge]

    @classmethod
    def of(cls, page: Page[changes.LimitProposal], window: Window[UUID], count: Count) -> "RiskLimitProposalConnection":
        """The page with its cursors."""
        write = PROPOSAL_CURSORS.write
        edges = [RiskLimitProposalEdge(cursor=write(str(one.id)), node=RiskLimitProposal.of(one)) for one in page.items]
        return cls(edges=edges, page_info=page_info(page, window, [edge.cursor for edge in edges]), count=count)


@strawberry.type(description="The limit as it stands now, and the proposal where the change waits for a second person.")
class RiskLimitPayload:
    """The answer of what changes a limit."""

    risk_limit: RiskLimit | None = None
    proposal: RiskLimitProposal | None = None
    errors: list[UserError] = strawberry.field(default_factory=list)


@strawberry.type
class RiskLimitProposalPayload:
    """The answer of a rejection."""

    proposal: RiskLimitProposal | None = None
    errors: list[UserError] = strawberry.field(default_factory=list)


def limit_errors(error: OmsError) -> list[UserError]:
    """The errors as a payload carries them: of a limit all that is wrong with it."""
    if isinstance(error, LimitInvalidError) and error.problems:
        return problem_errors(error.problems)
    return user_errors(error)


def _terms(limit: LimitValue) -> dict[str, Any]:
    return {
        "limit_type": limit.limit_type,
        "value": limit.value,
        "currency": limit.currency,
        "conditions": limit.conditions,
        "account_id": _id(limit.account_id),
        "strategy_id": _id(limit.strategy_id),
        "instrument_id": _id(limit.instrument_id),
        "is_active": limit.is_active,
        "is_shadow": limit.is_shadow,
        "warn_at": limit.warn_at,
        "effective_from": limit.effective_from,
        "effective_until": limit.effective_until,
    }


def _id(value: UUID | None) -> strawberry.ID | None:
    return None if value is None else strawberry.ID(str(value))
