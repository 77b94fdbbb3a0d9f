"""rotateApiKey: a successor for a key, which both hold during an overlap."""

from datetime import timedelta

from app.audit import service as audit
from app.core.ids import ApiKeyId
from app.flows.identity.door import Door
from app.identity.domain import IssuedApiKey, Principal
from app.infra.uow import Scope, begin


async def rotate_api_key(door: Door, principal: Principal, api_key_id: ApiKeyId, *, overlap: timedelta) -> IssuedApiKey:
    """The successor with its text, which is told this once; the old key ends after the overlap.

    Raises NotFoundError, InputError, ApiKeyInactiveError, ScopeBeyondOwnError.
    """
    async with begin(door.database, Scope(tenant_id=principal.tenant_id)) as session:
        old, issued = await door.identity.rotate_api_key(session, principal, api_key_id, overlap)
        await audit.record(
            session,
            principal,
            "api_key.rotated",
            "api_key",
            old.id,
            entry_id=door.ids.new(),
            now=issued.api_key.created_at,
            old=old.as_facts(),
            new={**issued.api_key.as_facts(), "successor": str(issued.api_key.id)},
        )
    door.authenticator.forget_api_key(old.id)
    return issued
