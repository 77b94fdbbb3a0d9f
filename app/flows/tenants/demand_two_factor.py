"""demandTwoFactor: whether each member of a tenant needs a second factor."""

from app.audit import service as audit
from app.flows.identity.door import Door
from app.identity.domain import Principal
from app.identity.two_factor.domain import person_of
from app.identity.two_factor.errors import NotEnabledError
from app.infra.uow import Scope, begin
from app.tenants import service as tenants
from app.tenants.domain import Tenant


async def demand_two_factor(door: Door, principal: Principal, *, is_demanded: bool) -> Tenant:
    """The tenant, with its demand. Members without a second factor may then do nothing but set one up.

    Raises NotASessionError, and NotEnabledError where who demands it has none: nobody locks themselves out.
    """
    user_id, _ = person_of(principal)
    async with begin(door.database, Scope(tenant_id=principal.tenant_id, user_id=user_id)) as session:
        if is_demanded and not (await door.identity.user(session, user_id)).two_factor_enabled:
            raise NotEnabledError
        before, tenant = await tenants.demand_second_factor(session, principal.tenant_id, is_demanded=is_demanded)
        await audit.record(
            session,
            principal,
            "tenant.two_factor_demanded",
            "tenant",
            principal.tenant_id,
            entry_id=door.ids.new(),
            now=door.clock.now(),
            old={"requireTwoFactor": before},
            new={"requireTwoFactor": is_demanded},
        )
    door.authenticator.forget_tenant(principal.tenant_id)
    return tenant
