"""The simulator's pathologies as kinds of faults: each is played live by the control port, its parameters shaken."""

import asyncio
import json
import random
import time
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from app.core.errors import OmsError
from app.infra.simulator_control import SimulatorUnreachableError, ask, read_address
from app.simulator.scenarios import Scenario, as_document, pathologies, read_scenario
from tests.faults.faults import Act, FaultKind
from tests.faults.load import RESTING_PRICES, SYMBOLS
from tests.faults.stage import Stage, StagedAccount

LASTS_S = (2.0, 8.0)
# Long enough that a synchronisation meets the end that never comes, and has its own time to give it up.
UNANSWERED_S = (6.0, 14.0)
MOMENT_S = 1.0
PROBABILITY_SHARE = 0.3

# What these leave in an account is no deed of ours, so no limit of ours can be kept by it.
_OUTSIDE = frozenset({"order-by-hand", "assignment", "bust", "correction", "fill-after-cancel"})
_INTO = frozenset({"order-by-hand", "assignment"})

Shake = Callable[[random.Random, Any], Any]


def kinds() -> tuple[FaultKind, ...]:
    """A kind for each pathology of the pack."""
    return tuple(FaultKind(name=f"broker: {name}", act=_act(scenario)) for name, scenario in pathologies().items())


def shaken(scenario: Scenario, dice: random.Random) -> Scenario:
    """The scenario with other parameters, each within what its fault takes."""
    document = as_document(scenario)
    steps = tuple(_shaken_step(step, dice) for step in document["steps"])
    return read_scenario({**document, "steps": steps})


async def clear(account: StagedAccount) -> None:
    """End every fault at the account's simulator. Raises SimulatorUnreachableError."""
    await ask(read_address(account.folder), "clear")


def _act(scenario: Scenario) -> Act:
    async def act(stage: Stage, dice: random.Random) -> bool:
        is_outside = any(step.fault in _OUTSIDE for step in scenario.steps)
        account = dice.choice([one for one in stage.accounts if not (is_outside and one.is_hot)])
        played = _placed(shaken(scenario, dice), account)
        owner = f"soak-{dice.getrandbits(48):x}"
        try:
            await ask(read_address(account.folder), "play", {"scenario": _plain(as_document(played)), "owner": owner})
        except SimulatorUnreachableError:
            return False
        _note(stage, account, played)
        await asyncio.sleep(played.lasts_s)
        try:
            await ask(read_address(account.folder), "clear", {"owner": owner})
        except OmsError:
            # Whoever killed it in the meantime ended its faults too.
            return True
        return True

    return act


def _placed(scenario: Scenario, account: StagedAccount) -> Scenario:
    # A simulator may keep other accounts; what comes from outside must come into this one.
    steps = tuple(
        {**step, "parameters": {**step["parameters"], "account": account.number}} if step["fault"] in _INTO else step
        for step in as_document(scenario)["steps"]
    )
    return read_scenario({**as_document(scenario), "steps": steps})


def _note(stage: Stage, account: StagedAccount, played: Scenario) -> None:
    for step in played.steps:
        if step.fault == "assignment":
            stage.assigned.add((account.id, str(step.parameters["symbol"])))
    record = {"at": time.time(), "account": account.number, "name": played.name, "steps": as_document(played)["steps"]}
    with (stage.evidence / "pathologies.jsonl").open("a") as file:
        file.write(json.dumps(record, default=str) + "\n")


def _shaken_step(step: Mapping[str, Any], dice: random.Random) -> dict[str, Any]:
    fault, parameters = step["fault"], dict(step["parameters"])
    for name, value in parameters.items():
        parameters[name] = _shaken(name, value, dice)
    if fault == "assignment":
        parameters |= {"symbol": dice.choice(SYMBOLS), "quantity": dice.choice((-1, 1)) * dice.randint(1, 200)}
    elif fault == "order-by-hand":
        side = dice.choice(("BUY", "SELL"))
        parameters |= {"symbol": dice.choice(SYMBOLS), "side": side, "quantity": dice.randint(1, 120)}
        if dice.random() < PROBABILITY_SHARE:
            parameters["limit_price"] = dice.choice(RESTING_PRICES[side])
    elif fault == "correction":
        parameters["price_change"] = str(dice.choice((-1, 1)) * Decimal(dice.randint(1, 25)) / 100)
        if dice.random() < PROBABILITY_SHARE:
            parameters["quantity"] = dice.randint(1, 20)
    elif dice.random() < PROBABILITY_SHARE:
        parameters |= {"probability": round(dice.uniform(0.3, 1), 2), "seed": dice.randrange(1_000)}
    if step["lasts_s"] <= MOMENT_S:
        return {**step, "parameters": parameters}
    lasts_s = dice.uniform(*(UNANSWERED_S if fault == "unanswered" else LASTS_S))
    return {**step, "lasts_s": round(lasts_s, 2), "parameters": parameters}


def _shaken(name: str, value: Any, dice: random.Random) -> Any:
    if name.endswith("_ms"):
        return int(value * dice.uniform(0.2, 3))
    if name.endswith("_s") and value is not None:
        return round(value * dice.uniform(0.3, 2.5), 2)
    shake = _SHAKES.get(name)
    # messages is a count for some faults and a list of names for others.
    return value if shake is None or not isinstance(value, int) else shake(dice, value)


_SHAKES: dict[str, Shake] = {
    "times": lambda dice, _: dice.randint(1, 4),
    "copies": lambda dice, _: dice.randint(1, 4),
    "messages": lambda dice, _: dice.randint(1, 5),
    "behind": lambda dice, _: dice.randint(1, 6),
    "flaps": lambda dice, _: dice.randint(1, 6),
    "count": lambda dice, _: dice.randint(1, 3),
    "per_second": lambda dice, _: dice.randint(5, 40),
    "strikes_max": lambda dice, _: dice.randint(1, 5),
}


def _plain(document: Mapping[str, Any]) -> Any:
    return json.loads(json.dumps(document, default=str))
