"""What comparisons found: the newest of accounts, a list of them, their breaks, and pages of breaks."""

from collections.abc import Sequence
from uuid import UUID

from app.brokers import breaks_batch as breaks
from app.brokers import reconciliations_batch as reconciliations
from app.brokers.reconciling import Break, BreakKind, Reconciliation
from app.core.ids import AccountId, ReconciliationId
from app.core.paging import Page, Window
from app.flows.desk import Desk
from app.identity.domain import Principal
from app.infra.uow import begin_batch

BREAKS_MAX = 500
"""How many breaks are told of one comparison; pages of breaks have all."""


async def last_reconciliations(
    desk: Desk, principal: Principal, account_ids: Sequence[AccountId]
) -> dict[AccountId, Reconciliation]:
    """The newest comparison of each account; absent where none was made."""
    async with begin_batch(desk.database, principal.tenant_id, accounts=principal.viewable) as session:
        return await reconciliations.last_of_accounts(session, principal.tenant_id, account_ids)


async def list_reconciliations(
    desk: Desk, principal: Principal, account_id: AccountId | None, limit: int
) -> list[Reconciliation]:
    """The tenant's comparisons, or the account's, the newest first."""
    async with begin_batch(desk.database, principal.tenant_id, accounts=principal.viewable) as session:
        return await reconciliations.recent(session, principal.tenant_id, account_id, limit)


async def breaks_seen_by(
    desk: Desk, principal: Principal, ids: Sequence[ReconciliationId]
) -> dict[ReconciliationId, list[Break]]:
    """The breaks that each comparison found, new ones and known ones, at most BREAKS_MAX of each."""
    async with begin_batch(desk.database, principal.tenant_id, accounts=principal.viewable) as session:
        return await breaks.seen_by(session, principal.tenant_id, ids, BREAKS_MAX)


async def list_breaks(
    desk: Desk,
    principal: Principal,
    account_id: AccountId | None,
    is_open: bool | None,
    kinds: Sequence[BreakKind] | None,
    window: Window[UUID],
) -> Page[Break]:
    """A page of the tenant's breaks, those found last first."""
    async with begin_batch(desk.database, principal.tenant_id, accounts=principal.viewable) as session:
        return await breaks.page(session, principal.tenant_id, account_id, is_open, kinds, window)


async def count_breaks(
    desk: Desk,
    principal: Principal,
    account_id: AccountId | None,
    is_open: bool | None,
    kinds: Sequence[BreakKind] | None,
) -> int:
    """How many breaks there are."""
    async with begin_batch(desk.database, principal.tenant_id, accounts=principal.viewable) as session:
        return await breaks.count(session, principal.tenant_id, account_id, is_open, kinds)
