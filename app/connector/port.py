"""What a connection needs of the database."""

from collections.abc import Sequence
from typing import Protocol

from app.brokers.domain import ConnectionStatus
from app.brokers.reconciling import Look, Reconciled
from app.core.messages import AccountValues, BrokerReport, LaneCommand
from app.orders.domain.order import Order


class Store(Protocol):
    """The books of one account, under one lease."""

    async def raise_next_order_id(self, at_least: int) -> int:
        """Store that the broker will not take an order id below this one."""
        ...

    async def show(self, status: ConnectionStatus) -> None:
        """Store how far the connection has come, and whether new orders may leave."""
        ...

    async def release_due(self) -> None:
        """Release the staged orders whose time has come."""
        ...

    async def beat(self, round_trip_ms: float) -> None:
        """Store a sign of life."""
        ...

    async def claim(self, limit: int) -> list[LaneCommand]:
        """Take commands off the lane: cancels first, whatever the limit, then others while the gate is open.

        Their intents are durable on return.
        """
        ...

    async def still_wanted(self, commands: Sequence[LaneCommand], *, may_have_left: bool) -> list[LaneCommand]:
        """Those of the claimed commands, not written in this session, that no halt keeps out by now."""
        ...

    async def apply(self, reports: Sequence[BrokerReport]) -> None:
        """Store what the broker reported, in one transaction."""
        ...

    async def unsettled(self, told: Sequence[BrokerReport] | None) -> list[LaneCommand]:
        """After a complete and applied snapshot: what is to be written again, under the same order ids.

        told is the snapshot when nothing was written before it in this session: an order that it should name and does
        not is in doubt from here on.
        """
        ...

    async def at_broker(self, *, only_in_doubt: bool) -> list[Order]:
        """The claimed orders that are not over, or those of them that are in doubt."""
        ...

    async def save_values(self, values: AccountValues) -> None:
        """Store the account's figures."""
        ...

    async def reconcile(self, look: Look) -> Reconciled:
        """Compare what the broker said with what is stored, and store the breaks."""
        ...
