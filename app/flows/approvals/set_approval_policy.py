"""setApprovalPolicy and deleteApprovalPolicy: who changes which orders need a second person."""

from app.approvals import service as approvals
from app.approvals.domain import ApprovalPolicy
from app.approvals.service import PolicySetting
from app.core.ids import PolicyId
from app.flows.desk import Desk
from app.identity.domain import Principal
from app.infra.uow import Scope, begin


async def set_approval_policy(desk: Desk, principal: Principal, setting: PolicySetting) -> ApprovalPolicy:
    """The policy as stored: it holds for orders that are placed from now on.

    Raises what approvals.set_policy does, and WholeTenantError.
    """
    principal.require_whole_tenant()
    async with begin(desk.database, Scope(tenant_id=principal.tenant_id)) as session:
        return await approvals.set_policy(session, principal, setting, ids=desk.ids, now=desk.clock.now())


async def delete_approval_policy(
    desk: Desk, principal: Principal, policy_id: PolicyId, *, expected_version: int | None, reason: str | None
) -> ApprovalPolicy:
    """The policy that was taken away. Raises what approvals.delete_policy does, WholeTenantError."""
    principal.require_whole_tenant()
    async with begin(desk.database, Scope(tenant_id=principal.tenant_id)) as session:
        return await approvals.delete_policy(
            session,
            principal,
            policy_id,
            expected_version=expected_version,
            reason=reason,
            ids=desk.ids,
            now=desk.clock.now(),
        )
