"""A running system as `make run` starts it, with its mails and the people in it."""

import re
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import httpx
import pyotp
from playwright.async_api import Page

from app.infra.mail import MailFolder
from tests.installation import installed, until

SHOWN_MS_MAX = 20_000
STEP_S = 30
PASSWORD = "seven tall lanterns drift"
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
    demo: Mapping[str, Any]
    """What `oms demo --json` tells."""

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

    async def invite(self, role: str = "TRADER") -> tuple[str, str]:
        """Somebody who is invited for the first time: their address and their link."""
        email = f"{uuid4().hex}@example.com"
        await self.ask(_INVITE, token=self.token, given={"email": email, "role": role})
        return email, await self.link(email, "/accept-invitation")

    async def member(self, role: str = "TRADER") -> str:
        """The address of a member who has PASSWORD."""
        email, link = await self.invite(role)
        token = link.partition("#token=")[2]
        await self.ask(_ACCEPT, given={"token": token, "password": PASSWORD, **_NAMES})
        return email

    async def enrol(self, email: str) -> tuple[pyotp.TOTP, list[str]]:
        """The member's authenticator and recovery codes."""
        token = (await self.ask(_LOG_IN, given={"email": email, "password": PASSWORD}))["tokens"]["accessToken"]
        authenticator = pyotp.TOTP((await self.ask(_BEGIN, token=token))["secret"])
        confirmed = await self.ask(_CONFIRM, token=token, given={"code": authenticator.now()})
        return authenticator, confirmed["recoveryCodes"]


@asynccontextmanager
async def housed() -> AsyncIterator[House]:
    """The whole system while the block lasts; its mails go to a folder."""
    async with installed() as installation:
        demo = await installation.demo()
        address = urlsplit(demo["graphqlUrl"])
        mails = MailFolder(folder=installation.state_dir / "mail")
        house = House(base=f"{address.scheme}://{address.netloc}", mails=mails, token="", demo=demo)
        credentials = {"email": demo["email"], "password": demo["password"]}
        entered = await house.ask(_LOG_IN, given=credentials)
        yield replace(house, token=entered["tokens"]["accessToken"])


async def sign_in(page: Page, house: House, email: str, password: str = PASSWORD) -> None:
    """Fills in the sign-in page."""
    await page.goto(f"{house.base}/sign-in")
    await page.get_by_label("E-mail").fill(email)
    await page.get_by_label("Password").fill(password)
    await page.get_by_role("button", name="Sign in").click()
