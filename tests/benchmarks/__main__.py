"""`make bench`: every benchmark in turn, or those that are named."""

import asyncio
import sys

import uvloop

from tests.benchmarks import connector, dashboard, deliveries, hostile, http_orders, intake, risk_chain, risk_figures
from tests.faults import kills

BENCHMARKS = {
    "intake": intake.measure,
    "http": http_orders.measure,
    "deliveries": deliveries.measure,
    "connector": connector.measure,
    "hostile": hostile.measure,
    "risk": risk_chain.measure,
    "killswitch": kills.measure,
    "risk-figures": risk_figures.measure,
    "dashboard": dashboard.measure,
}


def main() -> None:
    """Runs the benchmarks that the command line names, all without a name."""
    for name in sys.argv[1:] or BENCHMARKS:
        # The loop of the product.
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(BENCHMARKS[name]())


main()
