"""The tenant in the hands of its administrator, in GraphQL."""

from datetime import datetime

import strawberry
from strawberry.scalars import JSON

from app.core.errors import OmsError
from app.flows.tenants.manage_tenant import TenantChange, deactivate_own_tenant, update_tenant
from app.flows.tenants.platform_tenants import leave_tenant, list_entries
from app.identity import domain
from app.identity.domain import Scope
from app.identity.domain.platform import PlatformEntry as EntryValue
from schema.base.context import Info
from schema.base.errors import UserError, user_errors
from schema.base.ids import parse_id
from schema.base.permissions import scoped
from schema.identity.types import Tenant


@strawberry.type(description="A presence of somebody who runs the platform in the tenant, for a while, for a reason.")
class PlatformEntry:
    """A presence of the platform in the tenant."""

    id: strawberry.ID
    administrator: str = strawberry.field(description="The e-mail address of who entered.")
    reason: str
    scopes: list[domain.Scope]
    created_at: datetime
    expires_at: datetime
    ended_at: datetime | None

    @classmethod
    def of(cls, entry: EntryValue) -> "PlatformEntry":
        """The type of the value."""
        return cls(
            id=strawberry.ID(str(entry.id)),
            administrator=entry.administrator,
            reason=entry.reason,
            scopes=[scope for scope in domain.Scope if scope in entry.scopes],
            created_at=entry.created_at,
            expires_at=entry.expires_at,
            ended_at=entry.ended_at,
        )


@strawberry.type
class TenantPayload:
    """The answer of the mutations on a tenant."""

    tenant: Tenant | None = None
    errors: list[UserError] = strawberry.field(default_factory=list)


@strawberry.type
class DeactivateTenantPayload:
    """The answer of a deactivation."""

    tenant: Tenant | None = None
    orders_canceled: int | None = strawberry.field(
        default=None, description="How many orders were open: each has ended, or its cancel is on its way."
    )
    errors: list[UserError] = strawberry.field(default_factory=list)


@strawberry.type
class PlatformEntryPayload:
    """The answer of the mutations on entries."""

    entry: PlatformEntry | None = None
    errors: list[UserError] = strawberry.field(default_factory=list)


@strawberry.input(description="What is to become of the tenant; what is left out stays as it is.")
class UpdateTenantInput:
    """What is to become of the tenant."""

    name: str | None = None
    domain: str | None = strawberry.field(default=None, description='The firm\'s domain name; "" for none.')
    settings: JSON | None = strawberry.field(
        default=None,
        description="Laid over the present ones; null takes a key back to its default. docs/tenants.md lists the keys.",
    )


@strawberry.input
class DeactivateTenantInput:
    """What ends everybody's work in the tenant."""

    confirm: str = strawberry.field(description="The slug of the tenant.")
    reason: str


@strawberry.input
class EndPlatformEntryInput:
    """Which presence of the platform ends now."""

    entry_id: strawberry.ID


@strawberry.type
class TenantQuery:
    """Queries of the tenant."""

    @strawberry.field(
        description="Who of the platform was in the tenant, the newest first, at most 200 at once; before takes the id "
        "of the last one that is known. What they did there is in the audit log.",
        extensions=scoped(Scope.VIEW_AUDIT),
    )
    async def platform_entries(
        self, info: Info, first: int | None = 50, before: str | None = None
    ) -> list[PlatformEntry]:
        """Who of the platform was in the tenant."""
        known = None if before is None else parse_id(before, "before")
        size = 50 if first is None else first
        found = await list_entries(info.context.desk.door, info.context.principal, first=size, before=known)
        return [PlatformEntry.of(entry) for entry in found]


@strawberry.type
class TenantMutation:
    """Mutations of the tenant."""

    @strawberry.mutation(
        description="Changes the tenant's name, domain and settings.",
        extensions=scoped(Scope.ADMIN_TENANT, step_up=True),
    )
    async def update_tenant(self, info: Info, input: UpdateTenantInput) -> TenantPayload:  # noqa: A002
        """Changes the tenant."""
        try:
            tenant = await update_tenant(
                info.context.desk.door,
                info.context.principal,
                TenantChange(name=input.name, domain=input.domain, settings=input.settings),
            )
        except OmsError as error:
            return TenantPayload(errors=user_errors(error))
        return TenantPayload(tenant=Tenant.of(tenant))

    @strawberry.mutation(
        description="Closes the tenant to everybody, the caller too: no order is accepted from then on, the open ones "
        "are canceled, sessions end, keys and open sockets lose their power within five seconds. The platform alone "
        "opens it again.",
        extensions=scoped(Scope.ADMIN_TENANT, step_up=True),
    )
    async def deactivate_tenant(self, info: Info, input: DeactivateTenantInput) -> DeactivateTenantPayload:  # noqa: A002
        """Closes the tenant."""
        try:
            closed = await deactivate_own_tenant(
                info.context.desk, info.context.principal, confirm=input.confirm, reason=input.reason
            )
        except OmsError as error:
            return DeactivateTenantPayload(errors=user_errors(error))
        return DeactivateTenantPayload(tenant=Tenant.of(closed.tenant), orders_canceled=closed.orders_canceled)

    @strawberry.mutation(
        description="Shows somebody who runs the platform out of the tenant.", extensions=scoped(Scope.ADMIN_TENANT)
    )
    async def end_platform_entry(self, info: Info, input: EndPlatformEntryInput) -> PlatformEntryPayload:  # noqa: A002
        """Ends a presence of the platform."""
        principal = info.context.principal
        try:
            entry_id = parse_id(input.entry_id, "entryId")
            entry = await leave_tenant(info.context.desk.door, principal, principal.tenant_id, entry_id)
        except OmsError as error:
            return PlatformEntryPayload(errors=user_errors(error))
        return PlatformEntryPayload(entry=PlatformEntry.of(entry))
