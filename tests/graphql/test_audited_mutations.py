"""Every mutation of the schema leaves an entry in the audit log, with who, from where and under which request.

A new mutation fails here until CALLS says how it is called, or NOT_AUDITED why it needs no entry.
"""

from collections.abc import AsyncIterator, Awaitable
from decimal import Decimal
from pathlib import Path
from typing import Any, Final
from uuid import UUID, uuid4

import asyncpg
import orjson
import pytest

from app.compliance.cases_batch import open_cases
from app.compliance.domain.surveillance import CaseKind, Suspicion
from app.core.fix import RiskLimitType
from app.core.ids import BreachId, CaseId, LimitId
from app.identity.domain import Role
from app.infra.settings import Settings
from app.infra.uow import begin_batch
from app.risk.monitoring.batch import insert_breaches
from app.risk.monitoring.domain.watch import BreachRecord, Level
from schema.schema import schema
from tests import factories
from tests.graphql import identity_calls
from tests.graphql.conftest import Api, Broker, Firm
from tests.graphql.stage import Call, Stage, call, given, nothing, value, with_id
from tests.graphql.test_broker_accounts import asked as asked_account
from tests.graphql.test_broker_accounts import opened
from tests.graphql.test_in_doubt import doubted, look, outside, tell
from tests.graphql.test_linked_orders import pair
from tests.graphql.test_preview import adapter, answering, simulator
from tests.graphql.test_profit_and_loss import transfer
from tests.graphql.test_reconciliation import breaks
from tests.graphql.test_reconciliation import look as compare
from tests.graphql.test_simulator_faults import Rehearsal, rehearsal
from tests.mailbox import opened_mailbox

__all__ = ["adapter", "rehearsal", "simulator"]

NOT_AUDITED: Final = {
    "refreshToken": "renews the same session every few minutes and gives no new power; a token used twice is audited "
    "(tests/integration/identity/test_sessions.py)",
    "register": "leaves word for the worker alone, and makes nothing; verifyEmail makes the tenant, and is audited",
    "requestPasswordReset": "nobody looks whether the address is known; resetPassword is audited",
    "requestEmailVerification": "mails a link to the person's own address; verifyEmail is audited",
    "platformLogin": "is in no tenant; each act of it on a tenant is audited there",
    "platformLogout": "is in no tenant; ends what platformLogin opened",
}


async def _modify(stage: Stage) -> Any:
    return {"orderId": await stage.working(), "limitPrice": "187"}


async def _unsubscribe(stage: Stage) -> Any:
    document = 'mutation { subscribeMarketData(input: {symbol: "AAPL"}) { subscription { id } } }'
    made = await stage.firm.api.data(document)
    return {"subscriptionId": made["subscribeMarketData"]["subscription"]["id"]}


async def _release(stage: Stage) -> Any:
    return {"orderIds": [await stage.placed(staged=True)]}


async def _approve(stage: Stage) -> Any:
    await call(stage.firm.api, "setApprovalPolicy", {"expirySeconds": 600})
    trader = await stage.firm.member(Role.TRADER)
    order = (await trader.place(**stage.firm.order()))["order"]
    return {"orderId": order["id"], "approve": False, "reason": "seen"}


async def _policy(stage: Stage) -> Any:
    document = "mutation { setApprovalPolicy(input: {expirySeconds: 600}) { policy { id } } }"
    return {"id": (await stage.firm.api.data(document))["setApprovalPolicy"]["policy"]["id"]}


async def _limit(stage: Stage, **others: Any) -> Any:
    document = "mutation($i: SetRiskLimitInput!) { setRiskLimit(input: $i) { riskLimit { id } } }"
    terms = {"limitType": "MAX_ORDER_QUANTITY", "value": "900"}
    return {"id": (await stage.firm.api.data(document, i=terms))["setRiskLimit"]["riskLimit"]["id"], **others}


async def _proposal(stage: Stage) -> Any:
    # A loosening by somebody else.
    limit, other = await _limit(stage), await stage.firm.member(Role.COMPLIANCE)
    document = "mutation($i: DeleteRiskLimitInput!) { deleteRiskLimit(input: $i) { proposal { id } } }"
    return {"proposalId": (await other.data(document, i=limit))["deleteRiskLimit"]["proposal"]["id"]}


async def _halt(stage: Stage) -> Any:
    document = 'mutation { haltTrading(input: {scope: TENANT, mode: HALTED, reason: "test"}) { halt { id } } }'
    return {"haltId": (await stage.firm.api.data(document))["haltTrading"]["halt"]["id"], "reason": "over"}


async def _breaker(stage: Stage) -> Any:
    document = "mutation($i: SetCircuitBreakerInput!) { setCircuitBreaker(input: $i) { circuitBreaker { id } } }"
    terms = {"kind": "LOSS", "threshold": "900", "mode": "HALTED"}
    return {"id": (await stage.firm.api.data(document, i=terms))["setCircuitBreaker"]["circuitBreaker"]["id"]}


async def _breach(stage: Stage) -> Any:
    limit, desk = await _limit(stage), stage.firm.desk
    breach = BreachRecord(
        id=BreachId(desk.ids.new()),
        limit_id=LimitId(UUID(limit["id"])),
        limit_version=1,
        limit_type=RiskLimitType.MAX_ORDER_QUANTITY,
        account_id=stage.firm.account_id,
        instrument_id=None,
        level=Level.REFUSALS,
        observed=Decimal(1),
        value=Decimal(1),
        ratio=Decimal(1),
        peak_observed=Decimal(1),
        peak_ratio=Decimal(1),
        opened_at=desk.clock.now(),
    )
    async with begin_batch(desk.database, stage.firm.key.tenant_id) as session:
        await session.write([insert_breaches(stage.firm.key.tenant_id, [breach])])
    return {"breachId": str(breach.id), "note": "seen"}


async def _break(stage: Stage) -> Any:
    await compare(stage.firm)
    await compare(stage.firm, ("AAPL", 5))
    [found] = await breaks(stage.firm)
    return {"breakId": found["id"], "action": "ADJUST", "reason": "because"}


async def _dead(stage: Stage) -> Any:
    order_id = await doubted(stage.firm, stage.broker)
    await look(stage.firm)
    return {"orderId": order_id, "reason": "gone"}


async def _claim(stage: Stage) -> Any:
    await tell(stage.firm, outside(stage.firm, client_id=99))
    told = await stage.firm.api.data("{ orders { edges { node { id } } } }")
    return {"orderId": told["orders"]["edges"][0]["node"]["id"], "note": "by phone"}


async def _account(stage: Stage) -> str:
    return str((await opened(stage.firm.api))["id"])


async def _disconnect(stage: Stage) -> Any:
    given = {"accountId": await _account(stage)}
    await call(stage.firm.api, "connectBroker", given)
    return given


async def _person(stage: Stage) -> Any:
    other = await factories.make_principal(stage.firm.desk.database, stage.firm.key.tenant_id, role=Role.TRADER)
    return {"userId": str(other.user_id), "reason": "asked for it"}


async def _restricted_list(stage: Stage) -> str:
    document = 'mutation { setRestrictedList(input: {name: "Insider", reason: "x"}) { restrictedList { id } } }'
    return str((await stage.firm.api.data(document))["setRestrictedList"]["restrictedList"]["id"])


async def _case(stage: Stage) -> str:
    desk, key = stage.firm.desk, stage.firm.key
    suspicion = Suspicion(
        kind=CaseKind.WASH_TRADE,
        key="audited",
        summary="seen",
        account_id=key.account_id,
        instrument_id=None,
        order_ids=(),
        execution_ids=(),
        occurred_at=desk.clock.now(),
    )
    async with begin_batch(desk.database, key.tenant_id) as session:
        found = [(CaseId(desk.ids.new()), suspicion)]
        [case_id] = await open_cases(session, key.tenant_id, found, desk.clock.now())
    return str(case_id)


CALLS: Final[dict[str, Call]] = {
    **identity_calls.BY_NOBODY,
    **identity_calls.BY_A_MEMBER,
    "logout": nothing,
    "createApiKey": given(name="key", scopes=["VIEW_ORDERS"]),
    "rotateApiKey": lambda stage: with_id("apiKeyId", stage.key()),
    "revokeApiKey": lambda stage: with_id("apiKeyId", stage.key()),
    "subscribeMarketData": given(symbol="AAPL"),
    "unsubscribeMarketData": _unsubscribe,
    "placeOrder": lambda stage: value(stage.firm.order()),
    "placeOrders": lambda stage: value([stage.firm.order()]),
    "modifyOrder": _modify,
    "cancelOrder": lambda stage: with_id("orderId", stage.placed()),
    "cancelOrders": lambda stage: _list("orderIds", stage.placed()),
    "placeOco": lambda stage: value(pair(stage.firm)),
    "closePosition": lambda stage: with_id("positionId", stage.held(), clientOrderId="close"),
    "reversePosition": lambda stage: with_id("positionId", stage.held(), clientOrderId="reverse"),
    "releaseOrders": _release,
    "adjustPosition": lambda stage: value(transfer(stage.firm)),
    "createPnlSnapshot": lambda stage: value({"accountId": stage.account_id}),
    "setApprovalPolicy": given(expirySeconds=600),
    "deleteApprovalPolicy": _policy,
    "approveOrder": _approve,
    "setCircuitBreaker": given(kind="LOSS", threshold="900", mode="HALTED"),
    "deleteCircuitBreaker": _breaker,
    "acknowledgeRiskBreach": _breach,
    "setRiskLimit": given(limitType="MAX_ORDER_QUANTITY", value="900"),
    "deleteRiskLimit": _limit,
    "approveRiskLimitProposal": _proposal,
    "rejectRiskLimitProposal": _proposal,
    "importRiskLimits": given(csv="type,value\nMAX_ORDER_QUANTITY,900\n", dryRun=False),
    "exportRiskLimits": nothing,
    "drillRiskLimits": given(),
    "applyRiskTemplate": lambda stage: value(
        {"accountId": stage.account_id, "template": "conservative", "capital": "100000"}
    ),
    "setRestrictedList": given(name="Insider", reason="x"),
    "changeRestrictedEntries": lambda stage: with_id(
        "listId", _restricted_list(stage), add=[{"symbol": "AAPL", "kind": "NOTIFY", "reason": "x"}], reason="x"
    ),
    "importRestrictedList": lambda stage: with_id(
        "listId", _restricted_list(stage), content="symbol,kind,reason\n", reason="x"
    ),
    "takeSurveillanceCase": lambda stage: with_id("caseId", _case(stage)),
    "writeSurveillanceNote": lambda stage: with_id("caseId", _case(stage), note="seen"),
    "closeSurveillanceCase": lambda stage: with_id("caseId", _case(stage), disposition="NO_VIOLATION", reason="seen"),
    "setCalendarDays": given(days=[{"exchange": "NYSE", "day": "2026-12-25", "isClosed": True}], reason="x"),
    "importCalendar": given(content="exchange,day,closed\n", reason="x"),
    "exportCalendar": nothing,
    "exportRestrictedList": lambda stage: with_id("listId", _restricted_list(stage)),
    "reconcileAccount": lambda stage: value({"accountId": stage.account_id}),
    "resolveBreak": _break,
    "askAboutOrder": lambda stage: with_id("orderId", doubted(stage.firm, stage.broker)),
    "declareOrderDead": _dead,
    "claimExternalOrder": _claim,
    "createBrokerAccount": lambda stage: value(asked_account()),
    "updateBrokerAccount": lambda stage: with_id("accountId", _account(stage), label="Growth"),
    "connectBroker": lambda stage: with_id("accountId", _account(stage)),
    "disconnectBroker": _disconnect,
    "haltTrading": given(scope="TENANT", mode="HALTED", reason="test"),
    "resumeTrading": _halt,
    "activateKillSwitch": given(scope="TENANT", reason="test", closePositions=True),
    "setAuditRetention": given(keepDays=4000),
    "setRecordRetention": given(alertDays=4000, caseDays=4000),
    "requestOrderRecords": given(fromTime="2026-03-01T00:00:00Z", toTime="2026-04-01T00:00:00Z"),
    "erasePerson": _person,
}
PLAYED_APART: Final = {"addInstrument", "simulatorFault", "clearSimulatorFaults", "leaveTenant", "endPlatformEntry"}
ASKED_OF_SOMEBODY_AWAY: Final = {"reconcileAccount", "askAboutOrder"}


async def _list(name: str, value: Awaitable[str]) -> Any:
    return {name: [await value]}


@pytest.fixture
async def log(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    """The log of all tenants, as the owner of the database reads it."""
    connection = await asyncpg.connect(database_url)
    yield connection
    await connection.close()


@pytest.fixture
async def stage(
    firm: Firm, broker: Broker, anonymous: Api, log: asyncpg.Connection, settings: Settings, tmp_path: Path
) -> AsyncIterator[Stage]:
    """A firm that is ready to act; nobody has tried to get in at any door yet."""
    assert settings.database_url is not None
    redis = firm.desk.redis
    async for key in redis.client.scan_iter(match=f"{redis.prefix}door:*"):
        await redis.client.delete(key)
    async with opened_mailbox(settings.database_url, firm.desk.door, tmp_path / "mail") as mailbox:
        yield Stage(firm=firm, broker=broker, anonymous=anonymous, owner=log, mailbox=mailbox)


@pytest.fixture
async def platform(stage: Stage, database_url: str) -> Api:
    """A client that runs the platform."""
    return await identity_calls.as_platform(stage, database_url)


async def entries(log: asyncpg.Connection, request_id: str) -> list[Any]:
    """What a request left in the log."""
    found: list[Any] = await log.fetch("SELECT * FROM audit_log WHERE request_id = $1", request_id)
    return found


def assert_told(found: list[Any], firm: Firm) -> None:
    """The entries say who acted and from where."""
    assert found
    for entry in found:
        assert entry["ip_address"] == "127.0.0.1"
        assert entry["actor"].startswith("user:")
        assert "." in entry["action"]
    assert {entry["actor"] for entry in found} == {firm.principal.actor}


def test_every_mutation_is_called_here_or_is_excused_with_a_reason() -> None:
    mutations = schema._schema.mutation_type
    assert mutations is not None

    called = set(CALLS) | set(identity_calls.BY_THE_PLATFORM) | PLAYED_APART
    assert set(mutations.fields) == called | set(NOT_AUDITED)
    assert not called & set(NOT_AUDITED)


@pytest.mark.parametrize("name", CALLS)
async def test_a_mutation_leaves_an_entry(stage: Stage, log: asyncpg.Connection, name: str) -> None:
    asked, request_id = await CALLS[name](stage), f"audit-{uuid4().hex}"
    is_nobody = name in identity_calls.BY_NOBODY
    api = stage.anonymous if is_nobody else stage.firm.api

    payload = await call(api, name, asked, request_id)

    if name not in ASKED_OF_SOMEBODY_AWAY:
        assert not payload.get("errors")
    found = await entries(log, request_id)
    if is_nobody:
        assert {entry["ip_address"] for entry in found} == {"127.0.0.1"}
        [actor] = {entry["actor"] for entry in found}
        assert actor.startswith("user:")
    else:
        assert_told(found, stage.firm)


async def test_adding_an_instrument_leaves_an_entry(stage: Stage, log: asyncpg.Connection, adapter: Any) -> None:
    async with answering(stage.firm, adapter):
        payload = await call(stage.firm.api, "addInstrument", {"contractId": "76792991"}, "audit-add-instrument")

    assert payload["errors"] == []
    assert_told(await entries(log, "audit-add-instrument"), stage.firm)


async def test_rehearsing_faults_leaves_entries(rehearsal: Rehearsal, log: asyncpg.Connection) -> None:
    account = {"accountId": str(rehearsal.firm.account_id)}

    await call(rehearsal.api, "simulatorFault", account | {"pathology": "silent-fill"}, "audit-fault")
    await call(rehearsal.api, "clearSimulatorFaults", account, "audit-clear")

    assert_told(await entries(log, "audit-fault"), rehearsal.firm)
    assert_told(await entries(log, "audit-clear"), rehearsal.firm)


@pytest.mark.parametrize("name", identity_calls.BY_THE_PLATFORM)
async def test_what_the_platform_does_to_a_tenant_is_in_the_tenants_log(
    stage: Stage, platform: Api, log: asyncpg.Connection, name: str
) -> None:
    asked, request_id = await identity_calls.BY_THE_PLATFORM[name](stage), f"audit-{uuid4().hex}"

    payload = await call(platform, name, asked, request_id)

    found = await entries(log, request_id)
    assert payload["errors"] == []
    assert found
    [actor] = {entry["actor"] for entry in found}
    assert actor.startswith("platform:")
    assert {entry["ip_address"] for entry in found} == {"127.0.0.1"}
    if name != "createTenant":
        assert {entry["tenant_id"] for entry in found} == {stage.firm.key.tenant_id}


async def test_leaving_a_tenant_and_being_shown_out_leave_entries(
    stage: Stage, platform: Api, log: asyncpg.Connection
) -> None:
    left, shown_out = [await identity_calls.entered(stage, platform) for _ in range(2)]

    await call(platform, "leaveTenant", left, "audit-leave")
    await call(stage.firm.api, "endPlatformEntry", {"entryId": shown_out["entryId"]}, "audit-end")

    [leaving] = await entries(log, "audit-leave")
    assert (leaving["action"], leaving["tenant_id"]) == ("platform_entry.ended", stage.firm.key.tenant_id)
    assert leaving["actor"].startswith("platform:")
    assert_told(await entries(log, "audit-end"), stage.firm)


async def test_a_change_tells_what_was_there_before(stage: Stage, log: asyncpg.Connection) -> None:
    await call(stage.firm.api, "setAuditRetention", {"keepDays": 4000}, "audit-first")
    await call(stage.firm.api, "setAuditRetention", {"keepDays": 5000}, "audit-second")

    [entry] = await entries(log, "audit-second")
    assert orjson.loads(entry["old_values"]) == {"keep_days": 4000}
    assert orjson.loads(entry["new_values"]) == {"keep_days": 5000}
