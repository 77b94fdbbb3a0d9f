"""The door from the mail to the desk: an invitation, a forgotten password, a second factor, in a running system."""

import asyncio
import re
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import httpx
import pyotp
import pytest
from playwright.async_api import Page, expect

from app.infra.mail import MailFolder
from tests.browser.watch import Watch
from tests.installation import installed, until

pytestmark = pytest.mark.browser

_SHOWN_MS_MAX = 20_000
_STEP_S = 30
_PASSWORD = "seven tall lanterns drift"
_OTHER_PASSWORD = "purple tram over the lake"
_NAMES = {"firstName": "Test", "lastName": "Person"}
_LOG_IN = "mutation($i: LoginInput!) { login(input: $i) { tokens { accessToken } errors { code } } }"
_INVITE = "mutation($i: InviteMemberInput!) { inviteMember(input: $i) { errors { code } } }"
_ACCEPT = "mutation($i: AcceptInvitationInput!) { acceptInvitation(input: $i) { errors { code } } }"
_BEGIN = "mutation { beginTwoFactor { secret errors { code } } }"
_CONFIRM = "mutation($i: ConfirmTwoFactorInput!) { confirmTwoFactor(input: $i) { recoveryCodes errors { code } } }"


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """A running system, its mails, and the token of its demo's administrator."""

    base: str
    mails: MailFolder
    token: str

    async def ask(
        self, document: str, *, token: str | None = None, given: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """The payload of a mutation that a program sends."""
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        async with httpx.AsyncClient(base_url=self.base, headers=headers, timeout=20) as client:
            answer = (await client.post("/graphql", json={"query": document, "variables": {"i": given}})).json()
        (payload,) = answer["data"].values()
        assert payload["errors"] == []
        found: dict[str, Any] = payload
        return found

    async def link(self, address: str, page: str) -> str:
        """The newest link to the page that the address was mailed."""

        def links() -> Iterator[str]:
            mailed = [mail.text for mail in self.mails.mails() if mail.recipient == address]
            return (match.group() for match in (re.search(rf"\S+{page}#token=\S+", text) for text in mailed) if match)

        await until(lambda: next(links(), None))
        return next(links())

    async def invite(self) -> tuple[str, str]:
        """Somebody who is invited for the first time: their address and their link."""
        email = f"{uuid4().hex}@example.com"
        await self.ask(_INVITE, token=self.token, given={"email": email, "role": "TRADER"})
        return email, await self.link(email, "/accept-invitation")

    async def member(self) -> str:
        """The address of a member who has _PASSWORD."""
        email, link = await self.invite()
        token = link.partition("#token=")[2]
        await self.ask(_ACCEPT, given={"token": token, "password": _PASSWORD, **_NAMES})
        return email

    async def enrol(self, email: str) -> tuple[pyotp.TOTP, list[str]]:
        """The member's authenticator and recovery codes."""
        token = (await self.ask(_LOG_IN, given={"email": email, "password": _PASSWORD}))["tokens"]["accessToken"]
        authenticator = pyotp.TOTP((await self.ask(_BEGIN, token=token))["secret"])
        confirmed = await self.ask(_CONFIRM, token=token, given={"code": authenticator.now()})
        return authenticator, confirmed["recoveryCodes"]


@pytest.fixture(scope="module")
async def house(static_dir: Path) -> AsyncIterator[House]:
    """The whole system as `make run` starts it; its mails go to a folder."""
    async with installed() as installation:
        demo = await installation.demo()
        address = urlsplit(demo["graphqlUrl"])
        mails = MailFolder(folder=installation.state_dir / "mail")
        house = House(base=f"{address.scheme}://{address.netloc}", mails=mails, token="")
        credentials = {"email": demo["email"], "password": demo["password"]}
        entered = await house.ask(_LOG_IN, given=credentials)
        yield replace(house, token=entered["tokens"]["accessToken"])


async def _sign_in(page: Page, house: House, email: str, password: str) -> None:
    await page.goto(f"{house.base}/sign-in")
    await page.get_by_label("E-mail").fill(email)
    await page.get_by_label("Password").fill(password)
    await page.get_by_role("button", name="Sign in").click()


async def _expect_signed_in(watch: Watch, house: House) -> None:
    await expect(watch.page.get_by_role("button", name="Sign out")).to_be_visible(timeout=_SHOWN_MS_MAX)
    assert urlsplit(watch.page.url).path == "/"
    assert watch.complaints == []
    assert watch.hosts == {urlsplit(house.base).netloc}


async def test_an_invited_person_gets_an_account_and_signs_in(watch: Watch, house: House) -> None:
    page = watch.page
    email, link = await house.invite()

    await page.goto(link)
    await page.get_by_label("First name").fill("Test")
    await page.get_by_label("Last name").fill("Person")
    await page.get_by_label("New password").fill("password1234")
    await page.get_by_role("button", name="Accept").click()
    await expect(page.get_by_role("alert")).not_to_be_empty(timeout=_SHOWN_MS_MAX)
    await page.get_by_label("New password").fill(_PASSWORD)
    await page.get_by_role("button", name="Accept").click()
    await expect(page.get_by_text(f"Sign in as {email}.")).to_be_visible(timeout=_SHOWN_MS_MAX)
    assert page.url == f"{house.base}/accept-invitation"
    await page.goto(link)
    await page.get_by_label("First name").fill("Test")
    await page.get_by_label("Last name").fill("Person")
    await page.get_by_label("New password").fill(_PASSWORD)
    await page.get_by_role("button", name="Accept").click()
    await expect(page.get_by_role("alert")).to_contain_text("does not hold", timeout=_SHOWN_MS_MAX)
    await page.get_by_role("link", name="Sign in").click()
    await _sign_in(page, house, email, _PASSWORD)

    await _expect_signed_in(watch, house)


async def test_who_has_no_account_yet_is_told_when_they_say_they_have_one(watch: Watch, house: House) -> None:
    page = watch.page
    email, link = await house.invite()
    await page.goto(link)
    await page.get_by_role("button", name="I have an account").click()

    await page.get_by_label("Your password").fill(_PASSWORD)
    await page.get_by_role("button", name="Accept").click()

    await expect(page.get_by_role("alert")).to_contain_text("You have no account yet", timeout=_SHOWN_MS_MAX)
    await page.get_by_label("First name").fill("Test")
    await page.get_by_label("Last name").fill("Person")
    await page.get_by_label("New password").fill(_PASSWORD)
    await page.get_by_role("button", name="Accept").click()
    await expect(page.get_by_text(f"Sign in as {email}.")).to_be_visible(timeout=_SHOWN_MS_MAX)
    assert watch.complaints == []


async def test_a_forgotten_password_is_replaced_by_the_link_of_a_mail(watch: Watch, house: House) -> None:
    page = watch.page
    email = await house.member()
    await page.goto(f"{house.base}/sign-in")
    await page.get_by_role("link", name="Forgot your password?").click()

    await page.get_by_label("E-mail").fill(email)
    await page.get_by_role("button", name="Send the link").click()
    await expect(page.get_by_role("status")).to_contain_text(f"If {email} has an account")
    link = await house.link(email, "/reset-password")
    await page.goto(link)
    await page.get_by_label("New password").fill(_OTHER_PASSWORD)
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_text("Your password is changed.")).to_be_visible(timeout=_SHOWN_MS_MAX)
    await page.goto(link)
    await page.get_by_label("New password").fill("another lantern beside the pier")
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_role("alert")).to_contain_text("This link does not hold", timeout=_SHOWN_MS_MAX)
    await expect(page.get_by_role("link", name="Ask for another link")).to_be_visible()
    await _sign_in(page, house, email, _PASSWORD)
    await expect(page.get_by_role("alert")).not_to_be_empty(timeout=_SHOWN_MS_MAX)
    await _sign_in(page, house, email, _OTHER_PASSWORD)

    await _expect_signed_in(watch, house)


async def test_who_forgot_a_password_is_answered_alike_with_and_without_an_account(watch: Watch, house: House) -> None:
    page = watch.page
    told = []
    for email in (await house.member(), f"{uuid4().hex}@example.com"):
        await page.goto(f"{house.base}/forgot-password")

        await page.get_by_label("E-mail").fill(email)
        await page.get_by_role("button", name="Send the link").click()

        await expect(page.get_by_role("status")).to_be_visible(timeout=_SHOWN_MS_MAX)
        told.append((await page.locator("main").inner_text()).replace(email, "(address)"))
    assert told[0] == told[1]
    assert watch.complaints == []


async def test_a_second_factor_is_asked_for_after_the_password(watch: Watch, house: House) -> None:
    page = watch.page
    email = await house.member()
    authenticator, _ = await house.enrol(email)
    await _sign_in(page, house, email, _PASSWORD)
    code = page.get_by_label("Code of your authenticator")
    await expect(code).to_be_focused(timeout=_SHOWN_MS_MAX)
    assert await page.context.cookies() == []

    await code.fill("not a code")
    await page.get_by_role("button", name="Sign in").click()
    await expect(page.get_by_role("alert")).not_to_be_empty(timeout=_SHOWN_MS_MAX)
    assert await page.context.cookies() == []
    # The step that confirmed is spent, and the next one holds already.
    await code.fill(authenticator.at(time.time() + _STEP_S))
    await page.get_by_role("button", name="Sign in").click()

    await _expect_signed_in(watch, house)


async def test_a_recovery_code_signs_in_once(watch: Watch, house: House) -> None:
    page = watch.page
    email = await house.member()
    _, recovery_codes = await house.enrol(email)
    code = page.get_by_label("Code of your authenticator")
    await _sign_in(page, house, email, _PASSWORD)

    await code.fill(recovery_codes[0])
    await page.get_by_role("button", name="Sign in").click()

    await _expect_signed_in(watch, house)
    await page.get_by_role("button", name="Sign out").click()
    await _sign_in(page, house, email, _PASSWORD)
    await code.fill(recovery_codes[0])
    await page.get_by_role("button", name="Sign in").click()
    await expect(page.get_by_role("alert")).not_to_be_empty(timeout=_SHOWN_MS_MAX)
    assert await page.context.cookies() == []


async def test_who_guesses_is_told_in_words_how_long_to_wait(watch: Watch, house: House) -> None:
    page = watch.page
    email = await house.member()
    await page.goto(f"{house.base}/sign-in")
    await page.get_by_label("E-mail").fill(email)
    alert = page.get_by_role("alert")

    async with asyncio.timeout(_SHOWN_MS_MAX / 1000):
        while "Too many tries" not in await alert.inner_text():
            await page.get_by_label("Password").fill(uuid4().hex)
            await page.get_by_role("button", name="Sign in").click()
            await expect(alert).not_to_be_empty()

    await expect(alert).to_have_text(re.compile(r"Too many tries\. Try again in \d+ seconds?\."))
    assert watch.complaints == []
