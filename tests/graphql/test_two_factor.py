"""The second factor over HTTP and sockets: a whole life of it, what is refused where, and guesses by aliases."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pyotp
import pytest

from app.identity.domain import Role
from schema.schema import REQUIREMENTS, schema
from tests.graphql.conftest import Api, Firm

PASSWORD = "correct horse battery"
LOGIN = """mutation($i: LoginInput!) { login(input: $i) {
  tokens { accessToken } twoFactorChallenge errors { code path } } }"""
VERIFY = """mutation($i: VerifyTwoFactorInput!) { verifyTwoFactor(input: $i) {
  tokens { accessToken } twoFactorChallenge errors { code path } } }"""
BEGIN = "mutation { beginTwoFactor { secret uri qrSvg errors { code } } }"
CONFIRM = "mutation($i: ConfirmTwoFactorInput!) { confirmTwoFactor(input: $i) { recoveryCodes errors { code path } } }"
DISABLE = "mutation($i: DisableTwoFactorInput!) { disableTwoFactor(input: $i) { errors { code path } } }"
STEP_UP = "mutation($i: StepUpInput!) { stepUp(input: $i) { steppedUpUntil errors { code path } } }"
RENEW = "mutation { renewRecoveryCodes { recoveryCodes errors { code } } }"
DEMAND = "mutation($i: DemandTwoFactorInput!) { demandTwoFactor(input: $i) { tenant { settings } errors { code } } }"
STANDING = "{ twoFactor { enabled confirmedAt recoveryCodesLeft demanded steppedUp } viewer { scopes } }"
KEY = "mutation($i: CreateApiKeyInput!) { createApiKey(input: $i) { secret apiKey { id } errors { code } } }"
ROTATE = "mutation($i: RotateApiKeyInput!) { rotateApiKey(input: $i) { secret errors { code } } }"
ORDERS = "{ orders { totalCount } }"
A_KEY = {"name": "desk", "scopes": ["VIEW_ORDERS"]}


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """A member with a password of the test's own, signed in."""

    firm: Firm
    api: Api
    anonymous: Api
    user_id: UUID
    email: str
    owner: asyncpg.Connection

    async def log_in(self, api: Api | None = None) -> Any:
        """The payload of a login."""
        typed = {"email": self.email, "password": PASSWORD}
        return (await (api or self.anonymous).data(LOGIN, i=typed))["login"]

    async def verify(self, challenge: str, code: str) -> Any:
        """The payload of verifyTwoFactor."""
        return (await self.anonymous.data(VERIFY, i={"challenge": challenge, "code": code}))["verifyTwoFactor"]

    async def enrol(self) -> "Authenticator":
        """Begins and confirms a second factor."""
        begun = (await self.api.data(BEGIN))["beginTwoFactor"]
        assert begun["errors"] == []
        made = pyotp.TOTP(begun["secret"])
        now = self.firm.desk.clock.now()
        confirmed = (await self.api.data(CONFIRM, i={"code": made.at(now - timedelta(seconds=30))}))["confirmTwoFactor"]
        assert confirmed["errors"] == []
        return Authenticator(person=self, made=made, recovery_codes=confirmed["recoveryCodes"], begun=begun)

    async def age_session(self, by: timedelta) -> None:
        """Has every session of the person stepped up so much longer ago."""
        await self.owner.execute(
            "UPDATE auth_sessions SET stepped_up_at = stepped_up_at - $2::interval WHERE user_id = $1", self.user_id, by
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Authenticator:
    """An authenticator whose last code was that of the step before."""

    person: Person
    made: pyotp.TOTP
    recovery_codes: list[str]
    begun: dict[str, Any]

    def code(self) -> str:
        """What it shows."""
        return self.made.at(self.person.firm.desk.clock.now())

    def wrong(self) -> str:
        """Six digits of no step near now."""
        now = self.person.firm.desk.clock.now()
        near = {self.made.at(now + timedelta(seconds=30 * steps)) for steps in range(-3, 4)}
        return next(text for text in (f"{number:06}" for number in range(10)) if text not in near)


@pytest.fixture
async def person(firm: Firm, anonymous: Api, owner: asyncpg.Connection) -> Person:
    """The administrator of the firm, signed in by their password."""
    user_id = firm.principal.user_id
    assert user_id is not None
    hashed = await firm.desk.door.passwords.hash(PASSWORD)
    await owner.execute("UPDATE users SET password_hash = $2 WHERE id = $1", user_id, hashed)
    email = await owner.fetchval("SELECT email FROM users WHERE id = $1", user_id)
    unsigned = Person(firm=firm, api=anonymous, anonymous=anonymous, user_id=user_id, email=email, owner=owner)
    token = (await unsigned.log_in())["tokens"]["accessToken"]
    return Person(
        firm=firm, api=anonymous.holding(token), anonymous=anonymous, user_id=user_id, email=email, owner=owner
    )


async def test_a_second_factor_is_set_up_used_and_taken_away(person: Person) -> None:
    device = await person.enrol()
    assert device.begun["uri"].startswith("otpauth://totp/OMS%20Trading:")
    assert device.begun["qrSvg"].startswith('<svg xmlns="http://www.w3.org/2000/svg"')
    assert 'fill="#fff"' in device.begun["qrSvg"]
    assert len(device.recovery_codes) == 10

    challenged = await person.log_in()
    assert (challenged["tokens"], challenged["errors"]) == (None, [])
    refused = await person.verify(challenged["twoFactorChallenge"], device.wrong())
    entered = await person.verify(challenged["twoFactorChallenge"], device.code())

    assert refused["tokens"] is None
    assert refused["errors"] == [{"code": "TWO_FACTOR_CODE_WRONG", "path": ["code"]}]
    api = person.anonymous.holding(entered["tokens"]["accessToken"])
    standing = (await api.data(STANDING))["twoFactor"]
    assert (standing["enabled"], standing["recoveryCodesLeft"], standing["steppedUp"]) == (True, 10, True)
    gone = await api.data(DISABLE, i={"password": PASSWORD, "code": device.recovery_codes[0]})
    assert gone["disableTwoFactor"]["errors"] == []
    assert (await person.log_in())["tokens"] is not None


async def test_a_login_that_waits_for_its_code_ends_with_all_sessions(person: Person) -> None:
    device = await person.enrol()
    challenged = await person.log_in()

    await person.api.data("mutation { logoutEverywhere { errors { code } } }")

    error = await person.anonymous.error(
        VERIFY, i={"challenge": challenged["twoFactorChallenge"], "code": device.code()}
    )
    assert error["extensions"]["code"] == "UNAUTHENTICATED"


async def test_the_secret_is_not_told_again(person: Person) -> None:
    device = await person.enrol()

    again = await person.api.data(BEGIN)
    introspected = list(schema._schema.type_map["TwoFactor"].fields)  # type: ignore[attr-defined]

    assert again["beginTwoFactor"] == {
        "secret": None,
        "uri": None,
        "qrSvg": None,
        "errors": [{"code": "TWO_FACTOR_ENABLED_ALREADY"}],
    }
    assert introspected == ["enabled", "confirmedAt", "recoveryCodesLeft", "demanded", "steppedUp"]
    assert device.begun["secret"]


async def test_guesses_by_aliases_are_five(person: Person) -> None:
    device = await person.enrol()
    challenge = (await person.log_in())["twoFactorChallenge"]
    guess = f'verifyTwoFactor(input: {{challenge: "{challenge}", code: "{device.wrong()}"}})'
    document = "mutation {" + " ".join(
        f"g{n}: {guess} {{ tokens {{ tokenType }} errors {{ code }} }}" for n in range(20)
    )

    answer = await person.anonymous.answer(document + "}")
    after = await person.anonymous.refusal(VERIFY, i={"challenge": challenge, "code": device.code()})

    # What does not hold is an error at the top, which leaves nothing of the data.
    assert answer["data"] is None
    assert answer["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
    assert answer["errors"][0]["path"] == ["g5"]
    assert after == ("UNAUTHENTICATED", [])
    failures = "SELECT failures FROM proof_failures WHERE user_id = $1"
    assert await person.owner.fetchval(failures, person.user_id) == 5


async def test_who_guessed_too_often_is_told_how_long_to_wait(person: Person) -> None:
    device = await person.enrol()
    challenge = (await person.log_in())["twoFactorChallenge"]
    for _ in range(5):
        await person.verify(challenge, device.wrong())

    another = (await person.log_in())["twoFactorChallenge"]
    error = await person.anonymous.error(VERIFY, i={"challenge": another, "code": device.code()})

    assert error["extensions"]["code"] == "RATE_LIMITED"
    assert 25 <= error["extensions"]["retryAfter"] <= 30


async def test_dangerous_operations_ask_for_a_step_up(person: Person) -> None:
    fresh = (await person.api.data(KEY, i=A_KEY))["createApiKey"]
    await person.age_session(timedelta(minutes=11))

    error = await person.api.error(KEY, i=A_KEY)
    rotation = await person.api.error(ROTATE, i={"apiKeyId": fresh["apiKey"]["id"]})
    wrong = (await person.api.data(STEP_UP, i={"password": "wrong horse battery"}))["stepUp"]
    missing = (await person.api.data(STEP_UP, i={"code": "123456"}))["stepUp"]
    stepped = (await person.api.data(STEP_UP, i={"password": PASSWORD}))["stepUp"]
    made = (await person.api.data(KEY, i=A_KEY))["createApiKey"]

    assert error["extensions"] == {"code": "STEP_UP_REQUIRED", "proof": "PASSWORD"}
    assert error["path"] == ["createApiKey"]
    assert rotation["extensions"]["code"] == "STEP_UP_REQUIRED"
    assert wrong["errors"] == [{"code": "PASSWORD_WRONG", "path": ["password"]}]
    assert missing["errors"] == [{"code": "STEP_UP_PROOF_MISSING", "path": ["password"]}]
    assert stepped["steppedUpUntil"] is not None
    assert made["errors"] == []


async def test_with_a_second_factor_a_step_up_takes_its_code(person: Person) -> None:
    device = await person.enrol()
    await person.age_session(timedelta(minutes=11))

    error = await person.api.error(KEY, i=A_KEY)
    by_password = (await person.api.data(STEP_UP, i={"password": PASSWORD}))["stepUp"]
    by_code = (await person.api.data(STEP_UP, i={"code": device.code()}))["stepUp"]
    renewed = (await person.api.data(RENEW))["renewRecoveryCodes"]

    assert error["extensions"]["proof"] == "CODE"
    assert by_password["errors"] == [{"code": "STEP_UP_PROOF_MISSING", "path": ["code"]}]
    assert by_code["errors"] == []
    assert len(set(renewed["recoveryCodes"]) - set(device.recovery_codes)) == 10


async def test_an_api_key_makes_no_keys_and_rotates_itself(person: Person) -> None:
    made = (await person.api.data(KEY, i={"name": "desk", "scopes": ["VIEW_ORDERS", "ADMIN_TENANT"]}))["createApiKey"]
    program = person.anonymous.holding(made["secret"])

    refused = await program.error(KEY, i=A_KEY)
    demanded = await program.error(DEMAND, i={"demanded": False})
    rotated = (await program.data(ROTATE, i={"apiKeyId": made["apiKey"]["id"]}))["rotateApiKey"]

    assert refused["extensions"] == {"code": "STEP_UP_REQUIRED"}
    assert demanded["extensions"]["code"] == "STEP_UP_REQUIRED"
    assert rotated["errors"] == []
    assert (await program.data("{ twoFactor { enabled } }"))["twoFactor"] is None


async def test_where_it_is_demanded_a_member_can_only_enrol_also_on_an_open_socket(
    person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    member = await person.firm.member(Role.TRADER)
    assert await member.data(ORDERS)
    await person.enrol()
    async with member.socket() as socket:
        demanded = (await person.api.data(DEMAND, i={"demanded": True}))["demandTwoFactor"]
        await socket.subscribe(ORDERS)
        on_socket = await socket.receive()

    assert demanded["tenant"]["settings"]["require_two_factor"] is True
    assert on_socket["payload"]["errors"][0]["extensions"]["code"] == "TWO_FACTOR_ENROLMENT_REQUIRED"
    for document in (ORDERS, "{ sessions { id } }", "{ apiKeys { id } }", RENEW):
        assert await member.refusal(document) == ("TWO_FACTOR_ENROLMENT_REQUIRED", [])
    standing = await member.data(STANDING)
    assert (standing["twoFactor"]["demanded"], standing["viewer"]["scopes"]) == (True, [])
    assert (await member.data(BEGIN))["beginTwoFactor"]["errors"] == []
    # Who demands it is not locked out.
    assert await person.api.data(ORDERS)


async def test_the_setting_of_the_tenant_and_the_demand_are_one_thing(person: Person) -> None:
    await person.enrol()
    member = await person.firm.member(Role.TRADER)
    given = {"settings": {"require_two_factor": True}}
    change = "mutation($i: UpdateTenantInput!) { updateTenant(input: $i) { errors { code } } }"

    assert (await person.api.data(change, i=given))["updateTenant"]["errors"] == []
    # Not asked before: nothing of the member is remembered.
    assert await member.refusal(ORDERS) == ("TWO_FACTOR_ENROLMENT_REQUIRED", [])
    assert (await person.api.data(STANDING))["twoFactor"]["demanded"] is True

    assert (await person.api.data(DEMAND, i={"demanded": False}))["demandTwoFactor"]["errors"] == []
    assert (await person.api.data(STANDING))["twoFactor"]["demanded"] is False
    assert await member.data(ORDERS)


async def test_nobody_demands_it_without_having_it(person: Person) -> None:
    payload = (await person.api.data(DEMAND, i={"demanded": True}))["demandTwoFactor"]

    assert payload["errors"] == [{"code": "TWO_FACTOR_NOT_ENABLED"}]


def test_what_asks_for_a_step_up_says_so_in_the_schema() -> None:
    asked = {name for (_, name), requirement in REQUIREMENTS.items() if requirement.step_up}
    passed = {name for (_, name), requirement in REQUIREMENTS.items() if requirement.passes_keys}
    mutations = schema._schema.mutation_type
    assert mutations is not None
    described = {name for name, field in mutations.fields.items() if "Step-up: asked for" in (field.description or "")}

    assert asked >= {"create_api_key", "rotate_api_key", "begin_two_factor", "renew_recovery_codes"}
    # A program that halts, or that tightens a restricted list or a calendar, must not wait for a person.
    assert passed == {
        "rotate_api_key",
        "activate_kill_switch",
        "halt_trading",
        "set_restricted_list",
        "change_restricted_entries",
        "import_restricted_list",
        "set_calendar_days",
        "import_calendar",
    }
    assert described == {"".join([head, *map(str.title, rest)]) for head, *rest in (one.split("_") for one in asked)}


def test_what_a_member_may_do_who_has_yet_to_enrol_is_a_short_list() -> None:
    served = {name for (_, name), requirement in REQUIREMENTS.items() if requirement.serves_enrolment}

    assert served == {"viewer", "two_factor", "begin_two_factor", "confirm_two_factor", "step_up", "logout"}
