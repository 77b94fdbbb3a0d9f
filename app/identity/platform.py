"""What administrators of the platform do with their power: log in, enter a tenant for a while, leave it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from app.core.errors import NotFoundError
from app.core.ids import EntryId, Ids, TenantId, UserId
from app.core.records import replace
from app.identity import platform_repository as repository
from app.identity.domain import Client, Principal, Scope, base32, digest, visible_text
from app.identity.domain.platform import (
    PLATFORM_SESSION_LIFE,
    PlatformAdministrator,
    PlatformEntry,
    PlatformSession,
    entry_life,
    entry_scopes,
    entry_text,
    session_text,
    written_reason,
)
from app.identity.repository import AnySession
from app.infra.db import WriteSession
from app.infra.tokens import new_secret


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedSession:
    """A login of an administrator, with its token, which is told this once."""

    session: PlatformSession
    token: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedEntry:
    """An entry into a tenant, with its token, which is told this once."""

    entry: PlatformEntry
    token: str


async def administrator(session: AnySession, user_id: UserId) -> PlatformAdministrator | None:
    """The person as an active administrator of the platform; None for anybody else."""
    found = await repository.administrator(session, user_id)
    return found if found is not None and found.is_active else None


async def open_session(
    session: WriteSession, user_id: UserId, client: Client, *, ids: Ids, now: datetime
) -> OpenedSession:
    """A login of the administrator."""
    secret = new_secret()
    opened = PlatformSession(
        user_id=user_id, id=ids.new(), created_at=now, expires_at=now + PLATFORM_SESSION_LIFE, revoked_at=None
    )
    seen = replace(client, user_agent=visible_text(client.user_agent))
    await repository.add_session(session, opened, digest(base32(secret)), seen)
    return OpenedSession(session=opened, token=session_text(user_id, secret))


async def live_session(
    session: AnySession,
    user_id: UserId,
    *,
    token_hash: bytes | None = None,
    session_id: UUID | None = None,
    now: datetime,
) -> PlatformSession | None:
    """The login of a token or an id, while it lasts and the person still is an administrator; else None."""
    if token_hash is not None:
        found = await repository.session_by_token(session, user_id, token_hash)
    else:
        assert session_id is not None, "a login is asked for by its token or its id"
        found = await repository.session_by_id(session, user_id, session_id)
    if found is None or not found.is_live(now) or await administrator(session, user_id) is None:
        return None
    return found


async def close_session(session: WriteSession, principal: Principal, *, now: datetime) -> None:
    """Ends the administrator's own login, and with it the entries that were made by it."""
    assert principal.user_id is not None, "a login is a person's"
    assert principal.platform_session_id is not None, "a login of the platform"
    await repository.revoke_session(session, principal.user_id, principal.platform_session_id, at=now)


async def enter(
    session: WriteSession,
    principal: Principal,
    who: PlatformAdministrator,
    tenant_id: TenantId,
    *,
    reason: str,
    scopes: Iterable[Scope],
    minutes: int,
    ids: Ids,
    now: datetime,
) -> OpenedEntry:
    """A presence in the tenant; the scope is the tenant's. Raises InputError."""
    assert principal.platform_session_id is not None, "a login of the platform"
    secret = new_secret()
    entry = PlatformEntry(
        tenant_id=tenant_id,
        id=EntryId(ids.new()),
        user_id=who.user_id,
        session_id=principal.platform_session_id,
        administrator=who.email,
        reason=written_reason(reason),
        scopes=entry_scopes(scopes),
        created_at=now,
        expires_at=now + entry_life(minutes),
        ended_at=None,
    )
    await repository.add_entry(session, entry, digest(base32(secret)))
    return OpenedEntry(entry=entry, token=entry_text(tenant_id, secret))


async def entry(
    session: AnySession, tenant_id: TenantId, *, token_hash: bytes | None = None, entry_id: EntryId | None = None
) -> PlatformEntry | None:
    """The entry of a token or an id, or None."""
    if token_hash is not None:
        return await repository.entry_by_token(session, tenant_id, token_hash)
    assert entry_id is not None, "an entry is asked for by its token or its id"
    return await repository.entry_by_id(session, tenant_id, entry_id)


async def entries(session: AnySession, tenant_id: TenantId, *, limit: int, before: UUID | None) -> list[PlatformEntry]:
    """The entries into the tenant, the newest first."""
    return await repository.entries(session, tenant_id, limit=limit, before=before)


async def leave(session: WriteSession, tenant_id: TenantId, entry_id: EntryId, *, now: datetime) -> PlatformEntry:
    """The entry, which has ended. Raises NotFoundError."""
    found = await repository.entry_by_id(session, tenant_id, entry_id)
    if found is None:
        raise NotFoundError("There is no such entry.", path=["entryId"])
    await repository.end_entry(session, found, at=now)
    return replace(found, ended_at=found.ended_at or now)
