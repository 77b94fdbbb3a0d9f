"""What the paper broker keeps: orders as they live, executions, positions, and what changed of them."""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from app.core.fix import OrderType, Side, TimeInForce
from app.core.fx import FxRates
from app.core.ids import InstrumentId, OrderId
from app.core.matching import BookOrder
from app.core.messages import Contract, Instrument, OrderTerms
from app.core.money import ZERO

HISTORY_MAX = 20_000
"""How many ended orders, and how many executions, are told to whoever asks; the books keep them all."""


class PaperStatus(StrEnum):
    """How an order stands in the paper broker's books."""

    OPEN = "OPEN"
    FILLED = "FILLED"
    CANCELED = "CANCELED"
    REJECTED = "REJECTED"


@dataclass(slots=True, kw_only=True)
class PaperOrder:
    """One order's life. permanent_id is the broker's name for it, broker_order_id the client's, order_id ours.

    trail_stop is where the stop of a trailing order stands, ends_at when its time in force ends. notional is the sum
    of what was dealt, commission what that cost so far. reason is in words, for an order that was refused or canceled.
    """

    permanent_id: int
    broker_order_id: int
    order_id: OrderId
    contract: Contract
    side: Side
    order_type: OrderType
    terms: OrderTerms
    outside_regular_hours: bool = False
    oca_group: str | None = None
    status: PaperStatus = PaperStatus.OPEN
    placed_at: datetime
    filled: Decimal = ZERO
    notional: Decimal = ZERO
    commission: Decimal = ZERO
    is_triggered: bool = False
    trail_stop: Decimal | None = None
    ends_at: datetime | None = None
    ended_at: datetime | None = None
    refusal_code: int | None = None
    reason: str | None = None

    @property
    def is_open(self) -> bool:
        """True until the order is over."""
        return self.status is PaperStatus.OPEN

    @property
    def leaves_quantity(self) -> Decimal:
        """LeavesQty (151): what is still to be dealt."""
        return self.terms.quantity - self.filled

    def for_book(self, time_in_force: TimeInForce | None = None) -> BookOrder:
        """The order as the matching engine takes it, under its own time in force or another."""
        terms = self.terms
        is_trailing = self.order_type is OrderType.TRAILING_STOP
        return BookOrder(
            order_key=str(self.permanent_id),
            side=self.side,
            order_type=self.order_type,
            quantity=terms.quantity,
            limit_price=terms.limit_price,
            stop_price=self.trail_stop if is_trailing else terms.stop_price,
            trailing_amount=terms.trailing_amount,
            time_in_force=time_in_force or terms.time_in_force,
            filled_quantity=self.filled,
            is_triggered=self.is_triggered,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PaperExecution:
    """One deal of an order. number counts the account's deals; quoted_at is the time of the quote that it took from."""

    number: int
    permanent_id: int
    broker_order_id: int
    order_id: OrderId
    instrument_id: InstrumentId
    contract_id: int
    side: Side
    quantity: Decimal
    price: Decimal
    commission: Decimal
    currency: str
    realized_pnl: Decimal | None
    is_maker: bool
    quoted_at: datetime
    executed_at: datetime

    @property
    def root(self) -> str:
        """What all revisions of the execution share."""
        return f"P{self.number:010d}"

    @property
    def execution_id(self) -> str:
        """ExecID (17)."""
        return f"{self.root}.01"


@dataclass(slots=True, kw_only=True)
class PaperPosition:
    """A position. Average cost is per unit and includes what opening it cost, as at Interactive Brokers."""

    instrument_id: InstrumentId
    contract_id: int
    symbol: str
    quantity: Decimal = ZERO
    average_cost: Decimal = ZERO
    realized: Decimal = ZERO


@dataclass(frozen=True, slots=True, kw_only=True)
class PaperState:
    """All that the books hold of an account when a session begins.

    orders are the open ones and those that ended lately, executions the late ones, both in the order of their numbers.
    instruments are those of open orders and positions; dealt_until is the time of the newest quote that each deal took
    from, so that nothing is taken from it twice.
    """

    base_currency: str
    cash: dict[str, Decimal]
    positions: list[PaperPosition] = field(default_factory=list)
    orders: list[PaperOrder] = field(default_factory=list)
    executions: list[PaperExecution] = field(default_factory=list)
    last_permanent_id: int = 0
    last_execution_number: int = 0
    next_order_id: int = 1
    instruments: dict[InstrumentId, Instrument] = field(default_factory=dict)
    dealt_until: dict[InstrumentId, datetime] = field(default_factory=dict)
    rates: FxRates = field(default_factory=FxRates)


@dataclass(frozen=True, slots=True, kw_only=True)
class PaperChanges:
    """What is to be stored: whole rows as they are now, so that storing them twice changes nothing."""

    orders: tuple[PaperOrder, ...]
    executions: tuple[PaperExecution, ...]
    positions: tuple[PaperPosition, ...]
    cash: dict[str, Decimal]
    last_permanent_id: int
    last_execution_number: int
    next_order_id: int
