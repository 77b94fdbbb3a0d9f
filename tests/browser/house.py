"""A running system as `make run` starts it, with its mails and the people in it."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote, urlsplit
from uuid import uuid4

import httpx
import pyotp
from playwright.async_api import Page, expect

from app.infra.mail import MailFolder
from tests.browser.watch import Watch
from tests.installation import Installation, until

SHOWN_MS_MAX = 20_000
STEP_S = 30
PASSWORD = "seven tall lanterns drift"
_NAMES = {"firstName": "Test", "lastName": "Person"}
_LOG_IN = "mutation($i: LoginInput!) { login(input: $i) { tokens { accessToken } errors { code } } }"
_REGISTER = "mutation($i: RegisterInput!) { register(input: $i) { errors { code } } }"
_VERIFY_EMAIL = "mutation($i: VerifyEmailInput!) { verifyEmail(input: $i) { tokens { accessToken } errors { code } } }"
_INVITE = "mutation($i: InviteMemberInput!) { inviteMember(input: $i) { errors { code } } }"
_ACCEPT = "mutation($i: AcceptInvitationInput!) { acceptInvitation(input: $i) { errors { code } } }"
_BEGIN = "mutation { beginTwoFactor { secret errors { code } } }"
_CONFIRM = "mutation($i: ConfirmTwoFactorInput!) { confirmTwoFactor(input: $i) { recoveryCodes errors { code } } }"


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """A running system with its mails, as the administrator of one of its firms sees it."""

    base: str
    mails: MailFolder
    email: str
    password: str
    token: str
    """The administrator's."""

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

    async def query(self, document: str, given: Mapping[str, Any] | None = None, *, token: str | None = None) -> Any:
        """The data of a document that meets no error, asked by the administrator or with another token."""
        headers = {"Authorization": f"Bearer {token or self.token}"}
        async with httpx.AsyncClient(base_url=self.base, headers=headers, timeout=20) as client:
            answer = (await client.post("/graphql", json={"query": document, "variables": given})).json()
        assert "errors" not in answer, answer
        return answer["data"]

    async def signed_in(self) -> "House":
        """The same with an access token of now: one lives ten minutes."""
        entered = await self.ask(_LOG_IN, given={"email": self.email, "password": self.password})
        return replace(self, token=entered["tokens"]["accessToken"])

    async def founded(self) -> "House":
        """The same system as the administrator of a new firm sees it, where there is nothing yet."""
        email = f"{uuid4().hex}@example.com"
        told = {"tenantName": f"Firm {uuid4().hex[:8]}", "email": email, "password": PASSWORD, **_NAMES}
        await self.ask(_REGISTER, given=told)
        proof = (await self.link(email, "/verify-email")).partition("#token=")[2]
        entered = await self.ask(_VERIFY_EMAIL, given={"token": proof, "password": PASSWORD})
        return replace(self, email=email, password=PASSWORD, token=entered["tokens"]["accessToken"])

    async def invite(self, role: str | None = "TRADER", **given: Any) -> tuple[str, str]:
        """Somebody who is invited for the first time: their address and their link."""
        email = f"{uuid4().hex}@example.com"
        await self.ask(_INVITE, token=self.token, given={"email": email, "role": role, **given})
        return email, await self.link(email, "/accept-invitation")

    async def member(self, role: str | None = "TRADER", **given: Any) -> str:
        """The address of a member who has PASSWORD; `given` is more of what an invitation takes."""
        email, link = await self.invite(role, **given)
        token = link.partition("#token=")[2]
        await self.ask(_ACCEPT, given={"token": token, "password": PASSWORD, **_NAMES})
        return email

    async def entered(self, email: str) -> str:
        """The access token of a member who has PASSWORD and no second factor."""
        token: str = (await self.ask(_LOG_IN, given={"email": email, "password": PASSWORD}))["tokens"]["accessToken"]
        return token

    async def enrol(self, email: str) -> tuple[pyotp.TOTP, list[str]]:
        """The member's authenticator and recovery codes."""
        token = (await self.ask(_LOG_IN, given={"email": email, "password": PASSWORD}))["tokens"]["accessToken"]
        authenticator = pyotp.TOTP((await self.ask(_BEGIN, token=token))["secret"])
        confirmed = await self.ask(_CONFIRM, token=token, given={"code": authenticator.now()})
        return authenticator, confirmed["recoveryCodes"]


async def housed(installation: Installation) -> House:
    """The running system, its demo's firm and its administrator; its mails go to a folder."""
    demo = await installation.demo()
    address = urlsplit(demo["graphqlUrl"])
    house = House(
        base=f"{address.scheme}://{address.netloc}",
        mails=MailFolder(folder=installation.state_dir / "mail"),
        email=demo["email"],
        password=demo["password"],
        token="",
        demo=demo,
    )
    return await house.signed_in()


async def sign_in(page: Page, house: House, email: str, password: str = PASSWORD) -> None:
    """Fills in the sign-in page."""
    await page.goto(f"{house.base}/sign-in")
    await page.get_by_label("E-mail").fill(email)
    await page.get_by_label("Password").fill(password)
    await page.get_by_role("button", name="Sign in").click()


async def enter(page: Page, house: House, email: str, password: str = PASSWORD, *, path: str = "/") -> None:
    """Signs in, and goes to a page once it is there."""
    await page.goto(f"{house.base}/sign-in?next={quote(path)}")
    await page.get_by_label("E-mail").fill(email)
    await page.get_by_label("Password").fill(password)
    await page.get_by_role("button", name="Sign in").click()
    await expect(page.get_by_role("button", name="Sign out", exact=True)).to_be_attached(timeout=SHOWN_MS_MAX)


def expect_quiet(watch: Watch, house: House) -> None:
    """The page has complained of nothing and asked nobody but its own origin."""
    assert watch.complaints == []
    assert watch.hosts == {urlsplit(house.base).netloc}
