"""`make faults` and `make faults-short`: a campaign, its tables, and the page of the documentation."""

import argparse
import asyncio
import secrets
import shutil
import sys
import tempfile
from pathlib import Path

from tests.faults import events
from tests.faults.campaign import Plan, campaign
from tests.faults.faults import KINDS
from tests.faults.report import findings, stream_table, tables, write_page

LONG_FAULTS, LONG_ORDERS = 220, 22_000
SHORT_FAULTS, SHORT_ORDERS = 10, 300
STREAM_KILLS = 60
# Long enough that a killed process mostly comes back before the next kill: there is something to follow.
STREAM_PAUSE_S = (1.0, 3.0)


def main() -> int:
    """Runs what the command line asks for; 1 when a promise was broken or less was done than planned."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--short", action="store_true", help="ten faults in a minute, not the full campaign")
    parser.add_argument("--seed", type=int, default=None, help="a schedule to have again; else a new one")
    parser.add_argument("--faults", type=int, default=None, help="how many faults")
    parser.add_argument("--orders", type=int, default=None, help="how many orders are to be acknowledged at least")
    parser.add_argument("--write", action="store_true", help="put the tables into the documentation")
    parser.add_argument("--keep", action="store_true", help="keep the evidence of a clean run too")
    arguments = parser.parse_args()
    plan = _plan(arguments)
    evidence = Path(tempfile.mkdtemp(prefix="oms-faults-", dir="/var/tmp"))
    print(f"seed {plan.seed}, evidence in {evidence}", flush=True)
    outcome = asyncio.run(campaign(plan, evidence))
    told = tables(outcome)
    is_clean = outcome.is_clean
    if not arguments.short:
        streams = events.run(STREAM_KILLS, seed=plan.seed, between_s=STREAM_PAUSE_S)
        told += f"\n\n{stream_table(streams)}"
        is_clean = is_clean and not streams.violations
    print(f"\n{told}\n")
    for line in findings(outcome):
        print(line)
    if arguments.write and is_clean:
        write_page(told)
    if is_clean:
        if not arguments.keep:
            shutil.rmtree(evidence)
        return 0
    print(f"not clean: again with --seed {plan.seed}; the evidence stays in {evidence}", file=sys.stderr)
    return 1


def _plan(arguments: argparse.Namespace) -> Plan:
    seed = secrets.randbelow(10**9) if arguments.seed is None else arguments.seed
    if arguments.short:
        return Plan(
            seed=seed,
            faults=arguments.faults or SHORT_FAULTS,
            orders=arguments.orders or SHORT_ORDERS,
            kinds=[kind for kind in KINDS if kind.is_short],
            clients=12,
            accounts=2,
            client_pause_s=0.5,
            crowd_pause_s=8.0,
            seconds_max=120.0,
        )
    return Plan(seed=seed, faults=arguments.faults or LONG_FAULTS, orders=arguments.orders or LONG_ORDERS)


sys.exit(main())
