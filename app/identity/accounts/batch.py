"""Set-based SQL of accounts for chores, under the role SYSTEM."""

from datetime import datetime

from app.infra.db import BatchSession


async def prune_registrations(session: BatchSession, expired_before: datetime) -> int:
    """Deletes the registrations that ran out before the instant, confirmed or not; how many."""
    rows = await session.fetch("DELETE FROM registrations WHERE expires_at < $1 RETURNING expires_at", expired_before)
    return len(rows)
