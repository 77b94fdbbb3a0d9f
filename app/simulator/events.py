"""What the exchange tells of what happens on it."""

from typing import Protocol

from app.simulator.orders import Execution, SimulatedOrder
from app.simulator.rules import Refusal


class ExchangeEvents(Protocol):
    """Who is told of what happens on the exchange, at the moment it happens."""

    def order_changed(self, order: SimulatedOrder, *, has_new_terms: bool) -> None:
        """An order's status changed; `has_new_terms` when its terms are new to its client too."""

    def order_refused(self, client_id: int, order_id: int, refusal: Refusal) -> None:
        """A request about an order was not done, its end has a reason, or it waits for its session."""

    def executed(self, execution: Execution) -> None:
        """An order dealt."""

    def commissioned(self, execution: Execution) -> None:
        """What the deal cost is known."""

    def account_changed(self, account_id: str, con_id: int) -> None:
        """A position and the cash changed."""

    def holds(self, order: SimulatedOrder) -> bool:
        """True when a new order must wait for `release` before it goes to its book."""

    def cancelled(self, order: SimulatedOrder) -> None:
        """An order was cancelled, and its client was told."""
