"""Mutations of orders."""

from datetime import datetime
from decimal import Decimal
from typing import Any, Final, cast
from uuid import UUID

import strawberry
from strawberry.scalars import JSON

from app.core.errors import InputError, OmsError, Problem
from app.core.fix import OrderType, Side, TimeInForce
from app.core.ids import AccountId, InstrumentId, OrderId
from app.core.messages import NewOrder, OrderTerms
from app.flows.orders.cancel_orders import cancel_order, cancel_orders
from app.flows.orders.list_orders import open_order_ids
from app.flows.orders.placement import Placement
from app.flows.orders.replace_order import replace_order
from app.identity.domain import Scope
from app.orders.domain.changing import OrderChange
from app.orders.domain.placing import problem
from app.orders.errors import OrderProblem
from schema.base.context import Info
from schema.base.errors import UserError, problem_errors, user_errors
from schema.base.ids import is_id, parse_id
from schema.base.permissions import scoped
from schema.orders.blocks import AllocationInput, asked_allocation
from schema.orders.connections import OrderFilter, WantedOrders, wanted_orders
from schema.orders.types import Order

ORDERS_MAX: Final = 1_000
"""How many orders one placeOrders takes."""


@strawberry.input(description="An order as it is asked for. The instrument is named by its id or by its symbol.")
class PlaceOrderInput:
    """An order as it is asked for."""

    account_id: strawberry.ID
    instrument_id: strawberry.ID | None = None
    symbol: str | None = None
    exchange: str | None = strawberry.field(default=None, description="Needed where several bear the symbol.")
    side: Side
    order_type: OrderType
    quantity: Decimal
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None
    trailing_amount: Decimal | None = None
    time_in_force: TimeInForce | None = strawberry.field(
        default=TimeInForce.DAY, description="IOC, FOK and OPG (at the next opening) are for MARKET and LIMIT."
    )
    expires_at: datetime | None = None
    post_only: bool | None = False
    outside_regular_hours: bool | None = strawberry.field(
        default=False, description="Deals in extended hours too; not with OPG."
    )
    client_order_id: str = strawberry.field(
        description="The idempotency key, unique within the account: 1 to 64 printable ASCII characters. The same key "
        "with the same order answers the first result; with another order, IDEMPOTENCY_CONFLICT."
    )
    take_profit: Decimal | None = strawberry.field(
        default=None, description="Attaches a limit order at this price that closes what this order opens."
    )
    stop_loss: Decimal | None = strawberry.field(
        default=None, description="Attaches a stop order at this price that closes what this order opens."
    )
    staged: bool | None = strawberry.field(
        default=False, description="Checked and stored, but it stays here until it is released."
    )
    release_at: datetime | None = strawberry.field(
        default=None, description="When a staged order is released of itself, or as soon as the broker is connected."
    )
    metadata: JSON | None = strawberry.field(default=None, description="A JSON object of at most 4 KiB.")
    allocation: AllocationInput | None = strawberry.field(
        default=None, description="On an adviser's account, and there always: for whom the order is dealt."
    )


@strawberry.input(description="What to change of a working order; a term left out or null stays.")
class ModifyOrderInput:
    """What to change of a working order."""

    order_id: strawberry.ID
    expected_version: int | None = strawberry.field(
        default=None, description="When given, VERSION_CONFLICT unless the order is at this version."
    )
    quantity: Decimal | None = None
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None
    trailing_amount: Decimal | None = None
    time_in_force: TimeInForce | None = strawberry.field(
        default=None, description="DAY and GTC may be changed into each other."
    )


@strawberry.input
class CancelOrderInput:
    """Which order ends."""

    order_id: strawberry.ID


@strawberry.input(description="Exactly one of the two.")
class CancelOrdersInput:
    """Which orders end."""

    order_ids: list[strawberry.ID] | None = None
    filter: OrderFilter | None = strawberry.field(
        default=None,
        description="The open orders that fit. It must name accounts, instruments, symbols, states, sides or a "
        "clientOrderId.",
    )


@strawberry.type(
    description="A refused order that was stored has both: the order, REJECTED, with its checks, and errors."
)
class PlaceOrderPayload:
    """The answer of placeOrder."""

    order: Order | None = None
    errors: list[UserError] = strawberry.field(default_factory=list)


@strawberry.type(description="What became of each order, in the order of the input.")
class BulkOrderPayload:
    """The answer of placeOrders and cancelOrders."""

    results: list[PlaceOrderPayload]
    accepted: int = strawberry.field(description="How many have no errors.")
    rejected: int = strawberry.field(description="How many have errors.")

    @classmethod
    def of(cls, results: list[PlaceOrderPayload]) -> "BulkOrderPayload":
        """The results, counted."""
        rejected = sum(bool(result.errors) for result in results)
        return cls(results=results, accepted=len(results) - rejected, rejected=rejected)


@strawberry.type(description="The order after the request was taken, or as it stands with why it was not.")
class OrderPayload:
    """The answer of modifyOrder and cancelOrder."""

    order: Order | None = None
    errors: list[UserError] = strawberry.field(default_factory=list)


@strawberry.type
class OrderMutation:
    """Mutations of orders."""

    @strawberry.mutation(
        description="Places an order. Once this answers, the order is durable, whatever happens next.",
        extensions=scoped(Scope.PLACE_ORDERS),
    )
    async def place_order(self, info: Info, input: PlaceOrderInput) -> PlaceOrderPayload:  # noqa: A002
        """Places an order."""
        new = new_order(input)
        if isinstance(new, Problem):
            return PlaceOrderPayload(errors=problem_errors([new]))
        try:
            placement = await info.context.desk.intake.submit(info.context.principal, new)
        except OmsError as error:
            return PlaceOrderPayload(errors=user_errors(error))
        return _placed(placement)

    @strawberry.mutation(
        description=f"Places up to {ORDERS_MAX} orders, each on its own merits: one that is refused holds up no other. "
        "Only what is no value of its type at all, such as a quantity of NaN, refuses the request as a whole, with the "
        "path to it. "
        "Those of an account are taken in the order of the input. An order whose outcome is not known has the error "
        "UNAVAILABLE: send it again under its clientOrderId.",
        extensions=scoped(Scope.PLACE_ORDERS),
    )
    async def place_orders(self, info: Info, input: list[PlaceOrderInput]) -> BulkOrderPayload:  # noqa: A002
        """Places orders."""
        if len(input) > ORDERS_MAX:
            raise InputError(f"At most {ORDERS_MAX} orders are placed at once.", path=["input"], limit=ORDERS_MAX)
        asked = [new_order(one) for one in input]
        sound = [new for new in asked if isinstance(new, NewOrder)]
        placements = iter(await info.context.desk.intake.submit_all(info.context.principal, sound))
        return BulkOrderPayload.of(
            [
                PlaceOrderPayload(errors=problem_errors([new]))
                if isinstance(new, Problem)
                else _placed(next(placements))
                for new in asked
            ]
        )

    @strawberry.mutation(
        description="Asks the broker for other terms. The order keeps its old ones until the broker agrees.",
        extensions=scoped(Scope.MODIFY_ORDERS),
    )
    async def modify_order(self, info: Info, input: ModifyOrderInput) -> OrderPayload:  # noqa: A002
        """Asks for other terms."""
        if not is_id(input.order_id):
            return OrderPayload(errors=_unknown(OrderProblem.ORDER_NOT_FOUND, "orderId"))
        change = OrderChange(
            order_id=OrderId(parse_id(input.order_id)),
            expected_version=input.expected_version,
            quantity=input.quantity,
            limit_price=input.limit_price,
            stop_price=input.stop_price,
            trailing_amount=input.trailing_amount,
            time_in_force=input.time_in_force,
        )
        try:
            placement = await replace_order(info.context.desk, info.context.principal, change)
        except OmsError as error:
            return OrderPayload(errors=user_errors(error))
        order, errors = _outcome(placement)
        return OrderPayload(order=order, errors=errors)

    @strawberry.mutation(
        description="Cancels an order: at once where it was not sent, else by asking the broker. "
        "To ask again while a cancel is open is no error.",
        extensions=scoped(Scope.CANCEL_ORDERS),
    )
    async def cancel_order(self, info: Info, input: CancelOrderInput) -> OrderPayload:  # noqa: A002
        """Cancels an order."""
        if not is_id(input.order_id):
            return OrderPayload(errors=_unknown(OrderProblem.ORDER_NOT_FOUND, "orderId"))
        try:
            placement = await cancel_order(info.context.desk, info.context.principal, OrderId(parse_id(input.order_id)))
        except OmsError as error:
            return OrderPayload(errors=user_errors(error))
        order, errors = _outcome(placement)
        return OrderPayload(order=order, errors=errors)

    @strawberry.mutation(
        description=f"Cancels up to {ORDERS_MAX} orders at once, each on its own merits. Where more fit the filter, "
        "ORDERS_TOO_MANY says how many, and none is canceled.",
        extensions=scoped(Scope.CANCEL_ORDERS),
    )
    async def cancel_orders(self, info: Info, input: CancelOrdersInput) -> BulkOrderPayload:  # noqa: A002
        """Cancels orders."""
        desk, principal = info.context.desk, info.context.principal
        if (input.order_ids is None) == (input.filter is None):
            raise InputError("Give either orderIds or a filter.", path=["input"])
        if input.order_ids is not None:
            if len(input.order_ids) > ORDERS_MAX:
                raise InputError(f"At most {ORDERS_MAX} orders are canceled at once.", path=["input", "orderIds"])
            asked = [OrderId(parse_id(one)) if is_id(one) else None for one in input.order_ids]
        else:
            wanted = wanted_orders(input.filter)
            if not _names_something(wanted):
                raise InputError("The filter must say which orders.", path=["input", "filter"])
            asked = [*await open_order_ids(desk, principal, wanted.orders, wanted.symbols, ORDERS_MAX)]
        sound = [one for one in asked if one is not None]
        placements = await cancel_orders(desk, principal, sound) if sound else {}
        return BulkOrderPayload.of(
            [
                PlaceOrderPayload(errors=_unknown(OrderProblem.ORDER_NOT_FOUND, "orderId"))
                if one is None
                else _placed(placements[one])
                for one in asked
            ]
        )


def _names_something(wanted: WantedOrders) -> bool:
    orders = wanted.orders
    named = (orders.account_ids, orders.instrument_ids, orders.states, orders.sides, orders.client_order_id)
    return wanted.symbols is not None or any(one is not None for one in named)


def new_order(given: PlaceOrderInput) -> NewOrder | Problem:
    """The order that is asked for, or what is wrong with the form of its ids and metadata."""
    if not is_id(given.account_id):
        return problem(OrderProblem.ACCOUNT_NOT_FOUND, "accountId")
    if given.instrument_id is not None and not is_id(given.instrument_id):
        return problem(OrderProblem.INSTRUMENT_NOT_FOUND, "instrumentId")
    if given.metadata is not None and not isinstance(given.metadata, dict):
        return problem(OrderProblem.METADATA_INVALID, "metadata")
    account_id = AccountId(parse_id(given.account_id))
    allocation = None if given.allocation is None else asked_allocation(given.allocation)
    if isinstance(allocation, Problem):
        return allocation
    through = None
    if isinstance(allocation, UUID):
        # What is dealt for one account is that account's own order.
        account_id, through, allocation = AccountId(allocation), account_id, None
    return NewOrder(
        account_id=account_id,
        allocation=allocation,
        through=through,
        client_order_id=given.client_order_id,
        side=given.side,
        order_type=given.order_type,
        terms=OrderTerms(
            quantity=given.quantity,
            limit_price=given.limit_price,
            stop_price=given.stop_price,
            trailing_amount=given.trailing_amount,
            time_in_force=given.time_in_force or TimeInForce.DAY,
            expires_at=given.expires_at,
        ),
        instrument_id=None if given.instrument_id is None else InstrumentId(parse_id(given.instrument_id)),
        symbol=given.symbol,
        exchange=given.exchange,
        post_only=bool(given.post_only),
        outside_regular_hours=bool(given.outside_regular_hours),
        take_profit=given.take_profit,
        stop_loss=given.stop_loss,
        is_staged=bool(given.staged),
        release_at=given.release_at,
        metadata=cast("dict[str, Any]", given.metadata or {}),
    )


def _placed(placement: Placement) -> PlaceOrderPayload:
    order, errors = _outcome(placement)
    return PlaceOrderPayload(order=order, errors=errors)


def _outcome(placement: Placement) -> tuple[Order | None, list[UserError]]:
    order = None if placement.order is None else Order.of(placement.order)
    return order, problem_errors(placement.problems)


def _unknown(what: OrderProblem, field: str) -> list[UserError]:
    return problem_errors([problem(what, field)])
