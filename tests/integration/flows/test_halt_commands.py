"""`oms risk kill`, `release` and `halts` as programs: what they print, and the exit codes that a script relies on."""

import json
from pathlib import Path
from uuid import uuid4

import pytest

from app.core.fix import OrderState
from app.infra.uow import begin_batch
from tests.command_line import Ended, oms
from tests.integration.flows.conftest import Trader


class Command:
    """`oms risk` over the servers of the tests."""

    def __init__(self, trader: Trader, folder: Path, variables: dict[str, str]) -> None:
        self.trader = trader
        self._folder = folder
        self._variables = variables

    async def slug(self) -> str:
        async with begin_batch(self.trader.desk.database, self.trader.key.tenant_id) as session:
            [row] = await session.fetch("SELECT slug FROM tenants WHERE id = $1", self.trader.key.tenant_id)
        return str(row["slug"])

    async def run(self, *arguments: str) -> Ended:
        told = ("risk", arguments[0], "--tenant", await self.slug(), *arguments[1:])
        return await oms(*told, folder=self._folder, **self._variables)


@pytest.fixture
def command(trader: Trader, tmp_path: Path, database_url: str, redis_url: str, redis_prefix: str) -> Command:
    """The command line."""
    variables = {"OMS_DATABASE_URL": database_url, "OMS_REDIS_URL": redis_url, "OMS_REDIS_PREFIX": redis_prefix}
    return Command(trader, tmp_path, variables)


async def test_nothing_is_killed_without_a_confirmation(trader: Trader, command: Command) -> None:
    order = await trader.placed(quantity="1", limit_price="90")

    code, out, error = await command.run("kill", "--reason", "test")

    assert (code, out) == (2, "")
    assert "nothing was done" in error
    assert (await trader.stored(order)).state is OrderState.ROUTED


async def test_a_kill_is_done_listed_and_released(trader: Trader, command: Command) -> None:
    order = await trader.placed(quantity="1", limit_price="90")

    killed, out, _ = await command.run("kill", "--reason", "test", "--yes", "--json")
    told = json.loads(out)
    _, listed, _ = await command.run("halts", "--json")
    released, _, _ = await command.run("release", told["haltId"], "--reason", "over", "--yes")
    _, left, _ = await command.run("halts", "--json")

    assert (killed, told["finished"], told["accounts"][0]["ordersCancelled"]) == (0, True, 1)
    assert (await trader.stored(order)).state is OrderState.CANCELED
    assert [(one["id"], one["mode"], one["haltedBy"]) for one in json.loads(listed)] == [
        (told["haltId"], "HALTED", "system:cli")
    ]
    assert released == 0
    assert json.loads(left) == []


async def test_a_drill_needs_no_confirmation_and_halts_nothing(trader: Trader, command: Command) -> None:
    await trader.placed(quantity="1", limit_price="90")

    code, out, _ = await command.run("kill", "--reason", "test", "--drill", "--close")

    assert code == 0
    assert out.startswith("drill ")
    assert "1 orders canceled" in out
    assert (await trader.place(quantity="1", limit_price="90")).problems == ()


async def test_what_is_unknown_is_exit_code_5(command: Command) -> None:
    account, _, _ = await command.run("kill", "--reason", "test", "--yes", "--account", "DU0")
    instrument, _, _ = await command.run("kill", "--reason", "test", "--yes", "--instrument", str(uuid4()))
    halt, _, error = await command.run("release", str(uuid4()), "--reason", "over", "--yes")

    assert (account, instrument, halt) == (5, 5, 5)
    assert error == "oms: There is no such halt.\n"


async def test_a_kill_that_is_not_confirmed_in_time_is_exit_code_7(trader: Trader, command: Command) -> None:
    order = await trader.placed(quantity="1", limit_price="90")
    await trader.claim()
    await trader.report(trader.acknowledged(order))

    code, out, error = await command.run("kill", "--reason", "test", "--yes", "--wait", "0", "--json")

    assert code == 7
    assert json.loads(out)["accounts"][0]["cancelsUnconfirmed"] == 1
    assert error == "oms: it goes on: look at it again, or at killSwitch\n"
