"""All SQL of what changes a person's account. The scope of the transaction is the person, unless it says otherwise."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError
from sqlmodel import col

from app.core.ids import SessionId, TenantId, UserId
from app.identity.accounts.domain import PendingRegistration, PersonToken, TokenPurpose
from app.identity.accounts.models import PasswordHistoryRow, PersonTokenRow, RegistrationRow
from app.identity.errors import EmailTakenError
from app.identity.models import AuthSessionRow, UserRow
from app.identity.repository import AnySession
from app.identity.two_factor.models import TwoFactorChallengeRow
from app.infra.db import WriteSession


async def add_registration(session: WriteSession, pending: PendingRegistration, token_hash: bytes) -> None:
    """Stores the registration, unless it is there already. The scope is its id."""
    await session.execute(
        insert(RegistrationRow)
        .values(
            id=pending.id,
            email=pending.email,
            password_hash=pending.password_hash,
            tenant_name=pending.tenant_name,
            first_name=pending.first_name,
            last_name=pending.last_name,
            token_hash=token_hash,
            created_at=pending.created_at,
            expires_at=pending.expires_at,
        )
        .on_conflict_do_nothing()
    )


async def registration(
    session: AnySession, registration_id: UserId, token_hash: bytes, *, now: datetime
) -> PendingRegistration | None:
    """The registration of the token, when it is neither finished nor too old. The scope is its id."""
    statement = select(RegistrationRow).where(
        col(RegistrationRow.id) == registration_id,
        col(RegistrationRow.token_hash) == token_hash,
        col(RegistrationRow.finished_at).is_(None),
        col(RegistrationRow.expires_at) > now,
    )
    row = (await session.execute(statement)).scalar_one_or_none()
    if row is None:
        return None
    return PendingRegistration(
        id=UserId(row.id),
        email=row.email,
        password_hash=row.password_hash,
        tenant_name=row.tenant_name,
        first_name=row.first_name,
        last_name=row.last_name,
        created_at=row.created_at,
        expires_at=row.expires_at,
    )


async def finish_registration(session: WriteSession, registration_id: UserId, *, now: datetime) -> bool:
    """Marks the registration as finished; False when another did it before. The scope is its id."""
    statement = (
        update(RegistrationRow)
        .where(col(RegistrationRow.id) == registration_id, col(RegistrationRow.finished_at).is_(None))
        .values(finished_at=now)
        .returning(col(RegistrationRow.id))
    )
    return (await session.execute(statement)).scalar_one_or_none() is not None


async def add_token(
    session: WriteSession, token: PersonToken, token_hash: bytes, *, now: datetime, expires_at: datetime
) -> None:
    """Stores the token by its hash, unless it is there already; those of the person that have run out go."""
    await session.execute(
        delete(PersonTokenRow).where(col(PersonTokenRow.user_id) == token.user_id, col(PersonTokenRow.expires_at) < now)
    )
    await session.execute(
        insert(PersonTokenRow)
        .values(
            user_id=token.user_id,
            id=token.id,
            purpose=token.purpose.value,
            email=token.email,
            token_hash=token_hash,
            created_at=now,
            expires_at=expires_at,
        )
        .on_conflict_do_nothing()
    )


async def token(session: AnySession, user_id: UserId, token_hash: bytes, *, now: datetime) -> PersonToken | None:
    """The token of the hash, when it is neither used nor too old."""
    statement = select(PersonTokenRow).where(
        col(PersonTokenRow.user_id) == user_id,
        col(PersonTokenRow.token_hash) == token_hash,
        col(PersonTokenRow.used_at).is_(None),
        col(PersonTokenRow.expires_at) > now,
    )
    row = (await session.execute(statement)).scalar_one_or_none()
    if row is None:
        return None
    return PersonToken(user_id=user_id, id=row.id, purpose=TokenPurpose(row.purpose), email=row.email)


async def use_token(session: WriteSession, used: PersonToken, *, now: datetime) -> bool:
    """Marks the token as used, and all others of the person of its purpose too; False when it was used before."""
    statement = (
        update(PersonTokenRow)
        .where(
            col(PersonTokenRow.user_id) == used.user_id,
            col(PersonTokenRow.id) == used.id,
            col(PersonTokenRow.used_at).is_(None),
        )
        .values(used_at=now)
        .returning(col(PersonTokenRow.id))
    )
    if (await session.execute(statement)).scalar_one_or_none() is None:
        return False
    await void_tokens(session, used.user_id, used.purpose, now=now)
    return True


async def void_tokens(session: WriteSession, user_id: UserId, *purposes: TokenPurpose, now: datetime) -> None:
    """Ends the tokens of the person that are out for the purposes."""
    await session.execute(
        update(PersonTokenRow)
        .where(
            col(PersonTokenRow.user_id) == user_id,
            col(PersonTokenRow.purpose).in_([one.value for one in purposes]),
            col(PersonTokenRow.used_at).is_(None),
        )
        .values(used_at=now)
    )


async def password_hash(session: AnySession, user_id: UserId, *, is_held: bool = False) -> tuple[str, datetime] | None:
    """The hash of the person's password and when it was set; is_held keeps it so until the transaction ends."""
    statement = select(col(UserRow.password_hash), col(UserRow.password_changed_at)).where(col(UserRow.id) == user_id)
    if is_held:
        statement = statement.with_for_update(read=True)
    row = (await session.execute(statement)).one_or_none()
    return None if row is None else (row[0], row[1])


async def former_hashes(session: AnySession, user_id: UserId, *, limit: int) -> list[str]:
    """The hashes of the person's last passwords, newest first; the present one is among them once it was changed."""
    statement = (
        select(col(PasswordHistoryRow.password_hash))
        .where(col(PasswordHistoryRow.user_id) == user_id)
        .order_by(col(PasswordHistoryRow.set_at).desc(), col(PasswordHistoryRow.id).desc())
        .limit(limit)
    )
    return list((await session.execute(statement)).scalars())


async def set_password(session: WriteSession, user_id: UserId, *, old_hash: str, new_hash: str, now: datetime) -> bool:
    """Stores a new password; False, and nothing is stored, when it was changed meanwhile."""
    statement = (
        update(UserRow)
        .where(col(UserRow.id) == user_id, col(UserRow.password_hash) == old_hash)
        .values(password_hash=new_hash, password_changed_at=now)
        .returning(col(UserRow.id))
    )
    return (await session.execute(statement)).scalar_one_or_none() is not None


async def remember_password(
    session: WriteSession, user_id: UserId, entry_id: UUID, hashed: str, *, set_at: datetime, kept: int
) -> None:
    """Adds a password to those that the person has had; of these the newest are kept."""
    await session.execute(
        insert(PasswordHistoryRow).values(user_id=user_id, id=entry_id, password_hash=hashed, set_at=set_at)
    )
    newest = (
        select(col(PasswordHistoryRow.id))
        .where(col(PasswordHistoryRow.user_id) == user_id)
        .order_by(col(PasswordHistoryRow.set_at).desc(), col(PasswordHistoryRow.id).desc())
        .limit(kept)
    )
    await session.execute(
        delete(PasswordHistoryRow).where(
            col(PasswordHistoryRow.user_id) == user_id, col(PasswordHistoryRow.id).not_in(newest)
        )
    )


async def set_email(session: WriteSession, user_id: UserId, email: str) -> None:
    """Stores another address, which is verified. Raises EmailTakenError; the transaction cannot go on then."""
    try:
        await session.execute(
            update(UserRow).where(col(UserRow.id) == user_id).values(email=email, email_verified=True)
        )
    except IntegrityError as error:
        raise EmailTakenError from error


async def set_verified(session: WriteSession, user_id: UserId, email: str) -> bool:
    """Notes that the address is the person's; False when it is no longer theirs, or was known to be."""
    statement = (
        update(UserRow)
        .where(col(UserRow.id) == user_id, col(UserRow.email) == email, col(UserRow.email_verified).is_(False))
        .values(email_verified=True)
        .returning(col(UserRow.id))
    )
    return (await session.execute(statement)).scalar_one_or_none() is not None


async def set_profile(
    session: WriteSession, user_id: UserId, *, first_name: str, last_name: str, phone_number: str | None
) -> None:
    """Stores names and telephone number."""
    await session.execute(
        update(UserRow)
        .where(col(UserRow.id) == user_id)
        .values(first_name=first_name, last_name=last_name, phone_number=phone_number)
    )


async def set_preferences(session: WriteSession, user_id: UserId, preferences: Mapping[str, Any]) -> None:
    """Stores the preferences in place of those before."""
    await session.execute(update(UserRow).where(col(UserRow.id) == user_id).values(preferences=dict(preferences)))


async def end_sessions(
    session: WriteSession,
    tenant_id: TenantId,
    user_id: UserId,
    *,
    except_id: SessionId | None,
    now: datetime,
    reason: str,
) -> list[SessionId]:
    """Ends the person's live sessions in the tenant but one, and the logins that wait for a code; which sessions.

    The scope is the tenant.
    """
    await session.execute(
        update(TwoFactorChallengeRow)
        .where(
            col(TwoFactorChallengeRow.tenant_id) == tenant_id,
            col(TwoFactorChallengeRow.user_id) == user_id,
            col(TwoFactorChallengeRow.used_at).is_(None),
        )
        .values(used_at=now)
    )
    statement = (
        update(AuthSessionRow)
        .where(
            col(AuthSessionRow.tenant_id) == tenant_id,
            col(AuthSessionRow.user_id) == user_id,
            col(AuthSessionRow.revoked_at).is_(None),
            col(AuthSessionRow.expires_at) > now,
        )
        .values(revoked_at=now, revoked_reason=reason)
        .returning(col(AuthSessionRow.id))
    )
    if except_id is not None:
        statement = statement.where(col(AuthSessionRow.id) != except_id)
    return [SessionId(one) for one in (await session.execute(statement)).scalars()]
