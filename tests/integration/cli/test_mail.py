"""`oms mail`: what lies in the folder, and how errands stand."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

import orjson
import pytest
from typer.testing import CliRunner

from app.cli.commands import app
from app.core.errors import NotFoundError
from app.errands.letters import MailTemplate
from app.errands.service import Errands
from app.infra.db import Database, DatabaseRole
from app.infra.mail import MailFolder, SmtpServer, mail_message, transport_of
from app.infra.settings import Settings, load_settings
from app.infra.system import SystemClock, SystemIds
from app.infra.uow import Scope, begin
from app.infra.vault import Vault, new_master_key

_Value = TypeVar("_Value")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MailFolder:
    """The folder of the settings."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OMS_MAIL_FOLDER", str(tmp_path / "mail"))
    load_settings.cache_clear()
    return MailFolder(folder=tmp_path / "mail")


def _aside(work: Callable[[], _Value]) -> _Value:
    # asyncio.run takes the thread's loop away at its end, and the libraries of the broker look for one.
    with ThreadPoolExecutor(max_workers=1) as thread:
        return thread.submit(work).result()


async def _put(folder: MailFolder, *subjects: str) -> None:
    for number, subject in enumerate(subjects):
        message = mail_message(
            message_id=str(number),
            sender="oms@oms.test",
            recipient="ann@example.com",
            subject=subject,
            text=f"text of {subject}\n",
            html="",
            now=datetime(2026, 11, 20, 12, tzinfo=UTC),
        )
        await folder.send(message)


def test_mails_of_the_folder_are_listed_and_shown(folder: MailFolder) -> None:
    _aside(lambda: asyncio.run(_put(folder, "first", "second")))
    oms = CliRunner()

    listed = oms.invoke(app, ["mail", "list"])
    last = oms.invoke(app, ["mail", "show"])
    first = oms.invoke(app, ["mail", "show", "20261120T120000-0", "--json"])

    assert [line.split()[1:] for line in listed.stdout.splitlines()] == [
        ["ann@example.com", "second"],
        ["ann@example.com", "first"],
    ]
    assert last.stdout == "To: ann@example.com\nSubject: second\n\ntext of second\n"
    assert orjson.loads(first.stdout)["subject"] == "first"


def test_a_mail_that_is_not_there_is_not_found(folder: MailFolder) -> None:
    for name in ("last", "../../etc/passwd", "nothing"):
        assert isinstance(CliRunner().invoke(app, ["mail", "show", name]).exception, NotFoundError)


def test_where_mails_go_to_a_server_there_is_no_folder_to_read(
    folder: MailFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMS_SMTP_HOST", "smtp.example")
    load_settings.cache_clear()

    assert isinstance(CliRunner().invoke(app, ["mail", "list"]).exception, NotFoundError)


def test_the_queue_is_counted(folder: MailFolder, database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async def leave() -> None:
        database = Database(database_url, DatabaseRole.APP, size=1)
        await database.open()
        errands = Errands(vault=Vault.of(new_master_key()), clock=SystemClock(), ids=SystemIds())
        async with begin(database, Scope(email="ann@example.com")) as session:
            await errands.mail(session, "ann@example.com", MailTemplate.ALREADY_REGISTERED)
        await database.close()

    _aside(lambda: asyncio.run(leave()))
    monkeypatch.setenv("OMS_DATABASE_URL", database_url)
    load_settings.cache_clear()

    told = _aside(lambda: CliRunner().invoke(app, ["mail", "queue", "--json"]).stdout)
    counted = orjson.loads(told)

    assert any((one["kind"], one["state"]) == ("MAIL", "WAITING") and one["count"] >= 1 for one in counted)


def test_where_mails_go(tmp_path: Path) -> None:
    server = Settings(smtp_host="smtp.example", smtp_port=465, smtp_tls="tls", mail_folder=tmp_path)

    assert transport_of(server) == SmtpServer(host="smtp.example", port=465, tls="tls")
    assert transport_of(Settings(mail_folder=tmp_path)) == MailFolder(folder=tmp_path)
    assert transport_of(Settings(state_dir=tmp_path)) == MailFolder(folder=tmp_path / "mail")
    production = Settings(state_dir=tmp_path).model_copy(update={"environment": "production"})
    assert transport_of(production) is None
