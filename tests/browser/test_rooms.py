"""The rooms of whoever runs a firm: a second factor, keys, members, brokers, the audit log, in a running system."""

import asyncio
import re
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import httpx
import pyotp
import pytest
from playwright.async_api import Page, expect

from tests.browser.demo import ask
from tests.browser.house import PASSWORD, SHOWN_MS_MAX, STEP_S, House, housed, sign_in
from tests.browser.watch import Watch

pytestmark = pytest.mark.browser

_POWER_LOST_S_MAX = 10
_REGISTER = "mutation($i: RegisterInput!) { register(input: $i) { errors { code } } }"
_VERIFY_EMAIL = "mutation($i: VerifyEmailInput!) { verifyEmail(input: $i) { tokens { accessToken } errors { code } } }"
_BEGIN = "mutation { beginTwoFactor { secret errors { code } } }"
_CONFIRM = "mutation($i: ConfirmTwoFactorInput!) { confirmTwoFactor(input: $i) { recoveryCodes errors { code } } }"
_DEMAND = "mutation($i: DemandTwoFactorInput!) { demandTwoFactor(input: $i) { errors { code } } }"
_INVITE = "mutation($i: InviteMemberInput!) { inviteMember(input: $i) { errors { code } } }"
_RETAIN = "mutation($i: SetRecordRetentionInput!) { setRecordRetention(input: $i) { errors { code } } }"
_ACCEPT = "mutation($i: AcceptInvitationInput!) { acceptInvitation(input: $i) { errors { code } } }"


@pytest.fixture(scope="module")
async def house(static_dir: Path) -> AsyncIterator[House]:
    """The whole system as `make run` starts it; its mails go to a folder."""
    async with housed() as house:
        yield house


async def _enter(page: Page, house: House, email: str, password: str = PASSWORD, *, path: str = "/settings") -> None:
    """Signs in and goes to a page."""
    await sign_in(page, house, email, password)
    await expect(page.get_by_role("button", name="Sign out", exact=True)).to_be_visible(timeout=SHOWN_MS_MAX)
    await page.goto(house.base + path)


async def _enter_as_administrator(page: Page, house: House, path: str) -> None:
    await _enter(page, house, house.demo["email"], house.demo["password"], path=path)


async def _retention(house: House) -> Any:
    return (await ask(house.demo, "{ recordRetention { alertDays caseDays } }", token=house.token))["recordRetention"]


def _expect_quiet(watch: Watch, house: House) -> None:
    assert watch.complaints == []
    assert watch.hosts == {urlsplit(house.base).netloc}


async def test_a_second_factor_is_set_up_and_asked_for_at_the_next_sign_in(watch: Watch, house: House) -> None:
    page = watch.page
    email = await house.member()
    await _enter(page, house, email, path="/settings?tab=security")
    await page.get_by_role("button", name="Set up a second factor").click()
    dialog = page.get_by_role("dialog", name="Set up a second factor")
    await dialog.get_by_role("button", name="Set up").click()
    code_drawn = dialog.get_by_role("img", name="QR code of the secret")
    await expect(code_drawn).to_be_visible(timeout=SHOWN_MS_MAX)
    await expect(code_drawn).to_have_js_property("complete", value=True)
    assert await code_drawn.evaluate("image => image.naturalWidth") > 0
    secret = (await dialog.locator("code").inner_text()).replace(" ", "")
    code = dialog.get_by_label("Code", exact=True)

    await code.fill("000000")
    await dialog.get_by_role("button", name="Confirm").click()
    await expect(dialog.get_by_text("wrong")).to_be_visible(timeout=SHOWN_MS_MAX)
    await code.fill(pyotp.TOTP(secret).now())
    await dialog.get_by_role("button", name="Confirm").click()

    recovery_codes = (await dialog.get_by_label("Recovery codes").inner_text(timeout=SHOWN_MS_MAX)).split()
    assert len(recovery_codes) == 10
    await dialog.get_by_role("button", name="I have kept them").click()
    await expect(page.get_by_text("10 of 10")).to_be_visible(timeout=SHOWN_MS_MAX)
    await page.get_by_role("button", name="Sign out", exact=True).click()
    await sign_in(page, house, email)
    await page.get_by_label("Code of your authenticator").fill(recovery_codes[0])
    await page.get_by_role("button", name="Sign in").click()
    await expect(page.get_by_role("button", name="Sign out", exact=True)).to_be_visible(timeout=SHOWN_MS_MAX)
    await page.goto(f"{house.base}/settings?tab=security")
    await expect(page.get_by_text("9 of 10")).to_be_visible(timeout=SHOWN_MS_MAX)
    _expect_quiet(watch, house)


async def test_a_step_up_is_asked_for_in_the_middle_of_an_act_which_then_goes_on(watch: Watch, house: House) -> None:
    page = watch.page
    email = await house.member()
    await _enter(page, house, email, path="/developers")
    # The password is no proof any more, once there is a second factor.
    authenticator, _ = await house.enrol(email)
    await page.get_by_role("button", name="New key").click()
    await page.get_by_label("Name", exact=True).fill("night desk")
    await page.get_by_role("button", name="Make the key").click()
    prompt = page.get_by_role("dialog", name="Confirm that it is you")
    code = prompt.get_by_label("Code, or a recovery code")
    await expect(code).to_be_focused(timeout=SHOWN_MS_MAX)

    await page.keyboard.press("Escape")
    await expect(prompt).to_have_count(0)
    assert await page.get_by_label("Name", exact=True).input_value() == "night desk"
    await page.get_by_role("button", name="Make the key").click()
    await code.fill("000000")
    await page.keyboard.press("Enter")
    await expect(prompt.get_by_text("wrong")).to_be_visible(timeout=SHOWN_MS_MAX)
    await code.fill(authenticator.at(time.time() + STEP_S))
    await page.keyboard.press("Enter")

    told = page.get_by_role("dialog", name="The key night desk")
    await expect(told.get_by_label("API key")).to_have_text(re.compile("^oms_"), timeout=SHOWN_MS_MAX)
    await told.get_by_role("button", name="I have kept it").click()
    await expect(page.get_by_role("cell", name="night desk")).to_be_visible()
    _expect_quiet(watch, house)


async def _status(house: House, key: str) -> int:
    async with httpx.AsyncClient(headers={"Authorization": f"Bearer {key}"}, timeout=20) as client:
        answer = await client.post(f"{house.base}/graphql", json={"query": "{ viewer { apiKey { name } } }"})
    errors = answer.json().get("errors", [])
    return 401 if any(error["extensions"]["code"] == "UNAUTHENTICATED" for error in errors) else answer.status_code


async def test_a_key_is_told_once_works_and_holds_no_more_when_it_is_revoked(watch: Watch, house: House) -> None:
    page = watch.page
    name = f"key {uuid4().hex[:8]}"
    await _enter_as_administrator(page, house, "/developers")
    await page.get_by_role("button", name="New key").click()
    await page.get_by_label("Name", exact=True).fill(name)
    await page.get_by_label("Only from").fill("no network")
    await page.get_by_role("button", name="Make the key").click()
    await expect(page.get_by_label("Only from")).to_have_attribute("aria-invalid", "true", timeout=SHOWN_MS_MAX)
    await page.get_by_label("Only from").fill("127.0.0.0/8")
    await page.get_by_role("button", name="Make the key").click()
    key = await page.get_by_role("dialog", name=f"The key {name}").get_by_label("API key").inner_text()
    await page.get_by_role("button", name="I have kept it").click()
    assert await _status(house, key) == 200

    row = page.get_by_role("row", name=name)
    await row.get_by_role("button", name="Revoke").click()
    await page.get_by_role("dialog").get_by_role("button", name="Revoke").click()

    await expect(row).to_have_count(0, timeout=SHOWN_MS_MAX)
    assert key not in await page.content()
    async with asyncio.timeout(_POWER_LOST_S_MAX):
        while await _status(house, key) != 401:
            await asyncio.sleep(0.2)
    await page.get_by_role("button", name="Show ended keys").click()
    await expect(row).to_contain_text("Revoked")
    _expect_quiet(watch, house)


async def test_somebody_is_invited_joins_and_is_given_another_role(watch: Watch, house: House) -> None:
    page = watch.page
    email = f"{uuid4().hex}@example.com"
    await _enter_as_administrator(page, house, "/settings?tab=members")
    await page.get_by_role("button", name="Invite somebody").click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_label("E-mail").fill(email)
    await dialog.get_by_label("Role").select_option("VIEWER")

    await dialog.get_by_role("button", name="Send the invitation").click()

    invitation = page.get_by_role("group", name="Invitations").get_by_role("row", name=email)
    await expect(invitation.first).to_be_visible(timeout=SHOWN_MS_MAX)
    link = await house.link(email, "/accept-invitation")
    joining = {"token": link.partition("#token=")[2], "password": PASSWORD, "firstName": "Test", "lastName": "Person"}
    await house.ask(_ACCEPT, given=joining)
    await page.reload()
    member = page.get_by_role("table").first.get_by_role("row").filter(has_text=email)
    await expect(member).to_contain_text("Viewer", timeout=SHOWN_MS_MAX)
    await member.get_by_role("button", name="Change").click()
    await dialog.get_by_label("Role").select_option("COMPLIANCE")
    await dialog.get_by_role("button", name="Save").click()
    await expect(member).to_contain_text("Compliance", timeout=SHOWN_MS_MAX)
    _expect_quiet(watch, house)


async def test_a_file_of_members_is_tried_before_it_is_taken(watch: Watch, house: House) -> None:
    page = watch.page
    email = f"{uuid4().hex}@example.com"
    content = f"email,role\n{email},TRADER\nnobody,EMPEROR\n".encode()
    await _enter_as_administrator(page, house, "/settings?tab=members")
    await page.get_by_role("button", name="Import CSV").click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_label("File").set_input_files({"name": "m.csv", "mimeType": "text/csv", "buffer": content})

    await dialog.get_by_role("button", name="Try it").click()

    report = dialog.get_by_role("table")
    await expect(report.get_by_role("row", name=email)).to_contain_text("Invited", timeout=SHOWN_MS_MAX)
    await expect(report.get_by_role("row", name="nobody")).to_contain_text("Refused")
    await expect(dialog.get_by_text("1 invited, 1 refused. Nothing was stored yet.")).to_be_visible()
    await dialog.get_by_label("Only tell").uncheck()
    await dialog.get_by_label("Take the lines").check()
    await dialog.get_by_role("button", name="Import", exact=True).click()
    await expect(dialog.get_by_text("1 invited, 1 refused. Stored.")).to_be_visible(timeout=SHOWN_MS_MAX)
    await dialog.get_by_role("button", name="Cancel").click()
    invitations = page.get_by_role("group", name="Invitations")
    await expect(invitations.get_by_text(email)).to_be_visible(timeout=SHOWN_MS_MAX)
    _expect_quiet(watch, house)


async def test_a_shorter_retention_says_what_goes_and_is_not_set_unless_that_is_ticked(
    watch: Watch, house: House
) -> None:
    page = watch.page
    await house.ask(_RETAIN, token=house.token, given={"alertDays": 2557, "caseDays": 2557})
    await _enter_as_administrator(page, house, "/settings?tab=firm")
    records = page.get_by_role("region", name="Compliance records")
    alerts = records.get_by_label("Keep alerts of restricted names, days")
    await expect(alerts).to_have_value("2557", timeout=SHOWN_MS_MAX)
    await alerts.fill("1827")
    await expect(records.get_by_text("go in the coming night, and do not come back")).to_be_visible()

    await records.get_by_role("button", name="Save").click()

    assert await _retention(house) == {"alertDays": 2557, "caseDays": 2557}
    await records.get_by_label("Delete them").check()
    await records.get_by_role("button", name="Save").click()
    await expect(records.get_by_text("1,827 days, about 5 years")).to_be_visible(timeout=SHOWN_MS_MAX)
    assert await _retention(house) == {"alertDays": 1827, "caseDays": 2557}
    _expect_quiet(watch, house)


async def test_a_break_is_found_looked_into_and_resolved(watch: Watch, house: House) -> None:
    page = watch.page
    await _enter_as_administrator(page, house, "/brokers?tab=faults")
    await page.get_by_role("row", name="assigned-overnight").get_by_role("button", name="Play").click()
    await expect(page.get_by_role("status").get_by_text("assigned-overnight plays")).to_be_visible(timeout=SHOWN_MS_MAX)
    await page.get_by_role("link", name="Accounts", exact=True).click()
    breaks = page.get_by_role("link", name=re.compile(r"^Breaks \d"))
    async with asyncio.timeout(SHOWN_MS_MAX / 1000):
        while not await breaks.count():
            await page.get_by_role("button", name="Reconcile").first.click()
            await expect(page.get_by_role("button", name="Reconcile").first).to_be_enabled(timeout=SHOWN_MS_MAX)
            await page.get_by_role("link", name="Breaks").click()
            await asyncio.sleep(0.3)
            if await page.get_by_role("button", name="Quantities differ").count():
                break
            await page.get_by_role("link", name="Accounts", exact=True).click()
    await page.get_by_role("link", name="Breaks").click()
    await page.get_by_role("button", name="Quantities differ").first.click()
    dialog = page.get_by_role("dialog")
    await expect(dialog.get_by_text("New orders that would add risk are refused")).to_be_visible(timeout=SHOWN_MS_MAX)
    await expect(dialog.get_by_role("columnheader", name="The broker")).to_be_visible()

    await dialog.get_by_label("What to do").select_option("ACCEPT_BROKER")
    await dialog.get_by_role("button", name="Resolve").click()
    assert await dialog.get_by_label("Why").evaluate("field => field.validity.valueMissing")
    await dialog.get_by_label("Why").fill("Assigned over night, as the statement says.")
    await dialog.get_by_role("button", name="Resolve").click()

    await expect(page.get_by_text("No break is open.")).to_be_visible(timeout=SHOWN_MS_MAX)
    await page.get_by_label("Which breaks").select_option("ended")
    await page.get_by_role("button", name="Quantities differ").first.click()
    await expect(dialog.get_by_text("Assigned over night, as the statement says.").first).to_be_visible(
        timeout=SHOWN_MS_MAX
    )
    await expect(dialog.get_by_role("region", name="Adjusting entry")).to_contain_text("BALANCE", timeout=SHOWN_MS_MAX)
    _expect_quiet(watch, house)


async def test_the_audit_log_is_searched_by_its_address_and_its_chain_verified(watch: Watch, house: House) -> None:
    page = watch.page
    domain = f"{uuid4().hex[:12]}.example"
    await _enter_as_administrator(page, house, "/settings?tab=firm")
    await page.get_by_label("Domain", exact=True).fill(domain)
    await page.get_by_role("region", name="Name").get_by_role("button", name="Save").click()
    await expect(page.get_by_text("Saved")).to_be_visible(timeout=SHOWN_MS_MAX)
    await page.goto(f"{house.base}/audit")
    text = page.get_by_label("Text")
    await expect(text).to_be_visible(timeout=SHOWN_MS_MAX)
    await page.keyboard.press("/")
    await expect(text).to_be_focused()

    await text.fill(domain)
    await page.keyboard.press("Enter")

    entry = page.get_by_role("button", name="tenant.changed")
    await expect(entry).to_have_count(1, timeout=SHOWN_MS_MAX)
    assert f"text={domain}" in page.url
    await page.reload()
    await expect(entry).to_have_count(1, timeout=SHOWN_MS_MAX)
    await entry.click()
    dialog = page.get_by_role("dialog")
    await expect(dialog.get_by_role("row", name=re.compile(rf"^domain .*{domain} changed$"))).to_be_visible()
    await page.keyboard.press("Escape")
    await page.get_by_role("button", name="Verify the chain").click()
    await expect(dialog.get_by_text("The chain holds")).to_be_visible(timeout=SHOWN_MS_MAX)
    await page.keyboard.press("Escape")
    await page.get_by_role("button", name="Export").click()
    async with page.expect_download() as downloading:
        await dialog.get_by_role("button", name="Export").click()
    exported = Path(await (await downloading.value).path()).read_text(encoding="utf-8")
    assert exported.splitlines()[0].startswith("sequence,createdAt,actor,action")
    assert domain in exported
    _expect_quiet(watch, house)


async def _firm_that_demands(house: House) -> str:
    """The address of a member without a second factor, in a firm that demands one."""
    email = f"{uuid4().hex}@example.com"
    told = {"tenantName": f"Firm {uuid4().hex[:8]}", "email": email, "password": PASSWORD}
    await house.ask(_REGISTER, given={**told, "firstName": "Test", "lastName": "Person"})
    proof = (await house.link(email, "/verify-email")).partition("#token=")[2]
    entered = await house.ask(_VERIFY_EMAIL, given={"token": proof, "password": PASSWORD})
    token = entered["tokens"]["accessToken"]
    authenticator = pyotp.TOTP((await house.ask(_BEGIN, token=token))["secret"])
    await house.ask(_CONFIRM, token=token, given={"code": authenticator.now()})
    member = f"{uuid4().hex}@example.com"
    await house.ask(_INVITE, token=token, given={"email": member, "role": "TRADER"})
    invitation = (await house.link(member, "/accept-invitation")).partition("#token=")[2]
    joining = {"token": invitation, "password": PASSWORD, "firstName": "Test", "lastName": "Person"}
    await house.ask(_ACCEPT, given=joining)
    await house.ask(_DEMAND, token=token, given={"demanded": True})
    return member


async def test_who_needs_a_second_factor_sets_one_up_before_anything_else(watch: Watch, house: House) -> None:
    page = watch.page
    email = await _firm_that_demands(house)
    await sign_in(page, house, email)
    await expect(page.get_by_role("heading", name="Set up a second factor")).to_be_visible(timeout=SHOWN_MS_MAX)

    await page.get_by_role("button", name="Set up").click()
    secret = (await page.locator("code").inner_text(timeout=SHOWN_MS_MAX)).replace(" ", "")
    await page.get_by_label("Code", exact=True).fill(pyotp.TOTP(secret).now())
    await page.get_by_role("button", name="Confirm").click()
    await page.get_by_role("button", name="I have kept them").click(timeout=SHOWN_MS_MAX)

    await expect(page.get_by_role("navigation", name="Pages").first).to_be_visible(timeout=SHOWN_MS_MAX)
    await page.goto(f"{house.base}/settings?tab=security")
    await expect(page.get_by_text("Demands one of every member")).to_be_visible(timeout=SHOWN_MS_MAX)
    _expect_quiet(watch, house)
