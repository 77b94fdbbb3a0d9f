"""`oms mail`: what lies in the folder that mails go to in development, and how the errands stand."""

import asyncio
import json
from dataclasses import asdict

from app.core.errors import NotFoundError
from app.errands import batch
from app.errands.domain import ErrandCount
from app.infra.db import Database, DatabaseRole
from app.infra.mail import MailFolder, mail_folder_of
from app.infra.reach import reachable_postgres
from app.infra.settings import load_settings
from app.infra.uow import begin_system


def list_mails(*, as_json: bool) -> None:
    """Print the mails in the folder, newest first.

    Raises: NotFoundError when mails go to a server.
    """
    mails = _folder().mails()
    if as_json:
        print(json.dumps([asdict(mail) for mail in mails]))
        return
    for mail in mails:
        print(f"{mail.name}  {mail.recipient}  {mail.subject}")


def show_mail(name: str, *, as_json: bool) -> None:
    """Print a mail of the folder, or the newest for "last".

    Raises: NotFoundError.
    """
    mail = _folder().show(name)
    if as_json:
        print(json.dumps(asdict(mail)))
    else:
        print(f"To: {mail.recipient}\nSubject: {mail.subject}\n\n{mail.text}", end="")


def show_queue(*, as_json: bool) -> None:
    """Print how many errands wait, are done or were given up, by kind.

    Raises: UnavailableError when the database does not answer.
    """
    counts = asyncio.run(_counts())
    if as_json:
        print(json.dumps([asdict(count) for count in counts], default=str))
        return
    for count in counts:
        told = f"  {count.last_error}" if count.last_error else ""
        print(f"{count.kind} {count.state}: {count.count}, the oldest of {count.oldest_at:%Y-%m-%d %H:%M} UTC{told}")


def _folder() -> MailFolder:
    settings = load_settings()
    folder = mail_folder_of(settings)
    if settings.smtp_host is not None or folder is None:
        raise NotFoundError("mails go to a server here, not to a folder: see `oms mail queue`")
    return folder


async def _counts() -> list[ErrandCount]:
    database = Database(await reachable_postgres(load_settings()), DatabaseRole.SYSTEM, size=1)
    try:
        await database.open()
        async with begin_system(database) as session:
            return await batch.counts(session)
    finally:
        await database.close()
