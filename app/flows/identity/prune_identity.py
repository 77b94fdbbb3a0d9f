"""What has run out is thrown away: refresh tokens of sessions that ended long ago, challenges, registrations."""

from datetime import datetime, timedelta

from app.identity import batch as identity
from app.identity.accounts.batch import prune_registrations
from app.infra.db import Database
from app.infra.uow import begin_batch, begin_system
from app.tenants import batch as tenants

KEPT_AFTER_END = timedelta(days=7)


async def prune_identity(database: Database, system_database: Database, now: datetime) -> int:
    """Deletes refresh tokens of sessions that ended a week ago or more, challenges that have run out, and old
    registrations; tells how many.
    """
    async with begin_system(system_database) as session:
        tenant_ids = await tenants.all_ids(session)
        pruned = await prune_registrations(session, now)
    for tenant_id in tenant_ids:
        async with begin_batch(database, tenant_id) as session:
            pruned += await identity.delete_spent_tokens(session, tenant_id, now - KEPT_AFTER_END)
            pruned += await identity.delete_expired_challenges(session, tenant_id, now)
    return pruned
