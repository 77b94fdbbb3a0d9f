"""Market data: streaming lines and snapshots."""

from app.simulator import tick_messages
from app.simulator.directory import ContractQuery
from app.simulator.rights import DataType
from app.simulator.rules import INVALID_REQUEST, UNKNOWN_CONTRACT, UNKNOWN_CONTRACT_MESSAGE
from app.simulator.session import Line, Session
from app.simulator.tick_messages import GENERIC_TICKS
from app.simulator.venue import Handler, Venue
from app.simulator.wire import FieldReader, encode

TOO_MANY_LINES = 101
UNKNOWN_LINE = 300
DUPLICATE_LINE = 322
UNKNOWN_DEPTH = 310
NO_DEPTH = 10092


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
    wanted = reader.text()
    is_snapshot = reader.boolean()
    generic_ticks = _generic_ticks(wanted)
    if generic_ticks is None:
        session.send_error(request_id, INVALID_REQUEST, f"Error validating request: incorrect generic ticks {wanted!r}")
        return
    if request_id in session.subscriptions.lines:
        session.send_error(request_id, DUPLICATE_LINE, "Error processing request.-'bP' : cause - Duplicate ticker id")
        return
    if not is_snapshot and len(session.subscriptions.lines) >= venue.config.market_lines_max:
        session.send_error(request_id, TOO_MANY_LINES, "Max number of tickers has been reached")
        return
    con_id = listed.entry.con_id
    answer = venue.lines.answer(session, con_id)
    if answer.data_type is not None:
        session.send(tick_messages.tick_request_parameters(request_id, listed))
    venue.lines.tell_answer(session, request_id, answer)
    if not answer.keeps_line:
        return
    line = Line(
        request_id=request_id,
        con_id=con_id,
        data_type=answer.data_type,
        is_partial=answer.is_partial,
        generic_ticks=generic_ticks,
    )
    if is_snapshot:
        venue.lines.snapshot(session, line)
    else:
        venue.lines.open(session, line)


def cancel_market_data(venue: Venue, session: Session, reader: FieldReader) -> None:
    """2: the end of a line."""
    reader.skip(1)
    request_id = reader.integer()
    if not venue.lines.close(session, request_id):
        session.send_error(request_id, UNKNOWN_LINE, f"Can't find EId with tickerId:{request_id}")


def request_market_data_type(venue: Venue, session: Session, reader: FieldReader) -> None:
    """59: which data the lines to come take where real time is not to be had."""
    reader.skip(1)
    wanted = reader.integer()
    if wanted not in set(DataType):
        session.send_error(-1, INVALID_REQUEST, f"Error validating request: no market data type {wanted}")
        return
    session.subscriptions.data_type = DataType(wanted)


def request_depth(venue: Venue, session: Session, reader: FieldReader) -> None:
    """10: the book behind the touch, which nothing here has."""
    reader.skip(1)
    message = "Deep market data is not supported for this combination of security type/exchange"
    session.send_error(reader.integer(), NO_DEPTH, message)


def cancel_depth(venue: Venue, session: Session, reader: FieldReader) -> None:
    """11: there is none to end."""
    reader.skip(1)
    request_id = reader.integer()
    session.send_error(request_id, UNKNOWN_DEPTH, f"Can't find the subscribed market depth with tickerId:{request_id}")


def request_depth_exchanges(venue: Venue, session: Session, reader: FieldReader) -> None:
    """82: there are none that show one."""
    session.send(encode(80, 0))


def _generic_ticks(field: str) -> frozenset[int] | None:
    names = [name.strip() for name in field.split(",") if name.strip()]
    # A news source is named behind a colon, as in 292:BRFG.
    numbers = [name.split(":")[0].removeprefix("mdoff") for name in names]
    wanted = frozenset(int(number) for number in numbers if number.isascii() and number.isdigit())
    is_known = all(number in {"", *map(str, GENERIC_TICKS)} for number in numbers)
    return wanted if is_known else None


HANDLERS: dict[int, Handler] = {
    1: request_market_data,
    2: cancel_market_data,
    10: request_depth,
    11: cancel_depth,
    59: request_market_data_type,
    82: request_depth_exchanges,
}
