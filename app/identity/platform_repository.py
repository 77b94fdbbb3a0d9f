"""The SQL of administrators of the platform, of their logins, and of their entries into tenants."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import insert, select, update
from sqlmodel import col

from app.core.ids import EntryId, TenantId, UserId
from app.identity.domain import Client, Scope
from app.identity.domain.platform import PlatformAdministrator, PlatformEntry, PlatformSession
from app.identity.models import PlatformAdministratorRow, PlatformEntryRow, PlatformSessionRow, UserRow
from app.identity.repository import AnySession
from app.infra.db import BatchSession, WriteSession


async def administrator(session: AnySession, user_id: UserId) -> PlatformAdministrator | None:
    """The person as an administrator of the platform, or None; the scope is the person's, and the platform's."""
    statement = (
        select(PlatformAdministratorRow, UserRow)
        .join(UserRow, col(UserRow.id) == col(PlatformAdministratorRow.user_id))
        .where(col(PlatformAdministratorRow.user_id) == user_id)
    )
    found = (await session.execute(statement)).one_or_none()
    if found is None:
        return None
    return PlatformAdministrator(
        user_id=user_id,
        email=found[1].email,
        is_active=found[1].is_active,
        granted_at=found[0].granted_at,
        note=found[0].note,
    )


async def add_session(session: WriteSession, opened: PlatformSession, token_hash: bytes, client: Client) -> None:
    """Stores a login by the hash of its token."""
    await session.execute(
        insert(PlatformSessionRow).values(
            user_id=opened.user_id,
            id=opened.id,
            token_hash=token_hash,
            ip_address=client.ip_address,
            user_agent=client.user_agent,
            created_at=opened.created_at,
            expires_at=opened.expires_at,
        )
    )


async def session_by_token(session: AnySession, user_id: UserId, token_hash: bytes) -> PlatformSession | None:
    """The login of a token's hash, or None."""
    statement = select(PlatformSessionRow).where(
        col(PlatformSessionRow.user_id) == user_id, col(PlatformSessionRow.token_hash) == token_hash
    )
    row = (await session.execute(statement)).scalar_one_or_none()
    return None if row is None else _session(row)


async def session_by_id(session: AnySession, user_id: UserId, session_id: UUID) -> PlatformSession | None:
    """The login, or None."""
    statement = select(PlatformSessionRow).where(
        col(PlatformSessionRow.user_id) == user_id, col(PlatformSessionRow.id) == session_id
    )
    row = (await session.execute(statement)).scalar_one_or_none()
    return None if row is None else _session(row)


async def revoke_session(session: WriteSession, user_id: UserId, session_id: UUID, *, at: datetime) -> None:
    """Ends the login, unless it has ended before."""
    await session.execute(
        update(PlatformSessionRow)
        .where(
            col(PlatformSessionRow.user_id) == user_id,
            col(PlatformSessionRow.id) == session_id,
            col(PlatformSessionRow.revoked_at).is_(None),
        )
        .values(revoked_at=at)
    )


async def revoke_sessions(session: WriteSession, user_id: UserId, *, at: datetime) -> None:
    """Ends all logins of the person; the scope is the person's, and the platform's."""
    await session.execute(
        update(PlatformSessionRow)
        .where(col(PlatformSessionRow.user_id) == user_id, col(PlatformSessionRow.revoked_at).is_(None))
        .values(revoked_at=at)
    )


async def add_entry(session: WriteSession, entry: PlatformEntry, token_hash: bytes) -> None:
    """Stores an entry by the hash of its token."""
    await session.execute(
        insert(PlatformEntryRow).values(
            tenant_id=entry.tenant_id,
            id=entry.id,
            user_id=entry.user_id,
            session_id=entry.session_id,
            administrator=entry.administrator,
            reason=entry.reason,
            scopes=sorted(scope.value for scope in entry.scopes),
            token_hash=token_hash,
            created_at=entry.created_at,
            expires_at=entry.expires_at,
        )
    )


async def entry_by_token(session: AnySession, tenant_id: TenantId, token_hash: bytes) -> PlatformEntry | None:
    """The entry of a token's hash, or None."""
    statement = select(PlatformEntryRow).where(
        col(PlatformEntryRow.tenant_id) == tenant_id, col(PlatformEntryRow.token_hash) == token_hash
    )
    row = (await session.execute(statement)).scalar_one_or_none()
    return None if row is None else _entry(row)


async def entry_by_id(session: AnySession, tenant_id: TenantId, entry_id: EntryId) -> PlatformEntry | None:
    """The entry, or None."""
    statement = select(PlatformEntryRow).where(
        col(PlatformEntryRow.tenant_id) == tenant_id, col(PlatformEntryRow.id) == entry_id
    )
    row = (await session.execute(statement)).scalar_one_or_none()
    return None if row is None else _entry(row)


async def entries(session: AnySession, tenant_id: TenantId, *, limit: int, before: UUID | None) -> list[PlatformEntry]:
    """The entries into the tenant, the newest first, before one of them."""
    statement = select(PlatformEntryRow).where(col(PlatformEntryRow.tenant_id) == tenant_id)
    if before is not None:
        statement = statement.where(col(PlatformEntryRow.id) < before)
    statement = statement.order_by(col(PlatformEntryRow.id).desc()).limit(limit)
    return [_entry(row) for row in (await session.execute(statement)).scalars()]


async def end_entry(session: WriteSession, entry: PlatformEntry, *, at: datetime) -> None:
    """Ends the entry, unless it has ended before."""
    await session.execute(
        update(PlatformEntryRow)
        .where(
            col(PlatformEntryRow.tenant_id) == entry.tenant_id,
            col(PlatformEntryRow.id) == entry.id,
            col(PlatformEntryRow.ended_at).is_(None),
        )
        .values(ended_at=at)
    )


async def grant(session: BatchSession, email: str, *, note: str, now: datetime) -> bool | None:
    """Makes the active person of the address an administrator; True when they were none. None where nobody has it.

    The role must be SYSTEM.
    """
    people = await session.fetch("SELECT id FROM users WHERE email = $1 AND is_active", email)
    if not people:
        return None
    rows = await session.fetch(
        """
        INSERT INTO platform_administrators (user_id, granted_at, note) VALUES ($1, $2, $3)
        ON CONFLICT DO NOTHING RETURNING 1
        """,
        people[0]["id"],
        now,
        note,
    )
    return bool(rows)


async def revoke(session: BatchSession, email: str) -> bool:
    """Takes the power from the person of the address; True when they had it. The role must be SYSTEM."""
    rows = await session.fetch(
        """
        DELETE FROM platform_administrators WHERE user_id IN (SELECT id FROM users WHERE email = $1) RETURNING 1
        """,
        email,
    )
    return bool(rows)


async def administrators(session: BatchSession) -> list[PlatformAdministrator]:
    """All of them, by address. The role must be SYSTEM."""
    rows = await session.fetch(
        """
        SELECT p.user_id, u.email, u.is_active, p.granted_at, p.note
        FROM platform_administrators AS p JOIN users AS u ON u.id = p.user_id ORDER BY u.email
        """
    )
    return [PlatformAdministrator(**dict(row)) for row in rows]


def _session(row: PlatformSessionRow) -> PlatformSession:
    return PlatformSession(
        user_id=UserId(row.user_id),
        id=row.id,
        created_at=row.created_at,
        expires_at=row.expires_at,
        revoked_at=row.revoked_at,
    )


def _entry(row: PlatformEntryRow) -> PlatformEntry:
    return PlatformEntry(
        tenant_id=TenantId(row.tenant_id),
        id=EntryId(row.id),
        user_id=UserId(row.user_id),
        session_id=row.session_id,
        administrator=row.administrator,
        reason=row.reason,
        scopes=frozenset(Scope(scope) for scope in row.scopes),
        created_at=row.created_at,
        expires_at=row.expires_at,
        ended_at=row.ended_at,
    )
