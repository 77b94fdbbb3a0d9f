"""Orders that were placed outside: known as the broker works them, or by their executions, which they grow with."""

from datetime import datetime

from app.core.fix import OrderOrigin, OrderState, OrderType, Side
from app.core.ids import OrderId
from app.core.messages import ExecutionReport, OrderAddress, OrderTerms, StatusReport, WorkingStatus
from app.core.records import replace
from app.flows.reported import Reported, reported_event
from app.orders.domain.draft import BROKER
from app.orders.domain.journal import placement_details
from app.orders.domain.order import Order
from app.orders.domain.order_file import OrderFile
from app.orders.events import OrderEventType

_AT_WORK = frozenset({WorkingStatus.PENDING, WorkingStatus.WORKING})


def import_executed(work: Reported, report: ExecutionReport) -> OrderFile | None:
    """The new order that an execution is of, booked as placed outside; None for an instrument that is not known."""
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
        name=str(report.address.permanent_id or report.root),
        at=report.executed_at,
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
        name=str(number),
        at=report.occurred_at,
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
) -> OrderFile | None:
    instrument = next((one for one in work.instruments.values() if one.contract_id == contract_id), None)
    if instrument is None:
        return None
    booking = work.booking
    # Which client holds it there decides whether it can be managed from here.
    number = {"brokerOrderId": address.broker_order_id} if address.broker_order_id is not None else {}
    order = Order(
        id=OrderId(booking.ids.new()),
        tenant_id=work.key.tenant_id,
        account_id=work.key.account_id,
        instrument_id=instrument.id,
        client_order_id=f"external-{name}",
        terms_hash=b"",
        side=side,
        order_type=order_type,
        terms=terms,
        origin=OrderOrigin.EXTERNAL,
        metadata=number,
        placed_by=BROKER,
        state=OrderState.ACCEPTED,
        broker_client_id=address.client_id,
        permanent_id=address.permanent_id,
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


def room_for(file: OrderFile, report: ExecutionReport) -> OrderFile:
    """The order with room for the execution: the quantity of an imported one is what was seen of it."""
    order = file.order
    if order.origin is not OrderOrigin.EXTERNAL or order.filled_quantity == 0:
        return file
    seen = order.filled_quantity + report.quantity
    terms = replace(order.terms, quantity=max(order.terms.quantity, seen))
    return replace(file, order=replace(order, terms=terms))
