"""What was asked at the door, looked into by the worker: whom an address belongs to decides here what it is mailed."""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID, uuid5

from app.audit import service as audit
from app.core.clock import Clock
from app.core.ids import Ids, UserId
from app.errands.domain import Errand, ErrandKind
from app.errands.letters import MailTemplate
from app.errands.service import Errands
from app.flows.identity.run_errands import Doing
from app.identity import repository as people
from app.identity.accounts import repository as accounts
from app.identity.accounts.domain import (
    RESET_LIFE,
    PendingRegistration,
    PersonToken,
    TokenPurpose,
    person_token_text,
)
from app.identity.domain import Principal, base32, digest
from app.infra.db import Database, WriteSession
from app.infra.uow import Scope, begin, rescope

DOOR_ACTOR = "system:door"


@dataclass(frozen=True, slots=True, kw_only=True)
class DoorRequests:
    """Answers what was asked at the door. The database is of the role APP. To answer twice changes nothing more."""

    database: Database
    errands: Errands
    clock: Clock
    ids: Ids

    @property
    def doing(self) -> Mapping[ErrandKind, Doing]:
        """How each kind of request is answered."""
        return {
            ErrandKind.REGISTRATION: self.registration,
            ErrandKind.PASSWORD_RESET: self.password_reset,
            ErrandKind.EMAIL_CHANGE: self.email_change,
            ErrandKind.SIGN_IN_REFUSED: self.sign_in_refused,
        }

    async def registration(self, errand: Errand, values: Mapping[str, str]) -> None:
        """Keeps the registration and mails its link; to an address that is known, that it has an account."""
        user_id, secret = UserId(UUID(values["user_id"])), bytes.fromhex(values["secret"])
        pending = PendingRegistration(
            id=user_id,
            email=errand.recipient,
            password_hash=values["password_hash"],
            tenant_name=values["tenant_name"],
            first_name=values["first_name"],
            last_name=values["last_name"],
            created_at=errand.created_at,
            expires_at=errand.expires_at,
        )
        async with begin(self.database, Scope(user_id=user_id, email=errand.recipient)) as session:
            if await people.user_by_email(session, errand.recipient) is not None:
                await self._mail(session, errand, MailTemplate.ALREADY_REGISTERED, {})
                return
            await accounts.add_registration(session, pending, digest(base32(secret)))
            token = person_token_text(user_id, secret)
            await self._mail(session, errand, MailTemplate.CONFIRM_REGISTRATION, {"token": token})

    async def password_reset(self, errand: Errand, values: Mapping[str, str]) -> None:
        """Mails the link to a person of the address; to nobody else."""
        secret = bytes.fromhex(values["secret"])
        async with begin(self.database, Scope(email=errand.recipient)) as session:
            found = await people.user_by_email(session, errand.recipient)
            if found is None or not found[0].is_active:
                return
            user_id = found[0].id
            await rescope(session, Scope(user_id=user_id))
            token = PersonToken(
                user_id=user_id, id=errand.id, purpose=TokenPurpose.RESET_PASSWORD, email=errand.recipient
            )
            await accounts.add_token(
                session,
                token,
                digest(base32(secret)),
                now=errand.created_at,
                expires_at=errand.created_at + RESET_LIFE,
            )
            link = person_token_text(user_id, secret)
            await self._mail(session, errand, MailTemplate.RESET_PASSWORD, {"token": link})

    async def email_change(self, errand: Errand, values: Mapping[str, str]) -> None:
        """Mails the link to the new address, and word of it to the old; a new one that is known gets no link.

        Where the password was changed since it was asked, nothing is mailed.
        """
        user_id, secret = UserId(UUID(values["user_id"])), bytes.fromhex(values["secret"])
        async with begin(self.database, Scope(user_id=user_id, email=errand.recipient)) as session:
            known = await accounts.password_hash(session, user_id, is_held=True)
            if known is None or known[1] > errand.created_at:
                # Asked for with a password that is no longer the person's.
                return
            if await people.user_by_email(session, errand.recipient) is not None:
                await self._mail(session, errand, MailTemplate.ALREADY_REGISTERED, {})
            else:
                token = PersonToken(
                    user_id=user_id, id=errand.id, purpose=TokenPurpose.CHANGE_EMAIL, email=errand.recipient
                )
                await accounts.add_token(
                    session, token, digest(base32(secret)), now=errand.created_at, expires_at=errand.expires_at
                )
                link = person_token_text(user_id, secret)
                await self._mail(session, errand, MailTemplate.CONFIRM_EMAIL, {"token": link})
            await self.errands.mail(
                session,
                values["old_email"],
                MailTemplate.EMAIL_CHANGE_ASKED,
                {"new_email": errand.recipient},
                errand_id=uuid5(errand.id, "notice"),
            )

    async def sign_in_refused(self, errand: Errand, values: Mapping[str, str]) -> None:
        """Writes the refusal into the audit log of each tenant of the person; of nobody, nothing is written."""
        async with begin(self.database, Scope(email=errand.recipient)) as session:
            found = await people.user_by_email(session, errand.recipient)
            if found is None:
                return
            user = found[0]
            await rescope(session, Scope(user_id=user.id))
            for membership in await people.memberships_of_user(session, user.id):
                await rescope(session, Scope(tenant_id=membership.tenant_id))
                principal = Principal(
                    tenant_id=membership.tenant_id,
                    scopes=frozenset(),
                    actor=DOOR_ACTOR,
                    ip_address=values["ip_address"],
                    request_id=values["request_id"],
                )
                await audit.record(
                    session,
                    principal,
                    "session.refused",
                    "user",
                    user.id,
                    entry_id=self.ids.new(),
                    now=errand.created_at,
                    new={"reason": values["reason"]},
                )

    async def _mail(
        self, session: WriteSession, errand: Errand, template: MailTemplate, values: Mapping[str, str]
    ) -> None:
        lasts = errand.expires_at - self.clock.now()
        await self.errands.mail(
            session, errand.recipient, template, values, lasts=lasts, errand_id=uuid5(errand.id, "mail")
        )
