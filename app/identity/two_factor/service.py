"""The second factor's acts within a transaction: enrolling, challenging, proving, stepping up."""

import secrets
from dataclasses import dataclass
from datetime import datetime

from app.core.clock import Clock
from app.core.errors import OmsError, RateLimitedError
from app.core.ids import Ids, SessionId, TenantId, UserId
from app.identity.domain import User, base32, digest
from app.identity.repository import AnySession
from app.identity.two_factor import repository
from app.identity.two_factor.domain import (
    CHALLENGE_ATTEMPTS_MAX,
    CHALLENGE_LIFE,
    ENROLMENT_LIFE,
    RECOVERY_CODE_BYTES,
    RECOVERY_CODES,
    SECRET_BYTES,
    STEP_UP_LIFE,
    Challenge,
    Enrolment,
    Failures,
    PresentedChallenge,
    PresentedCode,
    Proof,
    challenge_text,
    enrolment_of,
    is_stepped_up,
    matching_step,
    presented_code,
    recovery_code_hash,
    recovery_code_hashes,
    recovery_code_text,
)
from app.identity.two_factor.errors import (
    AlreadyEnabledError,
    ChallengeRefusedError,
    CodeRefusedError,
    NotBegunError,
    NotEnabledError,
)
from app.identity.two_factor.keys import opened_secret, sealed_secret
from app.identity.two_factor.repository import SecondFactor
from app.infra.db import WriteSession
from app.infra.tokens import new_secret
from app.infra.vault import Vault


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """A proof that does not hold. The caller commits, so that the attempt stays counted, and raises the error then.

    was_looked_at is False where nothing was compared: the audit log keeps guesses, not knocks.
    """

    error: OmsError
    was_looked_at: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Proven:
    """A proof that holds."""

    user_id: UserId
    proof: Proof


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How a person's second factor stands; recovery_codes_left are those not used yet."""

    is_enabled: bool
    confirmed_at: datetime | None
    recovery_codes_left: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TwoFactorService:
    """The second factor's acts. Each takes a session whose scope holds the person; none commits."""

    vault: Vault
    clock: Clock
    ids: Ids

    async def begin(self, session: WriteSession, user: User) -> Enrolment:
        """A new secret, which counts for nothing until confirm(). Raises AlreadyEnabledError."""
        enrolment = enrolment_of(secrets.token_bytes(SECRET_BYTES), user.email)
        wrapped, sealed = sealed_secret(self.vault, user.id, enrolment.secret)
        stored = await repository.put_second_factor(
            session,
            SecondFactor(
                user_id=user.id,
                wrapped_key=wrapped,
                sealed_secret=sealed,
                last_step=0,
                begun_at=self.clock.now(),
                confirmed_at=None,
            ),
        )
        if not stored:
            raise AlreadyEnabledError
        return enrolment

    async def confirm(self, session: WriteSession, user_id: UserId, code: str) -> list[str] | Refused:
        """The recovery codes of the factor that is the person's own now, told this once.

        Raises AlreadyEnabledError, NotBegunError.
        """
        factor = await repository.second_factor_for_update(session, user_id)
        now = self.clock.now()
        if factor is not None and factor.confirmed_at is not None:
            raise AlreadyEnabledError
        if factor is None or now - factor.begun_at >= ENROLMENT_LIFE:
            raise NotBegunError
        outcome = await self._prove(session, factor, code, takes_recovery_codes=False)
        if isinstance(outcome, Refused):
            return outcome
        await repository.confirm_second_factor(session, user_id, now)
        return await self.new_recovery_codes(session, user_id)

    async def new_recovery_codes(self, session: WriteSession, user_id: UserId) -> list[str]:
        """Ten new recovery codes in place of those before. Raises NotEnabledError."""
        factor = await repository.second_factor_for_update(session, user_id)
        if factor is None or factor.confirmed_at is None:
            raise NotEnabledError
        codes = [recovery_code_text(secrets.token_bytes(RECOVERY_CODE_BYTES)) for _ in range(RECOVERY_CODES)]
        hashes = recovery_code_hashes(user_id, codes)
        await repository.replace_recovery_codes(session, user_id, hashes, self.clock.now())
        return codes

    async def disable(self, session: WriteSession, user_id: UserId) -> None:
        """Takes the factor away, with all recovery codes; the caller has had its person proved."""
        await repository.delete_second_factor(session, user_id)

    async def challenge(self, session: WriteSession, tenant_id: TenantId, user_id: UserId) -> Challenge:
        """The second half of a login in the tenant, for whoever's password was right."""
        now, secret = self.clock.now(), new_secret()
        await repository.add_challenge(
            session,
            tenant_id,
            user_id,
            digest(base32(secret)),
            challenge_id=self.ids.new(),
            created_at=now,
            expires_at=now + CHALLENGE_LIFE,
        )
        return Challenge(text=challenge_text(tenant_id, secret), expires_at=now + CHALLENGE_LIFE)

    async def challenged(self, session: AnySession, presented: PresentedChallenge) -> UserId | None:
        """Whom the challenge is for, None for one that nobody was given; the scope is its tenant alone."""
        found = await repository.challenge_by_hash(session, presented.tenant_id, presented.token_hash)
        return None if found is None else found.user_id

    async def answer(self, session: WriteSession, presented: PresentedChallenge, code: str) -> Proven | Refused:
        """What the code proves in answer to the challenge, which it ends; the fifth wrong one ends it too."""
        found = await repository.challenge_by_hash(session, presented.tenant_id, presented.token_hash, is_locked=True)
        now = self.clock.now()
        if (
            found is None
            or found.used_at is not None
            or found.expires_at <= now
            or found.attempts >= CHALLENGE_ATTEMPTS_MAX
        ):
            return Refused(error=ChallengeRefusedError(), was_looked_at=False)
        outcome = await self.prove(session, found.user_id, code)
        if isinstance(outcome, Proven) or outcome.was_looked_at:
            used_at = now if isinstance(outcome, Proven) else None
            await repository.count_attempt(session, presented.tenant_id, found.id, used_at=used_at)
        return outcome

    async def prove(
        self, session: WriteSession, user_id: UserId, code: str, *, is_counted: bool = False
    ) -> Proven | Refused:
        """What the code proves of the person: each counts once. is_counted says that count_ahead() was called.

        Refused where the person has no second factor.
        """
        factor = await repository.second_factor_for_update(session, user_id)
        if factor is None or factor.confirmed_at is None:
            return Refused(error=NotEnabledError(), was_looked_at=False)
        return await self._prove(session, factor, code, takes_recovery_codes=True, is_counted=is_counted)

    async def count_ahead(self, session: WriteSession, user_id: UserId) -> Refused | None:
        """Counts an attempt before it is looked at, for a proof that takes longer than a transaction should.

        Refused while the person is to wait. What proves right calls forgive().
        """
        now = self.clock.now()
        failures = await repository.failures_for_update(session, user_id)
        if (blocked := _blocked(failures, now)) is not None:
            return blocked
        await repository.put_failures(session, user_id, _counted(failures, now))
        return None

    async def forgive(self, session: WriteSession, user_id: UserId) -> None:
        """Forgets the attempts of who has proved right."""
        await repository.clear_failures(session, user_id)

    async def step_up(
        self, session: WriteSession, tenant_id: TenantId, session_id: SessionId, proof: Proof
    ) -> datetime:
        """Notes that the session proved its person; until when that counts."""
        now = self.clock.now()
        await repository.step_up(session, tenant_id, session_id, at=now, proof=proof)
        return now + STEP_UP_LIFE

    async def is_stepped_up(
        self, session: AnySession, tenant_id: TenantId, session_id: SessionId, *, has_second_factor: bool
    ) -> bool:
        """True when the session proved its person within ten minutes, with the factor where there is one."""
        at, proof = await repository.stepped_up(session, tenant_id, session_id)
        return is_stepped_up(
            stepped_up_at=at, stepped_up_with=proof, has_second_factor=has_second_factor, now=self.clock.now()
        )

    async def standing(self, session: AnySession, user_id: UserId) -> Standing:
        """How the person's factor stands."""
        factor = await repository.second_factor(session, user_id)
        confirmed_at = None if factor is None else factor.confirmed_at
        left = await repository.count_recovery_codes(session, user_id)
        return Standing(is_enabled=confirmed_at is not None, confirmed_at=confirmed_at, recovery_codes_left=left)

    async def _prove(
        self,
        session: WriteSession,
        factor: SecondFactor,
        text: str,
        *,
        takes_recovery_codes: bool,
        is_counted: bool = False,
    ) -> Proven | Refused:
        now, user_id = self.clock.now(), factor.user_id
        code = presented_code(text)
        failures = await repository.failures_for_update(session, user_id)
        # A recovery code has 80 bits: it is not guessed, and lets its owner in while somebody else guesses.
        is_recovery_code = code is not None and code.is_recovery_code and takes_recovery_codes
        if not is_counted and not is_recovery_code and (blocked := _blocked(failures, now)) is not None:
            return blocked
        proof = None if code is None else await self._proof(session, factor, code, now, is_recovery_code)
        if proof is None:
            if not is_counted:
                await repository.put_failures(session, user_id, _counted(failures, now))
            return Refused(error=CodeRefusedError())
        await repository.clear_failures(session, user_id)
        return Proven(user_id=user_id, proof=proof)

    async def _proof(
        self, session: WriteSession, factor: SecondFactor, code: PresentedCode, now: datetime, is_recovery_code: bool
    ) -> Proof | None:
        if is_recovery_code:
            hashed = recovery_code_hash(factor.user_id, code.text)
            is_right = await repository.use_recovery_code(session, factor.user_id, hashed, now)
            return Proof.RECOVERY_CODE if is_right else None
        step = matching_step(opened_secret(self.vault, factor), code.text, now=now, last_step=factor.last_step)
        if step is None or not await repository.use_step(session, factor.user_id, step):
            return None
        return Proof.TOTP


def _counted(failures: Failures | None, now: datetime) -> Failures:
    return Failures(count=1, last_at=now) if failures is None else failures.and_another(now)


def _blocked(failures: Failures | None, now: datetime) -> Refused | None:
    until = None if failures is None else failures.blocked_until()
    if until is None or until <= now:
        return None
    return Refused(error=RateLimitedError((until - now).total_seconds()), was_looked_at=False)
