"""The door from the mail to the desk: an invitation, a forgotten password, a second factor, in a running system."""

import asyncio
import re
import time
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
from playwright.async_api import expect

from tests.browser.house import PASSWORD, SHOWN_MS_MAX, STEP_S, House, sign_in
from tests.browser.watch import Watch

pytestmark = pytest.mark.browser

_OTHER_PASSWORD = "purple tram over the lake"


async def _expect_signed_in(watch: Watch, house: House) -> None:
    await expect(watch.page.get_by_role("button", name="Sign out")).to_be_visible(timeout=SHOWN_MS_MAX)
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
    await expect(page.get_by_role("alert")).not_to_be_empty(timeout=SHOWN_MS_MAX)
    await page.get_by_label("New password").fill(PASSWORD)
    await page.get_by_role("button", name="Accept").click()
    await expect(page.get_by_text(f"Sign in as {email}.")).to_be_visible(timeout=SHOWN_MS_MAX)
    assert page.url == f"{house.base}/accept-invitation"
    await page.goto(link)
    await page.get_by_label("First name").fill("Test")
    await page.get_by_label("Last name").fill("Person")
    await page.get_by_label("New password").fill(PASSWORD)
    await page.get_by_role("button", name="Accept").click()
    await expect(page.get_by_role("alert")).to_contain_text("does not hold", timeout=SHOWN_MS_MAX)
    await page.get_by_role("link", name="Sign in").click()
    await sign_in(page, house, email, PASSWORD)

    await _expect_signed_in(watch, house)


async def test_who_has_no_account_yet_is_told_when_they_say_they_have_one(watch: Watch, house: House) -> None:
    page = watch.page
    email, link = await house.invite()
    await page.goto(link)
    await page.get_by_role("button", name="I have an account").click()

    await page.get_by_label("Your password").fill(PASSWORD)
    await page.get_by_role("button", name="Accept").click()

    await expect(page.get_by_role("alert")).to_contain_text("You have no account yet", timeout=SHOWN_MS_MAX)
    await page.get_by_label("First name").fill("Test")
    await page.get_by_label("Last name").fill("Person")
    await page.get_by_label("New password").fill(PASSWORD)
    await page.get_by_role("button", name="Accept").click()
    await expect(page.get_by_text(f"Sign in as {email}.")).to_be_visible(timeout=SHOWN_MS_MAX)
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
    await expect(page.get_by_text("Your password is changed.")).to_be_visible(timeout=SHOWN_MS_MAX)
    await page.goto(link)
    await page.get_by_label("New password").fill("another lantern beside the pier")
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_role("alert")).to_contain_text("This link does not hold", timeout=SHOWN_MS_MAX)
    await expect(page.get_by_role("link", name="Ask for another link")).to_be_visible()
    await sign_in(page, house, email, PASSWORD)
    await expect(page.get_by_role("alert")).not_to_be_empty(timeout=SHOWN_MS_MAX)
    await sign_in(page, house, email, _OTHER_PASSWORD)

    await _expect_signed_in(watch, house)


async def test_who_forgot_a_password_is_answered_alike_with_and_without_an_account(watch: Watch, house: House) -> None:
    page = watch.page
    told = []
    for email in (await house.member(), f"{uuid4().hex}@example.com"):
        await page.goto(f"{house.base}/forgot-password")

        await page.get_by_label("E-mail").fill(email)
        await page.get_by_role("button", name="Send the link").click()

        await expect(page.get_by_role("status")).to_be_visible(timeout=SHOWN_MS_MAX)
        told.append((await page.locator("main").inner_text()).replace(email, "(address)"))
    assert told[0] == told[1]
    assert watch.complaints == []


async def test_a_second_factor_is_asked_for_after_the_password(watch: Watch, house: House) -> None:
    page = watch.page
    email = await house.member()
    authenticator, _ = await house.enrol(email)
    await sign_in(page, house, email, PASSWORD)
    code = page.get_by_label("Code of your authenticator")
    await expect(code).to_be_focused(timeout=SHOWN_MS_MAX)
    assert await page.context.cookies() == []

    await code.fill("not a code")
    await page.get_by_role("button", name="Sign in").click()
    await expect(page.get_by_role("alert")).not_to_be_empty(timeout=SHOWN_MS_MAX)
    assert await page.context.cookies() == []
    # The step that confirmed is spent, and the next one holds already.
    await code.fill(authenticator.at(time.time() + STEP_S))
    await page.get_by_role("button", name="Sign in").click()

    await _expect_signed_in(watch, house)


async def test_a_recovery_code_signs_in_once(watch: Watch, house: House) -> None:
    page = watch.page
    email = await house.member()
    _, recovery_codes = await house.enrol(email)
    code = page.get_by_label("Code of your authenticator")
    await sign_in(page, house, email, PASSWORD)

    await code.fill(recovery_codes[0])
    await page.get_by_role("button", name="Sign in").click()

    await _expect_signed_in(watch, house)
    await page.get_by_role("button", name="Sign out").click()
    await expect(page.get_by_label("E-mail")).to_be_visible(timeout=SHOWN_MS_MAX)
    await sign_in(page, house, email, PASSWORD)
    await code.fill(recovery_codes[0])
    await page.get_by_role("button", name="Sign in").click()
    await expect(page.get_by_role("alert")).not_to_be_empty(timeout=SHOWN_MS_MAX)
    assert await page.context.cookies() == []


async def test_who_guesses_is_told_in_words_how_long_to_wait(watch: Watch, house: House) -> None:
    page = watch.page
    email = await house.member()
    await page.goto(f"{house.base}/sign-in")
    await page.get_by_label("E-mail").fill(email)
    alert = page.get_by_role("alert")

    async with asyncio.timeout(SHOWN_MS_MAX / 1000):
        while "Too many tries" not in await alert.inner_text():
            await page.get_by_label("Password").fill(uuid4().hex)
            await page.get_by_role("button", name="Sign in").click()
            await expect(alert).not_to_be_empty()

    await expect(alert).to_have_text(re.compile(r"Too many tries\. Try again in \d+ seconds?\."))
    assert watch.complaints == []
