"""Mutations of orders that hang together: pairs, positions to close or reverse, staged orders to release."""

from datetime import datetime
from decimal import Decimal
from typing import Any, cast

import strawberry
from strawberry.scalars import JSON

from app.core.errors import OmsError, Problem
from app.core.fix import OrderType, PositionAim, Side, TimeInForce
from app.core.ids import AccountId, InstrumentId, OrderId, PositionId
from app.core.messages import Aim, NewOrder, OcoLeg, OrderTerms
from app.flows.orders.close_position import aim_at_position
from app.flows.orders.placement import Placement
from app.flows.orders.release_staged import RELEASED_MAX, release_staged
from app.identity.domain import Scope
from app.orders.domain.placing import problem
from app.orders.errors import OrderProblem
from schema.base.context import Info
from schema.base.errors import UserError, problem_errors, user_errors
from schema.base.ids import bounded, is_id, parse_id
from schema.base.permissions import scoped
from schema.orders.mutations import OrderPayload
from schema.orders.types import Order

LEGS: int = 2
_OF_LEG = frozenset({"orderType", "limitPrice", "stopPrice", "trailingAmount"})


@strawberry.input(description="One leg of a pair.")
class OcoLegInput:
    """One leg of a pair."""

    side: Side
    order_type: OrderType
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None
    trailing_amount: Decimal | None = None


@strawberry.input(
    description="Two orders of which one cancels the other, in one account and instrument, stored both or not at all. "
    "What one deals lowers the other by as much."
)
class PlaceOcoInput:
    """Two orders of which one cancels the other."""

    account_id: strawberry.ID
    instrument_id: strawberry.ID | None = None
    symbol: str | None = None
    exchange: str | None = None
    quantity: Decimal = strawberry.field(description="What the legs deal together.")
    time_in_force: TimeInForce | None = strawberry.field(
        default=TimeInForce.GTC, description="That of both legs; not OPG."
    )
    expires_at: datetime | None = None
    outside_regular_hours: bool | None = False
    client_order_id: str = strawberry.field(
        description="The idempotency key of the pair and of its first leg; the second bears it with /oco behind."
    )
    legs: list[OcoLegInput] = strawberry.field(description="Exactly two.")
    metadata: JSON | None = None


@strawberry.type(description="Both legs; where the pair was refused, the first, REJECTED, with its checks, and errors.")
class OcoPayload:
    """The answer of placeOco."""

    orders: list[Order] = strawberry.field(default_factory=list)
    errors: list[UserError] = strawberry.field(default_factory=list)


@strawberry.input(description="Closes a position, or part of it, at the market.")
class ClosePositionInput:
    """Which position to close."""

    position_id: strawberry.ID
    client_order_id: str = strawberry.field(description="The idempotency key, unique within the account.")
    quantity: Decimal | None = strawberry.field(
        default=None,
        description="How much to close, of what open orders do not close already; without it, or with the size of the "
        "position, all of it, and what covers it makes way.",
    )


@strawberry.input(description="Turns a position round at the market: as long as it is short, or the reverse.")
class ReversePositionInput:
    """Which position to turn round."""

    position_id: strawberry.ID
    client_order_id: str = strawberry.field(description="The idempotency key, unique within the account.")


@strawberry.input
class ReleaseOrdersInput:
    """Which staged orders leave."""

    order_ids: list[strawberry.ID]


@strawberry.type(description="What became of each order, in the order of the ids.")
class ReleaseOrdersPayload:
    """The answer of releaseOrders."""

    results: list[OrderPayload] = strawberry.field(default_factory=list)
    errors: list[UserError] = strawberry.field(default_factory=list)


@strawberry.type
class LinkedOrderMutation:
    """Mutations of orders that hang together."""

    @strawberry.mutation(
        description="Places two orders of which one cancels the other. Both are durable once this answers, or neither.",
        extensions=scoped(Scope.PLACE_ORDERS),
    )
    async def place_oco(self, info: Info, input: PlaceOcoInput) -> OcoPayload:  # noqa: A002
        """Places a pair."""
        refused = _oco_problem(input)
        if refused is not None:
            return OcoPayload(errors=problem_errors([refused]))
        try:
            placement = await info.context.desk.intake.submit(info.context.principal, _pair(input))
        except OmsError as error:
            return OcoPayload(errors=user_errors(error))
        placed = [] if placement.order is None else [placement.order, *placement.linked]
        return OcoPayload(
            orders=[Order.of(one) for one in placed],
            errors=problem_errors([_of_first_leg(one) for one in placement.problems]),
        )

    @strawberry.mutation(
        description="Closes a position with a market order of the other side, which never turns it round. Exits and "
        "other working orders that cover the whole position are canceled with it, and as much of the close as they "
        "may still deal waits, HELD, until they have ended.",
        extensions=scoped(Scope.PLACE_ORDERS),
    )
    async def close_position(self, info: Info, input: ClosePositionInput) -> OrderPayload:  # noqa: A002
        """Closes a position."""
        aim = Aim(kind=PositionAim.CLOSE, quantity=input.quantity)
        return await _aim(info, input.position_id, input.client_order_id, aim)

    @strawberry.mutation(
        description="Turns a position round with a market order, which is checked like any other. Exits and other "
        "working orders that cover the position make way as for closePosition.",
        extensions=scoped(Scope.PLACE_ORDERS),
    )
    async def reverse_position(self, info: Info, input: ReversePositionInput) -> OrderPayload:  # noqa: A002
        """Turns a position round."""
        return await _aim(info, input.position_id, input.client_order_id, Aim(kind=PositionAim.REVERSE))

    @strawberry.mutation(
        description="Sends staged orders on their way. Each is checked again at the prices of now; one that breaches a "
        "limit stays staged, and its errors say why.",
        extensions=scoped(Scope.PLACE_ORDERS),
    )
    async def release_orders(self, info: Info, input: ReleaseOrdersInput) -> ReleaseOrdersPayload:  # noqa: A002
        """Releases staged orders."""
        try:
            order_ids = bounded(input.order_ids, "orderIds", count_max=RELEASED_MAX)
            known = [OrderId(parse_id(one)) for one in dict.fromkeys(order_ids) if is_id(one)]
            placements = await release_staged(info.context.desk, info.context.principal, known)
        except OmsError as error:
            return ReleaseOrdersPayload(errors=user_errors(error))
        found = dict(zip(known, placements, strict=True))
        unknown = Placement(order=None, problems=(problem(OrderProblem.ORDER_NOT_FOUND, "orderIds"),))
        results = [found[OrderId(parse_id(one))] if is_id(one) else unknown for one in order_ids]
        return ReleaseOrdersPayload(results=[_payload(one) for one in results])


async def _aim(info: Info, position_id: strawberry.ID, client_order_id: str, aim: Aim) -> OrderPayload:
    if not is_id(position_id):
        return OrderPayload(errors=problem_errors([problem(OrderProblem.POSITION_NOT_FOUND, "positionId")]))
    try:
        placement = await aim_at_position(
            info.context.desk, info.context.principal, PositionId(parse_id(position_id)), client_order_id, aim
        )
    except OmsError as error:
        return OrderPayload(errors=user_errors(error))
    return _payload(placement)


def _payload(placement: Placement) -> OrderPayload:
    return OrderPayload(
        order=None if placement.order is None else Order.of(placement.order),
        errors=problem_errors(placement.problems),
    )


def _oco_problem(given: PlaceOcoInput) -> Problem | None:
    if not is_id(given.account_id):
        return problem(OrderProblem.ACCOUNT_NOT_FOUND, "accountId")
    if given.instrument_id is not None and not is_id(given.instrument_id):
        return problem(OrderProblem.INSTRUMENT_NOT_FOUND, "instrumentId")
    if given.metadata is not None and not isinstance(given.metadata, dict):
        return problem(OrderProblem.METADATA_INVALID, "metadata")
    if len(given.legs) != LEGS:
        return problem(OrderProblem.OCO_LEGS_INVALID, "legs")
    return None


def _pair(given: PlaceOcoInput) -> NewOrder:
    first, second = given.legs
    return NewOrder(
        account_id=AccountId(parse_id(given.account_id)),
        client_order_id=given.client_order_id,
        side=first.side,
        order_type=first.order_type,
        terms=_terms(given, first),
        instrument_id=None if given.instrument_id is None else InstrumentId(parse_id(given.instrument_id)),
        symbol=given.symbol,
        exchange=given.exchange,
        outside_regular_hours=bool(given.outside_regular_hours),
        oco=OcoLeg(side=second.side, order_type=second.order_type, terms=_terms(given, second)),
        metadata=cast("dict[str, Any]", given.metadata or {}),
    )


def _terms(given: PlaceOcoInput, leg: OcoLegInput) -> OrderTerms:
    return OrderTerms(
        quantity=given.quantity,
        limit_price=leg.limit_price,
        stop_price=leg.stop_price,
        trailing_amount=leg.trailing_amount,
        time_in_force=given.time_in_force or TimeInForce.GTC,
        expires_at=given.expires_at,
    )


def _of_first_leg(told: Problem) -> Problem:
    if len(told.path) == 1 and told.path[0] in _OF_LEG:
        return Problem(code=told.code, message=told.message, path=("legs", "0", *told.path))
    return told
