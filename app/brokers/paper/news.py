"""What happened on the floor since somebody last looked: rows to store and reports to tell, in their order."""

from dataclasses import dataclass, field
from decimal import Decimal

from app.brokers.paper.orders import PaperChanges, PaperExecution, PaperOrder, PaperPosition
from app.core.messages import BrokerPosition, BrokerReport


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What is to be stored, and what is to be told once it is stored."""

    changes: PaperChanges | None
    reports: tuple[BrokerReport, ...]
    positions: tuple[BrokerPosition, ...]


@dataclass(slots=True)
class News:
    """Collects it."""

    orders: dict[int, PaperOrder] = field(default_factory=dict)
    executions: list[PaperExecution] = field(default_factory=list)
    positions: dict[int, PaperPosition] = field(default_factory=dict)
    reports: list[BrokerReport] = field(default_factory=list)

    def changed(self, order: PaperOrder) -> None:
        """The order is to be stored as it is when the news are taken."""
        self.orders[order.permanent_id] = order

    def dealt(self, execution: PaperExecution, position: PaperPosition) -> None:
        """A deal, and the position that it moved."""
        self.executions.append(execution)
        self.positions[position.contract_id] = position

    def outcome(
        self, cash: dict[str, Decimal], *, last_permanent_id: int, last_execution_number: int, next_order_id: int
    ) -> Outcome:
        """All of it, with what the account has of each currency and the numbers that were given out."""
        changes = None
        if self.orders:
            changes = PaperChanges(
                orders=tuple(self.orders.values()),
                executions=tuple(self.executions),
                positions=tuple(self.positions.values()),
                cash=dict(cash) if self.executions else {},
                last_permanent_id=last_permanent_id,
                last_execution_number=last_execution_number,
                next_order_id=next_order_id,
            )
        return Outcome(
            changes=changes,
            reports=tuple(self.reports),
            positions=tuple(broker_position(held) for held in self.positions.values()),
        )


def broker_position(held: PaperPosition) -> BrokerPosition:
    """A position as a broker tells it."""
    return BrokerPosition(
        contract_id=held.contract_id,
        symbol=held.symbol,
        quantity=held.quantity,
        average_cost=held.average_cost,
    )
