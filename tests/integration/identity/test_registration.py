"""Registering: the answer is the same for every address, and what was proven by mail opens a tenant, once."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import asyncpg
import pytest

from app.core.errors import InputError, OmsError
from app.flows.identity.change_email import verify_email
from app.flows.identity.door import Door
from app.flows.identity.log_in import log_in
from app.flows.identity.register import Registration, register
from app.flows.identity.view_identity import view_self
from app.flows.tenants.open_tenant import open_tenant
from app.identity.accounts.errors import (
    MailTokenError,
    PasswordRequiredError,
    PasswordWrongError,
    RegistrationClosedError,
)
from app.identity.domain import Role, TokenPair
from app.identity.errors import LoginRefusedError, WeakPasswordError
from tests.fakes import SetClock
from tests.integration.identity.conftest import CLIENT, PASSWORD, Found, from_address
from tests.mailbox import Mailbox


def newcomer(**changes: str) -> Registration:
    typed = Registration(
        tenant_name="New Capital",
        email=f"new-{uuid4().hex[:12]}@example.com",
        password=PASSWORD,
        first_name="Ann",
        last_name="Lee",
    )
    return replace(typed, **changes)


async def test_who_registers_has_an_account_when_the_link_and_the_password_meet(
    door: Door, mailbox: Mailbox, owner: asyncpg.Connection
) -> None:
    typed = newcomer()
    await register(door, typed, CLIENT)
    with pytest.raises(LoginRefusedError):
        await log_in(door, email=typed.email, password=PASSWORD, tenant_slug=None, client=CLIENT)

    token = await mailbox.token_for(typed.email)
    tokens = await verify_email(door, token=token, password=PASSWORD, client=CLIENT)

    assert tokens is not None
    principal = await door.authenticator.authenticate(tokens.access_token, CLIENT)
    viewer = await view_self(door, principal)
    assert viewer.user is not None
    assert (viewer.user.email, viewer.user.email_verified) == (typed.email, True)
    assert viewer.membership is not None
    assert viewer.membership.membership.role is Role.ADMIN
    assert viewer.tenant.name == "New Capital"
    actions = await owner.fetch(
        "SELECT action FROM audit_log WHERE tenant_id = $1 ORDER BY action", principal.tenant_id
    )
    assert [row["action"] for row in actions] == ["email.verified", "tenant.registered"]


async def test_a_known_address_gets_another_mail_and_no_second_account(
    door: Door, mailbox: Mailbox, found: Found, owner: asyncpg.Connection
) -> None:
    firm = await found()
    tenants = await owner.fetchval("SELECT count(*) FROM tenants")

    await register(door, newcomer(email=f" {firm.registration.email.upper()} "), CLIENT)
    mails = await mailbox.to(firm.registration.email)

    assert [mail.subject for mail in mails] == ["You have an account already"]
    assert "#token=" not in mails[0].text
    assert await owner.fetchval("SELECT count(*) FROM tenants") == tenants


async def test_a_stranger_who_registers_my_address_gets_nothing_by_my_click(
    door: Door, mailbox: Mailbox, clock: SetClock
) -> None:
    thief = newcomer(password="the thief's own password")
    await register(door, thief, from_address("203.0.113.66"))
    link = await mailbox.token_for(thief.email)

    refusals: list[OmsError] = []
    for password in (None, PASSWORD):
        with pytest.raises((PasswordRequiredError, PasswordWrongError)) as refused:
            await verify_email(door, token=link, password=password, client=CLIENT)
        refusals.append(refused.value)
    # The owner registers for themselves, whatever the stranger has begun.
    clock.advance(timedelta(seconds=1))
    mine = newcomer(email=thief.email)
    await register(door, mine, CLIENT)
    entered = await verify_email(door, token=await mailbox.token_for(mine.email), password=PASSWORD, client=CLIENT)

    assert [(error.code, error.path) for error in refusals] == [
        ("PASSWORD_REQUIRED", ("password",)),
        ("PASSWORD_WRONG", ("password",)),
    ]
    assert entered is not None
    with pytest.raises(MailTokenError):
        await verify_email(door, token=link, password=thief.password, client=from_address("203.0.113.66"))


async def test_nothing_that_was_typed_reaches_a_stranger(door: Door, mailbox: Mailbox) -> None:
    typed = newcomer(tenant_name="Win https://evil.example now", first_name="CLICK", last_name="HERE")
    await register(door, typed, CLIENT)

    [mail] = await mailbox.to(typed.email)

    for word in ("evil", "CLICK", "HERE"):
        assert word not in mail.subject + mail.text


async def test_a_link_works_once_of_many_who_use_it_at_once(
    door: Door, mailbox: Mailbox, owner: asyncpg.Connection
) -> None:
    typed = newcomer(tenant_name=f"Race {uuid4().hex[:8]}")
    await register(door, typed, CLIENT)
    token = await mailbox.token_for(typed.email)

    answers = await asyncio.gather(
        *(
            verify_email(door, token=token, password=PASSWORD, client=from_address(f"198.51.100.{number}"))
            for number in range(5)
        ),
        return_exceptions=True,
    )

    assert sum(isinstance(answer, TokenPair) for answer in answers) == 1
    assert sum(isinstance(answer, MailTokenError) for answer in answers) == 4
    assert await owner.fetchval("SELECT count(*) FROM tenants WHERE name = $1", typed.tenant_name) == 1


async def test_of_two_registrations_of_an_address_the_first_confirmed_holds(door: Door, mailbox: Mailbox) -> None:
    typed = newcomer()
    await register(door, typed, CLIENT)
    first = await mailbox.token_for(typed.email)
    await open_tenant(door, typed, CLIENT)

    with pytest.raises(MailTokenError):
        await verify_email(door, token=first, password=PASSWORD, client=CLIENT)


async def test_a_link_ends_after_a_day(door: Door, mailbox: Mailbox, clock: SetClock) -> None:
    typed = newcomer()
    await register(door, typed, CLIENT)
    token = await mailbox.token_for(typed.email)

    clock.advance(timedelta(hours=24))

    with pytest.raises(MailTokenError):
        await verify_email(door, token=token, password=PASSWORD, client=CLIENT)


@pytest.mark.parametrize(
    "token",
    ["", "x", "omt_" + "a" * 26 + "_" + "a" * 52, "omt_" + "a" * 100_000, "\x00", "omt_\ud800", "' OR 1=1 --"],
)
async def test_an_invented_token_is_refused(door: Door, token: str) -> None:
    with pytest.raises(MailTokenError):
        await verify_email(door, token=token, password=PASSWORD, client=CLIENT)


async def test_a_token_of_one_registration_does_not_open_another(door: Door, mailbox: Mailbox) -> None:
    mine, theirs = newcomer(), newcomer()
    await register(door, mine, CLIENT)
    await register(door, theirs, CLIENT)
    my_token, their_token = await mailbox.token_for(mine.email), await mailbox.token_for(theirs.email)
    forged = f"omt_{their_token.split('_')[1]}_{my_token.split('_')[2]}"

    with pytest.raises(MailTokenError):
        await verify_email(door, token=forged, password=PASSWORD, client=CLIENT)


async def test_tokens_are_stored_as_hashes(door: Door, mailbox: Mailbox, owner: asyncpg.Connection) -> None:
    typed = newcomer()
    await register(door, typed, CLIENT)
    token = await mailbox.token_for(typed.email)

    rows = await owner.fetch("SELECT * FROM registrations WHERE email = $1", typed.email)

    assert len(rows) == 1
    assert token.rpartition("_")[2] not in repr(rows)
    assert PASSWORD not in repr(rows)


@pytest.mark.parametrize(
    "email",
    [
        "\N{KELVIN SIGN}ay@example.com",
        "\N{CYRILLIC SMALL LETTER A}nn@example.com",
        "ann@ex\N{FULLWIDTH LATIN SMALL LETTER A}mple.com",
        "ann@example.com\r\nBcc: victim@example.com",
        "ann@example.com, victim@example.com",
        "ann@example.com\x00",
        "ann\N{RIGHT-TO-LEFT OVERRIDE}@example.com",
        "ann@example\N{IDEOGRAPHIC FULL STOP}com",
        '"ann bob"@example.com',
    ],
    ids=lambda email: email.encode("unicode_escape").decode(),
)
async def test_an_address_that_only_looks_like_one_is_refused(door: Door, mailbox: Mailbox, email: str) -> None:
    with pytest.raises(InputError) as refused:
        await register(door, newcomer(email=email), CLIENT)

    assert refused.value.path == ("email",)
    assert await mailbox.runner.run_due() == 0


@pytest.mark.parametrize("password", ["New Capital 2026", "annleeannlee1", "qwertyuiopas", "Passw0rd!Passw0rd!"])
async def test_a_password_that_is_easily_guessed_is_refused(door: Door, password: str) -> None:
    with pytest.raises(WeakPasswordError) as refused:
        await register(door, newcomer(password=password), CLIENT)

    assert refused.value.path == ("password",)


async def test_an_operator_may_close_registration(door: Door, mailbox: Mailbox) -> None:
    with pytest.raises(RegistrationClosedError):
        await register(replace(door, is_registration_open=False), newcomer(), CLIENT)

    assert await mailbox.runner.run_due() == 0


async def test_an_address_is_not_mailed_without_end(door: Door, mailbox: Mailbox, clock: SetClock) -> None:
    typed = newcomer()

    for number in range(6):
        await register(door, typed, from_address(f"198.51.100.{number}"))
    at_once = len(await mailbox.to(typed.email))
    clock.advance(timedelta(hours=1))
    await register(door, typed, CLIENT)

    assert at_once == 3
    assert len(await mailbox.to(typed.email)) == 4
