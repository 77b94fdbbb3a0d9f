"""Changing and resetting a password: what is refused, what ends with it, and who is told."""

import asyncio
from collections import Counter
from datetime import timedelta
from itertools import pairwise

import asyncpg
import pytest

from app.core.errors import OmsError
from app.flows.identity.change_password import change_password
from app.flows.identity.create_api_key import create_api_key
from app.flows.identity.door import Door
from app.flows.identity.log_in import log_in
from app.flows.identity.refresh_session import refresh_session
from app.flows.identity.reset_password import request_password_reset, reset_password
from app.identity.accounts.errors import MailTokenError, PasswordReusedError, PasswordWrongError
from app.identity.domain import Principal, Scope, TokenPair
from app.identity.errors import (
    CredentialRefusedError,
    LoginRefusedError,
    NotASessionError,
    RefreshRefusedError,
    WeakPasswordError,
)
from tests.fakes import SetClock
from tests.integration.identity.conftest import CLIENT, PASSWORD, Firm, Found, from_address
from tests.mailbox import Mailbox

NEXT = "purple tram over the lake"


async def enter(door: Door, firm: Firm, password: str = PASSWORD) -> TokenPair:
    entered = await log_in(door, email=firm.registration.email, password=password, tenant_slug=None, client=CLIENT)
    assert isinstance(entered, TokenPair)
    return entered


async def signed_in(door: Door, firm: Firm, password: str = PASSWORD) -> Principal:
    return await door.authenticator.authenticate((await enter(door, firm, password)).access_token, CLIENT)


async def reset_link(door: Door, mailbox: Mailbox, firm: Firm) -> str:
    await request_password_reset(door, firm.registration.email, CLIENT)
    return await mailbox.token_for(firm.registration.email)


async def actions(owner: asyncpg.Connection, firm: Firm) -> list[str]:
    rows = await owner.fetch(
        "SELECT action FROM audit_log WHERE tenant_id = $1 ORDER BY created_at, id", firm.registered.tenant.id
    )
    return [row["action"] for row in rows]


async def test_a_changed_password_ends_all_other_sessions_and_is_told(
    door: Door, found: Found, mailbox: Mailbox, owner: asyncpg.Connection, clock: SetClock
) -> None:
    firm = await found()
    other, mine = await enter(door, firm), await signed_in(door, firm)
    clock.advance(timedelta(seconds=1))

    await change_password(door, mine, current_password=PASSWORD, new_password=NEXT)

    assert (await door.authenticator.recheck(mine)).session_id == mine.session_id
    with pytest.raises(CredentialRefusedError):
        await door.authenticator.authenticate(other.access_token, CLIENT)
    with pytest.raises(RefreshRefusedError):
        await refresh_session(door, other.refresh_token, CLIENT)
    with pytest.raises(LoginRefusedError):
        await enter(door, firm)
    assert (await signed_in(door, firm, NEXT)).user_id == mine.user_id
    [notice] = await mailbox.to(firm.registration.email)
    assert notice.subject == "Your password was changed"
    told = Counter(await actions(owner, firm))
    assert (told["password.changed"], told["session.revoked"], told["session.opened"]) == (1, 2, 3)


async def test_sessions_in_other_firms_end_too(door: Door, found: Found, owner: asyncpg.Connection) -> None:
    home, away = await found(), await found()
    await owner.execute(
        "INSERT INTO memberships (tenant_id, id, user_id, role, is_active, created_at) "
        "VALUES ($1, gen_random_uuid(), $2, 'VIEWER', true, now())",
        away.registered.tenant.id,
        home.registered.user.id,
    )
    tokens = await log_in(
        door,
        email=home.registration.email,
        password=PASSWORD,
        tenant_slug=away.registered.tenant.slug,
        client=CLIENT,
    )
    assert isinstance(tokens, TokenPair)
    bystander = await signed_in(door, away)

    await change_password(door, home.registered.principal, current_password=PASSWORD, new_password=NEXT)

    with pytest.raises(CredentialRefusedError):
        await door.authenticator.authenticate(tokens.access_token, CLIENT)
    assert await door.authenticator.recheck(bystander) == bystander
    assert {"password.changed", "session.revoked"} <= set(await actions(owner, away))


async def test_who_does_not_know_the_present_password_changes_nothing(
    door: Door, found: Found, mailbox: Mailbox, owner: asyncpg.Connection
) -> None:
    firm = await found()
    before = await owner.fetchrow("SELECT * FROM users WHERE id = $1", firm.registered.user.id)

    for wrong in ("", "wrong horse battery", "x" * 100_000, "\ud800"):
        with pytest.raises(PasswordWrongError) as refused:
            await change_password(door, firm.registered.principal, current_password=wrong, new_password=NEXT)
        assert refused.value.path == ("currentPassword",)

    assert await owner.fetchrow("SELECT * FROM users WHERE id = $1", firm.registered.user.id) == before
    assert await mailbox.to(firm.registration.email) == []


async def test_an_api_key_changes_no_password(door: Door, found: Found) -> None:
    firm = await found()
    issued = await create_api_key(door, firm.registered.principal, name="desk", scopes=[Scope.VIEW_ORDERS])
    program = await door.authenticator.authenticate(issued.text, CLIENT)

    with pytest.raises(NotASessionError):
        await change_password(door, program, current_password=PASSWORD, new_password=NEXT)


async def test_none_of_the_last_five_passwords_comes_back_however_it_is_composed(
    door: Door, found: Found, clock: SetClock
) -> None:
    firm = await found()
    person = firm.registered.principal
    used = [PASSWORD, *(f"purple tram {word} the lake" for word in ("under", "beside", "behind", "before", "after"))]
    for present, following in pairwise(used):
        clock.advance(timedelta(days=1))
        await change_password(door, person, current_password=present, new_password=following)

    refused = []
    for former in [*used[1:], "purple tram \N{FULLWIDTH LATIN SMALL LETTER A}fter the lake"]:
        with pytest.raises(PasswordReusedError) as error:
            await change_password(door, person, current_password=used[-1], new_password=former)
        refused.append(error.value.path)
    await change_password(door, person, current_password=used[-1], new_password=PASSWORD)

    assert refused == [("newPassword",)] * 6


async def test_a_weak_password_is_refused_under_the_name_of_its_field(door: Door, found: Found) -> None:
    firm = await found()

    for weak in ("short", "x" * 129, "aaaaaaaaaaaa", "annleeannlee", "qwertyuiopas"):
        with pytest.raises(WeakPasswordError) as refused:
            await change_password(door, firm.registered.principal, current_password=PASSWORD, new_password=weak)
        assert refused.value.path == ("newPassword",)


async def test_of_two_changes_at_once_one_holds(door: Door, found: Found) -> None:
    firm = await found()

    answers = await asyncio.gather(
        *(
            change_password(door, firm.registered.principal, current_password=PASSWORD, new_password=f"{NEXT} {number}")
            for number in range(3)
        ),
        return_exceptions=True,
    )

    assert sum(answer is None for answer in answers) == 1
    assert sum(isinstance(answer, PasswordWrongError) for answer in answers) == 2


async def test_a_reset_by_mail_ends_all_sessions_and_signs_nobody_in(
    door: Door, found: Found, mailbox: Mailbox, owner: asyncpg.Connection
) -> None:
    firm = await found()
    mine = await enter(door, firm)

    await reset_password(door, token=await reset_link(door, mailbox, firm), new_password=NEXT, client=CLIENT)

    with pytest.raises(CredentialRefusedError):
        await door.authenticator.authenticate(mine.access_token, CLIENT)
    assert (
        await owner.fetchval(
            "SELECT count(*) FROM auth_sessions WHERE user_id = $1 AND revoked_at IS NULL", firm.registered.user.id
        )
        == 0
    )
    with pytest.raises(LoginRefusedError):
        await enter(door, firm)
    await signed_in(door, firm, NEXT)
    assert "password.reset" in await actions(owner, firm)
    assert "Your password was changed" in [mail.subject for mail in await mailbox.to(firm.registration.email)]


async def test_a_link_resets_once_of_many_who_use_it_at_once(door: Door, found: Found, mailbox: Mailbox) -> None:
    firm = await found()
    token = await reset_link(door, mailbox, firm)

    answers = await asyncio.gather(
        *(
            reset_password(
                door, token=token, new_password=f"{NEXT} {number}", client=from_address(f"198.51.100.{number}")
            )
            for number in range(5)
        ),
        return_exceptions=True,
    )

    assert sum(answer is None for answer in answers) == 1
    assert sum(isinstance(answer, MailTokenError) for answer in answers) == 4


async def test_a_reset_makes_all_other_links_void(door: Door, found: Found, mailbox: Mailbox, clock: SetClock) -> None:
    firm = await found()
    first = await reset_link(door, mailbox, firm)
    clock.advance(timedelta(seconds=1))
    second = await reset_link(door, mailbox, firm)

    await reset_password(door, token=second, new_password=NEXT, client=CLIENT)

    assert first != second
    with pytest.raises(MailTokenError):
        await reset_password(door, token=first, new_password=f"{NEXT} again", client=CLIENT)


async def test_a_change_makes_links_to_reset_void(door: Door, found: Found, mailbox: Mailbox) -> None:
    firm = await found()
    token = await reset_link(door, mailbox, firm)

    await change_password(door, firm.registered.principal, current_password=PASSWORD, new_password=NEXT)

    with pytest.raises(MailTokenError):
        await reset_password(door, token=token, new_password=f"{NEXT} again", client=CLIENT)


async def test_a_link_to_reset_ends_after_half_an_hour(
    door: Door, found: Found, mailbox: Mailbox, clock: SetClock
) -> None:
    firm = await found()
    token = await reset_link(door, mailbox, firm)

    clock.advance(timedelta(minutes=30))

    with pytest.raises(MailTokenError):
        await reset_password(door, token=token, new_password=NEXT, client=CLIENT)


async def test_a_password_that_is_refused_leaves_the_link(door: Door, found: Found, mailbox: Mailbox) -> None:
    firm = await found()
    token = await reset_link(door, mailbox, firm)

    refused: list[OmsError] = []
    for password in ("short", PASSWORD):
        with pytest.raises(OmsError) as error:
            await reset_password(door, token=token, new_password=password, client=CLIENT)
        refused.append(error.value)
    await reset_password(door, token=token, new_password=NEXT, client=CLIENT)

    assert [error.code for error in refused] == ["PASSWORD_WEAK", "PASSWORD_REUSED"]


async def test_nobody_else_is_mailed_and_the_answer_is_the_same(
    door: Door, found: Found, mailbox: Mailbox, owner: asyncpg.Connection
) -> None:
    suspended = await found()
    await owner.execute("UPDATE users SET is_active = false WHERE id = $1", suspended.registered.user.id)

    for email in ("nobody-at-all@example.com", suspended.registration.email):
        await request_password_reset(door, email, CLIENT)

        assert await mailbox.to(email) == []


async def test_a_token_does_not_work_for_another_person_nor_for_another_purpose(
    door: Door, found: Found, mailbox: Mailbox
) -> None:
    mine, theirs = await found(), await found()
    my_token, their_token = await reset_link(door, mailbox, mine), await reset_link(door, mailbox, theirs)
    forged = f"omt_{their_token.split('_')[1]}_{my_token.split('_')[2]}"
    from app.flows.identity.change_email import verify_email

    with pytest.raises(MailTokenError):
        await reset_password(door, token=forged, new_password=NEXT, client=CLIENT)
    with pytest.raises(MailTokenError):
        await verify_email(door, token=my_token, password=PASSWORD, client=CLIENT)
    await reset_password(door, token=my_token, new_password=NEXT, client=CLIENT)


@pytest.mark.parametrize("token", ["", "omt_" + "a" * 26 + "_" + "a" * 52, "x" * 100_000, "\x00", "omr_x"])
async def test_an_invented_token_resets_nothing(door: Door, token: str) -> None:
    with pytest.raises(MailTokenError):
        await reset_password(door, token=token, new_password=NEXT, client=CLIENT)


async def test_reset_tokens_are_stored_as_hashes(
    door: Door, found: Found, mailbox: Mailbox, owner: asyncpg.Connection
) -> None:
    firm = await found()
    token = await reset_link(door, mailbox, firm)

    rows = await owner.fetch("SELECT * FROM person_tokens WHERE user_id = $1", firm.registered.user.id)

    assert len(rows) == 1
    assert token.rpartition("_")[2] not in repr(rows)
