"""All SQL of the tenants."""

from collections.abc import Iterable

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col

from app.core.ids import TenantId
from app.infra.db import ReadSession, WriteSession
from app.tenants.domain import Tenant
from app.tenants.models import TenantRow


async def add(session: WriteSession, tenant: Tenant) -> bool:
    """Stores the tenant; False when its slug is taken and nothing was stored."""
    statement = (
        insert(TenantRow)
        .values(
            id=tenant.id,
            name=tenant.name,
            slug=tenant.slug,
            domain=tenant.domain,
            settings=dict(tenant.settings),
            is_active=tenant.is_active,
            created_at=tenant.created_at,
        )
        .on_conflict_do_nothing()
        .returning(col(TenantRow.id))
    )
    return (await session.execute(statement)).scalar_one_or_none() is not None


async def by_ids(session: ReadSession | WriteSession, tenant_ids: Iterable[TenantId]) -> list[Tenant]:
    """Those of the tenants that the transaction sees, by slug."""
    statement = select(TenantRow).where(col(TenantRow.id).in_(list(tenant_ids))).order_by(col(TenantRow.slug))
    return [_tenant(row) for row in (await session.execute(statement)).scalars()]


async def merge_setting(session: WriteSession, tenant_id: TenantId, name: str, value: bool) -> None:
    """Stores one setting of the tenant and leaves the others."""
    await session.execute(
        update(TenantRow)
        .where(col(TenantRow.id) == tenant_id)
        .values(settings=col(TenantRow.settings).op("||")(func.jsonb_build_object(name, value)))
    )


def _tenant(row: TenantRow) -> Tenant:
    return Tenant(
        id=TenantId(row.id),
        name=row.name,
        slug=row.slug,
        domain=row.domain,
        settings=row.settings,
        is_active=row.is_active,
        created_at=row.created_at,
    )
