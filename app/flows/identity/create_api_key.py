"""createApiKey: a key for a program, within what its maker may."""

from collections.abc import Sequence
from datetime import datetime

from app.audit import service as audit
from app.core.records import replace
from app.flows.brokers.tenant_accounts import AskedGrant, known_grants
from app.flows.identity.door import Door
from app.identity.domain import IssuedApiKey, Principal, new_api_key
from app.identity.domain import Scope as Allowed
from app.identity.domain.members import facts_of_grants
from app.infra.uow import Scope, begin


async def create_api_key(
    door: Door,
    principal: Principal,
    *,
    name: str,
    scopes: Sequence[Allowed],
    expires_at: datetime | None = None,
    ip_allowlist: Sequence[str] = (),
    requests_per_minute: int | None = None,
    accounts: Sequence[AskedGrant] | None = None,
) -> IssuedApiKey:
    """The new key with its text, which is told this once. With accounts, it is restricted to them.

    Raises InputError with the path, AccountUnknownError, ScopeBeyondOwnError, ApiKeyLimitError, NotASessionError.
    """
    asked = new_api_key(
        name=name,
        scopes=scopes,
        ip_allowlist=ip_allowlist,
        requests_per_minute=requests_per_minute,
        expires_at=expires_at,
        now=door.clock.now(),
    )
    async with begin(door.database, Scope(tenant_id=principal.tenant_id, accounts=principal.viewable)) as session:
        if accounts is not None:
            asked = replace(asked, accounts=await known_grants(session, principal.tenant_id, accounts))
        issued = await door.identity.create_api_key(session, principal, asked)
        await audit.record(
            session,
            principal,
            "api_key.created",
            "api_key",
            issued.api_key.id,
            entry_id=door.ids.new(),
            now=issued.api_key.created_at,
            new={**issued.api_key.as_facts(), "accounts": facts_of_grants(asked.accounts)},
        )
    return issued
