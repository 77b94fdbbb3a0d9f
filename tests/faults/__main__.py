"""`make faults`, `make faults-short`, `make soak`: the campaigns, their tables, and the page of the documentation."""

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
from tests.faults.pathologies import kinds as pathologies
from tests.faults.report import CAMPAIGN, SOAK, STREAMS, findings, soak_tables, stream_table, tables, write_page

LONG_FAULTS, LONG_ORDERS = 220, 22_000
SHORT_FAULTS, SHORT_ORDERS = 10, 300
STREAM_KILLS = 200
SOAK_S_WRITTEN_MIN = 3_600.0
# What is under way at the end of a soak ends by itself, within its own time.
SOAK_S_MORE = 120.0
# Long enough that a killed process mostly comes back before the next kill: there is something to follow.
STREAM_PAUSE_S = (1.0, 3.0)


def main() -> int:
    """Runs what the command line asks for; 1 when a promise was broken or less was done than planned."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--short", action="store_true", help="ten faults in a minute, not the full campaign")
    parser.add_argument("--streams", action="store_true", help="the campaign against the event streams alone")
    parser.add_argument("--soak", type=float, metavar="SECONDS", help="all faults at a moderate rate for so long")
    parser.add_argument("--seed", type=int, default=None, help="a schedule to have again; else a new one")
    parser.add_argument("--faults", type=int, default=None, help="how many faults")
    parser.add_argument("--orders", type=int, default=None, help="how many orders are to be acknowledged at least")
    parser.add_argument("--write", action="store_true", help="put the tables into the documentation")
    parser.add_argument("--keep", action="store_true", help="keep the evidence of a clean run too")
    arguments = parser.parse_args()
    if arguments.soak is not None and arguments.write and arguments.soak < SOAK_S_WRITTEN_MIN:
        parser.error("the documentation tells of soaks of an hour: --write needs --soak 3600 or more")
    plan = _plan(arguments)
    return _streams(arguments, plan.seed) if arguments.streams else _everything(arguments, plan)


def _everything(arguments: argparse.Namespace, plan: Plan) -> int:
    evidence = Path(tempfile.mkdtemp(prefix="oms-faults-", dir="/var/tmp"))
    print(f"seed {plan.seed}, evidence in {evidence}", flush=True)
    outcome = asyncio.run(campaign(plan, evidence))
    told = tables(outcome) if plan.soak_s is None else soak_tables(outcome)
    print(f"\n{told}\n")
    for line in findings(outcome):
        print(line)
    if outcome.is_clean:
        if arguments.write:
            write_page(CAMPAIGN if plan.soak_s is None else SOAK, told)
        if not arguments.keep:
            shutil.rmtree(evidence)
        return 0
    print(f"not clean: again with --seed {plan.seed}; the evidence stays in {evidence}", file=sys.stderr)
    return 1


def _streams(arguments: argparse.Namespace, seed: int) -> int:
    print(f"seed {seed}", flush=True)
    report = events.run(arguments.faults or STREAM_KILLS, seed=seed, between_s=STREAM_PAUSE_S)
    told = stream_table(report)
    print(f"\n{told}\n")
    if report.violations:
        print(f"not clean: again with --streams --seed {seed}", file=sys.stderr)
        return 1
    if arguments.write:
        write_page(STREAMS, told)
    return 0


def _plan(arguments: argparse.Namespace) -> Plan:
    seed = secrets.randbelow(10**9) if arguments.seed is None else arguments.seed
    if arguments.soak is not None:
        return Plan(
            seed=seed,
            faults=arguments.faults or 1,
            orders=arguments.orders or 1,
            kinds=[*KINDS, *pathologies()],
            clients=8,
            client_pause_s=1.5,
            crowd_pause_s=15.0,
            fault_pause_s=3.0,
            overlap_max=3,
            soak_s=arguments.soak,
            seconds_max=arguments.soak + SOAK_S_MORE,
        )
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
