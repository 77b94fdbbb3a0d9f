"""All SQL of the second factor."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlmodel import col

from app.core.ids import SessionId, TenantId, UserId
from app.identity.models import AuthSessionRow, UserRow
from app.identity.repository import AnySession
from app.identity.two_factor.domain import Failures, Proof
from app.identity.two_factor.models import ProofFailureRow, RecoveryCodeRow, SecondFactorRow, TwoFactorChallengeRow
from app.infra.db import WriteSession
from app.infra.vault import WrappedKey


@dataclass(frozen=True, slots=True, kw_only=True)
class SecondFactor:
    """A person's second factor as it is stored."""

    user_id: UserId
    wrapped_key: WrappedKey
    sealed_secret: bytes
    last_step: int
    begun_at: datetime
    confirmed_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredChallenge:
    """A challenge as it is stored."""

    id: UUID
    user_id: UserId
    attempts: int
    expires_at: datetime
    used_at: datetime | None


async def put_second_factor(session: WriteSession, factor: SecondFactor) -> bool:
    """Stores a factor that was begun, in place of one that was begun before; False where one is confirmed."""
    values = {
        "master_version": factor.wrapped_key.master_version,
        "wrapped_key": factor.wrapped_key.wrapped,
        "sealed_secret": factor.sealed_secret,
        "last_step": factor.last_step,
        "begun_at": factor.begun_at,
    }
    statement = (
        upsert(SecondFactorRow)
        .values(user_id=factor.user_id, **values)
        .on_conflict_do_update(
            index_elements=["user_id"], set_=values, where=col(SecondFactorRow.confirmed_at).is_(None)
        )
        .returning(col(SecondFactorRow.user_id))
    )
    return (await session.execute(statement)).scalar_one_or_none() is not None


async def second_factor(session: AnySession, user_id: UserId) -> SecondFactor | None:
    """The person's factor, or None."""
    return await _factor(session, user_id, is_locked=False)


async def second_factor_for_update(session: WriteSession, user_id: UserId) -> SecondFactor | None:
    """The person's factor with its row locked, or None: all attempts of one person stand in line here."""
    return await _factor(session, user_id, is_locked=True)


async def use_step(session: WriteSession, user_id: UserId, step: int) -> bool:
    """Marks the step as the last one used; False where it, or a later one, was used before."""
    statement = (
        update(SecondFactorRow)
        .where(col(SecondFactorRow.user_id) == user_id, col(SecondFactorRow.last_step) < step)
        .values(last_step=step)
        .returning(col(SecondFactorRow.user_id))
    )
    return (await session.execute(statement)).scalar_one_or_none() is not None


async def confirm_second_factor(session: WriteSession, user_id: UserId, at: datetime) -> None:
    """Makes the begun factor the person's own."""
    await session.execute(
        update(SecondFactorRow).where(col(SecondFactorRow.user_id) == user_id).values(confirmed_at=at)
    )
    await _mark_user(session, user_id, has_second_factor=True)


async def delete_second_factor(session: WriteSession, user_id: UserId) -> None:
    """Takes the person's factor away with its recovery codes."""
    await session.execute(delete(RecoveryCodeRow).where(col(RecoveryCodeRow.user_id) == user_id))
    await session.execute(delete(SecondFactorRow).where(col(SecondFactorRow.user_id) == user_id))
    await _mark_user(session, user_id, has_second_factor=False)


async def rewrap_key(session: WriteSession, user_id: UserId, wrapped: WrappedKey) -> None:
    """Stores the person's data key as another version of the master key wrapped it."""
    await session.execute(
        update(SecondFactorRow)
        .where(col(SecondFactorRow.user_id) == user_id)
        .values(master_version=wrapped.master_version, wrapped_key=wrapped.wrapped)
    )


async def reseal_secret(session: WriteSession, user_id: UserId, wrapped: WrappedKey, sealed_secret: bytes) -> None:
    """Stores the same secret sealed under another data key."""
    await session.execute(
        update(SecondFactorRow)
        .where(col(SecondFactorRow.user_id) == user_id)
        .values(master_version=wrapped.master_version, wrapped_key=wrapped.wrapped, sealed_secret=sealed_secret)
    )


async def replace_recovery_codes(session: WriteSession, user_id: UserId, hashes: Sequence[bytes], at: datetime) -> None:
    """Stores recovery codes in place of all that were there."""
    await session.execute(delete(RecoveryCodeRow).where(col(RecoveryCodeRow.user_id) == user_id))
    await session.execute(
        insert(RecoveryCodeRow), [{"user_id": user_id, "code_hash": one, "created_at": at} for one in hashes]
    )


async def use_recovery_code(session: WriteSession, user_id: UserId, code_hash: bytes, at: datetime) -> bool:
    """Marks the recovery code as used; False where it is none of the person's, or was used before."""
    statement = (
        update(RecoveryCodeRow)
        .where(
            col(RecoveryCodeRow.user_id) == user_id,
            col(RecoveryCodeRow.code_hash) == code_hash,
            col(RecoveryCodeRow.used_at).is_(None),
        )
        .values(used_at=at)
        .returning(col(RecoveryCodeRow.user_id))
    )
    return (await session.execute(statement)).scalar_one_or_none() is not None


async def count_recovery_codes(session: AnySession, user_id: UserId) -> int:
    """How many recovery codes of the person were not used yet."""
    statement = select(func.count()).where(
        col(RecoveryCodeRow.user_id) == user_id, col(RecoveryCodeRow.used_at).is_(None)
    )
    return (await session.execute(statement)).scalar_one()


async def failures_for_update(session: WriteSession, user_id: UserId) -> Failures | None:
    """The person's wrong proofs in a row, or None; no other transaction counts until this one ends."""
    # Before the first failure there is no row that could be locked.
    await session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(f"proofs of {user_id}", 0))))
    statement = select(ProofFailureRow).where(col(ProofFailureRow.user_id) == user_id)
    row = (await session.execute(statement.execution_options(populate_existing=True))).scalar_one_or_none()
    return None if row is None else Failures(count=row.failures, last_at=row.last_failed_at)


async def put_failures(session: WriteSession, user_id: UserId, failures: Failures) -> None:
    """Stores the person's wrong proofs."""
    values = {"failures": failures.count, "last_failed_at": failures.last_at}
    await session.execute(
        upsert(ProofFailureRow)
        .values(user_id=user_id, **values)
        .on_conflict_do_update(index_elements=["user_id"], set_=values)
    )


async def clear_failures(session: WriteSession, user_id: UserId) -> None:
    """Forgets the person's wrong proofs."""
    await session.execute(delete(ProofFailureRow).where(col(ProofFailureRow.user_id) == user_id))


async def add_challenge(
    session: WriteSession,
    tenant_id: TenantId,
    user_id: UserId,
    token_hash: bytes,
    *,
    challenge_id: UUID,
    created_at: datetime,
    expires_at: datetime,
) -> None:
    """Stores a challenge by its hash."""
    await session.execute(
        insert(TwoFactorChallengeRow).values(
            tenant_id=tenant_id,
            id=challenge_id,
            user_id=user_id,
            token_hash=token_hash,
            attempts=0,
            created_at=created_at,
            expires_at=expires_at,
        )
    )


async def challenge_by_hash(
    session: AnySession, tenant_id: TenantId, token_hash: bytes, *, is_locked: bool = False
) -> StoredChallenge | None:
    """The challenge of the hash, or None."""
    statement = select(TwoFactorChallengeRow).where(
        col(TwoFactorChallengeRow.tenant_id) == tenant_id, col(TwoFactorChallengeRow.token_hash) == token_hash
    )
    if is_locked:
        statement = statement.with_for_update()
    row = (await session.execute(statement)).scalar_one_or_none()
    if row is None:
        return None
    return StoredChallenge(
        id=row.id,
        user_id=UserId(row.user_id),
        attempts=row.attempts,
        expires_at=row.expires_at,
        used_at=row.used_at,
    )


async def count_attempt(
    session: WriteSession, tenant_id: TenantId, challenge_id: UUID, *, used_at: datetime | None
) -> None:
    """Counts an attempt at the challenge; the right one ends it."""
    await session.execute(
        update(TwoFactorChallengeRow)
        .where(col(TwoFactorChallengeRow.tenant_id) == tenant_id, col(TwoFactorChallengeRow.id) == challenge_id)
        .values(attempts=col(TwoFactorChallengeRow.attempts) + 1, used_at=used_at)
    )


async def step_up(
    session: WriteSession, tenant_id: TenantId, session_id: SessionId, *, at: datetime, proof: Proof
) -> None:
    """Notes that the session has proved its person."""
    await session.execute(
        update(AuthSessionRow)
        .where(col(AuthSessionRow.tenant_id) == tenant_id, col(AuthSessionRow.id) == session_id)
        .values(stepped_up_at=at, stepped_up_with=proof.value)
    )


async def stepped_up(
    session: AnySession, tenant_id: TenantId, session_id: SessionId
) -> tuple[datetime | None, Proof | None]:
    """When and with what the session last proved its person; None and None where it never did."""
    statement = select(col(AuthSessionRow.stepped_up_at), col(AuthSessionRow.stepped_up_with)).where(
        col(AuthSessionRow.tenant_id) == tenant_id, col(AuthSessionRow.id) == session_id
    )
    found = (await session.execute(statement)).one_or_none()
    return (None, None) if found is None else (found[0], None if found[1] is None else Proof(found[1]))


async def _mark_user(session: WriteSession, user_id: UserId, *, has_second_factor: bool) -> None:
    await session.execute(
        update(UserRow).where(col(UserRow.id) == user_id).values(two_factor_enabled=has_second_factor)
    )


async def _factor(session: AnySession, user_id: UserId, *, is_locked: bool) -> SecondFactor | None:
    statement = select(SecondFactorRow).where(col(SecondFactorRow.user_id) == user_id)
    if is_locked:
        statement = statement.with_for_update()
    row = (await session.execute(statement.execution_options(populate_existing=True))).scalar_one_or_none()
    if row is None:
        return None
    return SecondFactor(
        user_id=UserId(row.user_id),
        wrapped_key=WrappedKey(master_version=row.master_version, wrapped=row.wrapped_key),
        sealed_secret=row.sealed_secret,
        last_step=row.last_step,
        begun_at=row.begun_at,
        confirmed_at=row.confirmed_at,
    )
