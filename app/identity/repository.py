"""All SQL of identity."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import and_, exists, func, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlmodel import col

from app.core.ids import AccountId, ApiKeyId, MembershipId, RoleId, SessionId, TenantId, UserId
from app.identity.domain import AccountGrants, ApiKey, CustomRole, Membership, Role, Scope, Session, User
from app.identity.errors import EmailTakenError
from app.identity.models import (
    ApiKeyAccountRow,
    ApiKeyRow,
    AuthSessionRow,
    CustomRoleRow,
    MemberAccountRow,
    MembershipRow,
    RefreshTokenRow,
    UserRow,
)
from app.infra.db import ReadSession, WriteSession

AnySession = ReadSession | WriteSession
HAS_ROLE = and_(
    col(CustomRoleRow.tenant_id) == col(MembershipRow.tenant_id),
    col(CustomRoleRow.id) == col(MembershipRow.custom_role_id),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RefreshToken:
    """A refresh token of a session."""

    session_id: SessionId
    expires_at: datetime
    used_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """The person and the membership behind a session or a key, as they are now."""

    membership: Membership
    is_user_active: bool
    has_second_factor: bool
    accounts: AccountGrants | None = None

    @property
    def scopes(self) -> frozenset[Scope]:
        """What the person may in the tenant; nothing when the person or the membership is not active."""
        return self.membership.scopes if self.is_user_active else frozenset()


async def add_user(session: WriteSession, user: User, password_hash: str) -> None:
    """Stores the person. Raises EmailTakenError; the transaction cannot go on then."""
    try:
        await session.execute(
            insert(UserRow).values(
                id=user.id,
                email=user.email,
                password_hash=password_hash,
                first_name=user.first_name,
                last_name=user.last_name,
                phone_number=user.phone_number,
                email_verified=user.email_verified,
                two_factor_enabled=user.two_factor_enabled,
                preferences=dict(user.preferences),
                is_active=user.is_active,
                created_at=user.created_at,
                password_changed_at=user.created_at,
            )
        )
    except IntegrityError as error:
        raise EmailTakenError from error


async def user_by_email(session: AnySession, email: str) -> tuple[User, str] | None:
    """The person of the address with the hash of the password, or None."""
    row = (await session.execute(select(UserRow).where(col(UserRow.email) == email))).scalar_one_or_none()
    return None if row is None else (_user(row), row.password_hash)


async def users_by_ids(session: AnySession, user_ids: list[UserId]) -> dict[UserId, User]:
    """Those of the people that the transaction sees."""
    rows = (await session.execute(select(UserRow).where(col(UserRow.id).in_(user_ids)))).scalars()
    return {UserId(row.id): _user(row) for row in rows}


async def password_hash(session: AnySession, user_id: UserId) -> str | None:
    """The hash of the person's password, or None."""
    return (
        await session.execute(select(col(UserRow.password_hash)).where(col(UserRow.id) == user_id))
    ).scalar_one_or_none()


async def replace_password_hash(session: WriteSession, user_id: UserId, old_hash: str, new_hash: str) -> None:
    """Stores another hash of the same password, unless the password has changed meanwhile."""
    await session.execute(
        update(UserRow)
        .where(col(UserRow.id) == user_id, col(UserRow.password_hash) == old_hash)
        .values(password_hash=new_hash)
    )


async def add_membership(session: WriteSession, membership: Membership) -> None:
    """Stores the membership."""
    await session.execute(
        insert(MembershipRow).values(
            tenant_id=membership.tenant_id,
            id=membership.id,
            user_id=membership.user_id,
            role=membership.role.value,
            is_active=membership.is_active,
            created_at=membership.created_at,
        )
    )


async def memberships_of_user(session: AnySession, user_id: UserId) -> list[Membership]:
    """All memberships of the person that the transaction sees, oldest first, but those that were removed."""
    statement = (
        select(MembershipRow, CustomRoleRow)
        .select_from(MembershipRow)
        .outerjoin(CustomRoleRow, HAS_ROLE)
        .where(col(MembershipRow.user_id) == user_id, col(MembershipRow.removed_at).is_(None))
        .order_by(col(MembershipRow.id))
    )
    return [membership_of(row, role) for row, role in await session.execute(statement)]


async def memberships_of_tenant(
    session: AnySession, tenant_id: TenantId, *, limit: int, after: MembershipId | None = None
) -> list[Membership]:
    """The members of the tenant, oldest first, behind one of them."""
    statement = (
        select(MembershipRow, CustomRoleRow)
        .select_from(MembershipRow)
        .outerjoin(CustomRoleRow, HAS_ROLE)
        .where(col(MembershipRow.tenant_id) == tenant_id, col(MembershipRow.removed_at).is_(None))
    )
    if after is not None:
        statement = statement.where(col(MembershipRow.id) > after)
    statement = statement.order_by(col(MembershipRow.id)).limit(limit)
    return [membership_of(row, role) for row, role in await session.execute(statement)]


async def standing(session: AnySession, tenant_id: TenantId, user_id: UserId) -> Standing | None:
    """How the person stands in the tenant now, or None when there is no membership."""
    statement = (
        select(MembershipRow, CustomRoleRow, col(UserRow.is_active), col(UserRow.two_factor_enabled))
        .select_from(MembershipRow)
        .outerjoin(CustomRoleRow, HAS_ROLE)
        .join(UserRow, col(UserRow.id) == col(MembershipRow.user_id))
        .where(col(MembershipRow.tenant_id) == tenant_id, col(MembershipRow.user_id) == user_id)
    )
    found = (await session.execute(statement)).one_or_none()
    if found is None:
        return None
    membership = membership_of(found[0], found[1])
    accounts = await accounts_of_member(session, tenant_id, user_id) if membership.is_restricted else None
    return Standing(membership=membership, is_user_active=found[2], has_second_factor=found[3], accounts=accounts)


async def accounts_of_member(session: AnySession, tenant_id: TenantId, user_id: UserId) -> AccountGrants:
    """The broker accounts that a restricted member may see and trade on."""
    statement = select(MemberAccountRow).where(
        col(MemberAccountRow.tenant_id) == tenant_id, col(MemberAccountRow.user_id) == user_id
    )
    rows = (await session.execute(statement)).scalars()
    return AccountGrants.of({AccountId(row.account_id): row.may_trade for row in rows})


async def accounts_of_api_key(session: AnySession, tenant_id: TenantId, api_key_id: ApiKeyId) -> AccountGrants:
    """The broker accounts that a restricted key may see and trade on, as far as its owner may."""
    statement = select(ApiKeyAccountRow).where(
        col(ApiKeyAccountRow.tenant_id) == tenant_id, col(ApiKeyAccountRow.api_key_id) == api_key_id
    )
    rows = (await session.execute(statement)).scalars()
    return AccountGrants.of({AccountId(row.account_id): row.may_trade for row in rows})


async def add_session(session: WriteSession, opened: Session, proof: str) -> None:
    """Stores the session, with what its person proved who they are."""
    await session.execute(
        insert(AuthSessionRow).values(
            tenant_id=opened.tenant_id,
            id=opened.id,
            user_id=opened.user_id,
            ip_address=opened.ip_address,
            user_agent=opened.user_agent,
            created_at=opened.created_at,
            last_seen_at=opened.last_seen_at,
            expires_at=opened.expires_at,
            revoked_at=opened.revoked_at,
            stepped_up_at=opened.created_at,
            stepped_up_with=proof,
        )
    )


async def session_by_id(session: AnySession, tenant_id: TenantId, session_id: SessionId) -> Session | None:
    """The session, or None."""
    return await _session_where(session, tenant_id, session_id, is_locked=False)


async def session_for_update(session: WriteSession, tenant_id: TenantId, session_id: SessionId) -> Session | None:
    """The session with its row locked, or None: rotations and revocations of one session stand in line here."""
    return await _session_where(session, tenant_id, session_id, is_locked=True)


async def live_sessions_of_user(
    session: AnySession, tenant_id: TenantId, user_id: UserId, *, now: datetime, limit: int
) -> list[Session]:
    """The newest live sessions of the person in the tenant, newest first."""
    statement = (
        select(AuthSessionRow)
        .where(
            col(AuthSessionRow.tenant_id) == tenant_id,
            col(AuthSessionRow.user_id) == user_id,
            col(AuthSessionRow.revoked_at).is_(None),
            col(AuthSessionRow.expires_at) > now,
        )
        .order_by(col(AuthSessionRow.created_at).desc(), col(AuthSessionRow.id).desc())
        .limit(limit)
    )
    return [_session(row) for row in (await session.execute(statement)).scalars()]


async def touch_session(session: WriteSession, tenant_id: TenantId, session_id: SessionId, at: datetime) -> None:
    """Notes that the session was seen."""
    await session.execute(
        update(AuthSessionRow)
        .where(
            col(AuthSessionRow.tenant_id) == tenant_id,
            col(AuthSessionRow.id) == session_id,
            col(AuthSessionRow.last_seen_at) < at,
        )
        .values(last_seen_at=at)
    )


async def revoke_session(
    session: WriteSession, tenant_id: TenantId, session_id: SessionId, *, at: datetime, reason: str
) -> None:
    """Ends the session, unless it has been ended before."""
    await session.execute(
        update(AuthSessionRow)
        .where(
            col(AuthSessionRow.tenant_id) == tenant_id,
            col(AuthSessionRow.id) == session_id,
            col(AuthSessionRow.revoked_at).is_(None),
        )
        .values(revoked_at=at, revoked_reason=reason)
    )


async def add_refresh_token(
    session: WriteSession,
    tenant_id: TenantId,
    session_id: SessionId,
    token_hash: bytes,
    *,
    token_id: UUID,
    created_at: datetime,
    expires_at: datetime,
) -> None:
    """Stores a refresh token by its hash."""
    await session.execute(
        insert(RefreshTokenRow).values(
            tenant_id=tenant_id,
            id=token_id,
            session_id=session_id,
            token_hash=token_hash,
            created_at=created_at,
            expires_at=expires_at,
        )
    )


async def refresh_token_by_hash(session: AnySession, tenant_id: TenantId, token_hash: bytes) -> RefreshToken | None:
    """The refresh token of the hash, or None."""
    statement = select(RefreshTokenRow).where(
        col(RefreshTokenRow.tenant_id) == tenant_id, col(RefreshTokenRow.token_hash) == token_hash
    )
    # The second reading, under the session's lock, must see what another transaction has committed meanwhile.
    statement = statement.execution_options(populate_existing=True)
    row = (await session.execute(statement)).scalar_one_or_none()
    if row is None:
        return None
    return RefreshToken(session_id=SessionId(row.session_id), expires_at=row.expires_at, used_at=row.used_at)


async def use_refresh_token(session: WriteSession, tenant_id: TenantId, token_hash: bytes, *, at: datetime) -> None:
    """Marks the refresh token as used."""
    await session.execute(
        update(RefreshTokenRow)
        .where(col(RefreshTokenRow.tenant_id) == tenant_id, col(RefreshTokenRow.token_hash) == token_hash)
        .values(used_at=at)
    )


async def is_successor_used(session: AnySession, tenant_id: TenantId, spent: RefreshToken, token_hash: bytes) -> bool:
    """Whether a token that came of the spent one, of that hash, was exchanged; to be superseded is no use."""
    statement = select(
        exists().where(
            col(RefreshTokenRow.tenant_id) == tenant_id,
            col(RefreshTokenRow.session_id) == spent.session_id,
            col(RefreshTokenRow.token_hash) != token_hash,
            col(RefreshTokenRow.created_at) >= spent.used_at,
            col(RefreshTokenRow.used_at) < col(RefreshTokenRow.expires_at),
        )
    )
    return bool((await session.execute(statement)).scalar_one())


async def supersede_refresh_tokens(
    session: WriteSession, tenant_id: TenantId, session_id: SessionId, *, at: datetime
) -> None:
    """Spends the tokens of the session that nobody has used: they end with the instant of their use."""
    await session.execute(
        update(RefreshTokenRow)
        .where(
            col(RefreshTokenRow.tenant_id) == tenant_id,
            col(RefreshTokenRow.session_id) == session_id,
            col(RefreshTokenRow.used_at).is_(None),
        )
        .values(used_at=at, expires_at=at)
    )


async def add_api_key(session: WriteSession, key: ApiKey, secret_hash: bytes) -> None:
    """Stores the key with the hash of its secret."""
    await session.execute(
        insert(ApiKeyRow).values(
            tenant_id=key.tenant_id,
            id=key.id,
            user_id=key.user_id,
            name=key.name,
            prefix=key.prefix,
            secret_hash=secret_hash,
            scopes=sorted(scope.value for scope in key.scopes),
            is_restricted=key.is_restricted,
            ip_allowlist=list(key.ip_allowlist),
            requests_per_minute=key.requests_per_minute,
            created_at=key.created_at,
            expires_at=key.expires_at,
            last_used_at=key.last_used_at,
            revoked_at=key.revoked_at,
        )
    )


async def api_key_by_prefix(session: AnySession, tenant_id: TenantId, prefix: str) -> tuple[ApiKey, bytes] | None:
    """The key of the prefix with the hash of its secret, or None."""
    statement = select(ApiKeyRow).where(col(ApiKeyRow.tenant_id) == tenant_id, col(ApiKeyRow.prefix) == prefix)
    row = (await session.execute(statement)).scalar_one_or_none()
    return None if row is None else (_api_key(row), row.secret_hash)


async def api_key_by_id(session: AnySession, tenant_id: TenantId, api_key_id: ApiKeyId) -> ApiKey | None:
    """The key, or None."""
    return await _api_key_where(session, tenant_id, api_key_id, is_locked=False)


async def api_key_for_update(session: WriteSession, tenant_id: TenantId, api_key_id: ApiKeyId) -> ApiKey | None:
    """The key with its row locked, or None."""
    return await _api_key_where(session, tenant_id, api_key_id, is_locked=True)


async def api_keys(session: AnySession, tenant_id: TenantId, *, of_user: UserId | None, limit: int) -> list[ApiKey]:
    """The newest keys of the tenant, or of one member, newest first."""
    statement = select(ApiKeyRow).where(col(ApiKeyRow.tenant_id) == tenant_id)
    if of_user is not None:
        statement = statement.where(col(ApiKeyRow.user_id) == of_user)
    statement = statement.order_by(col(ApiKeyRow.created_at).desc(), col(ApiKeyRow.id).desc()).limit(limit)
    return [_api_key(row) for row in (await session.execute(statement)).scalars()]


async def count_live_api_keys(session: WriteSession, tenant_id: TenantId, user_id: UserId, *, now: datetime) -> int:
    """How many keys of the member are neither revoked nor past their end; none is made beside until this one ends."""
    await session.execute(
        select(col(MembershipRow.id))
        .where(col(MembershipRow.tenant_id) == tenant_id, col(MembershipRow.user_id) == user_id)
        .with_for_update(key_share=True)
    )
    statement = select(func.count()).where(
        col(ApiKeyRow.tenant_id) == tenant_id,
        col(ApiKeyRow.user_id) == user_id,
        col(ApiKeyRow.revoked_at).is_(None),
        col(ApiKeyRow.expires_at).is_(None) | (col(ApiKeyRow.expires_at) > now),
    )
    return (await session.execute(statement)).scalar_one()


async def touch_api_key(session: WriteSession, tenant_id: TenantId, api_key_id: ApiKeyId, at: datetime) -> None:
    """Notes that the key was used."""
    await session.execute(
        update(ApiKeyRow)
        .where(col(ApiKeyRow.tenant_id) == tenant_id, col(ApiKeyRow.id) == api_key_id)
        .values(last_used_at=func.greatest(col(ApiKeyRow.last_used_at), at))
    )


async def set_api_key_end(
    session: WriteSession,
    tenant_id: TenantId,
    api_key_id: ApiKeyId,
    *,
    expires_at: datetime | None,
    revoked_at: datetime | None,
) -> None:
    """Stores when the key ends or has ended."""
    await session.execute(
        update(ApiKeyRow)
        .where(col(ApiKeyRow.tenant_id) == tenant_id, col(ApiKeyRow.id) == api_key_id)
        .values(expires_at=expires_at, revoked_at=revoked_at)
    )


async def _session_where(
    session: AnySession, tenant_id: TenantId, session_id: SessionId, *, is_locked: bool
) -> Session | None:
    statement = select(AuthSessionRow).where(
        col(AuthSessionRow.tenant_id) == tenant_id, col(AuthSessionRow.id) == session_id
    )
    if is_locked:
        statement = statement.with_for_update().execution_options(populate_existing=True)
    row = (await session.execute(statement)).scalar_one_or_none()
    return None if row is None else _session(row)


async def _api_key_where(
    session: AnySession, tenant_id: TenantId, api_key_id: ApiKeyId, *, is_locked: bool
) -> ApiKey | None:
    statement = select(ApiKeyRow).where(col(ApiKeyRow.tenant_id) == tenant_id, col(ApiKeyRow.id) == api_key_id)
    if is_locked:
        statement = statement.with_for_update().execution_options(populate_existing=True)
    row = (await session.execute(statement)).scalar_one_or_none()
    return None if row is None else _api_key(row)


def _user(row: UserRow) -> User:
    return User(
        id=UserId(row.id),
        email=row.email,
        first_name=row.first_name,
        last_name=row.last_name,
        phone_number=row.phone_number,
        email_verified=row.email_verified,
        two_factor_enabled=row.two_factor_enabled,
        preferences=row.preferences,
        is_active=row.is_active,
        created_at=row.created_at,
    )


def role_of(row: CustomRoleRow) -> CustomRole:
    """The role of a row."""
    return CustomRole(
        id=RoleId(row.id),
        name=row.name,
        scopes=frozenset(Scope(scope) for scope in row.scopes),
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


def membership_of(row: MembershipRow, role: CustomRoleRow | None) -> Membership:
    """The membership of a row, with the row of its role where it has one of the tenant's own."""
    assert (row.custom_role_id is None) == (role is None), "whoever sees the membership sees its role"
    return Membership(
        tenant_id=TenantId(row.tenant_id),
        id=MembershipId(row.id),
        user_id=UserId(row.user_id),
        role=Role(row.role),
        is_active=row.is_active,
        created_at=row.created_at,
        custom_role=None if role is None else role_of(role),
        is_restricted=row.is_restricted,
        removed_at=row.removed_at,
    )


def _session(row: AuthSessionRow) -> Session:
    return Session(
        tenant_id=TenantId(row.tenant_id),
        id=SessionId(row.id),
        user_id=UserId(row.user_id),
        ip_address=row.ip_address,
        user_agent=row.user_agent,
        created_at=row.created_at,
        last_seen_at=row.last_seen_at,
        expires_at=row.expires_at,
        revoked_at=row.revoked_at,
    )


def _api_key(row: ApiKeyRow) -> ApiKey:
    return ApiKey(
        tenant_id=TenantId(row.tenant_id),
        id=ApiKeyId(row.id),
        user_id=UserId(row.user_id),
        name=row.name,
        prefix=row.prefix,
        scopes=frozenset(Scope(scope) for scope in row.scopes),
        ip_allowlist=tuple(row.ip_allowlist),
        requests_per_minute=row.requests_per_minute,
        created_at=row.created_at,
        expires_at=row.expires_at,
        last_used_at=row.last_used_at,
        revoked_at=row.revoked_at,
        is_restricted=row.is_restricted,
    )
