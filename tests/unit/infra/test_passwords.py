"""Password hashing: the right one fits, nobody's takes as long, and the queue is bounded."""

import asyncio
import time
from collections.abc import AsyncIterator

import pytest

from app.core.errors import UnavailableError
from app.infra.passwords import Passwords


@pytest.fixture(autouse=True)
def at_the_real_cost(costs_of_passwords: dict[str, int], monkeypatch: pytest.MonkeyPatch) -> None:
    for name, cost in costs_of_passwords.items():
        monkeypatch.setattr(f"app.infra.passwords.{name}", cost)


@pytest.fixture
async def passwords() -> AsyncIterator[Passwords]:
    hasher = Passwords()
    yield hasher
    hasher.close()


async def test_the_right_password_fits_and_no_other(passwords: Passwords) -> None:
    hashed = await passwords.hash("correct horse battery")

    assert hashed.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert await passwords.verify("correct horse battery", hashed)
    assert not await passwords.verify("correct horse batterx", hashed)
    assert not passwords.is_outdated(hashed)


async def test_nobodys_password_never_fits(passwords: Passwords) -> None:
    hashed = await passwords.hash("correct horse battery")

    assert not await passwords.verify("nobody has this password", None)
    assert not await passwords.verify(None, hashed)
    assert not await passwords.verify("", hashed)
    assert not await passwords.verify("x", "not a hash")


async def test_the_loop_goes_on_while_a_password_is_hashed(passwords: Passwords) -> None:
    work = asyncio.ensure_future(passwords.hash("correct horse battery"))
    turns = 0
    while not work.done():
        await asyncio.sleep(0)
        turns += 1

    assert turns > 10
    assert await work


async def test_an_unknown_person_takes_as_long_as_a_known_one(passwords: Passwords) -> None:
    hashed = await passwords.hash("correct horse battery")
    costs: dict[str, list[float]] = {"known": [], "unknown": []}
    for _ in range(8):
        for name, stored in (("known", hashed), ("unknown", None)):
            started = time.process_time()
            await passwords.verify("wrong horse battery", stored)
            costs[name].append(time.process_time() - started)

    assert 0.5 < min(costs["unknown"]) / min(costs["known"]) < 2


async def test_too_many_at_once_are_refused_and_the_place_is_given_back() -> None:
    passwords = Passwords(threads=1, waiting_max=2)
    try:
        answers = await asyncio.gather(*(passwords.hash("correct horse") for _ in range(4)), return_exceptions=True)
        refused = [answer for answer in answers if isinstance(answer, UnavailableError)]

        assert len(refused) == 2
        assert all(error.is_retryable for error in refused)
        assert await passwords.hash("correct horse")
    finally:
        passwords.close()


async def test_a_caller_who_leaves_holds_the_place_until_the_work_is_done() -> None:
    passwords = Passwords(threads=1, waiting_max=1)
    try:
        leaving = asyncio.ensure_future(passwords.hash("correct horse"))
        await asyncio.sleep(0)
        leaving.cancel()
        with pytest.raises(UnavailableError):
            await passwords.hash("correct horse")
        with pytest.raises(asyncio.CancelledError):
            await leaving
    finally:
        passwords.close()
