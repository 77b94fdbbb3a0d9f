"""twoFactor: how the viewer's second factor stands."""

from dataclasses import dataclass
from datetime import datetime

from app.flows.identity.door import Door
from app.identity.domain import Principal
from app.identity.two_factor.domain import person_of
from app.infra.uow import Scope, reading
from app.tenants import service as tenants


@dataclass(frozen=True, slots=True, kw_only=True)
class TwoFactorView:
    """The second factor of a person, as seen from a tenant; stepped_up says that the session needs no stepUp now."""

    is_enabled: bool
    confirmed_at: datetime | None
    recovery_codes_left: int
    is_demanded: bool
    is_stepped_up: bool


async def view_two_factor(door: Door, principal: Principal) -> TwoFactorView:
    """How the person's second factor stands. Raises NotASessionError."""
    user_id, session_id = person_of(principal)
    tenant_id = principal.tenant_id
    async with reading(door.database, Scope(tenant_id=tenant_id, user_id=user_id)) as session:
        standing = await door.two_factor.standing(session, user_id)
        tenant = await tenants.tenant(session, tenant_id)
        is_stepped_up = await door.two_factor.is_stepped_up(
            session, tenant_id, session_id, has_second_factor=standing.is_enabled
        )
    return TwoFactorView(
        is_enabled=standing.is_enabled,
        confirmed_at=standing.confirmed_at,
        recovery_codes_left=standing.recovery_codes_left,
        is_demanded=tenant.requires_two_factor,
        is_stepped_up=is_stepped_up,
    )
