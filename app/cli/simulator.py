"""What `oms simulator …` does with a simulator that runs: questions to its control port and answers in words."""

import asyncio
import json
import re
from pathlib import Path
from typing import Any

from app.core.errors import InputError
from app.infra.embedded import default_state_dir
from app.infra.settings import load_settings
from app.infra.simulator_control import ask, read_address

_TIME = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h)", re.ASCII)
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3_600.0}


def command(name: str, /, **arguments: Any) -> Any:
    """The answer of this machine's simulator.

    Raises SimulatorUnreachableError, SimulatorRefusedError, NotFoundError.
    """
    folder = (load_settings().state_dir or default_state_dir()).expanduser()
    return asyncio.run(ask(read_address(folder), name, arguments))


def show(answer: dict[str, Any], *, as_json: bool) -> None:
    """Print an answer, as one JSON object or a line for each of its parts."""
    if as_json:
        print(json.dumps(answer))
        return
    width = max(map(len, answer))
    for name, value in answer.items():
        print(f"{name:<{width}}  {_in_words(value)}")


def show_faults(*, as_json: bool) -> None:
    """Print the faults there are, and those at work."""
    faults, active = command("faults"), command("active")
    if as_json:
        print(json.dumps({"faults": faults, "active": active}))
        return
    width = max(len(fault["name"]) for fault in faults)
    for fault in faults:
        print(f"{fault['name']:<{width}}  {fault['meaning']}")
    for one in active:
        lasts = "until cleared" if one["lasts_s"] is None else f"for {one['lasts_s']:g} s"
        print(f"at work: {one['id']} {one['name']} {lasts}, struck {one['strikes']} times")


def show_fault(name: str, *, as_json: bool) -> None:
    """Print what a fault does and its parameters."""
    fault = command("fault", name=name)
    if as_json:
        print(json.dumps(fault))
        return
    print(f"{fault['name']}: {fault['meaning']}")
    width = max(len(one["name"]) for one in fault["parameters"])
    for one in fault["parameters"]:
        default = "" if one["default"] in (None, "", []) else f" [{_in_words(one['default'])}]"
        print(f"  {one['name']:<{width}}  {one['type']}: {one['meaning']}{default}")


def inject(name: str, given: list[str], lasts: str | None, *, as_json: bool) -> None:
    """Set a fault to work. Raises InputError for a parameter that is no name and value."""
    lists = {one["name"] for one in command("fault", name=name)["parameters"] if one["type"].startswith("list")}
    arguments: dict[str, Any] = {"name": name, "parameters": dict(_parameter(one, lists) for one in given)}
    if lasts is not None:
        arguments["lasts_s"] = seconds_of(lasts, "--for")
    show(command("inject", **arguments), as_json=as_json)


def show_pathologies(*, as_json: bool) -> None:
    """Print the pack."""
    found = command("pathologies")
    if as_json:
        print(json.dumps(found))
        return
    width = max(len(one["name"]) for one in found)
    for one in found:
        print(f"{one['name']:<{width}}  {one['seen']}")


def play(scenario: str) -> dict[str, Any]:
    """Play a file's scenario, or the pathology of this name.

    Raises FaultInputError for a file that does not hold, NotFoundError for an unknown name.
    """
    path = Path(scenario).expanduser()
    if path.suffix == ".toml" or path.is_file():
        from dataclasses import asdict

        from app.simulator.scenarios import load_scenario

        answer: dict[str, Any] = command("play", scenario=asdict(load_scenario(path)))
    else:
        answer = command("play", name=scenario)
    return answer


def turn_clock(action: str, *, as_json: bool, **arguments: Any) -> None:
    """Do this to the clock and print where it stands."""
    show(command("clock", action=action, **arguments), as_json=as_json)


def seconds_of(text: str, name: str) -> float:
    """The seconds in 500ms, 30s, 5m or 2h. Raises InputError."""
    match = _TIME.fullmatch(text)
    if match is None:
        raise InputError(f"{name}: {text} is no time such as 500ms, 30s, 5m or 2h", path=(name,))
    return float(match[1]) * _SECONDS[match[2]]


def _parameter(text: str, lists: set[str]) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not (name and equals):
        raise InputError(f"--param: {text} is not NAME=VALUE", path=("parameters", name))
    return name, value.split(",") if name in lists else value


def _in_words(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name}={_in_words(one)}" for name, one in value.items() if one not in (None, "", []))
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
