"""python -m tests.simulation --schedules 10000: runs seeds one after the other and prints those that fail."""

import argparse
import sys
import time

from tests.simulation.schedule import run_schedule


def main() -> int:
    """0 when no schedule violated anything."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation")
    parser.add_argument("--schedules", type=int, default=10_000, help="how many seeds to run")
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    asked = parser.parse_args()
    begun = time.monotonic()
    orders = faults = failed = 0
    for seed in range(asked.first, asked.first + asked.schedules):
        outcome = run_schedule(seed)
        orders += outcome.orders
        faults += outcome.faults
        if outcome.violations:
            failed += 1
            print(f"seed {seed}: {'; '.join(outcome.violations)}", flush=True)
    print(
        f"{asked.schedules} schedules, {orders} orders, {faults} faults, {failed} violated something"
        f" ({time.monotonic() - begun:.0f} s). Again: python -m tests.simulation --first SEED --schedules 1"
    )
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
