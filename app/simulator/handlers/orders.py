"""Orders: place, modify, cancel, and the lists of open and completed orders and of executions."""

from app.core.records import replace
from app.simulator import messages, order_messages
from app.simulator.orders import Execution, OrderRequest, OrderStatus, SimulatedOrder
from app.simulator.requests import ExecutionFilter, day_of, read_execution_filter, read_place_order
from app.simulator.rules import (
    COMBINATION,
    COMBINATIONS_UNSERVED_MESSAGE,
    INVALID_REQUEST,
    ORDER_REJECTED,
    UNKNOWN_CONTRACT,
    UNKNOWN_CONTRACT_MESSAGE,
    Refusal,
)
from app.simulator.session import Session
from app.simulator.venue import Handler, Venue
from app.simulator.wire import FieldReader


def place_order(venue: Venue, session: Session, reader: FieldReader) -> None:
    """3: a new order, new terms of a working one, or the question what one would do."""
    asked = read_place_order(reader, session.version)
    if asked.contract.sec_type == COMBINATION:
        message = f"Order rejected - reason:{COMBINATIONS_UNSERVED_MESSAGE}"
        session.send_error(asked.order.order_id, ORDER_REJECTED, message)
        return
    listed = venue.directory.find_one(asked.contract)
    if listed is None:
        session.send_error(asked.order.order_id, UNKNOWN_CONTRACT, UNKNOWN_CONTRACT_MESSAGE)
        return
    assert session.client_id is not None
    order = replace(asked.order, con_id=listed.entry.con_id)
    if order.is_what_if:
        _preview(venue, session, order)
        return
    venue.exchange.place(session.client_id, order)


def cancel_order(venue: Venue, session: Session, reader: FieldReader) -> None:
    """4: the end of a working order."""
    reader.skip(1)
    assert session.client_id is not None
    venue.exchange.cancel(session.client_id, reader.integer())


def cancel_all_orders(venue: Venue, session: Session, reader: FieldReader) -> None:
    """58: the end of every working order of every client."""
    venue.exchange.cancel_all()


def request_open_orders(venue: Venue, session: Session, reader: FieldReader) -> None:
    """5: this client's working orders."""
    _list_open_orders(venue, session, session.client_id)


def request_all_open_orders(venue: Venue, session: Session, reader: FieldReader) -> None:
    """16: every client's working orders."""
    _list_open_orders(venue, session, None)


def request_auto_open_orders(venue: Venue, session: Session, reader: FieldReader) -> None:
    """15: client 0 asks for orders made by hand; there are none here, and others may not ask."""
    if session.client_id != 0:
        session.send_error(-1, INVALID_REQUEST, "Error validating request: only client 0 can auto bind orders")


def request_completed_orders(venue: Venue, session: Session, reader: FieldReader) -> None:
    """99: the orders that are over."""
    for order in venue.exchange.completed_orders():
        listed = venue.directory[order.request.con_id]
        session.send(order_messages.completed_order(order, listed, session.version))
    session.send(order_messages.completed_orders_end())


def request_executions(venue: Venue, session: Session, reader: FieldReader) -> None:
    """7: the deals since midnight, each with its commission, then the end."""
    reader.skip(1)
    request_id = reader.integer()
    wanted = read_execution_filter(reader)
    since = max(filter(None, (wanted.since, day_of(venue.clock.now()))))
    found = [
        execution
        for execution in venue.exchange.executions
        if execution.executed_at >= since and _is_wanted(venue, wanted, execution)
    ]
    for execution in found:
        listed = venue.directory[execution.con_id]
        session.send(messages.execution_details(request_id, execution, listed, session.version))
    session.send(messages.execution_details_end(request_id))
    for execution in found:
        session.send(messages.commission_report(execution))


def request_ids(venue: Venue, session: Session, reader: FieldReader) -> None:
    """8: the next order id of this client."""
    assert session.client_id is not None
    session.send(messages.next_valid_id(venue.exchange.next_order_id(session.client_id)))


def _list_open_orders(venue: Venue, session: Session, client_id: int | None) -> None:
    for order in venue.exchange.open_orders(client_id):
        venue.tell_order(session, order, has_terms=True)
    session.send(order_messages.open_order_end())


def _preview(venue: Venue, session: Session, request: OrderRequest) -> None:
    preview = venue.exchange.preview(request)
    if isinstance(preview, Refusal):
        session.send_error(request.order_id, preview.code, preview.message)
        return
    assert session.client_id is not None
    order = SimulatedOrder(
        perm_id=0,
        client_id=session.client_id,
        request=request,
        status=OrderStatus.PRE_SUBMITTED,
        placed_at=venue.clock.now(),
    )
    listed = venue.directory[request.con_id]
    session.send(order_messages.open_order(order, listed, session.version, preview))


def _is_wanted(venue: Venue, wanted: ExecutionFilter, execution: Execution) -> bool:
    listed = venue.directory[execution.con_id]
    return (
        wanted.client_id in {0, execution.client_id}
        and wanted.account in {"", execution.account}
        and wanted.symbol in {"", listed.symbol}
        and wanted.sec_type in {"", listed.sec_type}
        and wanted.exchange in {"", listed.entry.exchange, listed.entry.primary_exchange}
        and wanted.side in {None, execution.side}
    )


HANDLERS: dict[int, Handler] = {
    3: place_order,
    4: cancel_order,
    5: request_open_orders,
    7: request_executions,
    8: request_ids,
    15: request_auto_open_orders,
    16: request_all_open_orders,
    58: cancel_all_orders,
    99: request_completed_orders,
}
