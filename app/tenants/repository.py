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


async def lock(session: WriteSession, tenant_id: TenantId) -> Tenant | None:
    """The tenant with its row locked, or None: who changes members, roles and settings stands in line here.

    Rows that refer to the tenant, such as orders, may come meanwhile.
    """
    statement = (
        select(TenantRow)
        .where(col(TenantRow.id) == tenant_id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    row = (await session.execute(statement)).scalar_one_or_none()
    return None if row is None else _tenant(row)


async def save(session: WriteSession, tenant: Tenant) -> None:
    """Stores what the tenant has become."""
    await session.execute(
        update(TenantRow)
        .where(col(TenantRow.id) == tenant.id)
        .values(
            name=tenant.name,
            domain=tenant.domain,
            settings=dict(tenant.settings),
            is_active=tenant.is_active,
            deactivated_at=tenant.deactivated_at,
            deactivated_by=tenant.deactivated_by,
            deactivation_reason=tenant.deactivation_reason,
        )
    )


async def page(
    session: ReadSession | WriteSession, *, search: str | None, after: TenantId | None, limit: int
) -> list[Tenant]:
    """Those of the tenants that the transaction sees, the oldest first, behind one of them.

    search is a part of the name or the slug, in whatever case.
    """
    statement = select(TenantRow).order_by(col(TenantRow.id)).limit(limit)
    if after is not None:
        statement = statement.where(col(TenantRow.id) > after)
    if search is not None:
        statement = statement.where(
            col(TenantRow.name).icontains(search, autoescape=True)
            | col(TenantRow.slug).icontains(search, autoescape=True)
        )
    return [_tenant(row) for row in (await session.execute(statement)).scalars()]


def _tenant(row: TenantRow) -> Tenant:
    return Tenant(
        id=TenantId(row.id),
        name=row.name,
        slug=row.slug,
        domain=row.domain,
        settings=row.settings,
        is_active=row.is_active,
        created_at=row.created_at,
        deactivated_at=row.deactivated_at,
        deactivated_by=row.deactivated_by,
        deactivation_reason=row.deactivation_reason,
    )
