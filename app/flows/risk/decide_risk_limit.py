"""approveRiskLimitProposal and rejectRiskLimitProposal: the second person of a loosening; and the end of its time."""

from datetime import datetime
from typing import Final

from app.core.clock import Clock
from app.core.ids import Ids, ProposalId, UserId
from app.flows.risk.change_risk_limits import acting_in
from app.identity import batch as identity
from app.identity import members
from app.identity.domain import Principal, system_principal
from app.identity.domain import Scope as Allowed
from app.infra.db import Database
from app.infra.uow import Scope, begin, begin_batch, begin_system, reading
from app.risk.keeping import repository
from app.risk.keeping import service as keeping
from app.risk.keeping.domain.changes import LimitProposal
from app.risk.keeping.errors import ApproverNotAPersonError, ProposalUnknownError
from app.risk.keeping.service import Acting, LimitChange
from app.tenants import batch as tenants

SWEEP_MAX: Final = 1_000


async def approve_risk_limit_proposal(
    database: Database, clock: Clock, ids: Ids, principal: Principal, proposal_id: ProposalId, *, reason: str | None
) -> LimitChange:
    """The limit as it was proposed, in force from now on.

    Raises WholeTenantError, MissingScopeError for who lost the scope a moment ago, ApproverNotAPersonError, and what
    keeping.approve does.
    """
    principal.require_whole_tenant()
    people = await _people(database, principal, proposal_id)
    if principal.actor not in people:
        raise ApproverNotAPersonError("proposalId")
    async with begin(database, Scope(tenant_id=principal.tenant_id)) as session:
        principal = await members.as_now(session, principal, Allowed.MANAGE_RISK)
        acting = await acting_in(session, principal, clock, ids)
        return await keeping.approve(session, acting, proposal_id, people, reason=reason)


async def reject_risk_limit_proposal(
    database: Database, clock: Clock, ids: Ids, principal: Principal, proposal_id: ProposalId, *, reason: str | None
) -> LimitProposal:
    """The proposal, which counts no more. Raises WholeTenantError and what keeping.reject does."""
    principal.require_whole_tenant()
    people = await _people(database, principal, proposal_id)
    async with begin(database, Scope(tenant_id=principal.tenant_id)) as session:
        acting = await acting_in(session, principal, clock, ids)
        return await keeping.reject(session, acting, proposal_id, people, reason=reason)


async def expire_risk_limit_proposals(database: Database, system_database: Database, *, now: datetime, ids: Ids) -> int:
    """Ends the proposals that nobody decided in time, a tenant a transaction; how many."""
    async with begin_system(system_database) as system:
        tenant_ids = await tenants.all_ids(system)
    ended = 0
    for tenant_id in tenant_ids:
        principal = system_principal(tenant_id, "risk")
        async with begin(database, Scope(tenant_id=tenant_id)) as session:
            acting = Acting(principal=principal, takes_two=True, ids=ids, now=now)
            ended += await keeping.expire(session, acting, limit=SWEEP_MAX)
    return ended


async def _people(database: Database, principal: Principal, proposal_id: ProposalId) -> dict[str, UserId]:
    async with reading(database, Scope(tenant_id=principal.tenant_id)) as looking:
        asked = await repository.proposal(looking, principal.tenant_id, proposal_id)
    if asked is None:
        raise ProposalUnknownError("proposalId")
    async with begin_batch(database, principal.tenant_id) as session:
        return await identity.people_behind(session, principal.tenant_id, [asked.proposed_by, principal.actor])
