"""Orders that were placed outside: known by their executions, which they grow with."""

from app.core.fix import OrderOrigin, OrderState, OrderType
from app.core.ids import OrderId
from app.core.messages import ExecutionReport, OrderTerms
from app.core.records import replace
from app.flows.reported import Reported, reported_event
from app.orders.domain.draft import BROKER
from app.orders.domain.journal import placement_details
from app.orders.domain.order import Order
from app.orders.domain.order_file import OrderFile
from app.orders.events import OrderEventType


def import_order(work: Reported, report: ExecutionReport) -> OrderFile | None:
    """The new order that an execution is of, booked as placed outside; None for an instrument that is not known."""
    instrument = next((one for one in work.instruments.values() if one.contract_id == report.contract_id), None)
    if instrument is None:
        return None
    booking = work.booking
    order_id = OrderId(booking.ids.new())
    order = Order(
        id=order_id,
        tenant_id=work.key.tenant_id,
        account_id=work.key.account_id,
        instrument_id=instrument.id,
        client_order_id=f"external-{report.address.permanent_id or report.root}",
        terms_hash=b"",
        side=report.side,
        order_type=OrderType.MARKET,
        terms=OrderTerms(quantity=report.quantity),
        origin=OrderOrigin.EXTERNAL,
        placed_by=BROKER,
        state=OrderState.ACCEPTED,
        broker_client_id=report.address.client_id,
        permanent_id=report.address.permanent_id,
        created_at=booking.now,
        updated_at=booking.now,
    )
    booking.put_new(order)
    booking.count_open(work.key, 1)
    booking.reserve(work.key, instrument.id, order.side, order.terms.quantity)
    details = placement_details(order)
    event = reported_event(OrderEventType.ORDER_IMPORTED, order, OrderState.NEW, details, report.executed_at)
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
