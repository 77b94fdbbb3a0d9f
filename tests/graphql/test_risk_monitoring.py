"""Utilisation, alerts, breaches and circuit breakers as clients meet them."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest

from app.core.fix import RiskLimitType
from app.core.messages import Tick
from app.flows.hands import WorkerHands
from app.flows.risk.monitor_risk import RiskMonitor
from app.identity.domain import Role, Scope
from app.infra.db import Database, DatabaseRole
from app.infra.settings import Settings
from app.marketdata import service as marketdata
from app.risk.monitoring.domain.watch import CALM
from tests import factories
from tests.fakes import SetClock
from tests.graphql.conftest import Api, Broker, Firm, token_of
from tests.graphql.test_account_grants import grant

USED = "limit { id limitType } accountId instrumentId used value ratio isBreached isMeasured message alert breachId"
UTILISATION = f"query Used($id: ID) {{ riskUtilisation(accountId: $id) {{ {USED} }} }}"
PAGE = f"""
query Page($first: Int, $after: String) {{
  riskUtilisationPage(first: $first, after: $after) {{
    totalCount pageInfo {{ hasNextPage endCursor }} edges {{ cursor node {{ {USED} }} }}
  }}
}}
"""
BREACH = "id limitId limitType accountId level observed value ratio refusals clearedAt acknowledgedBy note"
BREACHES = f"""
query Breaches($filter: RiskBreachFilter, $first: Int, $after: String) {{
  riskBreaches(filter: $filter, first: $first, after: $after) {{
    totalCount pageInfo {{ hasNextPage endCursor }} edges {{ node {{ {BREACH} }} }}
  }}
}}
"""
ACKNOWLEDGE = f"""
mutation Acknowledge($input: AcknowledgeRiskBreachInput!) {{
  acknowledgeRiskBreach(input: $input) {{ breach {{ {BREACH} }} errors {{ code path }} }}
}}
"""
BREAKER = "id kind accountId threshold currency mode windowSeconds minimumOrders cooldownSeconds isActive version"
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
BREAKERS = f"{{ circuitBreakers {{ {BREAKER} }} }}"
TRIP = "breakerId kind accountId threshold observed reason haltId resumedAt"
TRIPS = f"{{ circuitBreakerTrips {{ totalCount edges {{ node {{ {TRIP} }} }} }} }}"
ALERTS = f"subscription {{ riskAlerts {{ {USED} }} }}"
FOLLOW_TRIPS = f"subscription {{ circuitBreakerTrips {{ {TRIP} }} }}"


class Watchman:
    """The monitor of the firm, played by the test."""

    def __init__(self, firm: Firm, broker: Broker, system_database: Database) -> None:
        self._firm, self._broker, self._clock = firm, broker, SetClock(datetime.now(UTC))
        desk = firm.desk
        hands = WorkerHands(
            database=desk.database, redis=desk.redis, intake=desk.intake, clock=self._clock, ids=desk.ids
        )
        self._monitor = RiskMonitor(hands=hands, system_database=system_database, timezone=ZoneInfo("UTC"))

    async def look(self, after_s: float = 1) -> None:
        """One look of the monitor."""
        self._clock.advance(timedelta(seconds=after_s))
        await self._monitor.watch(self._firm.key.tenant_id)

    async def quote(self, price: str) -> None:
        """The market stands at this price."""
        value, instrument = Decimal(price), self._firm.instruments["AAPL"]
        tick = Tick(
            instrument_id=instrument.id, symbol="AAPL", bid=value, ask=value, last=value, time=datetime.now(UTC)
        )
        await marketdata.publish_ticks(self._firm.desk.redis, self._firm.key.tenant_id, [tick])

    async def hold(self, quantity: str, price: str = "100") -> None:
        """A position that was bought at this price."""
        placed = await self._firm.api.place(**self._firm.order(quantity=quantity, limitPrice=price))
        await self._broker.claim()
        await self._broker.fill(placed["order"]["id"], quantity, price)


@pytest.fixture
async def watchman(firm: Firm, broker: Broker, settings: Settings) -> AsyncIterator[Watchman]:
    """The monitor of the firm."""
    assert settings.database_url is not None
    system_database = Database(settings.database_url, DatabaseRole.SYSTEM, size=1)
    await system_database.open()
    yield Watchman(firm, broker, system_database)
    await system_database.close()


async def limited(firm: Firm, of: str, value: str, **more: Any) -> str:
    """The id of a new limit."""
    limit = await factories.make_limit(
        firm.desk.database, firm.key.tenant_id, RiskLimitType(of), Decimal(value), **more
    )
    return str(limit.id)


async def used(api: Api, account_id: str | None = None) -> Any:
    """What is used of the limits."""
    return (await api.data(UTILISATION, id=account_id))["riskUtilisation"]


async def put(api: Api, **terms: Any) -> Any:
    """The payload of setCircuitBreaker."""
    asked = {"kind": "LOSS", "threshold": "1000", "mode": "HALTED", **terms}
    return (await api.data(SET, input=asked))["setCircuitBreaker"]


def codes(payload: Any) -> list[tuple[str, list[str]]]:
    """The errors of a payload."""
    return [(one["code"], one["path"]) for one in payload["errors"]]


async def breaches(api: Api, **asked: Any) -> Any:
    """The page of breaches."""
    return (await api.data(BREACHES, **asked))["riskBreaches"]


async def test_utilisation_marks_positions_and_counts_what_is_open(firm: Firm, watchman: Watchman) -> None:
    notional = await limited(firm, "MAX_POSITION_NOTIONAL", "10000")
    quantity = await limited(firm, "MAX_POSITION_QUANTITY", "100")
    orders = await limited(firm, "MAX_OPEN_ORDERS", "4")
    await limited(firm, "MAX_ORDER_QUANTITY", "100")
    await watchman.quote("100")
    await watchman.hold("50")
    await firm.api.place(**firm.order(quantity="20", limitPrice="90"))
    await watchman.quote("150")

    found = {one["limit"]["id"]: one for one in await used(firm.api)}

    assert {key: (one["used"], one["value"], one["ratio"], one["isBreached"]) for key, one in found.items()} == {
        notional: ("10500", "10000", 1.05, True),
        quantity: ("70", "100", 0.7, False),
        orders: ("1", "4", 0.25, False),
    }
    assert found[notional]["instrumentId"] == str(firm.instruments["AAPL"].id)
    assert (found[orders]["instrumentId"], found[orders]["alert"]) == (None, None)
    assert {one["isMeasured"] for one in found.values()} == {True}


async def test_utilisation_tells_the_marked_loss_of_the_day(firm: Firm, watchman: Watchman) -> None:
    await watchman.quote("100")
    await watchman.hold("50")
    await limited(firm, "MAX_DAILY_LOSS", "1000")
    await watchman.quote("95")

    [one] = await used(firm.api)

    assert (one["used"], one["ratio"], one["isBreached"]) == ("250", 0.25, False)


async def test_what_cannot_be_measured_says_so(firm: Firm) -> None:
    await limited(firm, "MAX_LEVERAGE", "2")

    [one] = await used(firm.api)

    assert (one["used"], one["isMeasured"]) == ("0", False)
    assert "figures" in one["message"]


async def test_utilisation_is_paged_and_told_by_account(firm: Firm) -> None:
    await factories.make_account(firm.desk.database, firm.key.tenant_id)
    for _ in range(2):
        await limited(firm, "MAX_OPEN_ORDERS", "4")

    first = (await firm.api.data(PAGE, first=3))["riskUtilisationPage"]
    second = (await firm.api.data(PAGE, first=3, after=first["pageInfo"]["endCursor"]))["riskUtilisationPage"]
    mine = await used(firm.api, str(firm.account_id))

    assert (first["totalCount"], first["pageInfo"]["hasNextPage"], second["pageInfo"]["hasNextPage"]) == (
        4,
        True,
        False,
    )
    seen = [(edge["node"]["limit"]["id"], edge["node"]["accountId"]) for edge in (*first["edges"], *second["edges"])]
    assert len(set(seen)) == 4
    assert {one["accountId"] for one in mine} == {str(firm.account_id)}


async def test_another_firm_and_other_accounts_are_not_told(firm: Firm, stranger: Firm, watchman: Watchman) -> None:
    await limited(firm, "MAX_POSITION_QUANTITY", "10")
    await watchman.hold("9")
    await watchman.look()

    assert await used(stranger.api) == []
    assert (await breaches(stranger.api))["totalCount"] == 0
    refusal = await stranger.api.refusal(UTILISATION, id=str(firm.account_id))
    assert refusal[0] == (await stranger.api.refusal(UTILISATION, id=str(uuid4())))[0]


@pytest.mark.parametrize("cursor", ["x", "cmlza1V0aWxpc2F0aW9uOg", "cmlza1V0aWxpc2F0aW9uOmE6Yg"])
async def test_a_cursor_of_no_list_is_refused(firm: Firm, cursor: str) -> None:
    assert await firm.api.refusal(PAGE, first=3, after=cursor) == ("BAD_USER_INPUT", ["after"])


@pytest.mark.usefixtures("relayed")
async def test_alerts_begin_with_what_stands_and_go_on(firm: Firm, watchman: Watchman) -> None:
    limit = await limited(firm, "MAX_POSITION_NOTIONAL", "10000")
    await watchman.quote("90")
    await watchman.hold("100", "90")
    await watchman.look()

    async with firm.api.socket() as socket:
        await socket.subscribe(ALERTS)
        standing = (await socket.next_data())["riskAlerts"]
        await watchman.quote("110")
        await watchman.look()
        breached = (await socket.next_data())["riskAlerts"]
        await watchman.quote("50")
        await watchman.look()
        await watchman.look(CALM.total_seconds())
        over = (await socket.next_data())["riskAlerts"]

    told = [(one["alert"], one["used"], one["ratio"], one["isBreached"]) for one in (standing, breached, over)]
    assert told == [
        ("WARNING", "9000", 0.9, False),
        ("BREACH", "11000", 1.1, True),
        ("CLEARED", "5000", 0.5, False),
    ]
    assert {one["limit"]["id"] for one in (standing, breached, over)} == {limit}


async def test_breaches_are_filtered_paged_and_acknowledged_once(firm: Firm, watchman: Watchman) -> None:
    limit = await limited(firm, "MAX_POSITION_QUANTITY", "10")
    await limited(firm, "MAX_OPEN_ORDERS", "5")
    other = await limited(firm, "MAX_POSITION_NOTIONAL", "100000")
    await watchman.quote("100")
    await watchman.hold("9")
    await watchman.look()
    await watchman.quote("12000")
    await watchman.look()
    page = await breaches(firm.api, first=1)
    rest = await breaches(firm.api, first=1, after=page["pageInfo"]["endCursor"])
    [mine] = [edge["node"] for edge in (await breaches(firm.api, filter={"limitIds": [limit]}))["edges"]]

    asked = {"breachId": mine["id"], "note": " hedged by the desk "}
    done = (await firm.api.data(ACKNOWLEDGE, input=asked))["acknowledgeRiskBreach"]
    again = (await firm.api.data(ACKNOWLEDGE, input=asked))["acknowledgeRiskBreach"]

    assert page["totalCount"] == 2
    assert [edge["node"]["limitId"] for edge in (*page["edges"], *rest["edges"])] == [other, limit]
    assert (mine["level"], mine["observed"], mine["ratio"], mine["clearedAt"]) == ("WARNING", "9", 0.9, None)
    assert (done["breach"]["acknowledgedBy"], done["breach"]["note"]) == (firm.principal.actor, "hedged by the desk")
    assert codes(again) == [("RISK_BREACH_ACKNOWLEDGED", ["breachId"])]
    assert (await breaches(firm.api, filter={"isAcknowledged": False}))["totalCount"] == 1
    assert (await breaches(firm.api, filter={"levels": ["BREACH"], "isOpen": True}))["totalCount"] == 1
    assert (await breaches(firm.api, filter={"limitTypes": ["MAX_OPEN_ORDERS"]}))["totalCount"] == 0


async def test_who_may_not_and_what_is_not_is_not_acknowledged(firm: Firm, stranger: Firm, watchman: Watchman) -> None:
    await limited(firm, "MAX_POSITION_QUANTITY", "10")
    await watchman.hold("9")
    await watchman.look()
    [edge] = (await breaches(firm.api))["edges"]
    asked = {"breachId": edge["node"]["id"], "note": "seen"}
    program = await firm.program(Scope.MANAGE_RISK, Scope.VIEW_POSITIONS)

    foreign = (await stranger.api.data(ACKNOWLEDGE, input=asked))["acknowledgeRiskBreach"]
    unknown = (await firm.api.data(ACKNOWLEDGE, input={**asked, "breachId": str(uuid4())}))["acknowledgeRiskBreach"]
    no_id = (await firm.api.data(ACKNOWLEDGE, input={**asked, "breachId": "x"}))["acknowledgeRiskBreach"]
    by_key = (await program.data(ACKNOWLEDGE, input=asked))["acknowledgeRiskBreach"]
    trader = await (await firm.member(Role.TRADER)).refusal(ACKNOWLEDGE, input=asked)

    assert codes(foreign) == codes(unknown) == codes(no_id) == [("RISK_BREACH_NOT_FOUND", ["breachId"])]
    assert codes(by_key) == [("RISK_BREACH_NEEDS_A_PERSON", [])]
    assert trader[0] == "FORBIDDEN"
    assert (await breaches(firm.api, filter={"isAcknowledged": True}))["totalCount"] == 0


@pytest.mark.parametrize(
    "note", ["", "   ", "\u200b", "a\x00b", "x" * 501], ids=["none", "blank", "bare", "nul", "long"]
)
async def test_a_note_is_to_be_read(firm: Firm, note: str) -> None:
    payload = (await firm.api.data(ACKNOWLEDGE, input={"breachId": str(uuid4()), "note": note}))[
        "acknowledgeRiskBreach"
    ]

    assert codes(payload) == [("BAD_USER_INPUT", ["note"])]


async def test_a_breaker_is_set_changed_listed_and_deleted(firm: Firm) -> None:
    made = (await put(firm.api, accountId=str(firm.account_id), threshold="2500", currency="EUR"))["circuitBreaker"]
    asked = {"id": made["id"], "accountId": str(firm.account_id)}
    changed = (await put(firm.api, **asked, threshold="3000", mode="REDUCE_ONLY", expectedVersion=1))["circuitBreaker"]
    late = await put(firm.api, **asked, threshold="1", expectedVersion=1)
    other_kind = await put(firm.api, **asked, kind="DRAWDOWN", threshold="5")
    other_target = await put(firm.api, id=made["id"])
    listed = (await firm.api.data(BREAKERS))["circuitBreakers"]
    gone = (await firm.api.data(DELETE, input={"id": made["id"]}))["deleteCircuitBreaker"]
    twice = (await firm.api.data(DELETE, input={"id": made["id"]}))["deleteCircuitBreaker"]

    assert (made["version"], made["threshold"], made["currency"]) == (1, "2500", "EUR")
    assert (made["windowSeconds"], made["minimumOrders"], made["cooldownSeconds"]) == (60, 20, 60)
    assert (changed["version"], changed["threshold"], changed["mode"], changed["currency"]) == (
        2,
        "3000",
        "REDUCE_ONLY",
        None,
    )
    assert codes(late) == [("BREAKER_VERSION_CONFLICT", ["expectedVersion"])]
    assert codes(other_kind) == [("BREAKER_INVALID", ["kind"])]
    assert codes(other_target) == [("BREAKER_INVALID", ["accountId"])]
    assert listed == [changed]
    assert (gone["errors"], gone["circuitBreaker"]["isActive"]) == ([], False)
    assert codes(twice) == [("BREAKER_NOT_FOUND", ["id"])]
    assert (await firm.api.data(BREAKERS))["circuitBreakers"] == []


@pytest.mark.parametrize(
    ("terms", "found"),
    [
        ({"threshold": "0"}, [("BREAKER_THRESHOLD_INVALID", ["threshold"])]),
        ({"threshold": "-5"}, [("BREAKER_THRESHOLD_INVALID", ["threshold"])]),
        ({"kind": "DRAWDOWN", "threshold": "101"}, [("BREAKER_THRESHOLD_INVALID", ["threshold"])]),
        ({"kind": "DISCONNECTS", "threshold": "2.5"}, [("BREAKER_THRESHOLD_INVALID", ["threshold"])]),
        ({"mode": "ACTIVE"}, [("BREAKER_MODE_INVALID", ["mode"])]),
        ({"currency": "EURO"}, [("BREAKER_CURRENCY_INVALID", ["currency"])]),
        (
            {"windowSeconds": 0, "cooldownSeconds": -1},
            [("BREAKER_WINDOW_INVALID", ["windowSeconds"]), ("BREAKER_COOLDOWN_INVALID", ["cooldownSeconds"])],
        ),
        ({"id": "x"}, [("BREAKER_NOT_FOUND", ["id"])]),
        ({"accountId": "x"}, [("BREAKER_TARGET_NOT_FOUND", ["accountId"])]),
        ({"accountId": "01890a5d-ac96-774b-bcce-b302099a8057"}, [("BREAKER_TARGET_NOT_FOUND", ["accountId"])]),
    ],
    ids=["zero", "negative", "percent", "whole", "mode", "currency", "several", "id", "account", "unknown"],
)
async def test_a_breaker_that_makes_no_sense_is_refused(firm: Firm, terms: Any, found: Any) -> None:
    payload = await put(firm.api, **terms)

    assert codes(payload) == found
    assert (await firm.api.data(BREAKERS))["circuitBreakers"] == []


@pytest.mark.parametrize("threshold", ["NaN", "Infinity", "", "1e999999999", "١٢", None])
async def test_a_threshold_is_a_number(firm: Firm, threshold: Any) -> None:
    answer = await firm.api.answer(SET, input={"kind": "LOSS", "threshold": threshold, "mode": "HALTED"})

    assert answer.get("errors") or answer["data"]["setCircuitBreaker"]["errors"]
    assert (await firm.api.data(BREAKERS))["circuitBreakers"] == []


async def test_a_breaker_of_another_firm_is_unknown(firm: Firm, stranger: Firm) -> None:
    made = (await put(firm.api))["circuitBreaker"]

    changed = await put(stranger.api, id=made["id"], threshold="1")
    covered = await put(stranger.api, accountId=str(firm.account_id))
    gone = (await stranger.api.data(DELETE, input={"id": made["id"]}))["deleteCircuitBreaker"]

    assert codes(changed) == codes(gone) == [("BREAKER_NOT_FOUND", ["id"])]
    assert codes(covered) == [("BREAKER_TARGET_NOT_FOUND", ["accountId"])]
    assert (await firm.api.data(BREAKERS))["circuitBreakers"] == [made]


@pytest.mark.usefixtures("relayed")
async def test_a_trip_is_told_listed_and_refuses_orders_until_a_person_releases(firm: Firm, watchman: Watchman) -> None:
    breaker = (await put(firm.api, accountId=str(firm.account_id), threshold="500"))["circuitBreaker"]
    await watchman.quote("100")
    await watchman.hold("100")

    async with firm.api.socket() as socket:
        await socket.subscribe(FOLLOW_TRIPS)
        await watchman.look()
        await watchman.quote("94")
        await watchman.look()
        told = (await socket.next_data())["circuitBreakerTrips"]
    async with firm.api.socket() as later:
        await later.subscribe(FOLLOW_TRIPS)
        standing = (await later.next_data())["circuitBreakerTrips"]
    refused = await firm.api.place(**firm.order(quantity="1", limitPrice="90"))
    listed = (await firm.api.data(TRIPS))["circuitBreakerTrips"]

    assert (told["breakerId"], told["observed"], told["threshold"]) == (breaker["id"], "600", "500")
    assert told["reason"] == "circuit breaker loss: the account has lost 600 USD today, 500 or more halts"
    assert standing == told
    assert [edge["node"] for edge in listed["edges"]] == [told]
    assert [one["code"] for one in refused["errors"]] == ["TRADING_HALTED"]


async def test_who_is_restricted_sees_own_accounts_alone(firm: Firm, watchman: Watchman) -> None:
    await limited(firm, "MAX_POSITION_QUANTITY", "10")
    await watchman.hold("9")
    await watchman.look()
    other = await factories.make_account(firm.desk.database, firm.key.tenant_id)
    member = await factories.make_principal(firm.desk.database, firm.key.tenant_id, role=Role.MANAGER)
    assert member.user_id is not None
    await grant(firm, member.user_id, {other.account_id: True})
    restricted = firm.api.holding(token_of(firm.desk, member))

    assert {one["accountId"] for one in await used(restricted)} == {str(other.account_id)}
    assert (await breaches(restricted))["totalCount"] == 0
    [edge] = (await breaches(firm.api))["edges"]
    asked = {"breachId": edge["node"]["id"], "note": "seen"}
    payload = (await restricted.data(ACKNOWLEDGE, input=asked))["acknowledgeRiskBreach"]
    assert codes(payload) == [("RISK_BREACH_NOT_FOUND", ["breachId"])]
    wanted = {"kind": "LOSS", "threshold": "1", "mode": "HALTED"}
    assert (await restricted.refusal(SET, input=wanted))[0] == "FORBIDDEN"
    assert (await firm.api.data(BREAKERS))["circuitBreakers"] == []


async def test_who_is_restricted_learns_of_a_halt_of_the_firm_and_not_what_other_accounts_lost(
    firm: Firm, watchman: Watchman
) -> None:
    other = await factories.make_account(firm.desk.database, firm.key.tenant_id)
    member = await factories.make_principal(firm.desk.database, firm.key.tenant_id, role=Role.MANAGER)
    assert member.user_id is not None
    await grant(firm, member.user_id, {other.account_id: True})
    restricted = firm.api.holding(token_of(firm.desk, member))
    await put(firm.api, threshold="500")
    await watchman.hold("30")
    await watchman.quote("80")
    async with restricted.socket() as socket:
        await socket.subscribe(FOLLOW_TRIPS)
        await watchman.look()
        seen = (await restricted.data(TRIPS))["circuitBreakerTrips"]
        [halt] = (await restricted.data("{ tradingHalts { reason automatic } }"))["tradingHalts"]
        [edge] = (await firm.api.data(TRIPS))["circuitBreakerTrips"]["edges"]

    assert (seen["totalCount"], seen["edges"]) == (0, [])
    assert halt == {"reason": "circuit breaker loss of the firm", "automatic": True}
    assert edge["node"]["observed"] == "600"
    assert edge["node"]["reason"].startswith("circuit breaker loss: the firm has lost 600 USD today")
