"""The control port of a simulator: its token, its commands, and what it answers to what it cannot do."""

import json
import stat
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from app.core.errors import NotFoundError, OmsError
from app.infra.simulator_control import (
    ControlAddress,
    SimulatorRefusedError,
    SimulatorUnreachableError,
    ask,
    read_address,
)
from app.simulator.control import controlled
from app.simulator.server import Simulator
from tests.contract.simulator.raw import RawClients, place_order

VERSIONS = "v157..176"


@pytest.fixture
async def address(simulator: Simulator, tmp_path: Path) -> AsyncIterator[ControlAddress]:
    async with controlled(simulator, 0, tmp_path):
        yield read_address(tmp_path)


async def test_address_is_for_its_owner_alone_and_goes_with_the_port(simulator: Simulator, tmp_path: Path) -> None:
    async with controlled(simulator, 0, tmp_path):
        [file] = list(tmp_path.iterdir())
        mode = stat.S_IMODE(file.stat().st_mode)
        address = read_address(tmp_path)

    assert (mode, address.host) == (0o600, "127.0.0.1")
    with pytest.raises(SimulatorUnreachableError):
        read_address(tmp_path)
    with pytest.raises(SimulatorUnreachableError):
        await ask(address, "status")


async def test_wrong_token_commands_nothing(simulator: Simulator, address: ControlAddress) -> None:
    stranger = ControlAddress(host=address.host, port=address.port, token="guessed")

    with pytest.raises(SimulatorRefusedError) as refusal:
        await ask(stranger, "inject", {"name": "silent-fill"})

    assert [one.code for one in refusal.value.problems] == ["UNAUTHENTICATED"]
    assert simulator.faults.active() == []


@pytest.mark.parametrize("line", ["nothing", "[]", "{}", '{"token": 5}', "[" * 20_000])
async def test_rubbish_is_refused(simulator: Simulator, tmp_path: Path, line: str) -> None:
    from app.simulator.control import Control

    answer = await Control(simulator, "t").answer(line.encode())

    assert [one["code"] for one in answer["errors"]] in (["BAD_USER_INPUT"], ["UNAUTHENTICATED"])


async def test_fault_is_described_set_to_work_listed_and_cleared(address: ControlAddress, simulator: Simulator) -> None:
    described = await ask(address, "fault", {"name": "correction"})
    injected = await ask(
        address, "inject", {"name": "correction", "parameters": {"price_change": "0.05", "times": "2"}, "lasts_s": 30}
    )
    active = await ask(address, "active")
    cleared = await ask(address, "clear")

    assert [one["name"] for one in described["parameters"]][:3] == ["price_change", "quantity", "after_ms"]
    assert all(one["meaning"] and one["type"] for one in described["parameters"])
    assert (injected["parameters"]["price_change"], injected["parameters"]["times"]) == ("0.05", 2)
    assert [one["id"] for one in active] == [injected["id"]]
    assert cleared == {"cleared": 1}
    assert simulator.faults.active() == []


@pytest.mark.parametrize(
    ("command", "arguments", "error", "path"),
    [
        ("inject", {"name": "nothing"}, NotFoundError, ("name",)),
        ("inject", {"name": "drop", "lasts_s": 0}, SimulatorRefusedError, ("lasts_s",)),
        ("inject", {"name": "drop", "parameters": {"when": "x"}}, SimulatorRefusedError, ("parameters", "when")),
        ("inject", {"parameters": {}}, SimulatorRefusedError, ("name",)),
        ("fault", {"name": "nothing"}, NotFoundError, ("name",)),
        ("nothing", {}, NotFoundError, ("name",)),
        ("play", {"name": "nothing"}, NotFoundError, ("name",)),
        ("play", {}, SimulatorRefusedError, ("name",)),
        ("play", {"scenario": {"version": 2}}, SimulatorRefusedError, ("version",)),
        ("clock", {"action": "back"}, SimulatorRefusedError, ("action",)),
        ("clock", {"action": "set", "now": "2020-01-01T00:00:00Z"}, SimulatorRefusedError, ("now",)),
        ("clock", {"action": "speed", "speed": "0"}, SimulatorRefusedError, ("speed",)),
        ("market", {"action": "quote", "symbol": "NONE"}, SimulatorRefusedError, ("symbol",)),
        ("replay", {"path": "/nowhere/ticks.csv"}, SimulatorRefusedError, ("path",)),
        ("restore", {"path": "/nowhere/saved.json"}, SimulatorRefusedError, ("path",)),
        ("save", {"path": "/nowhere/saved.json"}, SimulatorRefusedError, ("path",)),
    ],
)
async def test_what_cannot_be_done_says_where(
    address: ControlAddress, command: str, arguments: dict[str, Any], error: type[OmsError], path: tuple[str, ...]
) -> None:
    with pytest.raises(error) as refusal:
        await ask(address, command, arguments)

    assert refusal.value.path == path


async def test_scenario_begins_its_steps_in_their_time(address: ControlAddress, simulator: Simulator) -> None:
    scenario = {
        "version": 1,
        "name": "two",
        "seen": "One fault and then another.",
        "handled": "Both are survived.",
        "steps": [
            {"fault": "silent-fill", "lasts_s": 30},
            {"fault": "duplicate", "at_s": 60, "lasts_s": 30, "parameters": {"copies": 2}},
        ],
    }

    told = await ask(address, "play", {"scenario": scenario, "account": "DU1000001", "clients": [7], "owner": "x"})
    [active] = await ask(address, "active", {"owner": "x"})
    await ask(address, "clear", {"owner": "x"})

    assert told == {"name": "two", "lasts_s": 90.0, "steps": 2}
    assert (active["name"], active["parameters"]["account"], active["parameters"]["clients"]) == (
        "silent-fill",
        "DU1000001",
        [7],
    )
    assert simulator.faults.active() == []


async def test_every_pathology_is_listed_with_what_it_means(address: ControlAddress) -> None:
    found = await ask(address, "pathologies")

    assert len(found) >= 40
    assert all(one["seen"] and one["handled"] and one["lasts_s"] > 0 for one in found)


async def test_clock_stands_steps_and_runs_faster(address: ControlAddress, simulator: Simulator) -> None:
    paused = await ask(address, "clock", {"action": "pause"})
    stepped = await ask(address, "clock", {"action": "step", "seconds": 90})
    later = datetime.fromisoformat(paused["now"]) + timedelta(days=1)
    put = await ask(address, "clock", {"action": "set", "now": later.isoformat()})
    fast = await ask(address, "clock", {"action": "speed", "speed": "10"})

    assert datetime.fromisoformat(stepped["now"]) - datetime.fromisoformat(paused["now"]) == timedelta(seconds=90)
    assert (datetime.fromisoformat(put["now"]), put["is_paused"], fast["speed"]) == (later, True, "10")
    assert simulator.clock.now() == later


async def test_day_order_expires_when_the_clock_is_set_past_its_day(
    address: ControlAddress, simulator: Simulator, raw: RawClients
) -> None:
    client = await raw.start(simulator.port, VERSIONS)
    client.writer.write(place_order(176, 1, "BUY", "10", order_type="LMT", limit="100"))
    await client.until("3", at2="Submitted")

    await ask(address, "clock", {"action": "step", "seconds": 86_400})

    assert (await client.until("3"))[2] == "Cancelled"


async def test_ticks_of_a_file_are_shown_in_their_time(
    address: ControlAddress, simulator: Simulator, raw: RawClients, tmp_path: Path
) -> None:
    client = await raw.start(simulator.port, VERSIONS)
    client.writer.write(place_order(176, 1, "BUY", "100", order_type="LMT", limit="200"))
    await client.until("3", at2="Submitted")
    file = tmp_path / "ticks.csv"
    file.write_text(
        "time,symbol,bid,bidSize,ask,askSize,last,lastSize\n"
        "2026-03-02T14:30:00Z,AAPL,220.00,300,220.02,400,220.01,100\n"
        "2026-03-02T14:30:05Z,AAPL,199.98,300,200.00,60,199.99,100\n"
        "2026-03-02T14:30:09Z,AAPL,,0,210.00,10,,0\n"
    )
    await ask(address, "clock", {"action": "pause"})

    started = await ask(address, "replay", {"path": str(file)})
    [at_first] = [_aapl(simulator)]
    await ask(address, "clock", {"action": "step", "seconds": 5})
    at_second = _aapl(simulator)
    execution = await client.until("11")
    await ask(address, "clock", {"action": "step", "seconds": 5})
    status = await ask(address, "status")

    assert started == {"ticks": 3}
    assert (at_first, at_second) == (
        (Decimal("220.00"), Decimal("220.02")),
        (Decimal("199.98"), Decimal("200.00")),
    )
    assert (execution[19], execution[20]) == ("60", "200")
    assert _aapl(simulator) == (None, Decimal("210.00"))
    assert status["replay"] == {"position": 3, "length": 3}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("time,symbol\n", "line 1: the column ask, askSize, bid, bidSize, last, lastSize is missing"),
        (
            "time,symbol,bid,bidSize,ask,askSize,last,lastSize\n2026-03-02T14:30:00Z,NONE,1,1,2,1,1,1\n",
            "line 2: NONE is not listed",
        ),
        (
            "time,symbol,bid,bidSize,ask,askSize,last,lastSize\n2026-03-02T14:30:00,AAPL,1,1,2,1,1,1\n",
            "line 2: a time needs an offset from UTC",
        ),
        (
            "time,symbol,bid,bidSize,ask,askSize,last,lastSize\n2026-03-02T14:30:00Z,AAPL,-1,1,2,1,1,1\n",
            "line 2: bid is not above zero",
        ),
        (
            "time,symbol,bid,bidSize,ask,askSize,last,lastSize\n"
            "2026-03-02T14:30:02Z,AAPL,1,1,2,1,1,1\n2026-03-02T14:30:00Z,AAPL,1,1,2,1,1,1\n",
            "line 3: the time goes back",
        ),
    ],
)
async def test_file_of_ticks_that_does_not_hold_is_refused_with_its_line(
    address: ControlAddress, tmp_path: Path, content: str, words: str
) -> None:
    file = tmp_path / "ticks.csv"
    file.write_text(content)

    with pytest.raises(SimulatorRefusedError) as refusal:
        await ask(address, "replay", {"path": str(file)})

    assert str(refusal.value).endswith(words)


async def test_saved_simulator_comes_back_with_orders_ids_and_the_same_prices_ahead(
    address: ControlAddress, simulator: Simulator, raw: RawClients, tmp_path: Path
) -> None:
    file = tmp_path / "saved.json"
    client = await raw.start(simulator.port, VERSIONS)
    client.writer.write(place_order(176, 1, "BUY", "100"))
    client.writer.write(place_order(176, 2, "BUY", "10", order_type="LMT", limit="100"))
    await client.until("3", at1="2")
    await ask(address, "clock", {"action": "pause"})
    await ask(address, "save", {"path": str(file)})
    await ask(address, "market", {"action": "step", "steps": 20})
    ahead = {entry: simulator.venue.market.quote(entry) for entry in simulator.venue.directory.entries}
    client.writer.write(place_order(176, 3, "BUY", "100"))
    await client.until("11", at2="3")

    restored = await ask(address, "restore", {"path": str(file)})
    await ask(address, "market", {"action": "step", "steps": 20})
    again = await raw.start(simulator.port, VERSIONS)
    again.send(16, 1)
    await again.until("53")

    assert restored == {"orders": 2, "executions": 1}
    assert {entry: simulator.venue.market.quote(entry) for entry in simulator.venue.directory.entries} == ahead
    assert [fields[1] for fields in again.seen if fields[0] == "5"] == ["2"]
    assert [fields[2] for fields in again.seen if fields[0] == "9"] == ["3"]
    [account] = simulator.venue.exchange.accounts.values()
    assert [one.quantity for one in account.holdings.values()] == [100]


@pytest.mark.parametrize("content", ["", "{}", json.dumps({"layout": 9})])
async def test_file_that_is_no_saved_simulator_changes_nothing(
    address: ControlAddress, simulator: Simulator, tmp_path: Path, content: str
) -> None:
    file = tmp_path / "saved.json"
    file.write_text(content)
    venue = simulator.venue

    with pytest.raises(SimulatorRefusedError) as refusal:
        await ask(address, "restore", {"path": str(file)})

    assert refusal.value.path == ("path",)
    assert simulator.venue is venue


def _aapl(simulator: Simulator) -> tuple[Decimal | None, Decimal | None]:
    con_id = simulator.venue.directory.by_symbol("AAPL").entry.con_id
    state = simulator.venue.market.quote(con_id).state
    return state.bid, state.ask


def test_clock_never_goes_back() -> None:
    from app.simulator.clock import ClockError, ControlledClock
    from tests.contract.simulator.clocks import HandClock

    base = HandClock(datetime(2026, 3, 2, tzinfo=UTC))
    clock = ControlledClock(base)
    clock.set_speed(Decimal(60))
    base.moment += timedelta(seconds=2)

    assert clock.now() == datetime(2026, 3, 2, 0, 2, tzinfo=UTC)
    with pytest.raises(ClockError):
        clock.set(datetime(2026, 3, 2, 0, 1, tzinfo=UTC))
