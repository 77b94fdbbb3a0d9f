"""Halts and the kill switch over HTTP and WebSocket, as clients meet them."""

import asyncio
from typing import Any
from uuid import uuid4

import pytest

from app.core.fix import Side
from app.core.ids import AccountId
from app.flows.halts.run_kill_switches import KillSwitchRunner
from app.identity.domain import Role, Scope
from app.infra.db import Database, DatabaseRole
from app.infra.settings import Settings
from app.infra.sharing import end_task
from app.infra.uow import begin_batch
from tests import factories
from tests.graphql.conftest import Answer, Api, Broker, Firm, token_of
from tests.graphql.test_account_grants import grant

HALT = """
mutation Halt($input: HaltTradingInput!) {
  haltTrading(input: $input) {
    halt { id scope targetId mode reason automatic killSwitch haltedBy haltedAt resumedAt } errors { code path }
  }
}
"""
RESUME = """
mutation Resume($input: ResumeTradingInput!) {
  resumeTrading(input: $input) { halt { id resumedBy resumedAt resumeReason } errors { code path } }
}
"""
KILL = """
mutation Kill($input: KillSwitchInput!) {
  activateKillSwitch(input: $input) {
    halt { id mode killSwitch }
    killSwitch { id drill barredAt finishedAt }
    ordersCancelled positionsClosing
    accounts { accountId step ordersCancelled cancelsUnconfirmed positionsClosing errors { code subjectId } }
    errors { code path }
  }
}
"""
HALTS = "query Halts($active: Boolean, $first: Int) { tradingHalts(active: $active, first: $first) { id mode } }"
KILL_SWITCH = """
query Kill($id: ID!) { killSwitch(id: $id) { id finishedAt halt { id } accounts { accountId step } } }
"""
PROGRESS = """
subscription Progress($id: ID!) {
  killSwitchProgress(id: $id) { finishedAt accounts { step cancelsUnconfirmed closesOpen } }
}
"""
FOLLOW = "subscription Halts { tradingHalts { id mode resumedAt } }"


async def halt(api: Api, **terms: Any) -> Answer:
    """The payload of haltTrading."""
    given = {"scope": "TENANT", "mode": "HALTED", "reason": "test", **terms}
    payload: Answer = (await api.data(HALT, input=given))["haltTrading"]
    return payload


async def resume(api: Api, halt_id: str, reason: str = "over") -> Answer:
    """The payload of resumeTrading."""
    payload: Answer = (await api.data(RESUME, input={"haltId": halt_id, "reason": reason}))["resumeTrading"]
    return payload


async def kill(api: Api, **terms: Any) -> Answer:
    """The payload of activateKillSwitch."""
    given = {"scope": "TENANT", "reason": "test", **terms}
    payload: Answer = (await api.data(KILL, input=given))["activateKillSwitch"]
    return payload


def codes(payload: Answer) -> list[str]:
    return [one["code"] for one in payload["errors"]]


async def test_a_halt_is_set_met_listed_and_released_by_another(firm: Firm) -> None:
    second = await firm.member(Role.COMPLIANCE)

    payload = await halt(firm.api)
    placed = await firm.api.place(**firm.order())
    listed = (await second.data(HALTS))["tradingHalts"]
    mine = await resume(firm.api, payload["halt"]["id"])
    released = await resume(second, payload["halt"]["id"])
    after = await firm.api.place(**firm.order())

    told = payload["halt"]
    assert (told["scope"], told["targetId"], told["mode"], told["automatic"]) == ("TENANT", None, "HALTED", False)
    assert told["haltedBy"] == firm.principal.actor
    assert codes(placed) == ["TRADING_HALTED"]
    assert placed["order"]["state"] == "REJECTED"
    assert listed == [{"id": told["id"], "mode": "HALTED"}]
    assert mine["errors"] == [{"code": "RELEASER_IS_HALTER", "path": ["haltId"]}]
    assert released["errors"] == []
    assert codes(after) == []
    assert (await second.data(HALTS))["tradingHalts"] == []
    assert [one["id"] for one in (await second.data(HALTS, active=False))["tradingHalts"]] == [told["id"]]
    assert codes(await resume(second, told["id"])) == ["HALT_RESUMED"]


async def test_who_may_halt_and_who_may_not(firm: Firm) -> None:
    given = {"scope": "TENANT", "mode": "HALTED", "reason": "test"}
    trader, robot = await firm.member(Role.TRADER), await firm.program(Scope.MANAGE_RISK)
    asleep = await factories.make_principal(firm.desk.database, firm.key.tenant_id)
    async with begin_batch(firm.desk.database, firm.key.tenant_id) as session:
        await session.execute(
            "UPDATE auth_sessions SET stepped_up_at = NULL, stepped_up_with = NULL WHERE tenant_id = $1 AND id = $2",
            firm.key.tenant_id,
            asleep.session_id,
        )
    not_stepped_up = firm.api.holding(token_of(firm.desk, asleep))

    by_robot = await halt(robot)

    assert (await trader.refusal(HALT, input=given))[0] == "FORBIDDEN"
    assert (await not_stepped_up.refusal(HALT, input=given))[0] == "STEP_UP_REQUIRED"
    assert by_robot["errors"] == []
    released = {"haltId": by_robot["halt"]["id"], "reason": "over"}
    assert (await robot.refusal(RESUME, input=released))[0] == "STEP_UP_REQUIRED"


@pytest.mark.parametrize(
    ("terms", "error"),
    [
        ({"mode": "ACTIVE"}, {"code": "HALT_INVALID", "path": ["mode"]}),
        ({"scope": "ACCOUNT"}, {"code": "HALT_INVALID", "path": ["targetId"]}),
        ({"targetId": "019a0000-0000-7000-8000-000000000001"}, None),
        ({"scope": "ACCOUNT", "targetId": "nonsense"}, {"code": "BAD_USER_INPUT", "path": ["targetId"]}),
        (
            {"scope": "ACCOUNT", "targetId": "019a0000-0000-7000-8000-000000000001"},
            {"code": "HALT_TARGET_NOT_FOUND", "path": ["targetId"]},
        ),
        (
            {"scope": "STRATEGY", "targetId": "019a0000-0000-7000-8000-000000000001"},
            {"code": "HALT_INVALID", "path": ["scope"]},
        ),
        ({"reason": " \t "}, {"code": "BAD_USER_INPUT", "path": ["reason"]}),
        ({"reason": "x" * 501}, {"code": "BAD_USER_INPUT", "path": ["reason"]}),
        ({"reason": "a\x00b"}, {"code": "BAD_USER_INPUT", "path": ["reason"]}),
    ],
)
async def test_nonsense_halts_nothing(firm: Firm, terms: Answer, error: Answer | None) -> None:
    payload = await halt(firm.api, **terms)

    assert payload["halt"] is None
    assert payload["errors"] == [error or {"code": "HALT_INVALID", "path": ["targetId"]}]
    assert (await firm.api.data(HALTS))["tradingHalts"] == []


async def test_another_firms_account_and_halt_are_unknown(firm: Firm, stranger: Firm) -> None:
    theirs = await halt(stranger.api)

    foreign = await halt(firm.api, scope="ACCOUNT", targetId=str(stranger.account_id))
    killed = await kill(firm.api, scope="ACCOUNT", targetId=str(stranger.account_id))
    released = await resume(firm.api, theirs["halt"]["id"])

    assert (codes(foreign), codes(killed), codes(released)) == (
        ["HALT_TARGET_NOT_FOUND"],
        ["HALT_TARGET_NOT_FOUND"],
        ["HALT_NOT_FOUND"],
    )
    assert codes(await firm.api.place(**firm.order())) == []


async def test_the_kill_switch_tells_each_account_and_is_followed_to_its_end(
    firm: Firm, broker: Broker, settings: Settings
) -> None:
    held = (await firm.api.place(**firm.order(quantity="10", orderType="MARKET", limitPrice=None)))["order"]["id"]
    await broker.claim()
    await broker.fill(held, "10", "187.5")
    working = (await firm.api.place(**firm.order()))["order"]["id"]
    await broker.claim()
    await broker.acknowledge(working)

    payload = await kill(firm.api, closePositions=True)
    system = Database(settings.database_url or "", DatabaseRole.SYSTEM, size=1)
    await system.open()
    worker = asyncio.create_task(KillSwitchRunner(hands=firm.desk, system_database=system).run_forever())
    try:
        async with firm.api.socket() as socket, asyncio.timeout(20):
            await socket.subscribe(PROGRESS, id=payload["killSwitch"]["id"])
            first = (await socket.next_data())["killSwitchProgress"]
            close = next(one for one in await broker.claim() if one.kind == "PLACE")
            await broker.end(working)
            await broker.fill(str(close.order_id), "10", "187", Side.SELL)
            last = first
            while last["finishedAt"] is None:
                last = (await socket.next_data())["killSwitchProgress"]
            assert (await socket.receive())["type"] == "complete"
    finally:
        await end_task(worker)
        await system.close()

    [account] = payload["accounts"]
    assert (payload["halt"]["mode"], payload["halt"]["killSwitch"]) == ("HALTED", True)
    assert (payload["ordersCancelled"], payload["positionsClosing"], codes(payload)) == (1, 1, [])
    assert (account["accountId"], account["cancelsUnconfirmed"]) == (str(firm.account_id), 1)
    assert first["accounts"] == [{"step": "CANCELING", "cancelsUnconfirmed": 1, "closesOpen": 1}]
    assert last["accounts"] == [{"step": "DONE", "cancelsUnconfirmed": 0, "closesOpen": 0}]
    told = (await firm.api.data(KILL_SWITCH, id=payload["killSwitch"]["id"]))["killSwitch"]
    assert told["halt"]["id"] == payload["halt"]["id"]


async def test_a_drill_leaves_a_record_and_nothing_else(firm: Firm) -> None:
    await firm.api.place(**firm.order())

    payload = await kill(firm.api, drill=True, closePositions=True)

    assert (payload["halt"], payload["ordersCancelled"], payload["killSwitch"]["drill"]) == (None, 1, True)
    assert payload["killSwitch"]["finishedAt"] is not None
    assert codes(await firm.api.place(**firm.order())) == []
    page = "query { killSwitches { totalCount edges { node { id drill reason } } } }"
    listed = (await firm.api.data(page))["killSwitches"]
    assert listed["totalCount"] == 1
    assert listed["edges"][0]["node"] == {"id": payload["killSwitch"]["id"], "drill": True, "reason": "test"}


async def test_halts_are_followed_as_they_come_and_go(firm: Firm, relayed: None) -> None:
    standing = (await halt(firm.api, mode="REDUCE_ONLY"))["halt"]["id"]
    second = await firm.member(Role.ADMIN)

    async with firm.api.socket() as socket, asyncio.timeout(20):
        await socket.subscribe(FOLLOW)
        first = (await socket.next_data())["tradingHalts"]
        new = (await halt(second))["halt"]["id"]
        told = first
        while told["id"] != new:
            told = (await socket.next_data())["tradingHalts"]
        await resume(second, standing)
        while told["resumedAt"] is None:
            told = (await socket.next_data())["tradingHalts"]

    assert first == {"id": standing, "mode": "REDUCE_ONLY", "resumedAt": None}
    assert told["id"] == standing


async def test_progress_of_an_unknown_kill_switch_is_an_error(firm: Firm) -> None:
    async with firm.api.socket() as socket:
        await socket.subscribe(PROGRESS, id=str(uuid4()))

        assert await socket.refusal() == ("KILL_SWITCH_NOT_FOUND", ["id"])


async def test_who_is_restricted_sees_no_halt_and_no_kill_of_hidden_accounts(firm: Firm) -> None:
    mine = await factories.make_account(firm.desk.database, firm.key.tenant_id, client_id=9)
    restricted = await factories.make_principal(firm.desk.database, firm.key.tenant_id, role=Role.MANAGER)
    assert restricted.user_id is not None
    await grant(firm, restricted.user_id, {AccountId(mine.account_id): True})
    api = firm.api.holding(token_of(firm.desk, restricted))
    hidden = await kill(firm.api, scope="ACCOUNT", targetId=str(firm.account_id))

    seen = (await api.data(HALTS))["tradingHalts"]
    found = (await api.data(KILL_SWITCH, id=hidden["killSwitch"]["id"]))["killSwitch"]
    node = (await api.data("query N($id: ID!) { node(id: $id) { id } }", id=hidden["halt"]["id"]))["node"]
    tenant_wide = await api.refusal(HALT, input={"scope": "TENANT", "mode": "HALTED", "reason": "test"})
    own = await halt(api, scope="ACCOUNT", targetId=str(mine.account_id))

    assert (seen, found, node) == ([], None, None)
    assert tenant_wide[0] == "FORBIDDEN"
    assert own["errors"] == []
    everything = await kill(firm.api)
    told = (await api.data(KILL_SWITCH, id=everything["killSwitch"]["id"]))["killSwitch"]
    assert [one["accountId"] for one in told["accounts"]] == [str(mine.account_id)]


async def test_nodes_are_halts_and_kill_switches(firm: Firm) -> None:
    payload = await kill(firm.api)
    document = "query N($id: ID!) { node(id: $id) { __typename id } }"

    halted = (await firm.api.data(document, id=payload["halt"]["id"]))["node"]
    killed = (await firm.api.data(document, id=payload["killSwitch"]["id"]))["node"]

    assert (halted["__typename"], killed["__typename"]) == ("TradingHalt", "KillSwitch")


async def test_preview_tells_of_the_halt(firm: Firm) -> None:
    await halt(firm.api)
    document = "query P($i: PlaceOrderInput!) { previewOrder(input: $i) { errors { code } } }"

    preview = (await firm.api.data(document, i=firm.order()))["previewOrder"]

    assert codes(preview) == ["TRADING_HALTED"]
