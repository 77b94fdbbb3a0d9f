"""revokeApiKey: the end of a key."""

from app.audit import service as audit
from app.core.ids import ApiKeyId
from app.flows.identity.door import Door
from app.identity.domain import ApiKey, Principal
from app.infra.uow import Scope, begin


async def revoke_api_key(door: Door, principal: Principal, api_key_id: ApiKeyId) -> ApiKey:
    """The key, revoked; to revoke it again changes nothing. Raises NotFoundError."""
    async with begin(door.database, Scope(tenant_id=principal.tenant_id)) as session:
        key, is_changed = await door.identity.revoke_api_key(session, principal, api_key_id)
        if is_changed:
            await audit.record(
                session,
                principal,
                "api_key.revoked",
                "api_key",
                key.id,
                entry_id=door.ids.new(),
                now=door.clock.now(),
                new={"prefix": key.prefix},
            )
    door.authenticator.forget_api_key(api_key_id)
    return key
