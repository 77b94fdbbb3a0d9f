"""Changing limits: what tightens counts at once, what loosens waits for a second person where the tenant asks it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.audit import service as audit
from app.core.ids import Ids, LimitId, ProposalId, TenantId, UserId
from app.core.records import replace
from app.identity.domain import Principal
from app.infra.db import WriteSession
from app.risk.domain import RiskLimit
from app.risk.keeping import repository
from app.risk.keeping.domain.changes import (
    LIMITS_MAX,
    PENDING_MAX,
    PROPOSAL_LASTS,
    REASON_LENGTH_MAX,
    KeptLimit,
    LimitAction,
    LimitProposal,
    LimitSetting,
    LimitVersion,
    ProposalState,
    is_alike,
    limit_document,
    limit_of_document,
)
from app.risk.keeping.domain.loosening import second_person_reasons
from app.risk.keeping.domain.settings import checked
from app.risk.keeping.errors import (
    LimitInvalidError,
    LimitMovedError,
    LimitsTooManyError,
    LimitUnknownError,
    ProposalNotPendingError,
    ProposalUnknownError,
    ProposerDecidesError,
)
from app.risk.keeping.repository import LimitFilter

_EVERY = LimitFilter()
_PENDING = (ProposalState.PENDING,)


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitChange:
    """The limit as it stands now, and the proposal where the change waits; is_changed False where nothing differed."""

    kept: KeptLimit
    proposal: LimitProposal | None = None
    is_changed: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Acting:
    """Who changes limits, whether what loosens takes two, and when."""

    principal: Principal
    takes_two: bool
    ids: Ids
    now: datetime

    @property
    def tenant_id(self) -> TenantId:
        """Whose limits."""
        return self.principal.tenant_id


async def set_limit(session: WriteSession, acting: Acting, setting: LimitSetting) -> LimitChange:
    """The limit after the change, or as it was with the proposal that waits for a second person.

    Raises LimitInvalidError, LimitUnknownError, LimitMovedError, LimitsTooManyError.
    """
    check_reason(setting.reason)
    if setting.id is None:
        return await _create(session, acting, setting)
    known = await _known(session, acting.tenant_id, setting.id, setting.expected_version)
    before = known.limit
    wanted = checked(_same_target(before, setting.wanted), acting.now, before=before)
    if is_alike(wanted, before):
        return LimitChange(kept=known, is_changed=False)
    why = second_person_reasons(before, wanted, acting.now)
    if why and acting.takes_two:
        return await _propose(session, acting, known, wanted, why, setting.reason)
    after = await _apply(session, acting, known, wanted, reason=setting.reason)
    return LimitChange(kept=after)


async def delete_limit(
    session: WriteSession, acting: Acting, limit_id: LimitId, *, expected_version: int | None, reason: str | None
) -> LimitChange:
    """The limit that was taken away, or as it stands with the proposal to take it away.

    Raises LimitUnknownError, LimitMovedError, LimitInvalidError.
    """
    check_reason(reason)
    known = await _known(session, acting.tenant_id, limit_id, expected_version)
    why = second_person_reasons(known.limit, None, acting.now)
    if why and acting.takes_two:
        return await _propose(session, acting, known, None, why, reason)
    return LimitChange(kept=await _apply(session, acting, known, None, reason=reason))


async def approve(
    session: WriteSession,
    acting: Acting,
    proposal_id: ProposalId,
    people: Mapping[str, UserId],
    *,
    reason: str | None,
) -> LimitChange:
    """The limit as the proposal wanted it. people tells who stands behind the actors.

    Raises ProposalUnknownError, ProposerDecidesError, ProposalNotPendingError, LimitInvalidError.
    """
    check_reason(reason)
    asked, known = await _locked(session, acting.tenant_id, proposal_id)
    maker = people.get(asked.proposed_by)
    # A maker whose key is gone cannot be told apart from the approver.
    if maker == people[acting.principal.actor] or (maker is None and asked.proposed_by.startswith("key:")):
        raise ProposerDecidesError("proposalId")
    state = asked.state_at(acting.now)
    if state is not ProposalState.PENDING or known is None or known.limit.version != asked.base_version:
        raise ProposalNotPendingError(
            (ProposalState.OVERTAKEN if state is ProposalState.PENDING else state).value, "proposalId"
        )
    [decided] = await _end(session, acting, [asked.id], ProposalState.APPROVED, reason=reason)
    wanted = None
    if asked.wanted is not None:
        wanted = limit_of_document(known.limit.id, known.limit.version, asked.wanted)
    after = await _apply(session, acting, known, wanted, reason=asked.reason, approved=decided)
    return LimitChange(kept=after, proposal=decided)


async def reject(
    session: WriteSession,
    acting: Acting,
    proposal_id: ProposalId,
    people: Mapping[str, UserId],
    *,
    reason: str | None,
) -> LimitProposal:
    """The proposal, REJECTED, or WITHDRAWN where its maker says so; the limit stays as it is.

    Raises ProposalUnknownError, ProposalNotPendingError, LimitInvalidError.
    """
    check_reason(reason)
    asked, _ = await _locked(session, acting.tenant_id, proposal_id)
    state = asked.state_at(acting.now)
    if state is not ProposalState.PENDING:
        raise ProposalNotPendingError(state.value, "proposalId")
    is_own = people.get(asked.proposed_by) == people.get(acting.principal.actor, asked.proposed_by)
    is_own = is_own or asked.proposed_by == acting.principal.actor
    ended = ProposalState.WITHDRAWN if is_own else ProposalState.REJECTED
    [decided] = await _end(session, acting, [asked.id], ended, reason=reason)
    return decided


async def expire(session: WriteSession, acting: Acting, *, limit: int) -> int:
    """Ends the proposals whose time is over; how many."""
    overdue = await repository.overdue_proposals(session, acting.tenant_id, acting.now, limit)
    reason = "nobody decided in time"
    return len(await _end(session, acting, overdue, ProposalState.EXPIRED, reason=reason)) if overdue else 0


async def _create(session: WriteSession, acting: Acting, setting: LimitSetting) -> LimitChange:
    tenant_id = acting.tenant_id
    if setting.expected_version is not None:
        raise LimitInvalidError("A new limit has no version yet.", path=["expectedVersion"])
    if await repository.count_limits(session, tenant_id, _EVERY) >= LIMITS_MAX:
        raise LimitsTooManyError("limits", LIMITS_MAX)
    limit = checked(replace(setting.wanted, id=LimitId(acting.ids.new()), version=1), acting.now, before=None)
    kept = KeptLimit(limit=limit, created_by=acting.principal.actor, created_at=acting.now, updated_at=acting.now)
    await repository.add_limit(session, tenant_id, kept)
    version = LimitVersion(
        limit_id=limit.id,
        version=1,
        action=LimitAction.CREATED,
        before=None,
        after=limit_document(limit),
        changed_by=acting.principal.actor,
        reason=setting.reason,
        recorded_at=acting.now,
    )
    await repository.add_version(session, tenant_id, version)
    await _record(session, acting, "risk_limit.created", limit.id, new=_told(version))
    return LimitChange(kept=kept)


async def _propose(
    session: WriteSession,
    acting: Acting,
    known: KeptLimit,
    wanted: RiskLimit | None,
    why: Sequence[str],
    reason: str | None,
) -> LimitChange:
    tenant_id, limit = acting.tenant_id, known.limit
    if await repository.count_proposals(session, tenant_id, _PENDING) >= PENDING_MAX:
        raise LimitsTooManyError("proposals waiting", PENDING_MAX)
    proposal = LimitProposal(
        id=ProposalId(acting.ids.new()),
        limit_id=limit.id,
        account_id=limit.account_id,
        base_version=limit.version,
        before=limit_document(limit),
        wanted=None if wanted is None else limit_document(wanted),
        why=tuple(why),
        reason=reason,
        proposed_by=acting.principal.actor,
        created_at=acting.now,
        expires_at=acting.now + PROPOSAL_LASTS,
    )
    await repository.add_proposal(session, tenant_id, proposal)
    told = {"proposalId": str(proposal.id), "wanted": proposal.wanted, "why": list(why), "reason": reason}
    await _record(session, acting, "risk_limit.proposed", limit.id, old=proposal.before, new=told)
    return LimitChange(kept=known, proposal=proposal)


async def _apply(
    session: WriteSession,
    acting: Acting,
    known: KeptLimit,
    wanted: RiskLimit | None,
    *,
    reason: str | None,
    approved: LimitProposal | None = None,
) -> KeptLimit:
    tenant_id, before = acting.tenant_id, known.limit
    version = before.version + 1
    after = replace(before, is_active=False, version=version) if wanted is None else replace(wanted, version=version)
    if wanted is None:
        await repository.delete_limit(session, tenant_id, after, now=acting.now)
    else:
        await repository.store_limit(session, tenant_id, after, now=acting.now)
    actor = acting.principal.actor
    stored = LimitVersion(
        limit_id=before.id,
        version=version,
        action=LimitAction.DELETED if wanted is None else LimitAction.CHANGED,
        before=limit_document(before),
        after=None if wanted is None else limit_document(after),
        changed_by=actor if approved is None else approved.proposed_by,
        reason=reason,
        recorded_at=acting.now,
        proposal_id=None if approved is None else approved.id,
        approved_by=None if approved is None else actor,
    )
    await repository.add_version(session, tenant_id, stored)
    act = "risk_limit.deleted" if wanted is None else "risk_limit.changed"
    await _record(session, acting, act, before.id, old=stored.before, new=_told(stored))
    waiting = await repository.pending_of_limit(session, tenant_id, before.id)
    if waiting:
        why = f"the limit went to version {version}"
        await _end(session, acting, waiting, ProposalState.OVERTAKEN, reason=why)
    return replace(known, limit=after, updated_at=acting.now)


async def _end(
    session: WriteSession,
    acting: Acting,
    proposal_ids: Sequence[ProposalId],
    state: ProposalState,
    *,
    reason: str | None,
) -> list[LimitProposal]:
    ended = await repository.end_proposals(
        session, acting.tenant_id, proposal_ids, state, by=acting.principal.actor, reason=reason, now=acting.now
    )
    for one in ended:
        await audit.record(
            session,
            acting.principal,
            f"risk_limit_proposal.{state.value.lower()}",
            "RiskLimitProposal",
            one.id,
            entry_id=acting.ids.new(),
            now=acting.now,
            old={"state": ProposalState.PENDING.value, "limitId": str(one.limit_id), "proposedBy": one.proposed_by},
            new={"state": state.value, "reason": reason, "wanted": one.wanted},
        )
    return ended


async def _locked(
    session: WriteSession, tenant_id: TenantId, proposal_id: ProposalId
) -> tuple[LimitProposal, KeptLimit | None]:
    asked = await repository.proposal(session, tenant_id, proposal_id)
    if asked is None:
        raise ProposalUnknownError("proposalId")
    known = await repository.limit_for_update(session, tenant_id, asked.limit_id)
    # Read again behind the lock: another person may have decided first.
    asked = await repository.proposal(session, tenant_id, proposal_id)
    assert asked is not None, "a proposal stays"
    return asked, known


async def _known(
    session: WriteSession, tenant_id: TenantId, limit_id: LimitId, expected_version: int | None
) -> KeptLimit:
    known = await repository.limit_for_update(session, tenant_id, limit_id)
    if known is None:
        raise LimitUnknownError("id")
    if expected_version is not None and expected_version != known.limit.version:
        raise LimitMovedError(known.limit.version, "expectedVersion")
    return known


def _same_target(before: RiskLimit, wanted: RiskLimit) -> RiskLimit:
    if wanted.limit_type is not before.limit_type:
        raise LimitInvalidError("A limit keeps its type: make another.", path=["limitType"])
    for field, path in (("account_id", "accountId"), ("strategy_id", "strategyId"), ("instrument_id", "instrumentId")):
        asked = getattr(wanted, field)
        if asked is not None and asked != getattr(before, field):
            raise LimitInvalidError("A limit keeps what it covers: make another.", path=[path])
    return replace(
        wanted,
        id=before.id,
        version=before.version,
        account_id=before.account_id,
        strategy_id=before.strategy_id,
        instrument_id=before.instrument_id,
    )


def check_reason(reason: str | None) -> None:
    """Raises LimitInvalidError for a reason that is too long."""
    if reason is not None and len(reason) > REASON_LENGTH_MAX:
        raise LimitInvalidError(f"A reason has at most {REASON_LENGTH_MAX} characters.", path=["reason"])


def _told(version: LimitVersion) -> dict[str, Any]:
    return {
        "version": version.version,
        "after": version.after,
        "reason": version.reason,
        "proposalId": None if version.proposal_id is None else str(version.proposal_id),
        "proposedBy": None if version.proposal_id is None else version.changed_by,
    }


async def _record(
    session: WriteSession,
    acting: Acting,
    action: str,
    limit_id: LimitId,
    *,
    old: Mapping[str, Any] | None = None,
    new: Mapping[str, Any] | None = None,
) -> None:
    await audit.record(
        session,
        acting.principal,
        action,
        "RiskLimit",
        limit_id,
        entry_id=acting.ids.new(),
        now=acting.now,
        old=old,
        new=new,
    )
