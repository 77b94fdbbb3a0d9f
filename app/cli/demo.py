"""`oms demo`: where the demo is and how to log in, and chaos for its simulator."""

import json
import time
from collections.abc import Callable
from dataclasses import asdict
from random import Random
from typing import Any

from app.cli.simulator import command, seconds_of
from app.infra.local_secrets import read_demo
from app.infra.settings import load_settings
from app.supervisor import describe

PAUSE_S_MIN, PAUSE_S_MAX = 1.0, 5.0
SCENARIO_S_MAX = 15.0


def show(*, as_json: bool) -> None:
    """Print the demo, as one JSON object or for people.

    Raises: NoDemoError when none was seeded.
    """
    demo = read_demo(load_settings())
    print(json.dumps(asdict(demo)) if as_json else "\n".join(describe(demo)))


def play_chaos(
    seed: int,
    lasts: str,
    *,
    as_json: bool,
    ask: Callable[..., Any] = command,
    monotonic: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Play pathologies one after the other, drawn from the seed, and print each; in the end all faults are ended.

    Raises: InputError, SimulatorUnreachableError when no simulator with a control port runs.
    """
    ends_at = monotonic() + seconds_of(lasts, "--for")
    found = {one["name"]: one for one in ask("pathologies")}
    random = Random(seed)
    try:
        while (left := ends_at - monotonic()) > 0:
            drawn = found[random.choice(sorted(found))]
            ask("play", name=drawn["name"])
            print(json.dumps(drawn) if as_json else f"{drawn['name']}: {drawn['seen']}", flush=True)
            sleep(min(drawn["lasts_s"], SCENARIO_S_MAX, left))
            ask("clear")
            sleep(min(random.uniform(PAUSE_S_MIN, PAUSE_S_MAX), max(ends_at - monotonic(), 0)))
    finally:
        ask("clear")
    if not as_json:
        print("the chaos is over, every fault has ended")
