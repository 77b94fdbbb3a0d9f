"""Market data: streaming lines and snapshots."""

from app.simulator import messages
from app.simulator.directory import ContractQuery
from app.simulator.rules import UNKNOWN_CONTRACT, UNKNOWN_CONTRACT_MESSAGE
from app.simulator.session import Line, Session
from app.simulator.venue import Handler, Venue
from app.simulator.wire import FieldReader

TOO_MANY_LINES = 101
UNKNOWN_LINE = 300
DUPLICATE_LINE = 322
REAL_TIME = 1


def request_market_data(venue: Venue, session: Session, reader: FieldReader) -> None:
    """1: a line of ticks, or one snapshot of them."""
    reader.skip(1)
    request_id = reader.integer()
    listed = venue.directory.find_one(ContractQuery.read(reader))
    if listed is None:
        session.send_error(request_id, UNKNOWN_CONTRACT, UNKNOWN_CONTRACT_MESSAGE)
        return
    if reader.boolean():  # delta neutral contract
        reader.skip(3)
    reader.skip(1)
    is_snapshot = reader.boolean()
    if request_id in session.subscriptions.lines:
        session.send_error(request_id, DUPLICATE_LINE, "Error processing request.-'bP' : cause - Duplicate ticker id")
        return
    if not is_snapshot and len(session.subscriptions.lines) >= venue.config.market_lines_max:
        session.send_error(request_id, TOO_MANY_LINES, "Max number of tickers has been reached")
        return
    session.send(messages.tick_request_parameters(request_id, listed))
    session.send(messages.market_data_type(request_id, REAL_TIME))
    con_id = listed.entry.con_id
    if is_snapshot:
        session.send(messages.ticks(request_id, None, venue.market.quote(con_id)))
        session.send(messages.tick_snapshot_end(request_id))
        return
    venue.open_line(session, Line(request_id=request_id, con_id=con_id))


def cancel_market_data(venue: Venue, session: Session, reader: FieldReader) -> None:
    """2: the end of a line."""
    reader.skip(1)
    request_id = reader.integer()
    if not venue.close_line(session, request_id):
        session.send_error(request_id, UNKNOWN_LINE, f"Can't find EId with tickerId:{request_id}")


def request_market_data_type(venue: Venue, session: Session, reader: FieldReader) -> None:
    """59: which data a client takes where real time is not to be had; here it always is, so nothing changes."""
    reader.skip(2)


HANDLERS: dict[int, Handler] = {1: request_market_data, 2: cancel_market_data, 59: request_market_data_type}
