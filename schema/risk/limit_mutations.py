"""Mutations of limits, and the decision on changes that wait."""

from datetime import datetime
from decimal import Decimal
from typing import Any

import strawberry
from strawberry.scalars import JSON

from app.core.errors import OmsError
from app.core.fix import RiskLimitType
from app.core.ids import AccountId, InstrumentId, LimitId, ProposalId, StrategyId
from app.flows.risk.change_risk_limits import delete_risk_limit, set_risk_limit
from app.flows.risk.decide_risk_limit import approve_risk_limit_proposal, reject_risk_limit_proposal
from app.identity.domain import Scope
from app.risk.domain import RiskLimit as LimitValue
from app.risk.errors import LimitProblem, limit_problem
from app.risk.keeping.domain.changes import LimitSetting
from app.risk.keeping.errors import (
    LimitInvalidError,
    LimitTargetUnknownError,
    LimitUnknownError,
    ProposalUnknownError,
)
from app.risk.keeping.service import LimitChange
from schema.base.context import Info
from schema.base.ids import is_id, parse_id, storable
from schema.base.permissions import scoped
from schema.risk.limits import (
    RiskLimit,
    RiskLimitPayload,
    RiskLimitProposal,
    RiskLimitProposalPayload,
    limit_errors,
)


@strawberry.input(
    description="A new limit, or with an id the whole of what the limit is to be from now on. A limit keeps its type "
    "and what it covers."
)
class SetRiskLimitInput:
    """A limit as it is asked for."""

    id: strawberry.ID | None = None
    expected_version: int | None = strawberry.field(
        default=None, description="Refused when the limit is at another one: somebody was faster."
    )
    limit_type: RiskLimitType
    value: Decimal | None = strawberry.field(default=None, description="In the unit of the type.")
    currency: str | None = None
    conditions: JSON | None = None
    account_id: strawberry.ID | None = None
    strategy_id: strawberry.ID | None = None
    instrument_id: strawberry.ID | None = None
    is_active: bool | None = True
    is_shadow: bool | None = strawberry.field(
        default=False, description="Hold it beside the others and record what it says, refusing nothing."
    )
    warn_at: Decimal | None = strawberry.field(
        default=None, description="Warn at this part of the value, above 0 and at most 1."
    )
    effective_from: datetime | None = None
    effective_until: datetime | None = None
    reason: str | None = strawberry.field(default=None, description="At most 500 characters, kept with the version.")


@strawberry.input
class DeleteRiskLimitInput:
    """Which limit goes."""

    id: strawberry.ID
    expected_version: int | None = None
    reason: str | None = None


@strawberry.input
class DecideRiskLimitProposalInput:
    """Which proposal is decided."""

    proposal_id: strawberry.ID
    reason: str | None = None


@strawberry.type
class RiskLimitMutation:
    """Mutations of limits."""

    @strawberry.mutation(
        description="Makes or changes a limit. What tightens counts at once, for orders accepted from then on; what "
        "loosens, or turns a shadow live, waits for a second person where the firm asks for two "
        "(docs/risk-limits.md): then the limit stands as it was, and proposal tells what waits.",
        extensions=scoped(Scope.MANAGE_RISK, step_up=True),
    )
    async def set_risk_limit(self, info: Info, input: SetRiskLimitInput) -> RiskLimitPayload:  # noqa: A002
        """Makes or changes a limit."""
        desk = info.context.desk
        try:
            setting = _setting(input)
            change = await set_risk_limit(desk.database, desk.clock, desk.ids, info.context.principal, setting)
        except OmsError as error:
            return RiskLimitPayload(errors=limit_errors(error))
        return _payload(change)

    @strawberry.mutation(
        description="Takes a limit away; one that refuses orders now takes a second person where the firm asks for "
        "two. Its versions stay.",
        extensions=scoped(Scope.MANAGE_RISK, step_up=True),
    )
    async def delete_risk_limit(self, info: Info, input: DeleteRiskLimitInput) -> RiskLimitPayload:  # noqa: A002
        """Takes a limit away."""
        desk = info.context.desk
        try:
            change = await delete_risk_limit(
                desk.database,
                desk.clock,
                desk.ids,
                info.context.principal,
                _limit_id(input.id),
                expected_version=input.expected_version,
                reason=reason_of(input.reason),
            )
        except OmsError as error:
            return RiskLimitPayload(errors=limit_errors(error))
        return _payload(change)

    @strawberry.mutation(
        description="Lets a proposed change of a limit count from now on. Another person than who proposed it says so, "
        "by whichever credential either acts.",
        extensions=scoped(Scope.MANAGE_RISK, step_up=True),
    )
    async def approve_risk_limit_proposal(self, info: Info, input: DecideRiskLimitProposalInput) -> RiskLimitPayload:  # noqa: A002
        """Approves a proposed change."""
        desk = info.context.desk
        try:
            change = await approve_risk_limit_proposal(
                desk.database,
                desk.clock,
                desk.ids,
                info.context.principal,
                _proposal_id(input.proposal_id),
                reason=reason_of(input.reason),
            )
        except OmsError as error:
            return RiskLimitPayload(errors=limit_errors(error))
        return _payload(change)

    @strawberry.mutation(
        description="Ends a proposed change without effect. Who proposed it withdraws it by this.",
        extensions=scoped(Scope.MANAGE_RISK),
    )
    async def reject_risk_limit_proposal(
        self,
        info: Info,
        input: DecideRiskLimitProposalInput,  # noqa: A002
    ) -> RiskLimitProposalPayload:
        """Rejects a proposed change."""
        desk = info.context.desk
        try:
            proposal = await reject_risk_limit_proposal(
                desk.database,
                desk.clock,
                desk.ids,
                info.context.principal,
                _proposal_id(input.proposal_id),
                reason=reason_of(input.reason),
            )
        except OmsError as error:
            return RiskLimitProposalPayload(errors=limit_errors(error))
        return RiskLimitProposalPayload(proposal=RiskLimitProposal.of(proposal))


def reason_of(text: str | None) -> str | None:
    """The reason. Raises InputError for one that cannot be stored."""
    return None if not text else storable(text, "reason")


def _payload(change: LimitChange) -> RiskLimitPayload:
    proposal = None if change.proposal is None else RiskLimitProposal.of(change.proposal)
    return RiskLimitPayload(risk_limit=RiskLimit.of(change.kept), proposal=proposal)


def _setting(given: SetRiskLimitInput) -> LimitSetting:
    conditions: Any = {} if given.conditions is None else given.conditions
    if not isinstance(conditions, dict):
        wrong = limit_problem(LimitProblem.LIMIT_CONDITION_INVALID, "conditions", message="conditions are an object")
        raise LimitInvalidError.of([wrong])
    limit_id = None if given.id is None else _limit_id(given.id)
    account = None if given.account_id is None else _target(given.account_id, "account", "accountId")
    strategy = None if given.strategy_id is None else _target(given.strategy_id, "strategy", "strategyId")
    instrument = None if given.instrument_id is None else _target(given.instrument_id, "instrument", "instrumentId")
    wanted = LimitValue(
        id=LimitId(parse_id(_NO_ID)) if limit_id is None else limit_id,
        limit_type=given.limit_type,
        value=given.value,
        currency=given.currency,
        conditions=conditions,
        account_id=None if account is None else AccountId(account),
        strategy_id=None if strategy is None else StrategyId(strategy),
        instrument_id=None if instrument is None else InstrumentId(instrument),
        is_active=given.is_active is not False,
        is_shadow=given.is_shadow is True,
        warn_at=given.warn_at,
        effective_from=given.effective_from,
        effective_until=given.effective_until,
    )
    return LimitSetting(
        id=limit_id, expected_version=given.expected_version, wanted=wanted, reason=reason_of(given.reason)
    )


_NO_ID = "00000000-0000-0000-0000-000000000000"


def _target(text: str, what: str, path: str) -> Any:
    if not is_id(text):
        raise LimitTargetUnknownError(what, path)
    return parse_id(text)


def _limit_id(text: str) -> LimitId:
    if not is_id(text):
        raise LimitUnknownError("id")
    return LimitId(parse_id(text))


def _proposal_id(text: str) -> ProposalId:
    if not is_id(text):
        raise ProposalUnknownError("proposalId")
    return ProposalId(parse_id(text))
