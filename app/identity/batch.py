"""Set-based SQL of identity for chores."""

from datetime import datetime

from app.core.ids import TenantId
from app.infra.db import BatchSession


async def delete_spent_tokens(session: BatchSession, tenant_id: TenantId, ended_before: datetime) -> int:
    """Deletes the refresh tokens of sessions that expired or were revoked before the instant; tells how many."""
    rows = await session.fetch(
        """
        DELETE FROM refresh_tokens WHERE tenant_id = $1 AND session_id IN (
          SELECT id FROM auth_sessions WHERE tenant_id = $1 AND least(expires_at, revoked_at) < $2)
        RETURNING 1
        """,
        tenant_id,
        ended_before,
    )
    return len(rows)
