"""Circuit breakers as the firm keeps them: what loosens one takes two people, and is told to the others."""

from typing import Any

import asyncpg
import pytest

from app.identity.domain import Role, Scope
from tests import factories
from tests.graphql.conftest import Api, Firm, token_of
from tests.graphql.test_account_grants import grant
from tests.graphql.test_accounts import mailbox
from tests.graphql.test_risk_monitoring import Watchman, put, watchman
from tests.mailbox import Mailbox

__all__ = ["mailbox", "watchman"]

pytestmark = pytest.mark.usefixtures("relayed")

BREAKER = """id threshold mode windowSeconds cooldownSeconds isActive version blindSince blindAccountIds
  proposal { isDeletion threshold isActive why proposedBy }"""
BREAKERS = f"{{ circuitBreakers {{ {BREAKER} }} }}"
SET = f"""
mutation Set($input: SetCircuitBreakerInput!) {{
  setCircuitBreaker(input: $input) {{ circuitBreaker {{ {BREAKER} }} errors {{ code path message }} }}
}}
"""
DELETE = f"""
mutation Delete($input: DeleteCircuitBreakerInput!) {{
  deleteCircuitBreaker(input: $input) {{ circuitBreaker {{ {BREAKER} }} errors {{ code path }} }}
}}
"""
CHANGED = f"subscription {{ circuitBreakersChanged {{ {BREAKER} }} }}"


@pytest.fixture
async def officer(firm: Firm) -> Api:
    """A second person who keeps risk: from now on loosening takes two."""
    return await firm.member(Role.COMPLIANCE)


async def change(api: Api, breaker_id: str, **terms: Any) -> Any:
    asked = {"id": breaker_id, "kind": "LOSS", "threshold": "1000", "mode": "HALTED", **terms}
    return (await api.data(SET, input=asked))["setCircuitBreaker"]


async def remove(api: Api, breaker_id: str) -> Any:
    return (await api.data(DELETE, input={"id": breaker_id}))["deleteCircuitBreaker"]


async def listed(api: Api) -> list[Any]:
    found: list[Any] = (await api.data(BREAKERS))["circuitBreakers"]
    return found


async def made(firm: Firm, **terms: Any) -> str:
    return str((await put(firm.api, **terms))["circuitBreaker"]["id"])


@pytest.mark.parametrize(
    "terms",
    [
        {"threshold": "1000.01"},
        {"isActive": False},
        {"mode": "REDUCE_ONLY"},
        {"currency": "EUR"},
        {"cooldownSeconds": 61},
    ],
    ids=["threshold", "off", "mode", "currency", "cooldown"],
)
async def test_each_way_to_loosen_waits_for_another_person(firm: Firm, officer: Api, terms: dict[str, Any]) -> None:
    breaker = await made(firm)

    alone = await change(firm.api, breaker, **terms)
    again = await change(firm.api, breaker, **terms)
    [standing] = await listed(officer)
    confirmed = await change(officer, breaker, **terms)

    for payload in (alone, again):
        assert payload["errors"] == []
        assert payload["circuitBreaker"]["version"] == 1
        assert payload["circuitBreaker"]["proposal"]["why"] != []
    assert (standing["threshold"], standing["mode"], standing["isActive"]) == ("1000", "HALTED", True)
    assert standing["proposal"]["proposedBy"] == firm.principal.actor
    assert confirmed["circuitBreaker"]["version"] == 2
    assert confirmed["circuitBreaker"]["proposal"] is None
    assert {name: confirmed["circuitBreaker"].get(name, value) for name, value in terms.items()} == terms


async def test_a_breaker_is_taken_away_by_two(firm: Firm, officer: Api) -> None:
    breaker = await made(firm)

    alone = await remove(firm.api, breaker)
    kept = await listed(firm.api)
    confirmed = await remove(officer, breaker)

    assert (alone["circuitBreaker"]["isActive"], alone["circuitBreaker"]["proposal"]["isDeletion"]) == (True, True)
    assert [one["id"] for one in kept] == [breaker]
    assert confirmed["circuitBreaker"]["isActive"] is False
    assert await listed(firm.api) == []


async def test_who_says_otherwise_proposes_anew(firm: Firm, officer: Api) -> None:
    breaker = await made(firm)
    await change(firm.api, breaker, threshold="2000")

    other = await change(officer, breaker, threshold="3000")
    gone = await remove(firm.api, breaker)
    confirmed = await change(firm.api, breaker, threshold="2000")

    assert other["circuitBreaker"]["proposal"]["threshold"] == "3000"
    assert gone["circuitBreaker"]["proposal"]["isDeletion"] is True
    # What the first had proposed is no more: the deletion took its place.
    assert confirmed["circuitBreaker"]["proposal"]["threshold"] == "2000"
    assert confirmed["circuitBreaker"]["version"] == 1


async def test_tightening_counts_at_once_and_ends_what_was_proposed(firm: Firm, officer: Api) -> None:
    breaker = await made(firm)
    await change(firm.api, breaker, threshold="2000")

    tighter = await change(firm.api, breaker, threshold="500")
    late = await change(officer, breaker, threshold="2000")

    assert (tighter["circuitBreaker"]["threshold"], tighter["circuitBreaker"]["proposal"]) == ("500", None)
    assert (late["circuitBreaker"]["threshold"], late["circuitBreaker"]["proposal"]["threshold"]) == ("500", "2000")


async def test_a_proposal_of_three_days_ago_counts_no_more(firm: Firm, officer: Api, owner: asyncpg.Connection) -> None:
    breaker = await made(firm)
    await change(firm.api, breaker, threshold="2000")
    await owner.execute(
        """
        UPDATE circuit_breakers SET proposal = proposal || jsonb_build_object('proposedAt',
          to_char(now() - interval '3 days', 'YYYY-MM-DD"T"HH24:MI:SS+00:00')) WHERE tenant_id = $1
        """,
        firm.key.tenant_id,
    )

    late = await change(officer, breaker, threshold="2000")

    assert (late["circuitBreaker"]["version"], late["circuitBreaker"]["threshold"]) == (1, "1000")


async def test_a_person_alone_loosens_alone(firm: Firm) -> None:
    breaker = await made(firm)

    payload = await change(firm.api, breaker, threshold="2000")

    assert (payload["circuitBreaker"]["threshold"], payload["circuitBreaker"]["proposal"]) == ("2000", None)


async def test_a_breaker_that_is_off_loosens_nothing(firm: Firm, officer: Api) -> None:
    breaker = await made(firm, isActive=False)

    payload = await change(firm.api, breaker, threshold="5000", isActive=False)

    assert (payload["circuitBreaker"]["threshold"], payload["circuitBreaker"]["proposal"]) == ("5000", None)


async def test_a_key_changes_no_breaker(firm: Firm) -> None:
    breaker = await made(firm)
    program = await firm.program(Scope.MANAGE_RISK)

    code, _ = await program.refusal(SET, input={"id": breaker, "kind": "LOSS", "threshold": "9", "mode": "HALTED"})

    assert code == "STEP_UP_REQUIRED"


async def test_the_others_get_a_mail_and_news(firm: Firm, owner: asyncpg.Connection, mailbox: Mailbox) -> None:
    other = await factories.make_principal(firm.desk.database, firm.key.tenant_id, role=Role.COMPLIANCE)
    trader = await factories.make_principal(firm.desk.database, firm.key.tenant_id, role=Role.TRADER)
    assert other.user_id is not None
    assert trader.user_id is not None
    breaker = await made(firm)
    async with firm.api.socket() as socket:
        await socket.subscribe(CHANGED)
        await change(firm.api, breaker, threshold="2000")
        told = (await socket.next_data())["circuitBreakersChanged"]
        await change(firm.api, breaker, threshold="2000")

    [mail] = await mailbox.to(f"{other.user_id.hex}@example.com")
    assert "the circuit breaker loss of the firm is to be loosened" in mail.text
    assert "it trips at 2000 instead of 1000" in mail.text
    assert await mailbox.to(f"{trader.user_id.hex}@example.com") == []
    assert (told["id"], told["proposal"]["threshold"]) == (breaker, "2000")


async def silent(firm: Firm, owner: asyncpg.Connection, account_id: str) -> None:
    """The broker of an account has told nothing for an hour."""
    await owner.execute(
        "UPDATE account_balances SET updated_at = now() - interval '1 hour' WHERE tenant_id = $1 AND account_id = $2",
        firm.key.tenant_id,
        account_id,
    )


async def peak(firm: Firm, owner: asyncpg.Connection, equity: str) -> None:
    """The firm's account once had this equity."""
    await owner.execute(
        """
        INSERT INTO pnl_snapshots (tenant_id, id, account_id, at, realized, unrealized, commission, net, equity,
          peak, drawdown, is_day_end)
        VALUES ($1, $2, $3, now() - interval '5 minutes', 0, 0, 0, 0, $4::text::numeric, $4::text::numeric, 0, false)
        """,
        firm.key.tenant_id,
        firm.desk.ids.new(),
        firm.account_id,
        equity,
    )


async def test_a_breaker_of_the_firm_counts_what_is_known_and_says_for_whom_it_is_blind(
    firm: Firm, watchman: Watchman, owner: asyncpg.Connection
) -> None:
    other = str((await factories.make_account(firm.desk.database, firm.key.tenant_id)).account_id)
    await silent(firm, owner, other)
    await owner.execute("UPDATE account_balances SET equity = 1000000 WHERE tenant_id = $1", firm.key.tenant_id)
    await peak(firm, owner, "1500000")
    breaker = await made(firm, kind="DRAWDOWN", threshold="30")

    async with firm.api.socket() as socket:
        await socket.subscribe(CHANGED)
        set_so = (await socket.next_data())["circuitBreakersChanged"]
        await watchman.look()
        told = (await socket.next_data())["circuitBreakersChanged"]
    [standing] = await listed(firm.api)
    before = (await firm.api.data("{ tradingHalts { reason } }"))["tradingHalts"]
    # One account at 1,000,000 after 1,500,000, the silent one as it was: 2,000,000 of 2,500,000.
    await change(firm.api, breaker, kind="DRAWDOWN", threshold="20")
    await watchman.look()
    after = (await firm.api.data("{ tradingHalts { reason } }"))["tradingHalts"]

    assert (set_so["id"], set_so["blindAccountIds"]) == (breaker, [])
    assert (told["id"], told["blindAccountIds"]) == (breaker, [other])
    assert standing["blindSince"] is not None
    assert before == []
    assert [one["reason"] for one in after] == ["circuit breaker drawdown of the firm"]


async def test_a_breaker_that_sees_again_says_so(firm: Firm, watchman: Watchman, owner: asyncpg.Connection) -> None:
    await made(firm, kind="DRAWDOWN", threshold="30", accountId=str(firm.account_id))
    await silent(firm, owner, str(firm.account_id))
    await watchman.look()
    blind = await listed(firm.api)
    await owner.execute("UPDATE account_balances SET updated_at = now() WHERE tenant_id = $1", firm.key.tenant_id)

    await watchman.look()

    assert [one["blindAccountIds"] for one in blind] == [[str(firm.account_id)]]
    assert [(one["blindAccountIds"], one["blindSince"]) for one in await listed(firm.api)] == [([], None)]


async def test_who_may_not_see_an_account_does_not_learn_that_it_is_silent(
    firm: Firm, watchman: Watchman, owner: asyncpg.Connection
) -> None:
    other = await factories.make_account(firm.desk.database, firm.key.tenant_id)
    await silent(firm, owner, str(other.account_id))
    await made(firm, kind="DRAWDOWN", threshold="30")
    await watchman.look()
    member = await factories.make_principal(firm.desk.database, firm.key.tenant_id, role=Role.MANAGER)
    assert member.user_id is not None
    await grant(firm, member.user_id, {firm.account_id: True})
    restricted = firm.api.holding(token_of(firm.desk, member))

    await put(firm.api, accountId=str(other.account_id))
    async with restricted.socket() as socket:
        await socket.subscribe(CHANGED)
        told = (await socket.next_data())["circuitBreakersChanged"]
    [seen] = await listed(restricted)

    assert (seen["blindAccountIds"], seen["blindSince"] is not None) == ([], True)
    assert told == seen
