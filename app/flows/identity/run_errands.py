"""The worker's errands: mails go out, and what was asked at the door is looked into, at least once each."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from app.core.clock import Clock
from app.core.errors import OmsError
from app.errands import batch
from app.errands.domain import Errand, ErrandKind
from app.errands.letters import MailTemplate, compose
from app.errands.service import Errands
from app.infra.db import Database
from app.infra.mail import MailNotSentError, MailRefusedError, MailTransport, mail_message
from app.infra.outages import go_on, known_as
from app.infra.uow import begin_system

CLAIMED_MAX: Final = 8
IDLE_S: Final = 1.0
AWAY_S: Final = 5.0
ERROR_LENGTH_MAX: Final = 300
_log = logging.getLogger("oms.errands")

Doing = Callable[[Errand, Mapping[str, str]], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrandRunner:
    """What does errands. The database is of the role SYSTEM; transport None leaves mails waiting, and says so.

    doing is what else than mails is done, by kind.
    """

    database: Database
    errands: Errands
    transport: MailTransport | None
    sender: str
    link_base: str
    clock: Clock
    doing: Mapping[ErrandKind, Doing] = field(default_factory=dict)

    async def run_forever(self) -> None:
        """Does what is due until it is cancelled. A database that is away is waited for."""
        # Whatever it was must not end the worker: the errand stays, and is taken again after its lease.
        await go_on(self._turn, away_s=AWAY_S, log=_log, what="errands wait")

    async def _turn(self) -> float:
        return 0 if await self.run_due() == CLAIMED_MAX else IDLE_S

    async def run_due(self) -> int:
        """Does some errands that are due now; how many were taken."""
        async with begin_system(self.database) as session:
            taken = await batch.claim(session, now=self.clock.now(), limit=CLAIMED_MAX)
        async with asyncio.TaskGroup() as group:
            for errand in taken:
                group.create_task(self._run(errand))
        return len(taken)

    async def _run(self, errand: Errand) -> None:
        error = await self._done(errand)
        now = self.clock.now()
        async with begin_system(self.database) as session:
            if error is None:
                await batch.finish(session, errand.id, now=now)
                return
            told = f"{error.code}: {error.message}"[:ERROR_LENGTH_MAX]
            due_at = errand.next_at(now) if error.is_retryable else None
            if due_at is None:
                await batch.give_up(session, errand.id, now=now, error=told)
            else:
                await batch.put_off(session, errand.id, due_at=due_at, error=told)
        _log.warning("errand %s (%s) %s: %s", errand.id, errand.kind, "waits" if due_at else "is given up", told)

    async def _done(self, errand: Errand) -> OmsError | None:
        if errand.expires_at <= self.clock.now():
            return MailRefusedError("nobody needs it any more")
        try:
            values = self.errands.open(errand)
            if errand.kind is ErrandKind.MAIL:
                await self._send(errand, values)
            else:
                await self.doing[errand.kind](errand, values)
        except OmsError as error:
            return error
        except Exception as error:
            known = known_as(error)
            if known is None:
                _log.exception("errand %s (%s) failed", errand.id, errand.kind)
            return known or MailNotSentError(type(error).__name__)
        return None

    async def _send(self, errand: Errand, values: Mapping[str, str]) -> None:
        if self.transport is None:
            raise MailNotSentError("no mail server is set: OMS_SMTP_HOST")
        letter = compose(MailTemplate(values["template"]), values, base_url=self.link_base)
        message = mail_message(
            message_id=str(errand.id),
            sender=self.sender,
            recipient=errand.recipient,
            subject=letter.subject,
            text=letter.text,
            html=letter.html,
            now=errand.created_at,
        )
        await self.transport.send(message)


async def prune_errands(database: Database, now: datetime) -> int:
    """Deletes the errands that ended some days ago; how many. The database is of the role SYSTEM."""
    async with begin_system(database) as session:
        return await batch.prune(session, now)
