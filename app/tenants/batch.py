"""Set-based SQL of tenants for chores that go over all of them."""

from app.core.ids import TenantId
from app.infra.db import BatchSession


async def all_ids(session: BatchSession) -> list[TenantId]:
    """The tenants of the installation; the role of the session must be SYSTEM."""
    return [row["id"] for row in await session.fetch("SELECT id FROM tenants ORDER BY id")]
