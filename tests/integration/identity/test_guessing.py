"""Guessing: it is slowed for everybody alike, locks nobody out for good, and tells nothing by answer or by work."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from uuid import uuid4

import asyncpg
import pytest
from sqlalchemy import event

from app.flows.identity.change_password import change_password
from app.flows.identity.door import Door
from app.flows.identity.door_guard import FROM_ANYWHERE, FROM_ONE_PLACE, network_of
from app.flows.identity.log_in import log_in
from app.flows.identity.register import Registration, register
from app.flows.identity.reset_password import request_password_reset, reset_password
from app.identity.accounts.errors import PasswordWrongError, TooManyAttemptsError
from app.identity.domain import TokenPair
from app.identity.errors import LoginRefusedError
from app.infra.passwords import Passwords
from tests.fakes import SetClock
from tests.integration.identity.conftest import CLIENT, PASSWORD, Found, from_address
from tests.mailbox import Mailbox


async def guess(door: Door, email: str, address: str = "203.0.113.66", password: str = "wrong horse battery") -> Any:
    """What a login answers: tokens, or the error."""
    try:
        return await log_in(door, email=email, password=password, tenant_slug=None, client=from_address(address))
    except (LoginRefusedError, TooManyAttemptsError) as error:
        return error


async def test_each_wrong_guess_from_a_place_makes_the_next_wait_longer(
    door: Door, found: Found, clock: SetClock
) -> None:
    email = (await found()).registration.email
    waits = []

    for _ in range(FROM_ONE_PLACE.free + 4):
        answer = await guess(door, email)
        if isinstance(answer, TooManyAttemptsError):
            waits.append(answer.facts["retryAfter"])
            clock.advance(timedelta(seconds=answer.facts["retryAfter"]))
            assert isinstance(await guess(door, email), LoginRefusedError)

    assert waits == [1, 2, 4, 8]


async def test_the_wait_has_an_end(door: Door, found: Found, clock: SetClock) -> None:
    firm = await found()
    for _ in range(40):
        answer = await guess(door, firm.registration.email)
        if isinstance(answer, TooManyAttemptsError):
            wait = timedelta(seconds=answer.facts["retryAfter"])
            assert wait <= FROM_ONE_PLACE.most
            clock.advance(wait)

    clock.advance(FROM_ONE_PLACE.most)

    assert isinstance(await guess(door, firm.registration.email, password=PASSWORD), TokenPair)


async def test_many_at_once_are_no_more_than_one_by_one(door: Door, found: Found) -> None:
    email = (await found()).registration.email

    answers = await asyncio.gather(*(guess(door, email) for _ in range(40)))

    assert sum(isinstance(answer, LoginRefusedError) for answer in answers) == FROM_ONE_PLACE.free


async def test_an_unknown_address_is_slowed_like_a_known_one(door: Door, found: Found) -> None:
    known, unknown = (await found()).registration.email, f"{uuid4().hex}@example.com"

    told = {
        email: [(type(answer), str(answer), answer.facts) for answer in [await guess(door, email) for _ in range(10)]]
        for email in (known, unknown)
    }

    assert told[known] == told[unknown]


async def test_a_person_gets_in_where_they_did_before_while_the_world_guesses(door: Door, found: Found) -> None:
    firm = await found()
    email = firm.registration.email
    assert isinstance(await guess(door, email, CLIENT.ip_address, PASSWORD), TokenPair)

    for number in range(FROM_ANYWHERE.free + 10):
        await guess(door, email, f"198.51.100.{number}")

    assert isinstance(await guess(door, email, "203.0.113.1", PASSWORD), TooManyAttemptsError)
    assert isinstance(await guess(door, email, CLIENT.ip_address, PASSWORD), TokenPair)


async def test_a_reset_by_mail_lifts_the_wait(door: Door, found: Found, mailbox: Mailbox) -> None:
    firm = await found()
    email = firm.registration.email
    for number in range(FROM_ANYWHERE.free + 10):
        await guess(door, email, f"198.51.100.{number}")
    assert isinstance(await guess(door, email, "203.0.113.1", PASSWORD), TooManyAttemptsError)

    await request_password_reset(door, email, from_address("203.0.113.1"))
    token = await mailbox.token_for(email)
    await reset_password(
        door, token=token, new_password="purple tram over the lake", client=from_address("203.0.113.1")
    )

    assert isinstance(await guess(door, email, "203.0.113.1", "purple tram over the lake"), TokenPair)


async def test_registrations_that_a_stranger_begins_hold_up_no_reset(
    door: Door, found: Found, mailbox: Mailbox
) -> None:
    email = (await found()).registration.email
    typed = Registration(tenant_name="T", email=email, password=PASSWORD, first_name="Mal", last_name="Lory")
    for number in range(6):
        await register(door, typed, from_address(f"203.0.113.{number}"))

    await request_password_reset(door, email, CLIENT)

    assert await mailbox.token_for(email)


@pytest.mark.parametrize("before", ["", " ", "\t\x1c ", " " * 240], ids=["none", "blank", "controls", "many"])
async def test_an_address_with_blanks_around_it_is_the_same_person(door: Door, found: Found, before: str) -> None:
    email = (await found()).registration.email

    # Each blank more in front would cut one letter more off the end of an address that is cut first.
    answers = [
        await guess(door, f"{before}{' ' * blanks}{email}", address="203.0.113.90")
        for blanks in range(FROM_ONE_PLACE.free + 1)
    ]

    assert [type(one) for one in answers[-2:]] == [LoginRefusedError, TooManyAttemptsError]


async def test_one_who_guesses_at_many_people_is_slowed_too(door: Door) -> None:
    answers = [await guess(door, f"{uuid4().hex}@example.com") for _ in range(4)]
    others = [await guess(door, f"{uuid4().hex}@example.com", f"2001:db8:0:1::{number:x}") for number in range(1, 110)]

    assert all(isinstance(answer, LoginRefusedError) for answer in answers)
    # They come from one subscriber's network, however many addresses it has.
    assert sum(isinstance(answer, TooManyAttemptsError) for answer in others) == 9


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:0:1:aaaa::1", "2001:db8:0:1::/64"),
        ("2001:db8:0:1:bbbb::2", "2001:db8:0:1::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", "none"),
        ("no address", "none"),
    ],
)
def test_the_network_that_guesses_are_counted_by(address: str, network: str) -> None:
    assert network_of(address) == network


async def test_the_right_password_forgets_the_wrong_ones(door: Door, found: Found) -> None:
    email = (await found()).registration.email

    for _ in range(4):
        for _ in range(FROM_ONE_PLACE.free - 1):
            assert isinstance(await guess(door, email), LoginRefusedError)
        assert isinstance(await guess(door, email, password=PASSWORD), TokenPair)


async def test_who_has_a_session_may_not_guess_the_password_either(door: Door, found: Found) -> None:
    principal = (await found()).registered.principal
    answers = []

    for _ in range(FROM_ONE_PLACE.free + 1):
        with pytest.raises((PasswordWrongError, TooManyAttemptsError)) as refused:
            await change_password(
                door, principal, current_password="wrong horse battery", new_password="purple tram over the lake"
            )
        answers.append(refused.type)

    assert answers == [PasswordWrongError] * FROM_ONE_PLACE.free + [TooManyAttemptsError]


async def test_a_refused_login_is_told_in_the_persons_firms_alone(
    door: Door, found: Found, mailbox: Mailbox, owner: asyncpg.Connection
) -> None:
    firm, other = await found(), await found()

    await guess(door, firm.registration.email)
    await guess(door, f"{uuid4().hex}@example.com")
    await mailbox.deliver()

    rows = await owner.fetch(
        "SELECT * FROM audit_log WHERE action = 'session.refused' AND resource_id = $1", str(firm.registered.user.id)
    )
    [row] = rows
    assert (row["tenant_id"], row["actor"]) == (firm.registered.tenant.id, "system:door")
    assert row["ip_address"] == "203.0.113.66"
    assert row["new_values"] == '{"reason": "password"}'
    assert (
        await owner.fetchval(
            "SELECT count(*) FROM audit_log WHERE action = 'session.refused' AND tenant_id = $1",
            other.registered.tenant.id,
        )
        == 0
    )


class Work:
    """What was done for an answer: statements in order, hashes made and verified, passwords judged."""

    def __init__(self) -> None:
        self.done: list[str] = []


@contextmanager
def watched(door: Door, monkeypatch: pytest.MonkeyPatch) -> Iterator[Work]:
    """Writes down the work that is done meanwhile."""
    work = Work()

    def statement(_c: Any, _u: Any, sql: str, *_: Any) -> None:
        work.done.append(sql)

    def counting(name: str) -> Callable[..., Any]:
        original = getattr(Passwords, name)

        async def counted(self: Passwords, *arguments: Any) -> Any:
            work.done.append(name)
            return await original(self, *arguments)

        return counted

    def commit(_: Any) -> None:
        work.done.append("commit")

    engine = door.database.engine.sync_engine
    event.listen(engine, "before_cursor_execute", statement)
    event.listen(engine, "commit", commit)
    with monkeypatch.context() as patched:
        for name in ("hash", "verify"):
            patched.setattr(Passwords, name, counting(name))
        yield work
    event.remove(engine, "before_cursor_execute", statement)
    event.remove(engine, "commit", commit)


async def _logs_in(door: Door, email: str) -> None:
    await guess(door, email)


async def _registers(door: Door, email: str) -> None:
    await register(
        door,
        Registration(tenant_name="T", email=email, password=PASSWORD, first_name="Ann", last_name="Lee"),
        CLIENT,
    )


async def _asks_for_a_reset(door: Door, email: str) -> None:
    await request_password_reset(door, email, CLIENT)


@pytest.mark.parametrize("asks", [_logs_in, _registers, _asks_for_a_reset], ids=lambda asks: asks.__name__.strip("_"))
async def test_the_same_work_is_done_whether_an_address_is_known_or_not(
    door: Door, found: Found, monkeypatch: pytest.MonkeyPatch, asks: Callable[[Door, str], Any]
) -> None:
    known, unknown = (await found()).registration.email, f"admin-{uuid4().hex[:12]}@example.com"
    done = []

    for email in (known, unknown):
        with watched(door, monkeypatch) as work:
            await asks(door, email)
        done.append(work.done)

    # Statement by statement, hash by hash, commit by commit: there is no difference that time could tell.
    assert done[0] == done[1]
    assert "commit" in done[0]
    assert any("errands" in one for one in done[0])
