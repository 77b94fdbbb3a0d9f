"""`oms simulator …` and the chaos of the demo, against a simulator process that runs."""

import json
import shutil
import signal
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import pytest

from app.cli.demo import play_chaos
from app.infra.simulator_control import FILE_NAME
from tests import command_line
from tests.command_line import Ended, started
from tests.installation import free_port, until

Oms = Callable[..., Awaitable[Ended]]

SCENARIO = """
version = 1
name = "mine"
seen = "Statuses come twice."
handled = "Nothing comes of it."

[[steps]]
fault = "duplicate"
lasts_s = 60.0
"""


@pytest.fixture
def state_dir() -> Iterator[Path]:
    """A folder that the user of root's servers may pass, which pytest's own are closed to."""
    folder = Path(tempfile.mkdtemp(prefix="oms-simulator-", dir="/var/tmp"))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
async def oms(state_dir: Path) -> AsyncIterator[Oms]:
    """Runs `oms` with these arguments: exit code, what it printed, what it complained."""
    variables = {"OMS_SIMULATOR_PORT": str(free_port()), "OMS_SIMULATOR_CONTROL_PORT": "0"}

    async def run(*arguments: str) -> Ended:
        return await command_line.oms(*arguments, folder=state_dir, **variables)

    async with started("simulator", folder=state_dir, **variables) as simulator:
        await until(lambda: (state_dir / FILE_NAME).exists() or simulator.code is not None)
        assert simulator.code is None, simulator.error
        yield run
        simulator.send_signal(signal.SIGTERM)
        await simulator.wait()
    assert not (state_dir / FILE_NAME).exists()


async def test_faults_are_listed_shown_injected_and_cleared(oms: Oms) -> None:
    code, listed, _ = await oms("simulator", "fault", "list")
    _, shown, _ = await oms("simulator", "fault", "show", "delay")
    injected = await oms(
        *("simulator", "fault", "inject", "delay", "--json", "--for", "5m"),
        *("--param", "by_ms=20", "--param", "messages=orderStatus,execDetails"),
    )
    _, at_work, _ = await oms("simulator", "fault", "list")
    cleared = await oms("simulator", "fault", "clear")

    assert (code, injected[0]) == (0, 0)
    assert "half-open" in listed
    assert "by_ms" in shown
    fault = json.loads(injected[1])
    assert (fault["parameters"]["by_ms"], fault["parameters"]["messages"], fault["lasts_s"]) == (
        20,
        ["orderStatus", "execDetails"],
        300,
    )
    assert "at work: 1 delay for 300 s" in at_work
    assert "1 faults ended" in cleared[2]


async def test_scenario_of_a_file_and_of_the_pack_are_played(oms: Oms, tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(SCENARIO)
    wrong = tmp_path / "wrong.toml"
    wrong.write_text(SCENARIO.replace("lasts_s = 60.0", "lasts_s = 60.0\nparameters = { copies = 0 }"))

    mine = await oms("simulator", "scenario", "run", str(file), "--json")
    packed = await oms("simulator", "scenario", "run", "half-open-socket", "--json")
    refused = await oms("simulator", "scenario", "run", str(wrong))
    unknown = await oms("simulator", "scenario", "run", "nothing")

    assert json.loads(mine[1]) == {"name": "mine", "lasts_s": 60.0, "steps": 1}
    assert json.loads(packed[1])["name"] == "half-open-socket"
    assert (refused[0], "copies" in refused[2]) == (1, True)
    assert (unknown[0], "there is no pathology nothing" in unknown[2]) == (5, True)


async def test_clock_market_and_snapshots_are_commanded(oms: Oms, tmp_path: Path) -> None:
    file = tmp_path / "saved.json"

    paused = await oms("simulator", "clock", "pause", "--json")
    for arguments in (
        ("market", "pause"),
        ("market", "quote", "AAPL", "--bid", "199.99", "--ask", "200.01"),
        ("market", "step", "2"),
        ("save", str(file)),
        ("clock", "step", "90m"),
        ("clock", "speed", "10"),
        ("restore", str(file)),
    ):
        code, _, complaint = await oms("simulator", *arguments)
        assert (code, complaint) == (0, ""), arguments
    restored = await oms("simulator", "clock", "show", "--json")
    status = await oms("simulator", "status", "--json")
    wrong_time = await oms("simulator", "clock", "step", "soon")

    assert json.loads(restored[1]) == json.loads(paused[1])
    assert json.loads(status[1])["market"] == "paused"
    assert (wrong_time[0], "no time such as" in wrong_time[2]) == (1, True)


def test_chaos_of_one_seed_plays_the_same_pathologies_and_ends_every_fault(
    capsys: pytest.CaptureFixture[str],
) -> None:
    pack = [{"name": name, "seen": f"{name} is seen", "lasts_s": 5.0} for name in "abcdef"]
    told, commands = [], []
    for _ in range(2):
        asked: list[str] = []
        now = [0.0]

        def ask(command: str, asked: list[str] = asked, **arguments: str) -> object:
            asked.append(arguments.get("name", command))
            return pack

        def sleep(seconds: float, now: list[float] = now) -> None:
            now[0] += seconds

        play_chaos(7, "1m", as_json=False, ask=ask, monotonic=lambda now=now: now[0], sleep=sleep)  # type: ignore[misc]
        commands.append(asked)
        told.append(capsys.readouterr().out)

    assert commands[0] == commands[1]
    assert told[0] == told[1]
    assert commands[0][-1] == "clear"
    assert len({name for name in commands[0] if name in "abcdef"}) > 1
