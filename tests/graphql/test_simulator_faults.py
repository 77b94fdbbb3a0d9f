"""A tenant rehearses faults over HTTP: on its own account at the bundled simulator, and nowhere else."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from app.flows.brokers.simulator_desk import SimulatorDesk
from app.flows.desk import Desk
from app.identity.domain import Role
from app.infra.settings import Settings
from app.infra.uow import begin_batch
from app.simulator.config import SimulatorConfig
from app.simulator.control import controlled
from app.simulator.server import Simulator
from tests.graphql.conftest import Api, Firm, serve

PLAY = """
mutation Play($input: SimulatorFaultInput!) {
  simulatorFault(input: $input) { faults { name parameters lastsSeconds strikes } errors { code message path } }
}
"""
CLEAR = """
mutation Clear($input: ClearSimulatorFaultsInput!) {
  clearSimulatorFaults(input: $input) { cleared errors { code path } }
}
"""
AT_WORK = "query AtWork($account: ID!) { simulatorFaults(accountId: $account) { name } }"
PACK = "{ simulatorPathologies { name seen handled behaviours lastsSeconds } }"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsal:
    """A firm whose account is on a simulator, and the simulator."""

    firm: Firm
    api: Api
    simulator: Simulator

    async def play(self, **terms: Any) -> Any:
        given = {"accountId": str(self.firm.account_id), **terms}
        return (await self.api.data(PLAY, input=given))["simulatorFault"]


@pytest.fixture
async def rehearsal(desk: Desk, firm: Firm, settings: Settings, tmp_path: Path) -> AsyncIterator[Rehearsal]:
    simulator = Simulator(SimulatorConfig())
    await simulator.start()
    try:
        await move_account(firm, simulator.port)
        with_simulator = replace(desk, simulator=SimulatorDesk(host="127.0.0.1", port=simulator.port, folder=tmp_path))
        async with controlled(simulator, 0, tmp_path), serve(with_simulator, settings) as address:
            yield Rehearsal(firm=firm, api=replace(firm.api, address=address), simulator=simulator)
    finally:
        await simulator.stop()


async def move_account(firm: Firm, port: int, *, is_paper: bool = True) -> None:
    async with begin_batch(firm.desk.database, firm.key.tenant_id) as session:
        await session.execute(
            "UPDATE broker_accounts SET host = '127.0.0.1', port = $1, client_id = 7, is_paper = $2", port, is_paper
        )


async def audited(firm: Firm) -> list[Any]:
    async with begin_batch(firm.desk.database, firm.key.tenant_id) as session:
        return await session.fetch("SELECT * FROM audit_log WHERE action LIKE 'simulator.%' ORDER BY id")


async def test_pathologies_are_listed(rehearsal: Rehearsal) -> None:
    found = (await rehearsal.api.data(PACK))["simulatorPathologies"]

    assert len(found) >= 40
    [one] = [one for one in found if one["name"] == "execution-corrected"]
    assert (one["behaviours"], one["lastsSeconds"]) == ([7], 20)


async def test_pathology_is_played_on_the_account_alone_and_ended(rehearsal: Rehearsal) -> None:
    played = await rehearsal.play(pathology="silent-fill")
    listed = (await rehearsal.api.data(AT_WORK, account=str(rehearsal.firm.account_id)))["simulatorFaults"]
    rehearsal.simulator.faults.inject("drop", {"when": "before-order"}, owner="another")
    cleared = await rehearsal.api.data(CLEAR, input={"accountId": str(rehearsal.firm.account_id)})

    assert played["errors"] == []
    [fault] = played["faults"]
    assert (fault["name"], fault["lastsSeconds"]) == ("silent-fill", 20)
    assert fault["parameters"]["clients"] == [7, 1007]
    assert fault["parameters"]["account"]
    assert listed == [{"name": "silent-fill"}]
    assert cleared["clearSimulatorFaults"] == {"cleared": 1, "errors": []}
    assert [one.owner for one in rehearsal.simulator.faults.active()] == ["another"]
    assert [row["action"] for row in await audited(rehearsal.firm)] == ["simulator.fault", "simulator.clear"]


async def test_fault_cannot_leave_the_account(rehearsal: Rehearsal) -> None:
    played = await rehearsal.play(
        fault="delay", parameters={"by_ms": 50, "clients": [1], "account": "DU9"}, lastsSeconds=5
    )

    [fault] = played["faults"]
    assert (fault["parameters"]["by_ms"], fault["parameters"]["clients"]) == (50, [7, 1007])
    assert fault["parameters"]["account"] != "DU9"


@pytest.mark.parametrize(
    ("terms", "code", "path"),
    [
        ({}, "BAD_USER_INPUT", ["pathology"]),
        ({"pathology": "silent-fill", "fault": "drop"}, "BAD_USER_INPUT", ["pathology"]),
        ({"pathology": "none"}, "NOT_FOUND", ["pathology"]),
        ({"fault": "none"}, "NOT_FOUND", ["fault"]),
        ({"fault": ""}, "BAD_USER_INPUT", ["fault"]),
        ({"fault": "delay", "parameters": {"by_ms": "long"}}, "BAD_USER_INPUT", ["parameters", "by_ms"]),
        ({"fault": "delay", "parameters": {"by_ms": {}}}, "BAD_USER_INPUT", ["parameters", "by_ms"]),
        ({"fault": "delay", "parameters": [1]}, "BAD_USER_INPUT", ["parameters"]),
        ({"fault": "delay", "lastsSeconds": 0}, "BAD_USER_INPUT", ["lastsSeconds"]),
        ({"fault": "delay", "lastsSeconds": 3601}, "BAD_USER_INPUT", ["lastsSeconds"]),
        ({"accountId": "none", "fault": "delay"}, "BAD_USER_INPUT", ["accountId"]),
    ],
)
async def test_what_cannot_be_played_says_where(
    rehearsal: Rehearsal, terms: dict[str, Any], code: str, path: list[str]
) -> None:
    payload = await rehearsal.play(**terms)

    assert [(one["code"], one["path"]) for one in payload["errors"]] == [(code, path)]
    assert rehearsal.simulator.faults.active() == []


async def test_account_of_another_tenant_is_not_found(rehearsal: Rehearsal, stranger: Firm) -> None:
    payload = await rehearsal.play(accountId=str(stranger.account_id), pathology="silent-fill")

    assert [(one["code"], one["path"]) for one in payload["errors"]] == [("NOT_FOUND", ["accountId"])]
    assert rehearsal.simulator.faults.active() == []


@pytest.mark.parametrize(("port_shift", "is_paper"), [(1, True), (0, False)])
async def test_only_paper_accounts_on_the_simulator_rehearse(
    rehearsal: Rehearsal, port_shift: int, is_paper: bool
) -> None:
    await move_account(rehearsal.firm, rehearsal.simulator.port + port_shift, is_paper=is_paper)

    payload = await rehearsal.play(pathology="silent-fill")

    assert [one["code"] for one in payload["errors"]] == ["SIMULATOR_NOT_THIS_ACCOUNT"]
    assert rehearsal.simulator.faults.active() == []
    assert await audited(rehearsal.firm) == []


async def test_trader_may_not_break_the_broker(rehearsal: Rehearsal) -> None:
    trader = replace(await rehearsal.firm.member(Role.TRADER), address=rehearsal.api.address)

    code, _ = await trader.refusal(PLAY, input={"accountId": str(rehearsal.firm.account_id), "fault": "drop"})

    assert code == "FORBIDDEN"
    assert rehearsal.simulator.faults.active() == []


async def test_installation_without_a_running_simulator_says_so(rehearsal: Rehearsal, tmp_path: Path) -> None:
    (tmp_path / "simulator-control.json").unlink()

    code, _ = await rehearsal.api.refusal(PACK)

    assert code == "SIMULATOR_UNREACHABLE"
