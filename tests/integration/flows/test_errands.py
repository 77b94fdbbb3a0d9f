"""Errands: mails leave if, and only if, their transaction commits, at least once, and hold up nobody."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from uuid import UUID

import asyncpg
import pytest
from aiosmtpd.smtp import SMTP, Envelope, Session
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from app.errands.domain import LEASE, ErrandKind
from app.errands.letters import MailTemplate
from app.errands.service import Errands
from app.flows.identity.run_errands import ErrandRunner, prune_errands
from app.infra.db import Database, DatabaseRole
from app.infra.mail import MailFolder, MailNotSentError, MailTransport, SmtpServer
from app.infra.system import SystemIds
from app.infra.uow import Scope, begin
from app.infra.vault import Vault, new_master_key
from tests.fakes import SetClock

NOTICE = {"at": "now", "ip_address": "192.0.2.7"}
SCOPE = Scope(email="ann@example.com")


class Refusing:
    """A server that refuses what it is told to."""

    def __init__(self, *answers: str) -> None:
        self.answers = list(answers)
        self.taken: list[Envelope] = []

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        if self.answers:
            return self.answers.pop(0)
        self.taken.append(envelope)
        return "250 OK"


class RefusingRecipient:
    """A server that knows nobody."""

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        return "550 no such mailbox"


@dataclass
class Kept:
    """A transport that fails as often as it is told to, and keeps the rest."""

    failures: list[Exception] = field(default_factory=list)
    messages: list[EmailMessage] = field(default_factory=list)

    async def send(self, message: EmailMessage) -> None:
        """Keeps the mail, or fails."""
        if self.failures:
            raise self.failures.pop(0)
        self.messages.append(message)


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """Errands of one test: whatever others have left is gone."""

    database: Database
    runner: ErrandRunner
    errands: Errands
    clock: SetClock
    owner: asyncpg.Connection

    async def mail(self, template: MailTemplate = MailTemplate.ALREADY_REGISTERED, **values: str) -> None:
        """Queues a mail."""
        async with begin(self.database, SCOPE) as session:
            await self.errands.mail(session, "ann@example.com", template, values)

    def by(self, transport: MailTransport | None) -> ErrandRunner:
        """The runner with another way out."""
        return replace(self.runner, transport=transport)

    async def states(self) -> list[tuple[str, int, str | None]]:
        """How the errands stand: state, attempts, last error."""
        rows = await self.owner.fetch("SELECT state, attempts, last_error FROM errands ORDER BY id")
        return [tuple(row) for row in rows]


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[World]:
    """The world."""
    database = Database(database_url, DatabaseRole.APP, size=2)
    system_database = Database(database_url, DatabaseRole.SYSTEM, size=4)
    owner = await asyncpg.connect(database_url)
    await database.open()
    await system_database.open()
    await owner.execute("DELETE FROM errands")
    clock = SetClock(datetime(2026, 11, 20, 12, tzinfo=UTC))
    errands = Errands(vault=Vault.of(new_master_key()), clock=clock, ids=SystemIds())
    runner = ErrandRunner(
        database=system_database,
        errands=errands,
        transport=None,
        sender="OMS Trading <no-reply@oms.test>",
        link_base="https://oms.test",
        clock=clock,
    )
    yield World(database=database, runner=runner, errands=errands, clock=clock, owner=owner)
    await owner.execute("DELETE FROM errands")
    await owner.close()
    await system_database.close()
    await database.close()


@asynccontextmanager
async def served(handler: object) -> AsyncIterator[SmtpServer]:
    """A real SMTP server of the handler."""
    loop = asyncio.get_running_loop()
    listening = await loop.create_server(lambda: SMTP(handler, loop=loop), "127.0.0.1", 0)
    async with listening:
        port = listening.sockets[0].getsockname()[1]
        yield SmtpServer(host="127.0.0.1", port=port, tls="none", timeout_s=5)


@pytest.fixture
async def server() -> AsyncIterator[tuple[Refusing, SmtpServer]]:
    """A server which takes what it is not told to refuse."""
    handler = Refusing()
    async with served(handler) as smtp:
        yield handler, smtp


async def test_a_look_at_the_server_leaves_no_mail_there(server: tuple[Refusing, SmtpServer]) -> None:
    handler, smtp = server

    await smtp.check()

    assert handler.taken == []
    with pytest.raises(MailNotSentError, match="does not take mail"):
        await replace(smtp, tls="tls").check()


async def test_a_mail_that_is_committed_reaches_the_server_once(
    world: World, server: tuple[Refusing, SmtpServer]
) -> None:
    handler, smtp = server
    await world.mail(MailTemplate.RESET_PASSWORD, token="omt_secret")

    taken = [await world.by(smtp).run_due() for _ in range(2)]

    [envelope] = handler.taken
    content = envelope.content
    assert isinstance(content, bytes)
    assert taken == [1, 0]
    assert (envelope.mail_from, envelope.rcpt_tos) == ("no-reply@oms.test", ["ann@example.com"])
    assert content.count(b"reset-password#token=") >= 2
    assert b"Content-Type: multipart/alternative" in content
    assert await world.states() == [("DONE", 1, None)]


async def test_a_transaction_that_does_not_commit_leaves_no_errand(world: World) -> None:
    async def fail() -> None:
        async with begin(world.database, SCOPE) as session:
            await world.errands.mail(session, "ann@example.com", MailTemplate.ALREADY_REGISTERED)
            raise LookupError

    with pytest.raises(LookupError):
        await fail()

    assert await world.states() == []


async def test_what_a_mail_says_lies_sealed_and_goes_when_it_was_sent(world: World, tmp_path: Path) -> None:
    await world.mail(MailTemplate.RESET_PASSWORD, token="omt_verysecret")
    [waiting] = await world.owner.fetch("SELECT * FROM errands")

    await world.by(MailFolder(folder=tmp_path)).run_due()
    [done] = await world.owner.fetch("SELECT * FROM errands")

    assert b"verysecret" not in waiting["sealed"] + waiting["wrapped_key"]
    assert "verysecret" not in repr(waiting)
    assert (done["sealed"], done["wrapped_key"]) == (None, None)


async def test_a_sealed_errand_opens_for_its_own_recipient_alone(world: World) -> None:
    await world.mail(MailTemplate.RESET_PASSWORD, token="omt_secret")
    kept = Kept()

    await world.owner.execute("UPDATE errands SET recipient = 'thief@example.com'")
    await world.by(kept).run_due()

    [(state, _, error)] = await world.states()
    assert state == "GIVEN_UP"
    assert error is not None
    assert error.startswith("SECRET_UNREADABLE")
    assert kept.messages == []


async def test_a_server_that_is_busy_is_asked_again_more_and_more_seldom(
    world: World, server: tuple[Refusing, SmtpServer]
) -> None:
    handler, smtp = server
    handler.answers = ["451 later", "421 later"]
    await world.mail()
    runner, waits = world.by(smtp), []

    for _ in range(2):
        await runner.run_due()
        due_at = await world.owner.fetchval("SELECT due_at FROM errands")
        waits.append(due_at - world.clock.now())
        assert await runner.run_due() == 0
        world.clock.advance(waits[-1])
    await runner.run_due()

    assert waits == [timedelta(seconds=5), timedelta(seconds=20)]
    assert len(handler.taken) == 1
    assert [state for state, _, _ in await world.states()] == ["DONE"]


@pytest.mark.parametrize("answer", ["550 no", "554 policy"])
async def test_a_mail_that_is_refused_for_good_is_not_tried_again(
    world: World, server: tuple[Refusing, SmtpServer], answer: str
) -> None:
    handler, smtp = server
    handler.answers = [answer]
    await world.mail()

    await world.by(smtp).run_due()

    assert await world.states() == [("GIVEN_UP", 1, f"MAIL_REFUSED: 127.0.0.1 answers {answer[:3]}")]


async def test_a_mailbox_that_does_not_exist_is_not_tried_again(world: World) -> None:
    await world.mail()

    async with served(RefusingRecipient()) as smtp:
        await world.by(smtp).run_due()

    assert await world.states() == [("GIVEN_UP", 1, "MAIL_REFUSED: the recipient is refused")]


async def _hear(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()
    writer.close()


async def test_a_server_that_is_away_or_hangs_or_knows_no_tls_leaves_the_mail_waiting(
    world: World, server: tuple[Refusing, SmtpServer], free_port: int
) -> None:
    _, smtp = server
    silent = await asyncio.start_server(_hear, "127.0.0.1", 0)
    ways = [
        SmtpServer(host="127.0.0.1", port=free_port, tls="none", timeout_s=5),
        SmtpServer(host="127.0.0.1", port=silent.sockets[0].getsockname()[1], tls="none", timeout_s=0.05),
        # Never in the clear when it was to be encrypted.
        replace(smtp, tls="starttls"),
        replace(smtp, tls="tls"),
    ]

    for way in ways:
        await world.owner.execute("DELETE FROM errands")
        await world.mail()
        await world.by(way).run_due()

        [(state, attempts, error)] = await world.states()
        assert (state, attempts) == ("WAITING", 1)
        assert error is not None
        assert error.startswith("MAIL_NOT_SENT")
    silent.close()
    await silent.wait_closed()


async def test_without_a_server_mails_wait_and_say_why(world: World) -> None:
    await world.mail()

    await world.by(None).run_due()

    assert await world.states() == [("WAITING", 1, "MAIL_NOT_SENT: no mail server is set: OMS_SMTP_HOST")]


async def test_a_mail_that_nobody_needs_any_more_is_given_up(world: World) -> None:
    async with begin(world.database, SCOPE) as session:
        await world.errands.mail(
            session, "ann@example.com", MailTemplate.ALREADY_REGISTERED, lasts=timedelta(seconds=10)
        )
    kept = Kept(failures=[MailNotSentError("away"), MailNotSentError("away")])
    runner = world.by(kept)

    await runner.run_due()
    world.clock.advance(timedelta(seconds=6))
    await runner.run_due()

    assert await world.states() == [("GIVEN_UP", 2, "MAIL_NOT_SENT: away")]
    assert kept.messages == []


async def test_a_worker_that_dies_over_a_mail_sends_it_again_under_the_same_id(world: World) -> None:
    await world.mail()
    kept = Kept()
    runner = world.by(kept)
    before = await world.owner.fetchrow("SELECT * FROM errands")
    await runner.run_due()
    # As if it had died between the sending and the note of it.
    await world.owner.execute(
        "UPDATE errands SET state = 'WAITING', ended_at = NULL, sealed = $1, wrapped_key = $2",
        before["sealed"],
        before["wrapped_key"],
    )
    world.clock.advance(LEASE)
    await runner.run_due()

    assert [message["Message-ID"] for message in kept.messages] == [f"<{before['id']}@oms.test>"] * 2


async def test_an_errand_of_a_dead_worker_is_taken_when_its_lease_has_passed(world: World) -> None:
    await world.mail()

    class DiedError(BaseException):
        pass

    class Dying:
        async def send(self, message: EmailMessage) -> None:
            raise DiedError

    kept = Kept()
    with pytest.raises(BaseExceptionGroup):
        await world.by(Dying()).run_due()
    at_once = await world.by(kept).run_due()
    world.clock.advance(LEASE)
    later = await world.by(kept).run_due()

    assert (at_once, later, len(kept.messages)) == (0, 1, 1)


async def test_of_many_workers_one_takes_each_errand(world: World) -> None:
    for _ in range(12):
        await world.mail()
    kept = Kept()
    runner = world.by(kept)

    taken = await asyncio.gather(*(runner.run_due() for _ in range(6)))

    assert sum(taken) == 12
    assert len({message["Message-ID"] for message in kept.messages}) == len(kept.messages) == 12


async def test_the_same_errand_left_twice_is_one(world: World) -> None:
    errand_id = UUID(int=7)
    for _ in range(2):
        async with begin(world.database, SCOPE) as session:
            await world.errands.mail(session, "ann@example.com", MailTemplate.ALREADY_REGISTERED, errand_id=errand_id)

    assert len(await world.states()) == 1


@pytest.mark.parametrize(
    "statement",
    ["SELECT * FROM errands", "UPDATE errands SET recipient = 'thief@example.com'", "DELETE FROM errands"],
)
async def test_who_leaves_errands_can_neither_read_nor_change_them(world: World, statement: str) -> None:
    await world.mail()

    with pytest.raises(DBAPIError, match="permission denied"):
        async with begin(world.database, SCOPE) as session:
            await session.execute(text(statement))


async def test_nobody_leaves_no_errand(world: World) -> None:
    with pytest.raises(DBAPIError, match="row-level security"):
        async with begin(world.database, Scope()) as session:
            await world.errands.mail(session, "ann@example.com", MailTemplate.ALREADY_REGISTERED)


async def test_an_errand_that_nobody_knows_how_to_do_does_not_end_the_worker(world: World) -> None:
    async with begin(world.database, SCOPE) as session:
        await world.errands.leave(session, ErrandKind.SIGN_IN_REFUSED, "ann@example.com", {}, lasts=timedelta(hours=1))
    await world.mail()
    kept = Kept()

    await world.by(kept).run_due()

    assert len(kept.messages) == 1
    assert [state for state, _, _ in await world.states()] == ["WAITING", "DONE"]


async def test_the_worker_goes_on_by_itself(world: World) -> None:
    kept = Kept()
    working = asyncio.create_task(world.by(kept).run_forever())

    await world.mail()

    async with asyncio.timeout(10):
        while not kept.messages:
            await asyncio.sleep(0.02)
    working.cancel()
    await asyncio.gather(working, return_exceptions=True)
    assert kept.messages[0]["To"] == "ann@example.com"


async def test_errands_that_ended_are_kept_for_a_week(world: World) -> None:
    await world.mail()
    await world.by(Kept()).run_due()

    early = await prune_errands(world.runner.database, world.clock.now() + timedelta(days=6))
    late = await prune_errands(world.runner.database, world.clock.now() + timedelta(days=8))

    assert (early, late) == (0, 1)


async def test_the_folder_keeps_a_mail_as_its_owners_alone_and_once(world: World, tmp_path: Path) -> None:
    folder = MailFolder(folder=tmp_path / "mail")
    await world.mail(MailTemplate.PASSWORD_CHANGED, **NOTICE)
    runner = world.by(folder)
    await runner.run_due()

    [mail] = folder.mails()
    [path] = (tmp_path / "mail").iterdir()

    assert path.stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "mail").stat().st_mode & 0o777 == 0o700
    assert folder.show("last") == folder.show(mail.name) == mail
    assert (mail.recipient, mail.subject) == ("ann@example.com", "Your password was changed")
    assert "192.0.2.7" in mail.text.replace(" ", ".")
