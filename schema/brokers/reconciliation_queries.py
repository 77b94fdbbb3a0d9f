"""Queries of reconciliations and their breaks."""

from typing import Final

import strawberry

from app.brokers.reconciling import BreakKind
from app.core.errors import InputError
from app.flows.reconciliation.view_reconciliations import count_breaks, list_breaks, list_reconciliations
from app.identity.domain import Scope
from schema.base.context import Info
from schema.base.pagination import window_of
from schema.base.permissions import scoped
from schema.brokers.reconciliation import BREAK_CURSORS, Reconciliation, ReconciliationBreakConnection
from schema.brokers.types import known_account

RECONCILIATIONS_LISTED: Final = 20
RECONCILIATIONS_MAX: Final = 500


@strawberry.type
class ReconciliationQuery:
    """Queries of reconciliations."""

    @strawberry.field(
        description=f"Comparisons of our books with the brokers', the newest first, at most {RECONCILIATIONS_MAX}; of "
        "an account.",
        extensions=scoped(Scope.VIEW_POSITIONS),
    )
    async def reconciliations(
        self, info: Info, account_id: strawberry.ID | None = None, first: int | None = 20
    ) -> list[Reconciliation]:
        """Comparisons."""
        size = RECONCILIATIONS_LISTED if first is None else first
        if not 1 <= size <= RECONCILIATIONS_MAX:
            raise InputError(f"A list has 1 to {RECONCILIATIONS_MAX} items.", path=["first"])
        account = None if account_id is None else await known_account(info, account_id, "accountId")
        found = await list_reconciliations(info.context.desk, info.context.principal, account, size)
        return [Reconciliation.of(one) for one in found]

    @strawberry.field(
        description="Differences between our books and the brokers', those found last first: of an account, those that "
        "are open or those that ended, of some kinds.",
        extensions=scoped(Scope.VIEW_POSITIONS),
    )
    async def reconciliation_breaks(
        self,
        info: Info,
        account_id: strawberry.ID | None = None,
        is_open: bool | None = None,
        kinds: list[BreakKind] | None = None,
        first: int | None = 50,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
    ) -> ReconciliationBreakConnection:
        """A page of breaks."""
        window = window_of(first=first, after=after, last=last, before=before, read=BREAK_CURSORS.read_id)
        desk, principal = info.context.desk, info.context.principal
        account = None if account_id is None else await known_account(info, account_id, "accountId")

        async def count() -> int:
            return await count_breaks(desk, principal, account, is_open, kinds)

        page = await list_breaks(desk, principal, account, is_open, kinds, window)
        return ReconciliationBreakConnection.of(page, window, count)
