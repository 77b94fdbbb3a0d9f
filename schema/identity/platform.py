"""The platform in GraphQL: for those who run it, with a login of its own, apart from every tenant."""

from datetime import datetime

import strawberry

from app.core.errors import OmsError
from app.flows.tenants.platform_tenants import (
    close_tenant,
    create_tenant,
    enter_tenant,
    invite_administrator,
    leave_tenant,
    list_tenants,
    log_in_to_platform,
    log_out_of_platform,
    reopen_tenant,
)
from app.identity.domain import Scope
from schema.base.context import Info
from schema.base.errors import UserError, user_errors
from schema.base.ids import parse_id
from schema.base.permissions import for_platform, public
from schema.identity.members import Invitation, InvitationPayload
from schema.identity.tenants import DeactivateTenantPayload, PlatformEntry, PlatformEntryPayload, TenantPayload
from schema.identity.types import LogoutPayload, Tenant


@strawberry.type
class PlatformLoginPayload:
    """The answer of platformLogin."""

    token: str | None = strawberry.field(
        default=None, description="What goes behind `Authorization: Bearer`, for an hour; it is not renewed."
    )
    expires_at: datetime | None = None
    errors: list[UserError] = strawberry.field(default_factory=list)


@strawberry.type
class EnterTenantPayload:
    """The answer of enterTenant."""

    entry: PlatformEntry | None = None
    token: str | None = strawberry.field(default=None, description="The credential for the tenant, told this once.")
    errors: list[UserError] = strawberry.field(default_factory=list)


@strawberry.type
class CreateTenantPayload:
    """The answer of createTenant."""

    tenant: Tenant | None = None
    invitation: Invitation | None = strawberry.field(
        default=None, description="The place of its first administrator, that a mail offers."
    )
    errors: list[UserError] = strawberry.field(default_factory=list)


@strawberry.input
class PlatformLoginInput:
    """An address and a password of somebody who runs the platform."""

    email: str
    password: str
    code: str | None = strawberry.field(
        default=strawberry.UNSET,
        description="Of the second factor, where the person has one: six digits of the authenticator, or a recovery "
        "code. Without it the answer is STEP_UP_PROOF_MISSING.",
    )


@strawberry.input
class CreateTenantInput:
    """A tenant, and whom a mail offers the place of its first administrator."""

    name: str
    administrator_email: str


@strawberry.input
class TenantActInput:
    """Which tenant, and why; the tenant reads the reason in its audit log."""

    tenant_id: strawberry.ID
    reason: str


@strawberry.input
class InviteAdministratorInput:
    """Whom a mail offers the place of an administrator, where a tenant has lost its own."""

    tenant_id: strawberry.ID
    email: str
    reason: str


@strawberry.input
class EnterTenantInput:
    """Which tenant, why, with which scopes and for how long."""

    tenant_id: strawberry.ID
    reason: str
    scopes: list[Scope] = strawberry.field(description="No entry places, changes or approves orders.")
    minutes: int = strawberry.field(default=30, description="1 to 240.")


@strawberry.input
class LeaveTenantInput:
    """Which entry into which tenant ends now."""

    tenant_id: strawberry.ID
    entry_id: strawberry.ID


@strawberry.type
class PlatformQuery:
    """Queries of the platform."""

    @strawberry.field(
        description="For who runs the platform: the tenants, the oldest first, at most 200 at once; after takes the id "
        "of the last one that is known, search a part of a name or a slug.",
        extensions=for_platform(),
    )
    async def tenants(
        self, info: Info, search: str | None = None, first: int | None = 50, after: str | None = None
    ) -> list[Tenant]:
        """The tenants of the installation."""
        behind = None if after is None else parse_id(after, "after")
        size = 50 if first is None else first
        door, principal = info.context.desk.door, info.context.principal
        return [Tenant.of(one) for one in await list_tenants(door, principal, search=search, first=size, after=behind)]


@strawberry.type
class PlatformMutation:
    """Mutations of the platform."""

    @strawberry.mutation(
        description="For who runs the platform: an address, a password and, where the person has a second factor, its "
        "code for a token. Whatever does not fit is UNAUTHENTICATED, told alike; errors are for those whose password "
        "is right.",
        extensions=public(),
    )
    async def platform_login(self, info: Info, input: PlatformLoginInput) -> PlatformLoginPayload:  # noqa: A002
        """Opens a login of the platform."""
        try:
            opened = await log_in_to_platform(
                info.context.desk.door,
                email=input.email,
                password=input.password,
                code=input.code or None,
                client=info.context.client,
            )
        except OmsError as error:
            return PlatformLoginPayload(errors=user_errors(error))
        return PlatformLoginPayload(token=opened.token, expires_at=opened.session.expires_at)

    @strawberry.mutation(
        description="For who runs the platform: ends the login, and the entries that were made by it.",
        extensions=for_platform(),
    )
    async def platform_logout(self, info: Info) -> LogoutPayload:
        """Ends the login of the platform."""
        await log_out_of_platform(info.context.desk.door, info.context.principal)
        return LogoutPayload()

    @strawberry.mutation(
        description="For who runs the platform: a tenant, and a mail that offers its first administrator the place.",
        extensions=for_platform(),
    )
    async def create_tenant(self, info: Info, input: CreateTenantInput) -> CreateTenantPayload:  # noqa: A002
        """Makes a tenant."""
        try:
            created = await create_tenant(
                info.context.desk.door,
                info.context.principal,
                name=input.name,
                administrator_email=input.administrator_email,
            )
        except OmsError as error:
            return CreateTenantPayload(errors=user_errors(error))
        return CreateTenantPayload(tenant=Tenant.of(created.tenant), invitation=Invitation.of(created.invitation))

    @strawberry.mutation(
        description="For who runs the platform: offers somebody the place of an administrator, where a tenant has lost "
        "its own.",
        extensions=for_platform(),
    )
    async def invite_administrator(self, info: Info, input: InviteAdministratorInput) -> InvitationPayload:  # noqa: A002
        """Invites an administrator of a tenant."""
        try:
            invitation = await invite_administrator(
                info.context.desk.door,
                info.context.principal,
                parse_id(input.tenant_id, "tenantId"),
                email=input.email,
                reason=input.reason,
            )
        except OmsError as error:
            return InvitationPayload(errors=user_errors(error))
        return InvitationPayload(invitation=Invitation.of(invitation))

    @strawberry.mutation(
        description="For who runs the platform: closes a tenant as deactivateTenant does. Asked again, it cancels what "
        "is still open.",
        extensions=for_platform(),
    )
    async def suspend_tenant(self, info: Info, input: TenantActInput) -> DeactivateTenantPayload:  # noqa: A002
        """Closes a tenant."""
        try:
            closed = await close_tenant(
                info.context.desk,
                info.context.principal,
                parse_id(input.tenant_id, "tenantId"),
                reason=input.reason,
            )
        except OmsError as error:
            return DeactivateTenantPayload(errors=user_errors(error))
        return DeactivateTenantPayload(tenant=Tenant.of(closed.tenant), orders_canceled=closed.orders_canceled)

    @strawberry.mutation(
        description="For who runs the platform: opens a closed tenant again.", extensions=for_platform()
    )
    async def reactivate_tenant(self, info: Info, input: TenantActInput) -> TenantPayload:  # noqa: A002
        """Opens a tenant again."""
        try:
            tenant = await reopen_tenant(
                info.context.desk.door,
                info.context.principal,
                parse_id(input.tenant_id, "tenantId"),
                reason=input.reason,
            )
        except OmsError as error:
            return TenantPayload(errors=user_errors(error))
        return TenantPayload(tenant=Tenant.of(tenant))

    @strawberry.mutation(
        description="For who runs the platform: a credential for a tenant, for a while. The tenant sees who, why and "
        "each operation that it was used for.",
        extensions=for_platform(),
    )
    async def enter_tenant(self, info: Info, input: EnterTenantInput) -> EnterTenantPayload:  # noqa: A002
        """Enters a tenant."""
        try:
            opened = await enter_tenant(
                info.context.desk.door,
                info.context.principal,
                parse_id(input.tenant_id, "tenantId"),
                reason=input.reason,
                scopes=input.scopes,
                minutes=input.minutes,
            )
        except OmsError as error:
            return EnterTenantPayload(errors=user_errors(error))
        return EnterTenantPayload(entry=PlatformEntry.of(opened.entry), token=opened.token)

    @strawberry.mutation(
        description="For who runs the platform: ends an entry before its time.", extensions=for_platform()
    )
    async def leave_tenant(self, info: Info, input: LeaveTenantInput) -> PlatformEntryPayload:  # noqa: A002
        """Leaves a tenant."""
        try:
            entry = await leave_tenant(
                info.context.desk.door,
                info.context.principal,
                parse_id(input.tenant_id, "tenantId"),
                parse_id(input.entry_id, "entryId"),
            )
        except OmsError as error:
            return PlatformEntryPayload(errors=user_errors(error))
        return PlatformEntryPayload(entry=PlatformEntry.of(entry))
