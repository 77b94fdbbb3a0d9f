"""The GraphQL types of orders and what belongs to them."""

from datetime import datetime
from decimal import Decimal

import strawberry
from strawberry.scalars import JSON

from app.core import messages
from app.core.fix import (
    LinkRole,
    OrderOrigin,
    OrderState,
    OrderType,
    RejectOrigin,
    RequestKind,
    RequestOutcome,
    RiskLimitType,
    RiskOutcome,
    Side,
    TimeInForce,
)
from app.core.ids import AccountId, InstrumentId, OrderId
from app.flows.journal.time_travel import PastOrder
from app.flows.orders.explain_order import counterfactual_of
from app.orders.domain import order as domain
from app.orders.domain.allocating import Share, shares_of
from app.orders.domain.placing import terms_document
from schema.approvals.types import OrderApproval
from schema.base.context import Info
from schema.base.ids import parse_id
from schema.base.node import Node
from schema.brokers.types import BrokerAccount, load_account
from schema.instruments.types import Instrument, load_instrument
from schema.orders.arrival import ArrivalPrice
from schema.orders.blocks import OrderAllocation

strawberry.enum(Side, description="Side (54).")
strawberry.enum(OrderType, description="OrdType (40).")
strawberry.enum(TimeInForce, description="TimeInForce (59).")
strawberry.enum(OrderState, description="OrdStatus (39), the states before the broker told apart.")
strawberry.enum(
    OrderOrigin,
    description="Who brought the order into the house. ALLOCATION is an account's share of an adviser's block.",
)
strawberry.enum(LinkRole, name="OrderLinkRole", description="What an order is among the orders that it hangs with.")
strawberry.enum(RejectOrigin, description="Who refused: OMS, so that it never left, or BROKER.")
strawberry.enum(RequestKind, name="OrderRequestKind", description="What is asked of an order.")
strawberry.enum(RequestOutcome, name="OrderRequestOutcome", description="What became of a cancel or a replace.")
strawberry.enum(RiskLimitType, description="The checks of the pre-trade chain.")
strawberry.enum(RiskOutcome, description="What a check said.")


@strawberry.type(description="What one limit said of an order: its value and what was observed, in its own unit.")
class RiskCheckResult:
    """What one limit said of an order."""

    check: RiskLimitType
    outcome: RiskOutcome
    limit: Decimal | None
    observed: Decimal | None
    message: str
    limit_id: strawberry.ID | None
    is_shadow: bool = strawberry.field(description="The limit is a shadow: what it says refuses nothing.")
    limit_version: int | None = strawberry.field(description="Which version of the limit it was; null if not recorded.")
    inputs: JSON = strawberry.field(description="The facts that it was found from; empty if not recorded.")
    duration_nanos: int = strawberry.field(description="How long the check took, in nanoseconds.")

    @classmethod
    def of(cls, check: messages.RiskCheck) -> "RiskCheckResult":
        """The type of the value."""
        return cls(
            check=check.check,
            outcome=check.outcome,
            limit=check.limit,
            observed=check.observed,
            message=check.message,
            limit_id=None if check.limit_id is None else strawberry.ID(str(check.limit_id)),
            is_shadow=check.is_shadow,
            limit_version=check.limit_version,
            inputs=JSON(check.inputs_document()),
            duration_nanos=check.nanoseconds,
        )


@strawberry.type(description="A cancel or a replace: a request with an outcome of its own.")
class OrderRequest(Node):
    """A cancel or a replace."""

    kind: RequestKind
    outcome: RequestOutcome
    terms: JSON = strawberry.field(description="The terms asked for; empty for a cancel.")
    reason: str | None
    reject_origin: RejectOrigin | None = strawberry.field(
        description="Who refused it: OMS, so that it never left, or BROKER. Null for one that was not refused."
    )
    requested_by: str
    requested_at: datetime
    resolved_at: datetime | None
    risk_checks: list[RiskCheckResult] = strawberry.field(
        description="What every limit said of a change, whether it was taken or refused; empty for a cancel. The first "
        "that FAILED is the reason."
    )
    counterfactual: str | None = strawberry.field(
        description='What would have let a refused change pass the limits, such as "passes at a quantity of 420"; null '
        "otherwise. Of restricted lists, which are secret, it tells nothing."
    )

    @classmethod
    def of(cls, request: domain.OrderRequest) -> "OrderRequest":
        """The type of the value."""
        return cls(
            id=strawberry.ID(str(request.id)),
            kind=request.kind,
            outcome=request.outcome,
            terms=JSON({} if request.terms is None else terms_document(request.terms)),
            reason=request.reason,
            requested_by=request.requested_by,
            requested_at=request.requested_at,
            resolved_at=request.resolved_at,
            reject_origin=request.reject_origin,
            risk_checks=[RiskCheckResult.of(check) for check in request.risk_checks],
            counterfactual=counterfactual_of(request.risk_checks),
        )


@strawberry.type(description="An order as it stands. Its state is derived from facts; see docs for the transitions.")
class Order(Node):
    """An order as it stands."""

    client_order_id: str = strawberry.field(description="ClOrdID (11), unique within the account.")
    broker_order_id: str | None
    permanent_id: str | None
    side: Side
    order_type: OrderType
    time_in_force: TimeInForce
    expires_at: datetime | None
    quantity: Decimal = strawberry.field(description="OrderQty (38).")
    limit_price: Decimal | None = strawberry.field(description="Price (44).")
    stop_price: Decimal | None = strawberry.field(description="StopPx (99).")
    trailing_amount: Decimal | None
    post_only: bool
    outside_regular_hours: bool
    state: OrderState
    filled_quantity: Decimal = strawberry.field(description="CumQty (14).")
    remaining_quantity: Decimal = strawberry.field(description="LeavesQty (151): zero when the order is over.")
    average_fill_price: Decimal | None = strawberry.field(description="AvgPx (6).")
    commission: Decimal
    reject_reason: str | None
    reject_origin: RejectOrigin | None
    in_doubt: bool = strawberry.field(description="True while it is not known what the broker holds.")
    origin: OrderOrigin
    overfilled_quantity: Decimal
    version: int = strawberry.field(description="Grows with each accepted replace.")
    metadata: JSON
    link_role: LinkRole | None = strawberry.field(description="Null for an order that stands alone.")
    closes_position: bool = strawberry.field(description="True for an order that only reduces a position.")
    staged: bool = strawberry.field(description="True while it waits for its release.")
    release_at: datetime | None = strawberry.field(description="When a staged order is released of itself.")
    created_at: datetime
    updated_at: datetime
    allocation: OrderAllocation | None = strawberry.field(
        description="How an adviser's block is divided; null for any other order."
    )
    arrival: ArrivalPrice | None = strawberry.field(
        description="The market when it was taken; null where no quote was known."
    )
    parent_id: strawberry.Private[OrderId | None]
    block_id: strawberry.Private[OrderId | None]
    oca_group: strawberry.Private[str | None]
    checks: strawberry.Private[tuple[messages.RiskCheck, ...]]
    account_id: strawberry.Private[AccountId]
    instrument_id: strawberry.Private[InstrumentId]
    past: strawberry.Private[PastOrder | None] = None

    @strawberry.field
    def risk_checks(self) -> list[RiskCheckResult]:
        """What each limit said of it when it was placed, and, where it was approved, behind that what it said then."""
        return [RiskCheckResult.of(check) for check in self.checks]

    @strawberry.field
    async def account(self, info: Info) -> BrokerAccount:
        """The trading account."""
        return await load_account(info, self.account_id)

    @strawberry.field
    async def instrument(self, info: Info) -> Instrument:
        """What is traded."""
        return await load_instrument(info, self.instrument_id)

    @strawberry.field(description="The entry of the bracket that it is an exit of.")
    async def parent(self, info: Info) -> "Order | None":
        """The entry of its bracket."""
        return None if self.parent_id is None else await load_order(info, self.parent_id)

    @strawberry.field(description="The exits of a bracket, the oldest first; empty for any other order.")
    async def children(self, info: Info) -> "list[Order]":
        """The exits of a bracket."""
        if self.link_role is not LinkRole.ENTRY:
            return []
        found = await info.context.loaders.children_of.load(OrderId(parse_id(self.id)))
        return [Order.of(order) for order in found or ()]

    @strawberry.field(description="The orders that share what they deal with it: the other exit, or the other leg.")
    async def siblings(self, info: Info) -> "list[Order]":
        """The other orders of its group."""
        if self.oca_group is None:
            return []
        found = await info.context.loaders.legs_of.load(self.oca_group)
        return [Order.of(order) for order in found or () if str(order.id) != self.id]

    @strawberry.field(description="The adviser's block that it is an account's share of.")
    async def block(self, info: Info) -> "Order | None":
        """The block that it is a share of."""
        return None if self.block_id is None else await load_order(info, self.block_id)

    @strawberry.field(
        description="What each account has of a block so far, as the broker told it, by account number; empty for any "
        "other order. The shares and the block's filledQuantity need not add up until the broker has divided all."
    )
    async def shares(self, info: Info) -> "list[BlockShare]":
        """What each account has of a block."""
        if self.allocation is None:
            return []
        if self.past is not None:
            return [BlockShare.of(share) for share in shares_of(self.past.events)]
        found = await info.context.loaders.events_of.load(OrderId(parse_id(self.id)))
        return [BlockShare.of(share) for share in shares_of(found or ())]

    @strawberry.field(description="Its cancels and replaces, the oldest first.")
    async def requests(self, info: Info) -> list[OrderRequest]:
        """Its cancels and replaces."""
        if self.past is not None:
            asked = sorted(self.past.history.requests.values(), key=lambda request: request.id)
            return [OrderRequest.of(request) for request in asked]
        found = await info.context.loaders.requests_of.load(OrderId(parse_id(self.id)))
        return [OrderRequest.of(request) for request in found or ()]

    @strawberry.field(description="The policies that made it wait for a second person, and what was decided.")
    async def approvals(self, info: Info) -> list[OrderApproval]:
        """The policies that made it wait."""
        found = await info.context.loaders.approvals_of.load(OrderId(parse_id(self.id)))
        return [OrderApproval.of(approval) for approval in found or ()]

    @strawberry.field(description="Its part of the account's event log.")
    async def events(self, info: Info) -> "list[OrderEvent]":
        """Its part of the event log."""
        if self.past is not None:
            return [OrderEvent.of(logged) for logged in self.past.events]
        found = await info.context.loaders.events_of.load(OrderId(parse_id(self.id)))
        return [OrderEvent.of(logged) for logged in found or ()]

    @strawberry.field(description="Its executions that hold, the oldest first.")
    async def executions(self, info: Info) -> "list[Execution]":
        """Its executions that hold."""
        if self.past is not None:
            return [Execution.of(row) for row in sorted(self.past.history.active, key=lambda row: row.id)]
        found = await info.context.loaders.executions_of.load(OrderId(parse_id(self.id)))
        return [Execution.of(execution) for execution in found or ()]

    @classmethod
    def of_past(cls, past: PastOrder) -> "Order":
        """The type of an order as it stood, with its requests, events and executions of then."""
        made = cls.of(past.order)
        made.past = past
        return made

    @classmethod
    def of(cls, order: domain.Order) -> "Order":
        """The type of the value."""
        terms = order.terms
        return cls(
            id=strawberry.ID(str(order.id)),
            client_order_id=order.client_order_id,
            broker_order_id=None if order.broker_order_id is None else str(order.broker_order_id),
            permanent_id=None if order.permanent_id is None else str(order.permanent_id),
            side=order.side,
            order_type=order.order_type,
            time_in_force=terms.time_in_force,
            expires_at=terms.expires_at,
            quantity=terms.quantity,
            limit_price=terms.limit_price,
            stop_price=terms.stop_price,
            trailing_amount=terms.trailing_amount,
            post_only=order.post_only,
            outside_regular_hours=order.outside_regular_hours,
            state=order.state,
            filled_quantity=order.filled_quantity,
            remaining_quantity=order.leaves_quantity,
            average_fill_price=order.average_fill_price,
            commission=order.commission,
            reject_reason=order.reject_reason,
            reject_origin=order.reject_origin,
            in_doubt=order.in_doubt,
            origin=order.origin,
            overfilled_quantity=order.overfilled_quantity,
            version=order.version,
            metadata=JSON(order.metadata),
            link_role=order.link_role,
            closes_position=order.closes_position,
            staged=order.is_staged,
            release_at=order.release_at,
            parent_id=order.parent_id,
            allocation=None if order.allocation is None else OrderAllocation.of(order.allocation),
            arrival=None if order.arrival is None else ArrivalPrice.of(order.arrival),
            block_id=order.block_id,
            oca_group=order.oca_group,
            created_at=order.created_at,
            updated_at=order.updated_at,
            checks=order.risk_checks,
            account_id=order.account_id,
            instrument_id=order.instrument_id,
        )


@strawberry.type(
    description="What an account has of an adviser's block. Of an account that the tenant has not, only this is known: "
    "account and order are null."
)
class BlockShare:
    """What an account has of a block."""

    account_number: str = strawberry.field(description="At the broker.")
    quantity: Decimal
    average_price: Decimal | None
    account_id: strawberry.Private[AccountId | None]
    order_id: strawberry.Private[OrderId | None]

    @strawberry.field
    async def account(self, info: Info) -> BrokerAccount | None:
        """The account."""
        return None if self.account_id is None else await load_account(info, self.account_id)

    @strawberry.field(description="The share as an order of the account, with its executions.")
    async def order(self, info: Info) -> Order | None:
        """The share as an order."""
        return None if self.order_id is None else await load_order(info, self.order_id)

    @classmethod
    def of(cls, share: Share) -> "BlockShare":
        """The type of the value."""
        return cls(
            account_number=share.account_number,
            quantity=share.quantity,
            average_price=share.price,
            account_id=share.account_id,
            order_id=share.order_id,
        )


@strawberry.type(description="An entry of an account's event log.")
class OrderEvent:
    """An entry of an account's event log."""

    sequence: int = strawberry.field(
        description="Position in the account's event log: gapless, increasing by one; the cursor of orderEvents."
    )
    order_id: strawberry.ID
    account_id: strawberry.ID
    type: str
    from_state: OrderState | None
    to_state: OrderState
    actor: str
    reason: str | None
    details: JSON
    occurred_at: datetime

    @strawberry.field(description="The order as it stands now.")
    async def order(self, info: Info) -> Order:
        """The order as it stands now."""
        return await load_order(info, OrderId(parse_id(self.order_id)))

    @classmethod
    def of(cls, logged: domain.LoggedEvent) -> "OrderEvent":
        """The type of the value."""
        event = logged.event
        return cls(
            sequence=logged.sequence,
            order_id=strawberry.ID(str(event.order_id)),
            account_id=strawberry.ID(str(event.account_id)),
            type=event.type,
            from_state=event.from_state,
            to_state=event.to_state,
            actor=event.actor,
            reason=event.reason,
            details=JSON(event.details),
            occurred_at=event.occurred_at,
        )


@strawberry.type(description="A row of the execution ledger; a correction is a row of its own, quantity 0 a bust.")
class Execution(Node):
    """A row of the execution ledger."""

    execution_id: str = strawberry.field(description="ExecID (17).")
    side: Side
    quantity: Decimal
    price: Decimal
    commission: Decimal | None = strawberry.field(description="Null until the broker has told it.")
    commission_currency: str | None
    commission_base: Decimal | None = strawberry.field(
        description="In the account's base currency, at the rate of its booking; null where none was known."
    )
    realized_pnl: Decimal | None = strawberry.field(description="Before commissions, in the instrument's currency.")
    realized_pnl_base: Decimal | None = strawberry.field(
        description="Before commissions, in the account's base currency, at baseRate; null where none was known."
    )
    base_rate: Decimal | None = strawberry.field(
        description="From the instrument's currency to the account's base currency when this was booked."
    )
    liquidity: str | None
    is_correction: bool
    executed_at: datetime
    order_id: strawberry.Private[OrderId]
    account_id: strawberry.Private[AccountId]
    instrument_id: strawberry.Private[InstrumentId]

    @strawberry.field
    async def order(self, info: Info) -> Order:
        """The order that was dealt."""
        return await load_order(info, self.order_id)

    @strawberry.field
    async def account(self, info: Info) -> BrokerAccount:
        """The trading account."""
        return await load_account(info, self.account_id)

    @strawberry.field
    async def instrument(self, info: Info) -> Instrument:
        """What was dealt."""
        return await load_instrument(info, self.instrument_id)

    @classmethod
    def of(cls, execution: domain.Execution) -> "Execution":
        """The type of the value."""
        return cls(
            id=strawberry.ID(str(execution.id)),
            execution_id=execution.execution_id,
            side=execution.side,
            quantity=execution.quantity,
            price=execution.price,
            commission=execution.commission,
            commission_currency=execution.commission_currency,
            commission_base=execution.commission_base,
            realized_pnl=execution.realized_pnl,
            realized_pnl_base=execution.realized_pnl_base,
            base_rate=execution.base_rate,
            liquidity=execution.liquidity,
            # The broker's first report of an execution is its revision 1.
            is_correction=execution.revision > 1,
            executed_at=execution.executed_at,
            order_id=execution.order_id,
            account_id=execution.account_id,
            instrument_id=execution.instrument_id,
        )


async def load_order(info: Info, order_id: OrderId) -> Order:
    """The order that a row of the tenant refers to."""
    order = await info.context.loaders.orders.load(order_id)
    assert order is not None, "a foreign key holds it"
    return Order.of(order)
