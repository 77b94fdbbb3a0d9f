"""`make bench`: every benchmark in turn, or those that are named."""

import asyncio
import sys

from tests.benchmarks import http_orders, intake

BENCHMARKS = {"intake": intake.measure, "http": http_orders.measure}


def main() -> None:
    """Runs the benchmarks that the command line names, all without a name."""
    for name in sys.argv[1:] or BENCHMARKS:
        asyncio.run(BENCHMARKS[name]())


main()
