"""Logins that were on their way when the person's account changed: what ends all sessions ends these too."""

import asyncpg
import pyotp
import pytest

from app.flows.identity.begin_two_factor import begin_two_factor
from app.flows.identity.change_password import change_password
from app.flows.identity.confirm_two_factor import confirm_two_factor
from app.flows.identity.door import Door
from app.flows.identity.log_in import Proven, open_session, prove_password
from app.identity import platform
from app.identity.domain import TokenPair
from app.identity.errors import CredentialRefusedError, LoginRefusedError
from app.identity.two_factor.domain import Challenge
from app.infra.uow import Scope, begin
from tests.integration.identity.conftest import CLIENT, PASSWORD, Firm, Found

NEXT = "purple tram over the lake"


async def half_way(door: Door, firm: Firm) -> Proven:
    """A login whose password was found right, and that has no session yet."""
    email = firm.registration.email
    return await prove_password(door, email=email, password=PASSWORD, tenant_slug=None, client=CLIENT)


async def test_a_login_with_the_old_password_opens_nothing_after_the_change(door: Door, found: Found) -> None:
    firm = await found()
    thief = await half_way(door, firm)
    await change_password(door, firm.registered.principal, current_password=PASSWORD, new_password=NEXT)

    with pytest.raises(LoginRefusedError):
        await open_session(door, thief, CLIENT)


async def test_a_login_goes_on_where_the_same_password_was_hashed_anew(door: Door, found: Found) -> None:
    firm = await found()
    proven = await half_way(door, firm)
    person = proven.user.id
    again = await door.passwords.hash(PASSWORD)
    async with begin(door.database, Scope(user_id=person)) as session:
        await door.identity.rehash(session, person, proven.stored_hash, again)

    assert isinstance(await open_session(door, proven, CLIENT), TokenPair)


async def test_a_second_factor_that_was_set_up_meanwhile_is_asked_for(door: Door, found: Found) -> None:
    firm = await found()
    proven = await half_way(door, firm)
    enrolment = await begin_two_factor(door, firm.registered.principal)
    code = pyotp.TOTP(enrolment.secret).at(door.clock.now())
    await confirm_two_factor(door, firm.registered.principal, code)

    assert isinstance(await open_session(door, proven, CLIENT), Challenge)


async def test_a_login_of_the_platform_ends_with_the_password_that_opened_it(
    door: Door, found: Found, owner: asyncpg.Connection
) -> None:
    firm = await found()
    person = firm.registered.user.id
    await owner.execute(
        "INSERT INTO platform_administrators (user_id, granted_at, note) VALUES ($1, now(), 'x')", person
    )
    async with begin(door.database, Scope(user_id=person, platform_user_id=person)) as session:
        thief = await platform.open_session(session, person, CLIENT, ids=door.ids, now=door.clock.now())
    assert (await door.authenticator.authenticate(thief.token, CLIENT)).platform_session_id is not None

    await change_password(door, firm.registered.principal, current_password=PASSWORD, new_password=NEXT)

    with pytest.raises(CredentialRefusedError):
        await door.authenticator.authenticate(thief.token, CLIENT)
