"""What one person loosens of the firm's safeguards: whether it takes two, and how the others hear of it."""

from app.core.errors import OmsError
from app.core.ids import TenantId, UserId
from app.errands.letters import MailTemplate
from app.flows.desk import Desk
from app.flows.risk.change_risk_limits import PEOPLE_NEEDED
from app.identity import batch as identity
from app.identity.domain import Principal, Scope
from app.identity.domain.access import ROLE_SCOPES
from app.infra.db import BatchSession
from app.risk.keeping.domain.changes import FourEyes
from app.tenants import batch as tenants
from app.tenants.settings import TenantSettings


class LooseningNeedsAPersonError(OmsError):
    """What loosens a safeguard is asked for by a person who has stepped up, which no API key can."""

    code = "LOOSENING_NEEDS_A_PERSON"

    def __init__(self) -> None:
        super().__init__("An API key may tighten and not loosen: a person does it, after a step-up.")


def require_a_person(principal: Principal) -> None:
    """Raises LooseningNeedsAPersonError for an API key."""
    if principal.api_key_id is not None:
        raise LooseningNeedsAPersonError


async def takes_two(session: BatchSession, tenant_id: TenantId) -> bool:
    """True when the tenant wants two people for what loosens: the same as for its limits."""
    asked = FourEyes(TenantSettings.of(await tenants.settings_of(session, tenant_id)).risk_four_eyes)
    if asked is not FourEyes.AUTO:
        return asked is FourEyes.ALWAYS
    return len(await _people(session, tenant_id)) >= PEOPLE_NEEDED


async def tell_others(session: BatchSession, desk: Desk, principal: Principal, what: str, change: str) -> None:
    """Mails everybody else who has MANAGE_RISK over the whole firm what was loosened, if the transaction commits.

    Both texts go out by mail: nothing of them may be secret.
    """
    others = [one for one in await _people(session, principal.tenant_id) if one != principal.user_id]
    addresses = await identity.addresses(session, others)
    if addresses:
        own = [] if principal.user_id is None else await identity.addresses(session, [principal.user_id])
        values = {"who_email": next(iter(own), principal.actor), "what": what, "change": change}
        await session.write([desk.door.errands.letters(addresses, MailTemplate.SAFEGUARD_LOOSENED, values)])


async def _people(session: BatchSession, tenant_id: TenantId) -> list[UserId]:
    roles = [role.value for role, scopes in ROLE_SCOPES.items() if Scope.MANAGE_RISK in scopes]
    return await identity.people_with_scope(session, tenant_id, roles, Scope.MANAGE_RISK.value, None)
