"""Managing people in GraphQL: members, roles of a tenant's own, invitations, and the file of them all."""

import base64
import binascii
from datetime import datetime

import strawberry

from app.core.errors import InputError, OmsError
from app.flows.tenants.accept_invitation import Acceptance, accept_invitation
from app.flows.tenants.exchange_members import ImportMode, ImportReport, export_members, import_members
from app.flows.tenants.invite import (
    AskedInvitation,
    invite_member,
    list_invitations,
    resend_invitation,
    revoke_invitation,
)
from app.flows.tenants.manage_members import (
    AskedChange,
    change_member,
    create_role,
    delete_role,
    list_members,
    list_roles,
    remove_member,
    update_role,
)
from app.identity import domain
from app.identity.domain import Scope
from app.identity.domain import members as rules
from app.identity.domain.member_file import FILE_BYTES_MAX, LineOutcome, LineReport
from schema.base.context import Info
from schema.base.errors import UserError, user_errors
from schema.base.ids import parse_id
from schema.base.node import Node
from schema.base.permissions import public, scoped
from schema.identity.grants import AccountGrant, AccountGrantInput, CustomRole, asked_grants
from schema.identity.types import Membership

strawberry.enum(ImportMode, description="ALL stores every line or none; EACH stores the lines that are not refused.")
strawberry.enum(LineOutcome, description="What became of a line of a file, or would.")


@strawberry.type(description="A place in the tenant that a mail offers; its token works once, for seven days.")
class Invitation(Node):
    """A place that a mail offers."""

    email: str
    role: domain.Role
    custom_role: CustomRole | None
    accounts: list[AccountGrant] | None = strawberry.field(description="What it restricts to; null for all accounts.")
    times_sent: int
    created_at: datetime
    sent_at: datetime
    expires_at: datetime
    revoked_at: datetime | None
    accepted_at: datetime | None

    @classmethod
    def of(cls, invitation: rules.Invitation) -> "Invitation":
        """The type of the value."""
        custom = invitation.role.custom
        return cls(
            id=strawberry.ID(str(invitation.id)),
            email=invitation.email,
            role=invitation.role.role,
            custom_role=None if custom is None else CustomRole.of(custom),
            accounts=AccountGrant.all_of(invitation.accounts),
            times_sent=invitation.times_sent,
            created_at=invitation.created_at,
            sent_at=invitation.sent_at,
            expires_at=invitation.expires_at,
            revoked_at=invitation.revoked_at,
            accepted_at=invitation.accepted_at,
        )


@strawberry.type
class MemberPayload:
    """The answer of the mutations on members."""

    member: Membership | None = None
    errors: list[UserError] = strawberry.field(default_factory=list)


@strawberry.type
class RolePayload:
    """The answer of the mutations on roles."""

    role: CustomRole | None = None
    errors: list[UserError] = strawberry.field(default_factory=list)


@strawberry.type
class InvitationPayload:
    """The answer of the mutations on invitations."""

    invitation: Invitation | None = None
    errors: list[UserError] = strawberry.field(default_factory=list)


@strawberry.type
class AcceptInvitationPayload:
    """Where to log in now; the login goes its own way, with the second factor where there is one."""

    email: str | None = None
    tenant_slug: str | None = None
    errors: list[UserError] = strawberry.field(default_factory=list)


@strawberry.type(description="What became of a line of the file, or would.")
class ImportedLine:
    """What became of a line."""

    line: int = strawberry.field(description="Its number, the header being 1.")
    email: str
    outcome: LineOutcome
    code: str | None = strawberry.field(description="Why it was refused; CSV_ENCODING for bytes that are not UTF-8.")
    message: str | None

    @classmethod
    def of(cls, report: LineReport) -> "ImportedLine":
        """The type of the value."""
        return cls(
            line=report.number,
            email=report.email,
            outcome=report.outcome,
            code=report.code,
            message=report.message,
        )


@strawberry.type
class ImportMembersPayload:
    """The report of an import."""

    stored: bool = strawberry.field(
        default=False, description="False for a dry run, and for ALL where a line was refused: then nothing changed."
    )
    lines: list[ImportedLine] = strawberry.field(default_factory=list)
    errors: list[UserError] = strawberry.field(default_factory=list)

    @classmethod
    def of(cls, report: ImportReport) -> "ImportMembersPayload":
        """The type of the value."""
        return cls(stored=report.is_stored, lines=[ImportedLine.of(line) for line in report.lines])


@strawberry.type
class ExportMembersPayload:
    """The people of the tenant as a file."""

    csv: str | None = None
    errors: list[UserError] = strawberry.field(default_factory=list)


@strawberry.input(description="What is to become of a member; what is left out stays as it is.")
class UpdateMemberInput:
    """What is to become of a member."""

    member_id: strawberry.ID = strawberry.field(description="The id of the membership.")
    role: domain.Role | None = None
    custom_role_id: strawberry.ID | None = None
    is_active: bool | None = strawberry.field(default=None, description="False suspends, true takes that back.")
    accounts: list[AccountGrantInput] | None = strawberry.field(
        default=None, description="The broker accounts that the member is restricted to from now on."
    )
    all_accounts: bool | None = strawberry.field(default=None, description="True lifts the restriction.")


@strawberry.input
class RemoveMemberInput:
    """Who is to be a member no longer."""

    member_id: strawberry.ID = strawberry.field(description="The id of the membership.")


@strawberry.input
class CreateRoleInput:
    """A role as it is asked for."""

    name: str
    scopes: list[Scope] = strawberry.field(description="Within the maker's own.")


@strawberry.input
class UpdateRoleInput:
    """What is to become of a role, for all who have it; what is left out stays as it is."""

    role_id: strawberry.ID
    name: str | None = None
    scopes: list[Scope] | None = None


@strawberry.input
class DeleteRoleInput:
    """Which role goes."""

    role_id: strawberry.ID


@strawberry.input
class InviteMemberInput:
    """Who is to be invited as what: a role, or a role of the tenant's own."""

    email: str
    role: domain.Role | None = None
    custom_role_id: strawberry.ID | None = None
    accounts: list[AccountGrantInput] | None = strawberry.field(
        default=None, description="The broker accounts that the member will be restricted to; left out, all of them."
    )


@strawberry.input
class InvitationInput:
    """Which invitation."""

    invitation_id: strawberry.ID


@strawberry.input
class AcceptInvitationInput:
    """The token of the mail, and the password: a new one with a name, or that of the account of the address."""

    token: str
    password: str
    first_name: str | None = None
    last_name: str | None = None


@strawberry.input(description="A file of members, as text or as its bytes in base64.")
class ImportMembersInput:
    """A file of members."""

    content: str | None = None
    content_base64: str | None = strawberry.field(
        default=None, description="The bytes as they are: then a line that is not UTF-8 is told by its number."
    )
    mode: ImportMode = ImportMode.ALL
    dry_run: bool = strawberry.field(default=False, description="Tell what would become of each line, store nothing.")


@strawberry.type
class MemberQuery:
    """Queries of people."""

    @strawberry.field(
        description="The members of the tenant, the oldest first, at most 500 at once; after takes the id of the last "
        "one that is known. isActive is false for who is suspended; who was removed is not among them.",
        extensions=scoped(Scope.MANAGE_MEMBERS),
    )
    async def members(self, info: Info, first: int | None = 100, after: str | None = None) -> list[Membership]:
        """The members of the tenant."""
        behind = None if after is None else parse_id(after, "after")
        size = 100 if first is None else first
        found = await list_members(info.context.desk.door, info.context.principal, first=size, after=behind)
        return [Membership.of(member) for member in found]

    @strawberry.field(
        description="The tenant's own roles, by name, at most 100.", extensions=scoped(Scope.MANAGE_MEMBERS)
    )
    async def custom_roles(self, info: Info) -> list[CustomRole]:
        """The tenant's own roles."""
        return [CustomRole.of(role) for role in await list_roles(info.context.desk.door, info.context.principal)]

    @strawberry.field(
        description="The invitations that can be accepted, the oldest first, at most 500 at once; after takes the id "
        "of the last one that is known.",
        extensions=scoped(Scope.MANAGE_MEMBERS),
    )
    async def invitations(self, info: Info, first: int | None = 100, after: str | None = None) -> list[Invitation]:
        """The open invitations."""
        behind = None if after is None else parse_id(after, "after")
        size = 100 if first is None else first
        found = await list_invitations(info.context.desk.door, info.context.principal, first=size, after=behind)
        return [Invitation.of(one) for one in found]


@strawberry.type
class MemberMutation:
    """Mutations of people."""

    @strawberry.mutation(
        description="Gives a member another role, suspends them, or restricts them to broker accounts. Nobody changes "
        "their own membership, gives more than they have, or changes who may more; an administrator always stays. "
        "Sessions, keys and open sockets follow within five seconds.",
        extensions=scoped(Scope.MANAGE_MEMBERS, step_up=True),
    )
    async def update_member(self, info: Info, input: UpdateMemberInput) -> MemberPayload:  # noqa: A002
        """Changes a member."""
        try:
            asked = AskedChange(
                member_id=parse_id(input.member_id, "memberId"),
                role=input.role,
                custom_role_id=None if input.custom_role_id is None else parse_id(input.custom_role_id, "customRoleId"),
                is_active=input.is_active,
                accounts=asked_grants(input.accounts),
                is_unrestricted=bool(input.all_accounts),
            )
            member = await change_member(info.context.desk.door, info.context.principal, asked)
        except OmsError as error:
            return MemberPayload(errors=user_errors(error))
        return MemberPayload(member=Membership.of(member))

    @strawberry.mutation(
        description="Ends a membership with its sessions and keys. What the member did stays.",
        extensions=scoped(Scope.MANAGE_MEMBERS, step_up=True),
    )
    async def remove_member(self, info: Info, input: RemoveMemberInput) -> MemberPayload:  # noqa: A002
        """Removes a member."""
        try:
            member = await remove_member(
                info.context.desk.door, info.context.principal, parse_id(input.member_id, "memberId")
            )
        except OmsError as error:
            return MemberPayload(errors=user_errors(error))
        return MemberPayload(member=Membership.of(member))

    @strawberry.mutation(
        description="A role of the tenant's own, with scopes within the maker's.",
        extensions=scoped(Scope.MANAGE_MEMBERS, step_up=True),
    )
    async def create_role(self, info: Info, input: CreateRoleInput) -> RolePayload:  # noqa: A002
        """Makes a role."""
        try:
            role = await create_role(
                info.context.desk.door, info.context.principal, name=input.name, scopes=input.scopes
            )
        except OmsError as error:
            return RolePayload(errors=user_errors(error))
        return RolePayload(role=CustomRole.of(role))

    @strawberry.mutation(
        description="Changes a role for all who have it, within what the changer has.",
        extensions=scoped(Scope.MANAGE_MEMBERS, step_up=True),
    )
    async def update_role(self, info: Info, input: UpdateRoleInput) -> RolePayload:  # noqa: A002
        """Changes a role."""
        try:
            role = await update_role(
                info.context.desk.door,
                info.context.principal,
                parse_id(input.role_id, "roleId"),
                name=input.name,
                scopes=input.scopes,
            )
        except OmsError as error:
            return RolePayload(errors=user_errors(error))
        return RolePayload(role=CustomRole.of(role))

    @strawberry.mutation(
        description="Takes a role away that no member and no open invitation has.",
        extensions=scoped(Scope.MANAGE_MEMBERS, step_up=True),
    )
    async def delete_role(self, info: Info, input: DeleteRoleInput) -> RolePayload:  # noqa: A002
        """Deletes a role."""
        try:
            role = await delete_role(info.context.desk.door, info.context.principal, parse_id(input.role_id, "roleId"))
        except OmsError as error:
            return RolePayload(errors=user_errors(error))
        return RolePayload(role=CustomRole.of(role))

    @strawberry.mutation(
        description="Offers somebody a place by a mail. The answer does not tell whether the address has an account.",
        extensions=scoped(Scope.MANAGE_MEMBERS, step_up=True),
    )
    async def invite_member(self, info: Info, input: InviteMemberInput) -> InvitationPayload:  # noqa: A002
        """Invites somebody."""
        try:
            asked = AskedInvitation(
                email=input.email,
                role=input.role,
                custom_role_id=None if input.custom_role_id is None else parse_id(input.custom_role_id, "customRoleId"),
                accounts=asked_grants(input.accounts),
            )
            invitation = await invite_member(info.context.desk.door, info.context.principal, asked)
        except OmsError as error:
            return InvitationPayload(errors=user_errors(error))
        return InvitationPayload(invitation=Invitation.of(invitation))

    @strawberry.mutation(
        description="Sends an invitation again under a new token, for seven more days; the token before holds no more.",
        extensions=scoped(Scope.MANAGE_MEMBERS),
    )
    async def resend_invitation(self, info: Info, input: InvitationInput) -> InvitationPayload:  # noqa: A002
        """Sends an invitation again."""
        try:
            invitation = await resend_invitation(
                info.context.desk.door, info.context.principal, parse_id(input.invitation_id, "invitationId")
            )
        except OmsError as error:
            return InvitationPayload(errors=user_errors(error))
        return InvitationPayload(invitation=Invitation.of(invitation))

    @strawberry.mutation(
        description="Takes an invitation back: its token holds no more.", extensions=scoped(Scope.MANAGE_MEMBERS)
    )
    async def revoke_invitation(self, info: Info, input: InvitationInput) -> InvitationPayload:  # noqa: A002
        """Takes an invitation back."""
        try:
            invitation = await revoke_invitation(
                info.context.desk.door, info.context.principal, parse_id(input.invitation_id, "invitationId")
            )
        except OmsError as error:
            return InvitationPayload(errors=user_errors(error))
        return InvitationPayload(invitation=Invitation.of(invitation))

    @strawberry.mutation(
        description="Takes the place that a mail offers, once. An address without an account gets one, with the "
        "password and the name; one with an account gives its password. Whatever does not hold is INVITATION_INVALID, "
        "told alike. Then log in.",
        extensions=public(),
    )
    async def accept_invitation(self, info: Info, input: AcceptInvitationInput) -> AcceptInvitationPayload:  # noqa: A002
        """Takes the place that a mail offers."""
        acceptance = Acceptance(
            token=input.token,
            password=input.password,
            first_name=input.first_name,
            last_name=input.last_name,
        )
        try:
            accepted = await accept_invitation(info.context.desk.door, acceptance, info.context.client)
        except OmsError as error:
            return AcceptInvitationPayload(errors=user_errors(error))
        return AcceptInvitationPayload(email=accepted.email, tenant_slug=accepted.tenant.slug)

    @strawberry.mutation(
        description="Changes members and invites others as a CSV file says, at most 1000 lines of 512 KiB in all; "
        "nobody is removed. The same file again changes nothing.",
        extensions=scoped(Scope.MANAGE_MEMBERS, step_up=True),
    )
    async def import_members(self, info: Info, input: ImportMembersInput) -> ImportMembersPayload:  # noqa: A002
        """Takes a file of members."""
        try:
            report = await import_members(
                info.context.desk.door,
                info.context.principal,
                _bytes_of(input),
                mode=input.mode,
                is_dry_run=input.dry_run,
            )
        except OmsError as error:
            return ImportMembersPayload(errors=user_errors(error))
        return ImportMembersPayload.of(report)

    @strawberry.mutation(
        description="The members and open invitations as CSV, as importMembers takes it; what a spreadsheet could run "
        "is marked as text. A mutation, for it is written down.",
        extensions=scoped(Scope.MANAGE_MEMBERS),
    )
    async def export_members(self, info: Info) -> ExportMembersPayload:
        """Gives the file of members."""
        try:
            return ExportMembersPayload(csv=await export_members(info.context.desk.door, info.context.principal))
        except OmsError as error:
            return ExportMembersPayload(errors=user_errors(error))


def _bytes_of(given: ImportMembersInput) -> bytes:
    if (given.content is None) == (given.content_base64 is None):
        raise InputError("Either content or contentBase64.", path=["content"])
    if given.content is not None:
        # A lone surrogate is no character: its line is told as any other that is not UTF-8.
        return given.content.encode("utf-8", "surrogatepass")
    assert given.content_base64 is not None, "one of the two is given"
    if len(given.content_base64) > FILE_BYTES_MAX * 2:
        raise InputError(f"A file has at most {FILE_BYTES_MAX} bytes.", path=["contentBase64"])
    try:
        return base64.b64decode(given.content_base64, validate=True)
    except (binascii.Error, ValueError) as error:
        raise InputError("This is not base64.", path=["contentBase64"]) from error
