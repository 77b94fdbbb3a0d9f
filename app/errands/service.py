"""Leaving errands in the transaction that causes them, and opening them again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import orjson

from app.core.clock import Clock
from app.core.ids import Ids
from app.errands import leaving_batch, repository
from app.errands.domain import MAIL_LASTS, Errand, ErrandKind
from app.errands.letters import MailTemplate, compose
from app.infra.db import Write, WriteSession
from app.infra.vault import Vault, WrappedKey


@dataclass(frozen=True, slots=True, kw_only=True)
class Errands:
    """The errands of the installation. What is left here is done if, and only if, the transaction commits.

    The transaction needs a scope, of whichever tenant, person or address.
    """

    vault: Vault
    clock: Clock
    ids: Ids

    async def mail(
        self,
        session: WriteSession,
        recipient: str,
        template: MailTemplate,
        values: Mapping[str, str] | None = None,
        *,
        lasts: timedelta = MAIL_LASTS,
        errand_id: UUID | None = None,
    ) -> None:
        """Queues one mail to a normalized address; values are those of the template, with `token` for its link.

        A server that does not take it is asked again, more and more seldom, until `lasts` has passed. The same
        errand_id a second time queues nothing. Values are sealed: secrets may be among them.
        """
        given = dict(values or {})
        compose(template, given, base_url="")
        await self.leave(
            session,
            ErrandKind.MAIL,
            recipient,
            {**given, "template": template.value},
            lasts=lasts,
            errand_id=errand_id,
        )

    def letters(self, recipients: Sequence[str], template: MailTemplate, values: Mapping[str, str]) -> Write:
        """What queues the same mail, without a link, to each of these addresses, for a transaction that has a scope."""
        compose(template, values, base_url="")
        now, made = self.clock.now(), []
        for recipient in recipients:
            errand_id = self.ids.new()
            data_key, wrapped = self.vault.new_data_key(_purpose(errand_id))
            text = orjson.dumps({**values, "template": template.value}).decode()
            sealed = data_key.seal(text, *_place(errand_id, ErrandKind.MAIL, recipient))
            made.append((errand_id, recipient, sealed, wrapped))
        return leaving_batch.add_mails(made, created_at=now, expires_at=now + MAIL_LASTS)

    async def leave(
        self,
        session: WriteSession,
        kind: ErrandKind,
        recipient: str,
        values: Mapping[str, str],
        *,
        lasts: timedelta,
        errand_id: UUID | None = None,
    ) -> None:
        """Leaves an errand about the address."""
        now, new_id = self.clock.now(), errand_id or self.ids.new()
        data_key, wrapped = self.vault.new_data_key(_purpose(new_id))
        await repository.add(
            session,
            new_id,
            kind,
            recipient,
            sealed=data_key.seal(orjson.dumps(dict(values)).decode(), *_place(new_id, kind, recipient)),
            key=wrapped,
            created_at=now,
            expires_at=now + lasts,
        )

    def open(self, errand: Errand) -> dict[str, str]:
        """What the errand is about. Raises SecretUnreadableError."""
        stored = WrappedKey(master_version=errand.master_version, wrapped=errand.wrapped_key)
        data_key = self.vault.data_key(stored, _purpose(errand.id))
        text = data_key.open(errand.sealed, *_place(errand.id, errand.kind, errand.recipient))
        values: dict[str, str] = orjson.loads(text)
        return values


def _purpose(errand_id: UUID) -> str:
    return f"errand {errand_id}"


def _place(errand_id: UUID, kind: ErrandKind, recipient: str) -> tuple[str, ...]:
    return "errands", str(errand_id), kind.value, recipient
