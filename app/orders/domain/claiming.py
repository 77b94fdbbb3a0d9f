"""What the connector writes for an order, what it writes again after a reconnect, and what the broker has not told."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from app.core.fix import OrderState, RequestOutcome
from app.core.ids import InstrumentId
from app.core.messages import (
    BrokerReport,
    Contract,
    LaneCommand,
    LaneKind,
    NotFoundReport,
    OrderAddress,
    StatusReport,
)
from app.orders.domain.order import Order, OrderRequest


def waits_to_be_claimed(order: Order) -> bool:
    """True while the broker cannot know the order: the claim stores its broker's order id before a byte is written."""
    return order.state is OrderState.ROUTED and not order.was_claimed


def claimed_command(
    kind: LaneKind, order: Order, request: OrderRequest | None, broker_order_id: int | None, contract: Contract
) -> LaneCommand | None:
    """What is written for a command of the lane; None when there is nothing left to do for it.

    broker_order_id is the one stored by this claim or by the order's own, None where it has neither.
    """
    if broker_order_id is None:
        return None
    if kind is LaneKind.PLACE:
        return place_command(order, broker_order_id, contract)
    if order.state.is_terminal or request is None or request.outcome is not RequestOutcome.PENDING:
        return None
    if would_place_anew(order, request):
        return None
    return _request_command(order, request, broker_order_id, contract)


def resent_commands(
    unsettled: Iterable[Order], pending: Iterable[OrderRequest], contracts: Mapping[InstrumentId, Contract]
) -> list[LaneCommand]:
    """What is written again after a complete synchronisation, under the same order ids.

    Orders that were claimed and that the broker does not know were lost on the way; the same order id makes a
    second copy impossible. Cancels without an outcome are asked again, and modifies of orders that are not in doubt.
    Source: guarantees G2; the broker takes a known id of the same client as the same order.
    """
    by_id = {order.id: order for order in unsettled}
    commands = [
        place_command(order, order.broker_order_id, contracts[order.instrument_id])
        for order in by_id.values()
        if order.state is OrderState.ROUTED and order.broker_order_id is not None
    ]
    for request in pending:
        order = by_id[request.order_id]
        is_sent = request.sent_at is not None and not would_place_anew(order, request)
        if is_sent and order.broker_order_id is not None:
            commands.append(_request_command(order, request, order.broker_order_id, contracts[order.instrument_id]))
    return commands


def untold(unsettled: Iterable[Order], told: Sequence[BrokerReport]) -> list[Order]:
    """The claimed, unfinished orders that none of the broker's statuses names."""
    addresses = [report.address for report in told if isinstance(report, StatusReport)]
    order_ids = {address.order_id for address in addresses}
    permanent_ids = {address.permanent_id for address in addresses}
    places = {(address.client_id, address.broker_order_id) for address in addresses}
    return [
        order
        for order in unsettled
        if order.id not in order_ids
        and (order.permanent_id is None or order.permanent_id not in permanent_ids)
        and (order.broker_client_id, order.broker_order_id) not in places
    ]


def doubts(unsettled: Iterable[Order], told: Sequence[BrokerReport], now: datetime) -> list[NotFoundReport]:
    """The orders that the broker knew and did not tell of in the snapshot at the start of a session.

    What is claimed and was never acknowledged may have been lost on the way: `resent_commands` has that.
    """
    return [
        NotFoundReport(address=OrderAddress(order_id=order.id), is_certain=False, occurred_at=now)
        for order in untold(unsettled, told)
        if order.state is not OrderState.ROUTED
    ]


def would_place_anew(order: Order, request: OrderRequest) -> bool:
    """True for a modify of an order in doubt: new terms under an id that the broker may not know are a new order."""
    return order.in_doubt and request.terms is not None


def place_command(order: Order, broker_order_id: int, contract: Contract) -> LaneCommand:
    """The order itself, under its broker's order id."""
    return LaneCommand(
        kind=LaneKind.PLACE,
        order_id=order.id,
        request_id=None,
        broker_order_id=broker_order_id,
        contract=contract,
        side=order.side,
        order_type=order.order_type,
        terms=order.terms,
        outside_regular_hours=order.outside_regular_hours,
        oca_group=order.oca_group,
        allocation=order.allocation,
    )


def _request_command(order: Order, request: OrderRequest, broker_order_id: int, contract: Contract) -> LaneCommand:
    return LaneCommand(
        kind=LaneKind.CANCEL if request.terms is None else LaneKind.REPLACE,
        order_id=order.id,
        request_id=request.id,
        broker_order_id=broker_order_id,
        contract=contract,
        side=order.side,
        order_type=order.order_type,
        terms=request.terms or order.terms,
        outside_regular_hours=order.outside_regular_hours,
        oca_group=order.oca_group,
        allocation=order.allocation,
    )
