"""The GraphQL types of identity, and how they are made of domain values."""

from datetime import datetime

import strawberry
from strawberry.scalars import JSON

from app.flows.identity import view_identity
from app.identity import domain
from app.tenants import domain as tenants
from schema.base.context import RequestContext
from schema.base.errors import UserError
from schema.base.node import Node
from schema.identity.grants import AccountGrant, AccountGrantInput, CustomRole


def listed(scopes: frozenset[domain.Scope]) -> list[domain.Scope]:
    """The scopes in the order of the enumeration."""
    return [scope for scope in domain.Scope if scope in scopes]


@strawberry.type(description="A firm. Everything belongs to one, and no firm sees another's.")
class Tenant(Node):
    """A firm."""

    name: str
    slug: str = strawberry.field(description="The firm's name in a login; unique.")
    domain: str | None
    settings: JSON
    is_active: bool
    created_at: datetime

    @classmethod
    def of(cls, tenant: tenants.Tenant) -> "Tenant":
        """The type of the value."""
        return cls(
            id=strawberry.ID(str(tenant.id)),
            name=tenant.name,
            slug=tenant.slug,
            domain=tenant.domain,
            settings=JSON(dict(tenant.settings)),
            is_active=tenant.is_active,
            created_at=tenant.created_at,
        )


@strawberry.type(description="A person, who may be a member of several tenants.")
class User(Node):
    """A person."""

    email: str
    first_name: str
    last_name: str
    phone_number: str | None
    email_verified: bool
    two_factor_enabled: bool
    preferences: JSON
    created_at: datetime

    @classmethod
    def of(cls, user: domain.User) -> "User":
        """The type of the value."""
        return cls(
            id=strawberry.ID(str(user.id)),
            email=user.email,
            first_name=user.first_name,
            last_name=user.last_name,
            phone_number=user.phone_number,
            email_verified=user.email_verified,
            two_factor_enabled=user.two_factor_enabled,
            preferences=JSON(dict(user.preferences)),
            created_at=user.created_at,
        )


@strawberry.type(description="What a person is in a tenant.")
class Membership(Node):
    """What a person is in a tenant."""

    user: User
    tenant: Tenant
    role: domain.Role = strawberry.field(
        description="VIEWER, the least of them, for who has a role of the tenant's own."
    )
    custom_role: CustomRole | None = strawberry.field(description="The role of the tenant's own, which then decides.")
    scopes: list[domain.Scope] = strawberry.field(
        description="What the member may; empty when the membership is not active."
    )
    is_active: bool
    accounts: list[AccountGrant] | None = strawberry.field(
        description="The broker accounts that the member is restricted to; null for all, those to come too. Of a "
        "membership in another tenant it tells nothing."
    )

    @classmethod
    def of(cls, member: view_identity.Member) -> "Membership":
        """The type of the value."""
        return cls(
            id=strawberry.ID(str(member.membership.id)),
            user=User.of(member.user),
            tenant=Tenant.of(member.tenant),
            role=member.membership.role,
            scopes=listed(member.membership.scopes),
            is_active=member.membership.is_active,
            custom_role=None if member.membership.custom_role is None else CustomRole.of(member.membership.custom_role),
            accounts=AccountGrant.all_of(member.accounts),
        )


@strawberry.type(description="A login of the viewer in this tenant.")
class Session(Node):
    """A login."""

    ip_address: str
    user_agent: str
    created_at: datetime
    last_seen_at: datetime = strawberry.field(description="To the minute.")
    current: bool = strawberry.field(description="True for the session that asks.")

    @classmethod
    def of(cls, session: domain.Session, principal: domain.Principal) -> "Session":
        """The type of the value, as the principal sees it."""
        return cls(
            id=strawberry.ID(str(session.id)),
            ip_address=session.ip_address,
            user_agent=session.user_agent,
            created_at=session.created_at,
            last_seen_at=session.last_seen_at,
            current=session.id == principal.session_id,
        )


@strawberry.type(description="A key for programs. It never may more than the member who answers for it still may.")
class ApiKey(Node):
    """A key for programs."""

    name: str
    prefix: str = strawberry.field(description="The public part of the key, by which it is recognised.")
    scopes: list[domain.Scope]
    ip_allowlist: list[str] = strawberry.field(description="Networks it may be used from; empty for everywhere.")
    requests_per_minute: int | None
    expires_at: datetime | None
    last_used_at: datetime | None = strawberry.field(description="To the minute.")
    revoked_at: datetime | None
    created_at: datetime
    is_restricted: bool = strawberry.field(description="True when it is restricted to some broker accounts.")

    @classmethod
    def of(cls, key: domain.ApiKey) -> "ApiKey":
        """The type of the value."""
        return cls(
            id=strawberry.ID(str(key.id)),
            name=key.name,
            prefix=key.prefix,
            scopes=listed(key.scopes),
            ip_allowlist=list(key.ip_allowlist),
            requests_per_minute=key.requests_per_minute,
            expires_at=key.expires_at,
            last_used_at=key.last_used_at,
            revoked_at=key.revoked_at,
            created_at=key.created_at,
            is_restricted=key.is_restricted,
        )


@strawberry.type(description="Who asks: a person with a membership, or an API key.")
class Viewer:
    """Who asks."""

    user: User | None
    membership: Membership | None
    api_key: ApiKey | None
    tenant: Tenant
    scopes: list[domain.Scope] = strawberry.field(description="What this credential allows now.")
    memberships: list[Membership] = strawberry.field(description="The person's memberships in all tenants.")

    @classmethod
    def of(cls, viewer: view_identity.Viewer) -> "Viewer":
        """The type of the value."""
        return cls(
            user=None if viewer.user is None else User.of(viewer.user),
            membership=None if viewer.membership is None else Membership.of(viewer.membership),
            api_key=None if viewer.api_key is None else ApiKey.of(viewer.api_key),
            tenant=Tenant.of(viewer.tenant),
            scopes=listed(viewer.scopes),
            memberships=[Membership.of(member) for member in viewer.memberships],
        )


@strawberry.type(description="An access token for ten minutes, and the refresh token that gets the next pair, once.")
class TokenPair:
    """What a login answers."""

    access_token: str = strawberry.field(description="Blank for a page that has its session in cookies.")
    refresh_token: str = strawberry.field(description="Blank for a page that has its session in cookies.")
    expires_at: datetime = strawberry.field(description="The end of the access token.")
    token_type: str = strawberry.field(description="Bearer.")

    @classmethod
    def of(cls, issued: domain.TokenPair, context: RequestContext) -> "TokenPair":
        """The type of the value, as it is shown to who asked."""
        tokens = context.hand_over(issued)
        return cls(
            access_token=tokens.access_token,
            refresh_token=tokens.refresh_token,
            expires_at=tokens.expires_at,
            token_type=tokens.token_type,
        )


@strawberry.type(description="Tokens, or a challenge to finish with verifyTwoFactor.")
class LoginPayload:
    """The answer of register, login and refreshToken."""

    tokens: TokenPair | None = None
    two_factor_challenge: str | None = None
    errors: list[UserError] = strawberry.field(default_factory=list)


@strawberry.type
class LogoutPayload:
    """The answer of logout."""

    errors: list[UserError] = strawberry.field(default_factory=list)


@strawberry.type
class ApiKeyPayload:
    """The answer of the mutations on keys."""

    api_key: ApiKey | None = None
    secret: str | None = strawberry.field(
        default=None, description="The whole key, told this once: what goes behind `Authorization: Bearer`."
    )
    errors: list[UserError] = strawberry.field(default_factory=list)


@strawberry.input
class RegisterInput:
    """Who wants to open a tenant."""

    tenant_name: str
    email: str
    password: str = strawberry.field(description="12 to 128 characters, hard to guess.")
    first_name: str
    last_name: str


@strawberry.input
class LoginInput:
    """An address and a password."""

    email: str
    password: str
    tenant_slug: str | None = strawberry.field(
        default=strawberry.UNSET, description="Needed by who belongs to several tenants."
    )


@strawberry.input
class RefreshTokenInput:
    """A refresh token."""

    refresh_token: str = strawberry.field(description="Blank for a page that has its session in cookies.")


@strawberry.input
class CreateApiKeyInput:
    """A key as it is asked for."""

    name: str
    scopes: list[domain.Scope] = strawberry.field(description="Within the maker's own.")
    expires_at: datetime | None = strawberry.UNSET
    ip_allowlist: list[str] | None = strawberry.UNSET
    requests_per_minute: int | None = strawberry.UNSET
    accounts: list[AccountGrantInput] | None = strawberry.field(
        default=None, description="The broker accounts that the key is restricted to; left out, those of its maker."
    )


@strawberry.input
class RotateApiKeyInput:
    """Which key gets a successor, and how long both hold."""

    api_key_id: strawberry.ID
    overlap_seconds: int | None = strawberry.field(default=3600, description="0 to 604800; 0 ends the old key at once.")


@strawberry.input
class RevokeApiKeyInput:
    """Which key ends."""

    api_key_id: strawberry.ID
