"""Orders that were not placed here: known as the broker works them, or by executions, and the shares of blocks."""

from collections.abc import Sequence
from datetime import datetime

from app.core.allocation import Allocation
from app.core.fix import OrderOrigin, OrderState, OrderType, Side
from app.core.ids import OrderId
from app.core.messages import ExecutionReport, OrderAddress, OrderTerms, StatusReport, WorkingStatus
from app.core.money import ZERO
from app.core.records import replace
from app.flows.reports.reported import Reported, reported_event
from app.orders.domain.draft import BROKER
from app.orders.domain.journal import placement_details
from app.orders.domain.order import Execution, Order
from app.orders.domain.order_file import OrderFile
from app.orders.events import OrderEventType

_AT_WORK = frozenset({WorkingStatus.PENDING, WorkingStatus.WORKING})
_UNTOLD = Allocation(group=None)


def import_executed(work: Reported, report: ExecutionReport) -> OrderFile | None:
    """The new order that an execution is of, booked as placed outside; None for an instrument that is not known.

    An execution of a block's share has the order that this share is.
    """
    share_id = report.address.order_id
    block = None if share_id is None else work.blocks.get(share_id)
    if share_id is not None and block is not None:
        return _imported(
            work,
            report.address,
            report.contract_id,
            report.side,
            block.order_type,
            OrderTerms(quantity=report.quantity),
            name=f"share-{share_id}",
            at=report.executed_at,
            share_id=share_id,
            block_id=block.id,
        )
    told = work.outside.get(report.address.permanent_id or 0)
    if told is not None and told.terms is not None and told.terms.quantity >= report.quantity:
        # The same reports say what the order is.
        file = import_working(work, told)
        if file is not None:
            return file
    return _imported(
        work,
        report.address,
        report.contract_id,
        report.side,
        OrderType.MARKET,
        OrderTerms(quantity=report.quantity),
        name=f"external-{report.address.permanent_id or report.root}",
        at=report.executed_at,
        allocation=_UNTOLD if work.is_adviser else None,
    )


def import_working(work: Reported, report: StatusReport) -> OrderFile | None:
    """The new order that the broker works, booked as placed outside.

    None for an instrument that is not known, and where the report does not say what order it is.
    """
    outside, number = report.outside, report.address.permanent_id
    if outside is None or report.terms is None or number is None or report.status not in _AT_WORK:
        return None
    return _imported(
        work,
        report.address,
        outside.contract_id,
        outside.side,
        outside.order_type,
        report.terms,
        name=f"external-{number}",
        at=report.occurred_at,
        allocation=outside.allocation or (_UNTOLD if work.is_adviser else None),
    )


def _imported(
    work: Reported,
    address: OrderAddress,
    contract_id: int,
    side: Side,
    order_type: OrderType,
    terms: OrderTerms,
    *,
    name: str,
    at: datetime,
    share_id: OrderId | None = None,
    block_id: OrderId | None = None,
    allocation: Allocation | None = None,
) -> OrderFile | None:
    instrument = next((one for one in work.instruments.values() if one.contract_id == contract_id), None)
    if instrument is None:
        return None
    booking = work.booking
    # Which client holds it there decides whether it can be managed from here.
    number = {"brokerOrderId": address.broker_order_id} if address.broker_order_id is not None else {}
    order = Order(
        id=share_id or OrderId(booking.ids.new()),
        tenant_id=work.key.tenant_id,
        account_id=work.key.account_id,
        instrument_id=instrument.id,
        client_order_id=name,
        terms_hash=b"",
        side=side,
        order_type=order_type,
        terms=terms,
        origin=OrderOrigin.EXTERNAL if block_id is None else OrderOrigin.ALLOCATION,
        metadata=number,
        placed_by=BROKER,
        state=OrderState.ACCEPTED,
        broker_client_id=address.client_id,
        permanent_id=address.permanent_id,
        allocation=allocation,
        block_id=block_id,
        created_at=booking.now,
        updated_at=booking.now,
    )
    booking.put_new(order)
    booking.count_open(work.key, 1)
    booking.reserve(work.key, instrument.id, order.side, order.terms.quantity)
    details = placement_details(order)
    event = reported_event(OrderEventType.ORDER_IMPORTED, order, OrderState.NEW, details, at)
    booking.log(work.key, [event])
    file = OrderFile(order=order)
    work.remember(file)
    return file


def room_for(file: OrderFile, report: ExecutionReport, revisions: Sequence[Execution]) -> OrderFile:
    """The order with room for the execution: the quantity of an imported one is what was seen of it.

    That of a share is what the account has of the block, no more and no less. revisions are those of the execution.
    """
    order = file.order
    if order.origin is OrderOrigin.ALLOCATION:
        held = sum((row.quantity for row in revisions if not row.is_superseded), ZERO)
        whole = order.filled_quantity + report.quantity - held
        if not whole or whole == order.terms.quantity:
            return file
        return replace(file, order=replace(order, terms=replace(order.terms, quantity=whole)))
    if order.origin is not OrderOrigin.EXTERNAL or order.filled_quantity == 0:
        return file
    seen = order.filled_quantity + report.quantity
    terms = replace(order.terms, quantity=max(order.terms.quantity, seen))
    return replace(file, order=replace(order, terms=terms))
