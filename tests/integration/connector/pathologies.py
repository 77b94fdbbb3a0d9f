"""What a tenant and its broker must agree on when faults are over, and the ordinary work that faults strike."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from app.brokers.ib.session import Timeouts
from app.connector.feed import FeedIntervals
from app.connector.intervals import Intervals
from app.connector.service import ConnectorIntervals
from app.core.fix import OrderState, Side
from app.core.ids import OrderId
from app.flows.orders.cancel_orders import cancel_order
from app.flows.orders.replace_order import replace_order
from app.identity.domain.access import system_principal
from app.orders.domain.changing import OrderChange
from app.simulator.orders import OrderStatus
from app.simulator.scenarios import Player
from app.simulator.server import Simulator
from tests.integration.connector.test_connector import Trading

SWIFT = ConnectorIntervals(
    discover_s=0.05,
    lease_s=3.0,
    renew_s=0.3,
    runner=Intervals(
        poll_s=0.1,
        probe_s=0.1,
        values_s=0.1,
        throttled_s=0.3,
        unreadable_s=0.05,
        doubt_s=0.2,
        open_orders_s=0.4,
        unknown_s=5.0,
        commission_s=0.3,
        window_s=0.05,
    ),
    feed=FeedIntervals(window_s=0.05, contracts_s=0.5, rates_s=1.0, probe_s=0.3),
    timeouts=Timeouts(connect_s=2.0, part_s=0.8, probe_s=0.8),
)
"""A connector that looks often, so that what takes it minutes takes a test seconds."""

AGREE_S = 25.0
LOOK_S = 0.05

LIMBO = frozenset({"HELD", "ROUTED", "PENDING_REPLACE", "PENDING_CANCEL"})
_AT_WORK = frozenset({"ACCEPTED", "PARTIALLY_FILLED"})
_STATES_OF = {
    OrderStatus.PRE_SUBMITTED: _AT_WORK,
    OrderStatus.SUBMITTED: _AT_WORK,
    OrderStatus.PENDING_CANCEL: frozenset({"PENDING_CANCEL"}),
    OrderStatus.FILLED: frozenset({"FILLED"}),
    OrderStatus.CANCELLED: frozenset({"CANCELED", "EXPIRED"}),
    OrderStatus.INACTIVE: frozenset({"REJECTED", "CANCELED"}),
}


@dataclass(kw_only=True)
class Rehearsal:
    """A tenant at work at a simulator that commits faults."""

    trading: Trading
    simulator: Simulator
    player: Player

    @property
    def sent_by_us(self) -> dict[UUID, Any]:
        """The simulator's orders that carry one of our order ids, by it; an order that came twice fails here."""
        orders = [one for one in self.simulator.venue.exchange.orders.values() if one.request.order_ref]
        named = {UUID(one.request.order_ref): one for one in orders}
        assert len(named) == len(orders), "an order reached the broker twice"
        return named

    async def modify(self, order_id: OrderId, limit: str) -> None:
        """Ask for another limit; an order that is over or in doubt by now may refuse it."""
        change = OrderChange(order_id=order_id, limit_price=Decimal(limit))
        await replace_order(self.trading.desk, self._principal, change)

    async def cancel(self, order_id: OrderId) -> None:
        """Ask for the end; an order that is over by now may refuse it."""
        await cancel_order(self.trading.desk, self._principal, order_id)

    async def work(self) -> None:
        """A morning at a desk: orders at the market and resting, a modify, cancels, a sale."""
        trading = self.trading
        await trading.place("market")
        await trading.place("across", limit="188")
        rest = await trading.place("rest", limit="150")
        leaves = await trading.place("leaves", limit="149")
        await self.until_moved({"market", "across", "rest", "leaves"})
        await self.modify(rest, "151")
        await self.cancel(leaves)
        await trading.place("sale", quantity=50, side=Side.SELL)
        await self.until_moved({"rest", "leaves", "sale"})

    async def until_moved(self, names: set[str], at_most_s: float = 1.5) -> None:
        """Wait until none of these orders is between two states, or for so long that a fault must be in the way."""

        async def have_moved() -> bool:
            states = await self.trading.states()
            return not any(states[name] in LIMBO for name in names)

        try:
            async with asyncio.timeout(at_most_s):
                while not await have_moved():
                    await asyncio.sleep(LOOK_S)
        except TimeoutError:
            return

    async def until_struck(self, faults: set[str], at_most_s: float = 5.0) -> None:
        """Wait until each of these faults has struck, or for so long: lines are asked for again only after a while."""
        with suppress(TimeoutError):
            async with asyncio.timeout(at_most_s):
                while not all(self.simulator.faults.struck(one) for one in faults):
                    await asyncio.sleep(LOOK_S)

    async def until_agreed(self, *, symbol: str = "AAPL") -> None:
        """Wait until orders, executions, commissions and the position are those of the simulator.

        Fails with the last difference when they do not come to be.
        """
        difference: list[str] = []
        try:
            async with asyncio.timeout(AGREE_S):
                while True:
                    difference = await self.differences(symbol)
                    if not difference:
                        return
                    await asyncio.sleep(LOOK_S)
        except TimeoutError:
            raise AssertionError("; ".join(difference)) from None

    async def differences(self, symbol: str = "AAPL") -> list[str]:
        """Where the database and the simulator differ now."""
        return [
            *(await self._of_connection()),
            *(await self._of_orders()),
            *(await self._of_executions()),
            *(await self._of_position(symbol)),
        ]

    async def _of_connection(self) -> list[str]:
        row = await self.trading.connection()
        return [] if row is not None and row["is_gate_open"] else [f"the gate is shut: {row and row['last_error']}"]

    async def _of_orders(self) -> list[str]:
        theirs = self.sent_by_us
        told = []
        for row in await self.trading.rows("SELECT * FROM orders WHERE origin <> 'EXTERNAL'"):
            name, state = row["client_order_id"], row["state"]
            order = theirs.pop(row["id"], None)
            if row["in_doubt"]:
                told.append(f"{name} is in doubt")
            if order is None:
                if state not in {OrderState.REJECTED, OrderState.CANCELED}:
                    told.append(f"{name} is {state} and was never at the broker")
                continue
            expected = _STATES_OF[order.status]
            if order.status is OrderStatus.FILLED and order.remaining:
                # What was busted is not filled, and nothing of the order works any more.
                expected = frozenset({"CANCELED"})
            if state not in expected or row["filled_quantity"] != order.filled:
                at_broker = f"{order.status} with {order.filled}"
                told.append(f"{name} is {state} with {row['filled_quantity']}, at the broker {at_broker}")
            elif not order.status.is_terminal and row["limit_price"] != order.request.limit_price:
                told.append(f"{name} has limit {row['limit_price']}, at the broker {order.request.limit_price}")
        return [*told, *(f"nobody placed {order_id}" for order_id in theirs)]

    async def _of_executions(self) -> list[str]:
        theirs = {}
        for one in self.simulator.venue.exchange.executions:
            if one.order_ref:
                root, _, revision = one.execution_id.rpartition(".")
                theirs[root] = (int(revision), one.quantity, one.price, one.commission)
        rows = await self.trading.rows(
            "SELECT * FROM executions e WHERE NOT is_superseded"
            " AND EXISTS (SELECT 1 FROM orders o WHERE o.id = e.order_id AND o.origin <> 'EXTERNAL')"
        )
        ours = {
            row["execution_root"]: (row["revision"], row["quantity"], row["price"], row["commission"]) for row in rows
        }
        if len(ours) != len(rows):
            return ["an execution counts twice"]
        # What a deal cost that was taken back is nobody's concern.
        strip = {name: deal[:3] if not deal[1] else deal for name, deal in ours.items()}
        their = {name: deal[:3] if not deal[1] else deal for name, deal in theirs.items()}
        return [] if strip == their else [f"executions {sorted(strip.items())}, at the broker {sorted(their.items())}"]

    async def _of_position(self, symbol: str) -> list[str]:
        rows = await self.trading.rows(
            "SELECT p.quantity FROM positions p JOIN instruments i ON i.id = p.instrument_id WHERE i.symbol = $1",
            symbol,
        )
        ours = sum((row["quantity"] for row in rows), Decimal(0))
        con_id = self.simulator.venue.directory.by_symbol(symbol).entry.con_id
        account = self.simulator.venue.exchange.accounts[self.trading.house.account.account_number]
        holding = account.holdings.get(con_id)
        theirs = holding.quantity if holding else Decimal(0)
        return [] if ours == theirs else [f"position {ours}, at the broker {theirs}"]

    @property
    def _principal(self) -> Any:
        return system_principal(self.trading.house.tenant_id, "test")
