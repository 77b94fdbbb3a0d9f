"""The second factor: enrolling, signing in with it, stepping up, and what guessing, repeating and racing get."""

import asyncio
from dataclasses import dataclass
from datetime import timedelta

import asyncpg
import pyotp
import pytest

from app.core.errors import OmsError, RateLimitedError
from app.flows.identity.begin_two_factor import begin_two_factor
from app.flows.identity.confirm_two_factor import confirm_two_factor
from app.flows.identity.create_api_key import create_api_key
from app.flows.identity.disable_two_factor import disable_two_factor
from app.flows.identity.door import Door
from app.flows.identity.log_in import log_in
from app.flows.identity.prune_identity import prune_identity
from app.flows.identity.renew_recovery_codes import renew_recovery_codes
from app.flows.identity.step_up import step_up
from app.flows.identity.verify_two_factor import verify_two_factor
from app.flows.identity.view_two_factor import view_two_factor
from app.flows.tenants.demand_two_factor import demand_two_factor
from app.identity.domain import Principal, Scope, TokenPair
from app.identity.errors import NotASessionError
from app.identity.two_factor.domain import CHALLENGE_LIFE, ENROLMENT_LIFE, STEP_UP_LIFE, Challenge
from app.identity.two_factor.errors import (
    AlreadyEnabledError,
    ChallengeRefusedError,
    CodeRefusedError,
    NotBegunError,
    NotEnabledError,
    PasswordRefusedError,
    ProofMissingError,
    StepUpRequiredError,
)
from app.infra.db import Database
from app.infra.vault import SecretUnreadableError
from tests.fakes import SetClock
from tests.integration.identity.conftest import CLIENT, PASSWORD, Firm, Found

STEP = timedelta(seconds=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class Enrolled:
    """The administrator of a firm with an authenticator in hand."""

    door: Door
    clock: SetClock
    firm: Firm
    principal: Principal
    secret: str
    recovery_codes: list[str]

    def code(self, steps: int = 0) -> str:
        """What the authenticator shows, so many half minutes from now."""
        return pyotp.TOTP(self.secret).at(self.clock.now() + steps * STEP)

    def wrong(self) -> str:
        """Six digits that no step near now has."""
        near = {self.code(steps) for steps in range(-2, 3)}
        return next(text for text in (f"{number:06}" for number in range(10)) if text not in near)

    async def challenge(self) -> str:
        """The challenge of a login."""
        entered = await log_in(
            self.door, email=self.firm.registration.email, password=PASSWORD, tenant_slug=None, client=CLIENT
        )
        assert isinstance(entered, Challenge)
        return entered.text

    async def verify(self, challenge: str, code: str) -> TokenPair:
        """What a code gets in answer to the challenge."""
        return await verify_two_factor(self.door, challenge=challenge, code=code, client=CLIENT)

    async def refusal(self, challenge: str, code: str) -> type[OmsError]:
        """How the code is refused."""
        with pytest.raises(OmsError) as refused:
            await self.verify(challenge, code)
        return type(refused.value)


async def signed_in(door: Door, firm: Firm) -> Principal:
    return await door.authenticator.authenticate(firm.registered.tokens.access_token, CLIENT)


@pytest.fixture
async def enrolled(door: Door, found: Found, clock: SetClock) -> Enrolled:
    """An administrator who has just confirmed an authenticator, at a moment when its next code is new."""
    firm = await found()
    principal = await signed_in(door, firm)
    enrolment = await begin_two_factor(door, principal)
    codes = await confirm_two_factor(door, principal, pyotp.TOTP(enrolment.secret).at(clock.now()))
    clock.advance(STEP)
    return Enrolled(
        door=door,
        clock=clock,
        firm=firm,
        principal=principal,
        secret=enrolment.secret,
        recovery_codes=codes,
    )


async def test_an_enrolment_tells_what_an_authenticator_reads(door: Door, found: Found) -> None:
    firm = await found()

    enrolment = await begin_two_factor(door, await signed_in(door, firm))

    read = pyotp.parse_uri(enrolment.uri)
    assert isinstance(read, pyotp.TOTP)
    assert (read.secret, read.issuer, read.name) == (enrolment.secret, "OMS Trading", firm.registration.email)
    assert (read.interval, read.digits) == (30, 6)
    assert len(enrolment.secret) == 32


async def test_what_is_begun_and_not_confirmed_asks_for_nothing(door: Door, found: Found) -> None:
    firm = await found()
    principal = await signed_in(door, firm)

    await begin_two_factor(door, principal)
    entered = await log_in(door, email=firm.registration.email, password=PASSWORD, tenant_slug=None, client=CLIENT)

    assert isinstance(entered, TokenPair)
    assert not (await view_two_factor(door, principal)).is_enabled


async def test_the_last_enrolment_begun_counts_and_only_for_a_while(door: Door, found: Found, clock: SetClock) -> None:
    principal = await signed_in(door, await found())
    first = await begin_two_factor(door, principal)
    second = await begin_two_factor(door, principal)

    with pytest.raises(CodeRefusedError):
        await confirm_two_factor(door, principal, pyotp.TOTP(first.secret).at(clock.now()))
    clock.advance(ENROLMENT_LIFE)
    with pytest.raises(NotBegunError):
        await confirm_two_factor(door, principal, pyotp.TOTP(second.secret).at(clock.now()))

    assert not (await view_two_factor(door, principal)).is_enabled


async def test_the_secret_is_sealed_and_told_once(enrolled: Enrolled, owner: asyncpg.Connection) -> None:
    rows = await owner.fetch(
        "SELECT to_jsonb(f)::text AS text FROM second_factors AS f WHERE user_id = $1", enrolled.principal.user_id
    )
    audited = await owner.fetch(
        "SELECT to_jsonb(a)::text AS text FROM audit_log AS a WHERE tenant_id = $1", enrolled.principal.tenant_id
    )

    with pytest.raises(AlreadyEnabledError):
        await begin_two_factor(enrolled.door, enrolled.principal)
    with pytest.raises(AlreadyEnabledError):
        await confirm_two_factor(enrolled.door, enrolled.principal, enrolled.code())

    told = "".join(row["text"] for row in [*rows, *audited])
    assert enrolled.secret not in told
    assert enrolled.secret.encode().hex() not in told
    assert not [code for code in enrolled.recovery_codes if code in told]


async def test_a_login_needs_the_code(enrolled: Enrolled, owner: asyncpg.Connection) -> None:
    challenge = await enrolled.challenge()

    tokens = await enrolled.verify(challenge, f" {enrolled.code()[:3]} {enrolled.code()[3:]} ")

    principal = await enrolled.door.authenticator.authenticate(tokens.access_token, CLIENT)
    assert principal.user_id == enrolled.principal.user_id
    audited = await owner.fetchval(
        "SELECT new_values FROM audit_log WHERE tenant_id = $1 AND action = 'session.opened' AND resource_id = $2",
        principal.tenant_id,
        str(principal.session_id),
    )
    assert audited == '{"secondFactor": "TOTP"}'


async def test_a_challenge_opens_one_session(enrolled: Enrolled) -> None:
    challenge = await enrolled.challenge()
    await enrolled.verify(challenge, enrolled.code())
    enrolled.clock.advance(STEP)

    assert await enrolled.refusal(challenge, enrolled.code()) is ChallengeRefusedError


async def test_a_code_opens_one_session(enrolled: Enrolled) -> None:
    first, second = await enrolled.challenge(), await enrolled.challenge()
    await enrolled.verify(first, enrolled.code())

    assert await enrolled.refusal(second, enrolled.code()) is CodeRefusedError


async def test_the_code_of_the_enrolment_does_not_sign_in(enrolled: Enrolled) -> None:
    challenge = await enrolled.challenge()

    assert await enrolled.refusal(challenge, enrolled.code(-1)) is CodeRefusedError


async def test_of_parallel_logins_with_one_code_exactly_one_wins(enrolled: Enrolled) -> None:
    challenges = [await enrolled.challenge() for _ in range(4)]

    answers = await asyncio.gather(
        *(enrolled.verify(challenge, enrolled.code()) for challenge in challenges), return_exceptions=True
    )

    assert sorted(type(answer).__name__ for answer in answers) == ["CodeRefusedError"] * 3 + ["TokenPair"]


async def test_of_parallel_answers_to_one_challenge_exactly_one_wins(enrolled: Enrolled) -> None:
    challenge = await enrolled.challenge()

    answers = await asyncio.gather(
        *(enrolled.verify(challenge, code) for code in (enrolled.code(), enrolled.code(1), enrolled.recovery_codes[0])),
        return_exceptions=True,
    )

    assert sorted(type(answer).__name__ for answer in answers) == ["ChallengeRefusedError"] * 2 + ["TokenPair"]


@pytest.mark.parametrize(("steps", "holds"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)])
async def test_a_clock_may_be_one_step_off(enrolled: Enrolled, steps: int, holds: bool) -> None:
    enrolled.clock.advance(3 * STEP)
    challenge = await enrolled.challenge()

    if holds:
        await enrolled.verify(challenge, enrolled.code(steps))
    else:
        assert await enrolled.refusal(challenge, enrolled.code(steps)) is CodeRefusedError


async def test_at_the_border_of_a_step_the_code_before_holds_and_the_one_before_that_does_not(
    enrolled: Enrolled,
) -> None:
    enrolled.clock.advance(STEP - timedelta(microseconds=1))
    shown = enrolled.code()
    challenges = [await enrolled.challenge() for _ in range(2)]
    enrolled.clock.advance(STEP + timedelta(microseconds=1))
    assert enrolled.code() != shown

    # It was shown 30 s and a moment ago: two steps back, by the clock of whoever typed it one.
    assert await enrolled.refusal(challenges[0], shown) is CodeRefusedError
    enrolled.clock.advance(-timedelta(microseconds=1))
    await enrolled.verify(challenges[1], shown)


async def test_an_earlier_code_than_the_last_used_is_void(enrolled: Enrolled) -> None:
    first, second = await enrolled.challenge(), await enrolled.challenge()
    await enrolled.verify(first, enrolled.code(1))

    assert await enrolled.refusal(second, enrolled.code()) is CodeRefusedError


async def test_a_challenge_dies_after_five_wrong_codes(enrolled: Enrolled) -> None:
    challenge = await enrolled.challenge()
    for _ in range(5):
        assert await enrolled.refusal(challenge, enrolled.wrong()) is CodeRefusedError

    assert await enrolled.refusal(challenge, enrolled.code()) is ChallengeRefusedError


async def test_parallel_guesses_are_counted_one_by_one(enrolled: Enrolled, owner: asyncpg.Connection) -> None:
    challenge = await enrolled.challenge()

    answers = await asyncio.gather(
        *(enrolled.verify(challenge, enrolled.wrong()) for _ in range(12)), return_exceptions=True
    )

    looked_at = [answer for answer in answers if isinstance(answer, CodeRefusedError)]
    assert len(looked_at) == 5
    assert {type(answer) for answer in answers} == {CodeRefusedError, ChallengeRefusedError}
    failures = "SELECT failures FROM proof_failures WHERE user_id = $1"
    assert await owner.fetchval(failures, enrolled.principal.user_id) == 5


async def test_many_challenges_are_no_way_around_the_wait(enrolled: Enrolled) -> None:
    first = await enrolled.challenge()
    for _ in range(5):
        await enrolled.refusal(first, enrolled.wrong())

    with pytest.raises(RateLimitedError) as waiting:
        await enrolled.verify(await enrolled.challenge(), enrolled.code())

    assert waiting.value.retry_after_s == 30
    # What was not looked at is not counted: after the wait the right code holds.
    enrolled.clock.advance(STEP)
    await enrolled.verify(await enrolled.challenge(), enrolled.code())


async def test_each_further_guess_doubles_the_wait_up_to_an_hour(enrolled: Enrolled) -> None:
    waits = []
    for _ in range(5):
        assert await enrolled.refusal(await enrolled.challenge(), enrolled.wrong()) is CodeRefusedError
    for _ in range(9):
        with pytest.raises(RateLimitedError) as waiting:
            await enrolled.verify(await enrolled.challenge(), enrolled.wrong())
        waits.append(waiting.value.retry_after_s)
        enrolled.clock.advance(timedelta(seconds=waits[-1]))
        assert await enrolled.refusal(await enrolled.challenge(), enrolled.wrong()) is CodeRefusedError

    assert waits[:3] == [30, 60, 120]
    assert waits[-1] == 3600


async def test_who_guesses_does_not_lock_the_owner_of_a_recovery_code_out(enrolled: Enrolled) -> None:
    guessed = await enrolled.challenge()
    for _ in range(5):
        await enrolled.refusal(guessed, enrolled.wrong())

    await enrolled.verify(await enrolled.challenge(), enrolled.recovery_codes[0])

    await enrolled.verify(await enrolled.challenge(), enrolled.code())


async def test_a_challenge_expires(enrolled: Enrolled, owner: asyncpg.Connection) -> None:
    challenge = await enrolled.challenge()

    enrolled.clock.advance(CHALLENGE_LIFE)

    assert await enrolled.refusal(challenge, enrolled.code()) is ChallengeRefusedError


@pytest.mark.parametrize("place", [4, 12, 31, 40, -1])
async def test_a_tampered_challenge_is_nothing(enrolled: Enrolled, place: int) -> None:
    challenge = await enrolled.challenge()
    characters = list(challenge)
    characters[place] = "b" if characters[place] != "b" else "c"

    assert await enrolled.refusal("".join(characters), enrolled.code()) is ChallengeRefusedError
    await enrolled.verify(challenge, enrolled.code())


@pytest.mark.parametrize("text", ["", "omc_", "x" * 100_000, "omc_\u0660", "omr_" + "a" * 26 + "_" + "a" * 52])
async def test_what_is_no_challenge_is_refused_alike(enrolled: Enrolled, text: str) -> None:
    assert await enrolled.refusal(text, enrolled.code()) is ChallengeRefusedError


async def test_a_challenge_is_its_persons_and_its_tenants(enrolled: Enrolled, found: Found) -> None:
    other_firm = await found()
    other = await signed_in(enrolled.door, other_firm)
    enrolment = await begin_two_factor(enrolled.door, other)
    await confirm_two_factor(enrolled.door, other, pyotp.TOTP(enrolment.secret).at(enrolled.clock.now()))
    enrolled.clock.advance(STEP)
    challenge = await enrolled.challenge()

    # Another person's code does not answer it, and under another tenant's id nobody was given it.
    theirs = pyotp.TOTP(enrolment.secret).at(enrolled.clock.now())
    assert await enrolled.refusal(challenge, theirs) is CodeRefusedError
    entered = await log_in(
        enrolled.door, email=other_firm.registration.email, password=PASSWORD, tenant_slug=None, client=CLIENT
    )
    assert isinstance(entered, Challenge)
    moved = "_".join(["omc", entered.text.split("_")[1], challenge.split("_")[2]])
    assert await enrolled.refusal(moved, enrolled.code()) is ChallengeRefusedError

    tokens = await enrolled.verify(challenge, enrolled.code())
    principal = await enrolled.door.authenticator.authenticate(tokens.access_token, CLIENT)
    assert (principal.tenant_id, principal.user_id) == (enrolled.principal.tenant_id, enrolled.principal.user_id)


async def test_who_was_suspended_meanwhile_does_not_enter(enrolled: Enrolled, owner: asyncpg.Connection) -> None:
    challenge = await enrolled.challenge()
    await owner.execute("UPDATE memberships SET is_active = false WHERE user_id = $1", enrolled.principal.user_id)

    assert await enrolled.refusal(challenge, enrolled.code()) is ChallengeRefusedError


@pytest.mark.parametrize(
    "typed",
    [
        "",
        " ",
        "12345",
        "1234567",
        "\uff11\uff12\uff13\uff14\uff15\uff16",
        "\u0661" * 6,
        "x" * 100_000,
        "\ud800",
        "\x00",
    ],
    ids=["empty", "blank", "five", "seven", "full-width", "arabic", "huge", "surrogate", "nul"],
)
async def test_odd_codes_are_wrong_codes(enrolled: Enrolled, typed: str) -> None:
    challenge = await enrolled.challenge()

    assert await enrolled.refusal(challenge, typed) is CodeRefusedError


async def test_a_recovery_code_opens_one_session_however_it_is_written(enrolled: Enrolled) -> None:
    written = enrolled.recovery_codes[0].upper().replace("-", " ")
    await enrolled.verify(await enrolled.challenge(), written)

    assert await enrolled.refusal(await enrolled.challenge(), enrolled.recovery_codes[0]) is CodeRefusedError
    assert (await view_two_factor(enrolled.door, enrolled.principal)).recovery_codes_left == 9


async def test_of_parallel_logins_with_one_recovery_code_exactly_one_wins(enrolled: Enrolled) -> None:
    challenges = [await enrolled.challenge() for _ in range(4)]

    answers = await asyncio.gather(
        *(enrolled.verify(challenge, enrolled.recovery_codes[3]) for challenge in challenges), return_exceptions=True
    )

    assert sorted(type(answer).__name__ for answer in answers) == ["CodeRefusedError"] * 3 + ["TokenPair"]


async def test_new_recovery_codes_void_the_old_ones(enrolled: Enrolled) -> None:
    renewed = await renew_recovery_codes(enrolled.door, enrolled.principal)

    assert len(set(renewed) | set(enrolled.recovery_codes)) == 20
    assert await enrolled.refusal(await enrolled.challenge(), enrolled.recovery_codes[0]) is CodeRefusedError
    await enrolled.verify(await enrolled.challenge(), renewed[0])


async def test_anothers_recovery_code_is_none(enrolled: Enrolled, found: Found) -> None:
    other = await signed_in(enrolled.door, await found())
    enrolment = await begin_two_factor(enrolled.door, other)
    theirs = await confirm_two_factor(enrolled.door, other, pyotp.TOTP(enrolment.secret).at(enrolled.clock.now()))

    assert await enrolled.refusal(await enrolled.challenge(), theirs[0]) is CodeRefusedError


async def test_disabling_needs_password_and_code(enrolled: Enrolled) -> None:
    door, principal = enrolled.door, enrolled.principal

    with pytest.raises(PasswordRefusedError):
        await disable_two_factor(door, principal, password="wrong horse battery", code=enrolled.code())
    with pytest.raises(CodeRefusedError):
        await disable_two_factor(door, principal, password=PASSWORD, code=enrolled.wrong())
    assert (await view_two_factor(door, principal)).is_enabled
    await disable_two_factor(door, principal, password=PASSWORD, code=enrolled.code())

    assert not (await view_two_factor(door, principal)).is_enabled
    with pytest.raises(NotEnabledError):
        await disable_two_factor(door, principal, password=PASSWORD, code=enrolled.recovery_codes[0])
    entered = await log_in(
        door, email=enrolled.firm.registration.email, password=PASSWORD, tenant_slug=None, client=CLIENT
    )
    assert isinstance(entered, TokenPair)


async def test_passwords_are_not_guessed_by_a_stolen_session(door: Door, found: Found, clock: SetClock) -> None:
    principal = await signed_in(door, await found())

    answers = await asyncio.gather(
        *(step_up(door, principal, code=None, password=f"wrong horse {guess}") for guess in range(12)),
        return_exceptions=True,
    )
    with pytest.raises(RateLimitedError):
        await step_up(door, principal, code=None, password=PASSWORD)

    assert (
        sorted(type(answer).__name__ for answer in answers) == ["PasswordRefusedError"] * 5 + ["RateLimitedError"] * 7
    )
    clock.advance(STEP)
    await step_up(door, principal, code=None, password=PASSWORD)


async def test_a_sign_in_counts_as_stepping_up_for_ten_minutes(door: Door, found: Found, clock: SetClock) -> None:
    principal = await signed_in(door, await found())
    await door.authenticator.require_step_up(principal, door.two_factor)

    clock.advance(STEP_UP_LIFE)

    with pytest.raises(StepUpRequiredError) as required:
        await door.authenticator.require_step_up(principal, door.two_factor)
    assert required.value.facts == {"proof": "PASSWORD"}
    with pytest.raises(ProofMissingError):
        await step_up(door, principal, code="123456", password=None)
    assert await step_up(door, principal, code=None, password=PASSWORD) == clock.now() + STEP_UP_LIFE
    await door.authenticator.require_step_up(principal, door.two_factor)


async def test_the_password_does_not_step_up_who_has_a_second_factor(enrolled: Enrolled) -> None:
    door, principal = enrolled.door, enrolled.principal
    await door.authenticator.require_step_up(principal, door.two_factor)
    enrolled.clock.advance(STEP_UP_LIFE)

    with pytest.raises(StepUpRequiredError) as required:
        await door.authenticator.require_step_up(principal, door.two_factor)
    with pytest.raises(ProofMissingError):
        await step_up(door, principal, code=None, password=PASSWORD)
    await step_up(door, principal, code=enrolled.code(), password=None)

    assert required.value.facts == {"proof": "CODE"}
    await door.authenticator.require_step_up(principal, door.two_factor)


async def test_a_session_that_only_gave_the_password_has_not_stepped_up_once_there_is_a_second_factor(
    door: Door, found: Found, clock: SetClock
) -> None:
    firm = await found()
    principal = await signed_in(door, firm)
    entered = await log_in(door, email=firm.registration.email, password=PASSWORD, tenant_slug=None, client=CLIENT)
    assert isinstance(entered, TokenPair)
    stolen = await door.authenticator.authenticate(entered.access_token, CLIENT)
    await door.authenticator.require_step_up(stolen, door.two_factor)

    enrolment = await begin_two_factor(door, principal)
    await confirm_two_factor(door, principal, pyotp.TOTP(enrolment.secret).at(clock.now()))

    with pytest.raises(StepUpRequiredError):
        await door.authenticator.require_step_up(stolen, door.two_factor)


async def test_a_code_that_stepped_up_does_not_sign_in(enrolled: Enrolled) -> None:
    await step_up(enrolled.door, enrolled.principal, code=enrolled.code(), password=None)

    assert await enrolled.refusal(await enrolled.challenge(), enrolled.code()) is CodeRefusedError


async def test_an_api_key_neither_steps_up_nor_enrols(door: Door, found: Found) -> None:
    principal = await signed_in(door, await found())
    issued = await create_api_key(door, principal, name="desk", scopes=list(Scope))
    by_key = await door.authenticator.authenticate(issued.text, CLIENT)

    with pytest.raises(StepUpRequiredError) as required:
        await door.authenticator.require_step_up(by_key, door.two_factor)
    for act in (begin_two_factor(door, by_key), step_up(door, by_key, code="123456", password=PASSWORD)):
        with pytest.raises(NotASessionError):
            await act

    assert required.value.facts == {}


async def test_nobody_demands_what_they_have_not(door: Door, found: Found) -> None:
    with pytest.raises(NotEnabledError):
        await demand_two_factor(door, await signed_in(door, await found()), is_demanded=True)


async def test_where_it_is_demanded_a_member_without_it_has_no_scope_until_enrolled(
    enrolled: Enrolled, found: Found, owner: asyncpg.Connection
) -> None:
    door, tenant_id = enrolled.door, enrolled.principal.tenant_id
    guest = await found()
    await owner.execute(
        "INSERT INTO memberships (tenant_id, id, user_id, role, is_active, created_at) "
        "VALUES ($1, gen_random_uuid(), $2, 'TRADER', true, now())",
        tenant_id,
        guest.registered.user.id,
    )
    slug = enrolled.firm.registered.tenant.slug
    entered = await log_in(door, email=guest.registration.email, password=PASSWORD, tenant_slug=slug, client=CLIENT)
    assert isinstance(entered, TokenPair)
    before = await door.authenticator.authenticate(entered.access_token, CLIENT)

    await demand_two_factor(door, enrolled.principal, is_demanded=True)
    bound = await door.authenticator.recheck(before)
    enrolment = await begin_two_factor(door, bound)
    await confirm_two_factor(door, bound, pyotp.TOTP(enrolment.secret).at(enrolled.clock.now()))
    after = await door.authenticator.recheck(before)

    assert (before.has(Scope.PLACE_ORDERS), before.must_enrol) == (True, False)
    assert (bound.scopes, bound.must_enrol) == (frozenset(), True)
    assert (after.has(Scope.PLACE_ORDERS), after.must_enrol) == (True, False)
    # In the firm of their own nothing is demanded.
    assert not (await signed_in(door, guest)).must_enrol


async def test_expired_challenges_are_thrown_away(
    enrolled: Enrolled, database: Database, system_database: Database, owner: asyncpg.Connection
) -> None:
    await enrolled.challenge()
    enrolled.clock.advance(CHALLENGE_LIFE)
    fresh = await enrolled.challenge()

    await prune_identity(database, system_database, enrolled.clock.now())

    count = "SELECT count(*) FROM two_factor_challenges WHERE tenant_id = $1"
    assert await owner.fetchval(count, enrolled.principal.tenant_id) == 1
    await enrolled.verify(fresh, enrolled.code())


async def test_a_sealed_secret_moved_to_another_person_does_not_open(
    enrolled: Enrolled, found: Found, owner: asyncpg.Connection
) -> None:
    other = await signed_in(enrolled.door, await found())
    await owner.execute(
        "INSERT INTO second_factors SELECT $2, master_version, wrapped_key, sealed_secret, 0, begun_at, confirmed_at "
        "FROM second_factors WHERE user_id = $1",
        enrolled.principal.user_id,
        other.user_id,
    )

    with pytest.raises(SecretUnreadableError):
        await step_up_as_enrolled(enrolled, other, owner)

    await owner.execute("DELETE FROM second_factors WHERE user_id = $1", other.user_id)


async def step_up_as_enrolled(enrolled: Enrolled, other: Principal, owner: asyncpg.Connection) -> None:
    await owner.execute("UPDATE users SET two_factor_enabled = true WHERE id = $1", other.user_id)
    try:
        await step_up(enrolled.door, other, code=enrolled.code(), password=None)
    finally:
        await owner.execute("UPDATE users SET two_factor_enabled = false WHERE id = $1", other.user_id)
