"""How hard a password is to guess for who knows the person, judged off the loop and at a bounded cost."""

import asyncio
import time
from collections.abc import AsyncIterator

import pytest
from zxcvbn.matching import RANKED_DICTIONARIES

from app.core.errors import UnavailableError
from app.infra.password_strength import PasswordStrength

PERSON = ["annabel.lee@poe-capital.example", "Annabel", "Lee", "Poe Capital"]


@pytest.fixture
async def strength() -> AsyncIterator[PasswordStrength]:
    judge = PasswordStrength()
    yield judge
    judge.close()


@pytest.mark.parametrize("password", ["correct horse battery", "x7Kq!mZp2vLr", "Zürich-Regen-Brücke-41"])
async def test_a_password_that_is_hard_to_guess_has_no_weakness(strength: PasswordStrength, password: str) -> None:
    assert await strength.weakness(password, PERSON) is None


@pytest.mark.parametrize(
    "password", ["password1234", "qwertyuiopas", "annabellee123", "annabelle.lee", "PoeCapital99", "p4ssw0rd!p4ssw0rd!"]
)
async def test_what_others_would_try_first_is_weak(strength: PasswordStrength, password: str) -> None:
    assert (await strength.weakness(password, PERSON) or "").startswith("This password is too easily guessed.")


async def test_the_words_of_one_person_do_not_weaken_another(strength: PasswordStrength) -> None:
    mine, theirs = await asyncio.gather(
        strength.weakness("zyxtronquebber", ["zyxtronquebber"]), strength.weakness("zyxtronquebber", ["other"])
    )

    assert mine is not None
    assert theirs is None
    assert "user_inputs" not in RANKED_DICTIONARIES


@pytest.mark.parametrize("piece", ["aB3$", "p4ssw0rd!", "1a2b3c4d5e", "@4", "\N{GRINNING FACE}x"])
async def test_a_long_password_costs_no_more_than_a_bounded_one(strength: PasswordStrength, piece: str) -> None:
    started = time.process_time()
    await strength.weakness((piece * 128)[:128], PERSON * 50)

    assert time.process_time() - started < 0.5


async def test_too_many_at_once_are_refused() -> None:
    judge = PasswordStrength(waiting_max=1)
    first = asyncio.ensure_future(judge.weakness("correct horse battery", PERSON))
    await asyncio.sleep(0)

    with pytest.raises(UnavailableError):
        await judge.weakness("correct horse battery", PERSON)

    assert await first is None
    judge.close()
