"""Queries of policies of approval."""

import strawberry

from app.approvals import service as approvals
from app.identity.domain import Scope
from schema.approvals.types import POLICY_CURSORS, ApprovalPolicyConnection
from schema.base.context import Info
from schema.base.pagination import window_of
from schema.base.permissions import scoped


@strawberry.type
class ApprovalQuery:
    """Queries of policies of approval."""

    @strawberry.field(
        description="Which orders need a second person: the tenant's policies, the newest first.",
        extensions=scoped(Scope.VIEW_ORDERS),
    )
    async def approval_policies(
        self, info: Info, first: int | None = 50, after: str | None = None
    ) -> ApprovalPolicyConnection:
        """A page of policies."""
        window = window_of(first=first, after=after, read=POLICY_CURSORS.read_id)
        desk, principal = info.context.desk, info.context.principal

        async def count() -> int:
            async with desk.reading(principal) as session:
                return await approvals.count(session, principal.tenant_id)

        async with desk.reading(principal) as session:
            page = await approvals.page(session, principal.tenant_id, window)
        return ApprovalPolicyConnection.of(page, window, count)
