"""Scenarios: faults in their order of time, written in a TOML file; and the pack of named pathologies."""

import asyncio
import tomllib
from collections.abc import Callable
from dataclasses import asdict
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from app.core.errors import InputError, Problem
from app.simulator.faults import FaultEngine, FaultInputError, read_parameters
from app.simulator.faults.parameters import problems_of, unknown

SCENARIO_BYTES_MAX = 64 * 1024
STEPS_MAX = 200

_STRICT = ConfigDict(extra="forbid")
_Text = Annotated[str, Field(min_length=1, max_length=2_000)]


@dataclass(frozen=True, slots=True, kw_only=True, config=_STRICT)
class Step:
    """A fault that is set to work `at_s` seconds after the scenario began, for `lasts_s` seconds."""

    at_s: Annotated[float, Field(ge=0, le=86_400, allow_inf_nan=False)] = 0.0
    fault: Annotated[str, Field(min_length=1, max_length=64)]
    lasts_s: Annotated[float, Field(gt=0, le=86_400, allow_inf_nan=False)]
    parameters: dict[str, Any] = Field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True, config=_STRICT)
class Scenario:
    """What is done when. `seen` tells what desks saw a gateway do, `handled` what a sound client makes of it."""

    version: Literal[1]
    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,63}$")]
    seen: _Text
    handled: _Text
    behaviours: Annotated[tuple[Annotated[int, Field(ge=1, le=20)], ...], Field(max_length=20)] = ()
    steps: Annotated[tuple[Step, ...], Field(min_length=1, max_length=STEPS_MAX)]

    @property
    def lasts_s(self) -> float:
        """Seconds from its beginning until its last fault is over."""
        return max(step.at_s + step.lasts_s for step in self.steps)


_ADAPTER: TypeAdapter[Scenario] = TypeAdapter(Scenario)


def read_scenario(content: dict[str, Any]) -> Scenario:
    """The scenario, each of its faults and their parameters checked.

    Raises FaultInputError naming each field that does not hold.
    """
    try:
        scenario = _ADAPTER.validate_python(content)
    except ValidationError as error:
        raise FaultInputError(problems_of(error, ())) from None
    for number, step in enumerate(scenario.steps):
        path = ("steps", str(number))
        try:
            read_parameters(step.fault, step.parameters, (*path, "parameters"))
        except FaultInputError:
            raise
        except InputError as error:
            raise FaultInputError((Problem(code=InputError.code, message=error.message, path=path),)) from None
    return scenario


def parse_scenario(text: str) -> Scenario:
    """The scenario in a TOML text. Raises FaultInputError."""
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise FaultInputError((Problem(code=InputError.code, message=f"no TOML: {error}"),)) from None
    return read_scenario(content)


def load_scenario(path: Path) -> Scenario:
    """The scenario in a file. Raises FaultInputError."""
    try:
        if path.stat().st_size > SCENARIO_BYTES_MAX:
            raise FaultInputError((Problem(code=InputError.code, message=f"{path} is too long"),))
        return parse_scenario(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise FaultInputError((Problem(code=InputError.code, message=f"{path} cannot be read: {error}"),)) from None


@cache
def pathologies() -> dict[str, Scenario]:
    """The pack that comes with the simulator, by name."""
    folder = resources.files("app.simulator") / "pathologies"
    files = sorted((file for file in folder.iterdir() if file.name.endswith(".toml")), key=lambda file: file.name)
    found = [parse_scenario(file.read_text(encoding="utf-8")) for file in files]
    return {scenario.name: scenario for scenario in found}


def pathology(name: str) -> Scenario:
    """The pathology of this name. Raises NotFoundError."""
    scenario = pathologies().get(name)
    if scenario is None:
        raise unknown("pathology", name, pathologies())
    return scenario


def as_document(scenario: Scenario) -> dict[str, Any]:
    """The scenario as a program sends it."""
    return asdict(scenario)


def confined(scenario: Scenario, *, account: str, clients: tuple[int, ...]) -> Scenario:
    """The same scenario, striking the orders of one account and the connections of these client ids alone."""
    steps = tuple(
        {**asdict(step), "parameters": {**step.parameters, "account": account, "clients": clients}}
        for step in scenario.steps
    )
    return read_scenario({**as_document(scenario), "steps": steps})


class Player:
    """Plays scenarios on a fault engine: every step in its time."""

    def __init__(self, engine: Callable[[], FaultEngine]) -> None:
        self._engine = engine
        self._timers: dict[asyncio.TimerHandle, str] = {}

    def play(self, scenario: Scenario, *, owner: str = "") -> None:
        """Begin; the first step's fault is at work when this returns if its time is 0."""
        loop = asyncio.get_running_loop()
        for step in scenario.steps:
            if not step.at_s:
                self._inject(step, owner)
                continue
            timer = loop.call_later(step.at_s, self._inject, step, owner)
            self._timers[timer] = owner

    def stop(self, owner: str | None = None) -> None:
        """Begin no further step, and end the faults that are at work: one owner's, or all."""
        for timer, of in list(self._timers.items()):
            if owner in {None, of}:
                timer.cancel()
                del self._timers[timer]
        self._engine().clear(owner=owner)

    def _inject(self, step: Step, owner: str) -> None:
        now = asyncio.get_running_loop().time()
        self._timers = {timer: of for timer, of in self._timers.items() if timer.when() > now}
        self._engine().inject(step.fault, step.parameters, lasts_s=step.lasts_s, owner=owner)
