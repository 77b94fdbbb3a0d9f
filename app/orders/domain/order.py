"""The values of the order core: an order, its requests, its executions and its events."""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from app.core.allocation import Allocation
from app.core.arrival import Arrival
from app.core.fix import (
    LinkRole,
    OrderOrigin,
    OrderState,
    OrderType,
    RejectOrigin,
    RequestKind,
    RequestOutcome,
    Side,
)
from app.core.ids import AccountId, ExecutionKey, InstrumentId, OrderId, RequestId, TenantId
from app.core.messages import OrderTerms, RiskCheck
from app.core.money import ZERO, rounded
from app.core.records import replace


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """An order as it stands. Its state is derived from facts: the ledger, the broker's words, its requests.

    filled_quantity is CumQty (14), average_fill_price AvgPx (6), both from the active rows of the ledger.
    version starts at 1 and grows with each accepted replace. broker_order_id is IB's orderId, set when claimed;
    permanent_id IB's permId.

    An exit has the entry as its parent_id. oca_group is what the broker knows linked orders by, group_quantity what
    the legs of an OCO may deal together. is_staged holds until the order is released. closes_position marks an order
    that only reduces a position, so that it needs no approval. close_id is the close or reversal that this order makes
    way for; a close that waits for orders to make way bears its own id. waits_for are the resting orders that were
    canceled in favour of this one, which is held until they have ended; is_awaited marks those. An order with an
    allocation is an adviser's
    block: what it deals moves the positions of the accounts that have shares of it, never its own account's. A share
    has the block as its block_id. arrival is the market when it was taken at created_at, None where no quote was known.
    """

    id: OrderId
    tenant_id: TenantId
    account_id: AccountId
    instrument_id: InstrumentId
    client_order_id: str
    terms_hash: bytes
    side: Side
    order_type: OrderType
    terms: OrderTerms
    post_only: bool = False
    outside_regular_hours: bool = False
    origin: OrderOrigin = OrderOrigin.API
    metadata: dict[str, Any] = field(default_factory=dict)
    placed_by: str
    parent_id: OrderId | None = None
    link_role: LinkRole | None = None
    oca_group: str | None = None
    group_quantity: Decimal | None = None
    closes_position: bool = False
    is_staged: bool = False
    release_at: datetime | None = None
    close_id: OrderId | None = None
    waits_for: tuple[OrderId, ...] = ()
    is_awaited: bool = False
    allocation: Allocation | None = None
    block_id: OrderId | None = None
    arrival: Arrival | None = None
    state: OrderState
    filled_quantity: Decimal = ZERO
    filled_notional: Decimal = ZERO
    commission: Decimal = ZERO
    overfilled_quantity: Decimal = ZERO
    reject_origin: RejectOrigin | None = None
    reject_code: str | None = None
    reject_reason: str | None = None
    in_doubt: bool = False
    risk_checks: tuple[RiskCheck, ...] = ()
    version: int = 1
    broker_client_id: int | None = None
    broker_order_id: int | None = None
    permanent_id: int | None = None
    created_at: datetime
    updated_at: datetime

    @property
    def average_fill_price(self) -> Decimal | None:
        """Mean price of the active executions; None while nothing is filled."""
        if self.filled_quantity == 0:
            return None
        return rounded(self.filled_notional / self.filled_quantity)

    @property
    def leaves_quantity(self) -> Decimal:
        """LeavesQty (151): what may still be dealt; zero when the order is over."""
        if self.state.is_terminal:
            return ZERO
        return max(self.terms.quantity - self.filled_quantity, ZERO)

    def routed(self) -> "Order":
        """The order on its way to the broker."""
        return replace(self, state=OrderState.ROUTED)

    @property
    def is_exit(self) -> bool:
        """True for a child of a bracket: it works as far as its entry is filled."""
        return self.link_role in (LinkRole.TAKE_PROFIT, LinkRole.STOP_LOSS)

    @property
    def shares_reserve(self) -> bool:
        """True when what it may still deal is reserved with others rather than for itself."""
        return self.waits_for_others or (self.link_role is not None and self.link_role is not LinkRole.ENTRY)

    @property
    def waits_for_others(self) -> bool:
        """True for a close that goes as far as the orders end that cover the position: what it deals, they reserve."""
        return self.state is OrderState.HELD and self.close_id == self.id

    @property
    def gives_way(self) -> bool:
        """True when it may be canceled in favour of a newer order that it could deal with.

        Not what the house cannot cancel, nor what protects or closes a position.
        """
        closes = self.closes_position or self.waits_for_others
        return self.is_managed and not self.is_exit and not closes

    @property
    def is_managed(self) -> bool:
        """True when cancels and modifies may be written for it: it was placed here, or taken under management."""
        return self.origin not in _OF_THE_BROKER or self.was_claimed

    @property
    def was_claimed(self) -> bool:
        """True once the intent to send is durable: from here on the broker may know the order."""
        return self.broker_order_id is not None


_OF_THE_BROKER = frozenset({OrderOrigin.EXTERNAL, OrderOrigin.ALLOCATION})


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderRequest:
    """A cancel or a replace with an outcome of its own. terms are those asked for, None for a cancel."""

    id: RequestId
    order_id: OrderId
    kind: RequestKind
    outcome: RequestOutcome
    terms: OrderTerms | None
    reason: str | None
    requested_by: str
    requested_at: datetime
    sent_at: datetime | None = None
    resolved_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Execution:
    """A row of the ledger. Realized profit in the instrument's currency, the commission in its own; None till known.

    base_rate is what one unit of the instrument's currency was worth in the account's base currency when this was
    booked; the figures in base currency are at the rates of their booking. None where no rate was known.
    """

    id: ExecutionKey
    account_id: AccountId
    order_id: OrderId
    instrument_id: InstrumentId
    execution_id: str
    root: str
    revision: int
    side: Side
    quantity: Decimal
    price: Decimal
    liquidity: str | None = None
    is_superseded: bool = False
    base_rate: Decimal | None = None
    realized_pnl: Decimal | None = None
    realized_pnl_base: Decimal | None = None
    commission: Decimal | None = None
    commission_currency: str | None = None
    commission_base: Decimal | None = None
    executed_at: datetime
    recorded_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderEvent:
    """An entry of the account's event log before it has its sequence."""

    type: str
    order_id: OrderId
    account_id: AccountId
    from_state: OrderState | None
    to_state: OrderState
    actor: str
    reason: str | None = None
    details: dict[str, Any] = field(default_factory=dict)
    occurred_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedEvent:
    """An event at its place in the log of its account."""

    sequence: int
    event: OrderEvent
    recorded_at: datetime


def reserved_quantity(order: Order, replace_terms: OrderTerms | None) -> Decimal:
    """What the order may still add to its side of the position: the worse of its live and its pending terms."""
    if order.state.is_terminal:
        return ZERO
    worst = order.terms.quantity
    if replace_terms is not None:
        worst = max(worst, replace_terms.quantity)
    return max(worst - order.filled_quantity, ZERO)
