"""A person's account as clients change it over HTTP, and how those fare who attack it."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import orjson
import pytest

from app.flows.desk import Desk
from app.flows.identity.register import Registration
from app.flows.tenants.open_tenant import open_tenant
from app.identity.domain import Client
from app.infra.settings import Settings
from tests.graphql.conftest import Answer, Api, Firm
from tests.mailbox import Mailbox, opened_mailbox

PASSWORD = "correct horse battery"
NEXT = "purple tram over the lake"
LOGIN = "mutation($i: LoginInput!) { login(input: $i) { tokens { accessToken refreshToken } errors { code path } } }"
REGISTER = "mutation($i: RegisterInput!) { register(input: $i) { tokens { accessToken } errors { code path } } }"
VERIFY = "mutation($i: VerifyEmailInput!) { verifyEmail(input: $i) { tokens { accessToken } errors { code path } } }"
ASK_RESET = "mutation($i: RequestPasswordResetInput!) { requestPasswordReset(input: $i) { errors { code path } } }"
RESET = "mutation($i: ResetPasswordInput!) { resetPassword(input: $i) { errors { code path } } }"
CHANGE = "mutation($i: ChangePasswordInput!) { changePassword(input: $i) { errors { code path } } }"
CHANGE_EMAIL = "mutation($i: ChangeEmailInput!) { changeEmail(input: $i) { errors { code path } } }"
REVOKE = "mutation($i: RevokeSessionInput!) { revokeSession(input: $i) { errors { code path } } }"
EVERYWHERE = "mutation { logoutEverywhere { ended errors { code path } } }"
PROFILE = """mutation($i: UpdateProfileInput!) { updateProfile(input: $i) {
  user { firstName lastName phoneNumber } errors { code path } } }"""
PREFERENCES = """mutation($i: UpdatePreferencesInput!) { updatePreferences(input: $i) {
  user { preferences } errors { code path } } }"""
SESSIONS = "{ sessions { id ipAddress userAgent current } }"
ME = "{ viewer { user { email emailVerified } } }"
OK: Answer = {"errors": []}


@pytest.fixture(autouse=True)
async def forgotten(desk: Desk) -> None:
    """Nobody has tried anything yet: every test comes from the same address."""
    async for key in desk.redis.client.scan_iter(match=f"{desk.redis.prefix}door:*"):
        await desk.redis.client.delete(key)


@pytest.fixture
async def mailbox(settings: Settings, desk: Desk, tmp_path: Path) -> AsyncIterator[Mailbox]:
    """What people are mailed."""
    assert settings.database_url is not None
    async with opened_mailbox(settings.database_url, desk.door, tmp_path / "mail") as opened:
        yield opened


class Person:
    """Somebody with an account, and their client."""

    def __init__(self, api: Api, email: str) -> None:
        self.api = api
        self.email = email

    async def enter(self, password: str = PASSWORD) -> Api:
        """A client with another session."""
        tokens = (await self.api.data(LOGIN, i={"email": self.email, "password": password}))["login"]["tokens"]
        return self.api.holding(tokens["accessToken"])


@pytest.fixture
async def person(desk: Desk, anonymous: Api) -> Person:
    """A person."""
    email = f"{uuid4().hex}@example.com"
    typed = Registration(tenant_name="T", email=email, password=PASSWORD, first_name="Ann", last_name="Lee")
    await open_tenant(desk.door, typed, Client())
    return Person(anonymous, email)


async def told(api: Api, document: str, **variables: Any) -> tuple[str, list[str]]:
    """Code and path of the one error in the payload."""
    [payload] = (await api.data(document, **variables)).values()
    [error] = payload["errors"]
    return error["code"], error["path"]


async def test_register_confirm_login_viewer(anonymous: Api, mailbox: Mailbox) -> None:
    email = f"{uuid4().hex}@example.com"
    names = {"tenantName": "New Capital", "firstName": "Ann", "lastName": "Lee"}

    registered = await anonymous.data(REGISTER, i={"email": email, "password": PASSWORD, **names})
    early = await anonymous.refusal(LOGIN, i={"email": email, "password": PASSWORD})
    link = {"token": await mailbox.token_for(email), "password": PASSWORD}
    confirmed = (await anonymous.data(VERIFY, i=link))["verifyEmail"]
    again = await told(anonymous, VERIFY, i=link)
    viewer = await anonymous.holding(confirmed["tokens"]["accessToken"]).data(ME)

    assert registered == {"register": {"tokens": None, "errors": []}}
    assert early == ("UNAUTHENTICATED", [])
    assert viewer == {"viewer": {"user": {"email": email, "emailVerified": True}}}
    assert again == ("TOKEN_REFUSED", ["token"])
    assert (await Person(anonymous, email).enter()).bearer is not None


async def test_the_answers_to_known_and_unknown_addresses_are_the_same_to_the_byte(
    anonymous: Api, person: Person
) -> None:
    names = {"tenantName": "T", "firstName": "Ann", "lastName": "Lee"}
    unknown = f"{uuid4().hex}@example.com"
    answers: dict[str, list[Any]] = {}

    for email in (person.email, unknown):
        answers[email] = []
        for document, given in (
            (REGISTER, {"email": email, "password": PASSWORD, **names}),
            (ASK_RESET, {"email": email}),
            (LOGIN, {"email": email, "password": "wrong horse battery"}),
        ):
            body = orjson.dumps({"query": document, "variables": {"i": given}})
            response = await anonymous.post(body, x_request_id="same")
            answers[email].append((response.status_code, response.content, dict(response.headers)))

    assert answers[person.email] == answers[unknown]


async def test_aliases_in_one_document_are_as_many_guesses(anonymous: Api, person: Person) -> None:
    def guessed(number: int) -> str:
        password = PASSWORD if number == 8 else "wrong horse"
        given = f'{{email: "{person.email}", password: "{password}"}}'
        return f"a{number}: login(input: {given}) {{ tokens {{ accessToken }} }}"

    guesses = " ".join(map(guessed, range(9)))
    found: list[str] = []

    # Each guess of a document is refused by itself: whether in one document or in many, the sixth has to wait.
    for _ in range(9):
        answer = await anonymous.answer(f"mutation {{ {guesses} }}")
        found += [error["extensions"]["code"] for error in answer["errors"]]

    assert "accessToken" not in orjson.dumps(answer["data"]).decode()
    assert found.count("UNAUTHENTICATED") <= 6
    assert "TOO_MANY_ATTEMPTS" in found


async def test_a_delay_is_told_with_its_seconds(anonymous: Api, person: Person) -> None:
    wrong = {"email": person.email, "password": "wrong horse battery"}
    for _ in range(5):
        assert await anonymous.refusal(LOGIN, i=wrong) == ("UNAUTHENTICATED", [])

    error = await anonymous.error(LOGIN, i={**wrong, "password": PASSWORD})

    assert error["extensions"] == {"code": "TOO_MANY_ATTEMPTS", "retryAfter": 1, "retryable": True}


async def test_forgotten_password(anonymous: Api, person: Person, mailbox: Mailbox) -> None:
    inside = await person.enter()

    asked = await anonymous.data(ASK_RESET, i={"email": person.email})
    token = await mailbox.token_for(person.email)
    weak = await told(anonymous, RESET, i={"token": token, "newPassword": "short"})
    reset = await anonymous.data(RESET, i={"token": token, "newPassword": NEXT})
    again = await told(anonymous, RESET, i={"token": token, "newPassword": f"{NEXT} again"})

    assert (asked, reset) == ({"requestPasswordReset": OK}, {"resetPassword": OK})
    assert weak == ("PASSWORD_WEAK", ["newPassword"])
    assert again == ("TOKEN_REFUSED", ["token"])
    assert await inside.refusal(ME) == ("UNAUTHENTICATED", [])
    assert (await (await person.enter(NEXT)).data(ME))["viewer"]["user"]["email"] == person.email


async def test_a_changed_password_reaches_open_sockets_of_other_sessions(person: Person) -> None:
    mine, other = await person.enter(), await person.enter()
    async with other.socket() as theirs, mine.socket() as own:
        changed = await mine.data(CHANGE, i={"currentPassword": PASSWORD, "newPassword": NEXT})

        await theirs.subscribe(ME)
        await own.subscribe(ME)

        assert changed == {"changePassword": OK}
        [error] = (await theirs.receive())["payload"]["errors"]
        assert error["extensions"] == {"code": "UNAUTHENTICATED"}
        assert (await own.next_data())["viewer"]["user"]["email"] == person.email


async def test_what_is_wrong_with_a_change_is_told_by_its_field(person: Person) -> None:
    mine = await person.enter()

    assert await told(mine, CHANGE, i={"currentPassword": "x", "newPassword": NEXT}) == (
        "PASSWORD_WRONG",
        ["currentPassword"],
    )
    assert await told(mine, CHANGE, i={"currentPassword": PASSWORD, "newPassword": PASSWORD}) == (
        "PASSWORD_REUSED",
        ["newPassword"],
    )


async def test_sessions_are_listed_and_end_one_by_one_and_all_at_once(person: Person, firm: Firm) -> None:
    mine, lost = await person.enter(), await person.enter()
    [newest, oldest, _] = (await mine.data(SESSIONS))["sessions"]

    ended = await mine.data(REVOKE, i={"sessionId": newest["id"]})
    twice = await mine.data(REVOKE, i={"sessionId": newest["id"]})
    foreign = await told(mine, REVOKE, i={"sessionId": str(firm.principal.session_id)})
    nonsense = await told(mine, REVOKE, i={"sessionId": "x"})
    left = (await mine.data(SESSIONS))["sessions"]
    everywhere = await mine.data(EVERYWHERE)

    assert (oldest["current"], newest["current"], oldest["ipAddress"]) == (True, False, "127.0.0.1")
    assert ended == twice == {"revokeSession": OK}
    assert await lost.refusal(ME) == ("UNAUTHENTICATED", [])
    assert foreign == ("NOT_FOUND", ["sessionId"])
    assert nonsense == ("BAD_USER_INPUT", ["sessionId"])
    assert left[0]["id"] == oldest["id"]
    assert everywhere["logoutEverywhere"] == {"ended": 2, "errors": []}
    assert await mine.refusal(ME) == ("UNAUTHENTICATED", [])
    assert (await firm.api.data("{ viewer { scopes } }"))["viewer"]["scopes"]


async def test_a_new_address_counts_when_it_was_confirmed(anonymous: Api, person: Person, mailbox: Mailbox) -> None:
    mine, address = await person.enter(), f"{uuid4().hex}@example.com"

    asked = await mine.data(CHANGE_EMAIL, i={"newEmail": address, "password": PASSWORD})
    token = await mailbox.token_for(address)
    before = (await mine.data(ME))["viewer"]["user"]["email"]
    confirmed = await anonymous.data(VERIFY, i={"token": token})
    after = (await mine.data(ME))["viewer"]["user"]
    subjects = {mail.subject for mail in await mailbox.to(person.email)}

    assert asked == {"changeEmail": OK}
    assert confirmed == {"verifyEmail": {"tokens": None, "errors": []}}
    assert before == person.email
    assert after == {"email": address, "emailVerified": True}
    assert subjects == {"A new e-mail address was asked for", "Your e-mail address was changed"}
    assert await anonymous.refusal(LOGIN, i={"email": person.email, "password": PASSWORD}) == ("UNAUTHENTICATED", [])


@pytest.mark.parametrize("is_delivered", [True, False], ids=["link-out", "link-under-way"])
async def test_whose_password_was_known_keeps_the_account_by_changing_it(
    anonymous: Api, person: Person, mailbox: Mailbox, is_delivered: bool
) -> None:
    thief, mine, address = await person.enter(), await person.enter(), f"{uuid4().hex}@example.com"
    await thief.data(CHANGE_EMAIL, i={"newEmail": address, "password": PASSWORD})
    token = await mailbox.token_for(address) if is_delivered else None

    # What the mail to the old address says: change your password now.
    await mine.data(CHANGE, i={"currentPassword": PASSWORD, "newPassword": NEXT})

    if token is not None:
        assert await told(anonymous, VERIFY, i={"token": token}) == ("TOKEN_REFUSED", ["token"])
    else:
        assert await mailbox.to(address) == []
    assert (await mine.data(ME))["viewer"]["user"]["email"] == person.email


async def test_a_link_to_a_new_address_ends_with_all_sessions(anonymous: Api, person: Person, mailbox: Mailbox) -> None:
    mine, address = await person.enter(), f"{uuid4().hex}@example.com"
    await mine.data(CHANGE_EMAIL, i={"newEmail": address, "password": PASSWORD})
    token = await mailbox.token_for(address)

    await mine.data(EVERYWHERE)

    assert await told(anonymous, VERIFY, i={"token": token}) == ("TOKEN_REFUSED", ["token"])


async def test_an_address_of_somebody_else_is_asked_for_alike_and_never_taken(
    person: Person, desk: Desk, mailbox: Mailbox
) -> None:
    mine, taken = await person.enter(), f"{uuid4().hex}@example.com"
    theirs = Registration(tenant_name="O", email=taken, password=PASSWORD, first_name="Bea", last_name="Ng")
    await open_tenant(desk.door, theirs, Client())

    asked = await mine.data(CHANGE_EMAIL, i={"newEmail": taken, "password": PASSWORD})
    mails = await mailbox.to(taken)

    assert asked == {"changeEmail": OK}
    assert [mail.subject for mail in mails] == ["You have an account already"]
    assert (await mine.data(ME))["viewer"]["user"]["email"] == person.email


async def test_an_address_that_somebody_took_meanwhile_is_refused(
    anonymous: Api, person: Person, desk: Desk, mailbox: Mailbox
) -> None:
    mine, address = await person.enter(), f"{uuid4().hex}@example.com"
    await mine.data(CHANGE_EMAIL, i={"newEmail": address, "password": PASSWORD})
    token = await mailbox.token_for(address)
    theirs = Registration(tenant_name="O", email=address, password=PASSWORD, first_name="Bea", last_name="Ng")
    await open_tenant(desk.door, theirs, Client())

    assert await told(anonymous, VERIFY, i={"token": token}) == ("TOKEN_REFUSED", ["token"])
    assert (await mine.data(ME))["viewer"]["user"]["email"] == person.email


async def test_an_address_changes_for_the_password_alone(person: Person, mailbox: Mailbox) -> None:
    mine = await person.enter()

    wrong = await told(mine, CHANGE_EMAIL, i={"newEmail": "x@example.com", "password": "wrong"})
    nowhere = await told(mine, CHANGE_EMAIL, i={"newEmail": "no address", "password": PASSWORD})

    assert wrong == ("PASSWORD_WRONG", ["password"])
    assert nowhere == ("BAD_USER_INPUT", ["newEmail"])
    assert await mailbox.to("x@example.com") == []


async def test_an_unconfirmed_address_is_confirmed_later(firm: Firm, mailbox: Mailbox) -> None:
    email = (await firm.api.data(ME))["viewer"]["user"]["email"]

    asked = await firm.api.data("mutation { requestEmailVerification { errors { code } } }")
    await firm.api.holding(None).data(VERIFY, i={"token": await mailbox.token_for(email)})

    assert asked == {"requestEmailVerification": OK}
    assert (await firm.api.data(ME))["viewer"]["user"]["emailVerified"] is True


async def test_a_profile_changes_by_what_is_given(person: Person) -> None:
    mine = await person.enter()

    first = await mine.data(PROFILE, i={"firstName": " Anne ", "phone": "+41 44 668 18 00"})
    second = await mine.data(PROFILE, i={"lastName": "Zo\u0308e"})
    third = await mine.data(PROFILE, i={"phone": None})

    assert first["updateProfile"]["user"] == {"firstName": "Anne", "lastName": "Lee", "phoneNumber": "+41446681800"}
    assert second["updateProfile"]["user"]["lastName"] == "Z\u00f6e"
    assert third["updateProfile"]["user"]["phoneNumber"] is None


@pytest.mark.parametrize(
    ("given", "path"),
    [
        ({"firstName": ""}, "firstName"),
        ({"lastName": "x" * 101}, "lastName"),
        ({"firstName": "a\r\nBcc: x@example.com"}, "firstName"),
        ({"phone": "0044 call me"}, "phone"),
        ({"phone": "+41" * 1000}, "phone"),
        ({"phone": "+\u0664\u0661446681800"}, "phone"),
    ],
)
async def test_a_profile_that_cannot_be_written_is_refused(person: Person, given: dict[str, str], path: str) -> None:
    mine = await person.enter()

    assert await told(mine, PROFILE, i=given) == ("BAD_USER_INPUT", [path])


async def test_preferences_are_kept_as_they_are(person: Person) -> None:
    mine, preferences = await person.enter(), {"dashboard.theme": "dark", "mine": {"columns": ["symbol", 1, None]}}

    changed = await mine.data(PREFERENCES, i={"preferences": preferences})

    assert changed["updatePreferences"] == {"user": {"preferences": preferences}, "errors": []}
    assert (await mine.data("{ viewer { user { preferences } } }"))["viewer"]["user"]["preferences"] == preferences


def _deep(levels: int) -> Any:
    return {"a": _deep(levels - 1)} if levels else 1


@pytest.mark.parametrize(
    "preferences",
    [
        [],
        "text",
        {"": 1},
        {"1st": 1},
        {"a b": 1},
        {"x" * 65: 1},
        {f"k{number}": 1 for number in range(101)},
        {"a": "x" * 16_384},
        _deep(9),
    ],
    ids=["list", "text", "no-key", "digit", "space", "long-key", "many-keys", "large", "deep"],
)
async def test_preferences_that_would_not_stay_small_are_refused(person: Person, preferences: Any) -> None:
    mine = await person.enter()

    assert await told(mine, PREFERENCES, i={"preferences": preferences}) == ("BAD_USER_INPUT", ["preferences"])


async def test_what_is_a_persons_is_not_for_api_keys_and_not_for_nobody(anonymous: Api, firm: Firm) -> None:
    program = await firm.program(*firm.principal.scopes)
    change = {"currentPassword": PASSWORD, "newPassword": NEXT}

    for document, given in (
        (CHANGE, change),
        (CHANGE_EMAIL, {"newEmail": "x@example.com", "password": PASSWORD}),
        (PROFILE, {"firstName": "A"}),
        (PREFERENCES, {"preferences": {}}),
        (REVOKE, {"sessionId": str(firm.principal.session_id)}),
    ):
        assert (await told(program, document, i=given))[0] == "NOT_A_SESSION"
        assert await anonymous.refusal(document, i=given) == ("UNAUTHENTICATED", [])
    assert (await told(program, EVERYWHERE))[0] == "NOT_A_SESSION"
