"""riskLimits, riskLimitHistory, riskLimitProposals: what is set, how it came about, and what waits."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from app.core.ids import AccountId, LimitId
from app.core.paging import Page, Window
from app.flows.desk import Desk
from app.identity.domain import Principal
from app.risk.keeping import repository
from app.risk.keeping.domain.changes import KeptLimit, LimitProposal, LimitVersion, ProposalState
from app.risk.keeping.repository import LimitFilter

LISTED_MAX: Final = 1_000
"""As many limits as a tenant may have."""


async def list_limits(desk: Desk, principal: Principal, account_id: AccountId | None) -> list[KeptLimit]:
    """All limits, or those that cover the account, the oldest first."""
    async with desk.reading(principal) as session:
        wanted = LimitFilter(account_id=account_id)
        return await repository.limits(session, principal.tenant_id, wanted, limit=LISTED_MAX)


async def page_of_limits(
    desk: Desk, principal: Principal, wanted: LimitFilter, window: Window[UUID]
) -> Page[KeptLimit]:
    """The limits of the window, the newest first."""
    async with desk.reading(principal) as session:
        return await repository.limits_page(session, principal.tenant_id, wanted, window)


async def count_limits(desk: Desk, principal: Principal, wanted: LimitFilter) -> int:
    """How many limits there are."""
    async with desk.reading(principal) as session:
        return await repository.count_limits(session, principal.tenant_id, wanted)


async def page_of_versions(
    desk: Desk, principal: Principal, limit_id: LimitId, window: Window[int]
) -> Page[LimitVersion]:
    """The versions of a limit, the newest first; none of one that is unknown."""
    async with desk.reading(principal) as session:
        return await repository.versions_page(session, principal.tenant_id, limit_id, window)


async def count_versions(desk: Desk, principal: Principal, limit_id: LimitId) -> int:
    """How many versions the limit has had."""
    async with desk.reading(principal) as session:
        return await repository.count_versions(session, principal.tenant_id, limit_id)


async def page_of_proposals(
    desk: Desk, principal: Principal, states: Sequence[ProposalState] | None, window: Window[UUID]
) -> Page[LimitProposal]:
    """The proposals of the window, the newest first."""
    async with desk.reading(principal) as session:
        return await repository.proposals_page(session, principal.tenant_id, states, window)


async def count_proposals(desk: Desk, principal: Principal, states: Sequence[ProposalState] | None) -> int:
    """How many proposals there are."""
    async with desk.reading(principal) as session:
        return await repository.count_proposals(session, principal.tenant_id, states)
