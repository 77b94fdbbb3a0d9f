"""The mailboxes of everybody: errands are done when a test says so, and what was mailed can be read."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from app.flows.identity.answer_requests import DoorRequests
from app.flows.identity.door import Door
from app.flows.identity.run_errands import ErrandRunner
from app.infra.db import Database, DatabaseRole
from app.infra.mail import KeptMail, MailFolder, MailTransport

LINKS = "https://oms.test"
SENDER = "OMS Trading <no-reply@oms.test>"
_TOKEN = re.compile(rf"{LINKS}/[a-z-]+#token=(\S+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Mailbox:
    """A worker's errands in the hand of a test, and the folder that mails go to."""

    runner: ErrandRunner
    folder: MailFolder

    async def deliver(self) -> None:
        """Does all errands that are due, and those that come of them."""
        while await self.runner.run_due():
            pass

    async def to(self, address: str) -> list[KeptMail]:
        """The mails that the address has got, newest first."""
        await self.deliver()
        return [mail for mail in self.folder.mails() if mail.recipient == address]

    async def token_for(self, address: str) -> str:
        """The token in the newest mail to the address that has a link."""
        found = (_TOKEN.search(mail.text) for mail in await self.to(address))
        return next(match.group(1) for match in found if match)


@asynccontextmanager
async def opened_mailbox(
    database_url: str, door: Door, folder: Path, transport: MailTransport | None = None
) -> AsyncIterator[Mailbox]:
    """The mailboxes of those who come to the door; transport is where mails go instead of the folder."""
    system_database = Database(database_url, DatabaseRole.SYSTEM, size=2)
    await system_database.open()
    kept = MailFolder(folder=folder)
    requests = DoorRequests(database=door.database, errands=door.errands, clock=door.clock, ids=door.ids)
    runner = ErrandRunner(
        database=system_database,
        errands=door.errands,
        transport=transport or kept,
        sender=SENDER,
        link_base=LINKS,
        clock=door.clock,
        doing=requests.doing,
    )
    try:
        yield Mailbox(runner=runner, folder=kept)
    finally:
        await system_database.close()
