"""History and what follows it: bars, the beginning of history, ticks of the past, real-time bars, ticks one by one."""

from datetime import UTC, datetime, timedelta

from app.simulator import history_messages
from app.simulator.bar_requests import (
    KINDS,
    SCHEDULE,
    UNITS_MAX,
    BarRequest,
    beginning_of,
    cancelled,
    has_kind,
    no_data,
    of_kind,
    price_of,
    read_bar_request,
    refusal_of_bars,
    too_long,
    too_many_requests,
    units_in,
)
from app.simulator.directory import ContractQuery, ListedContract
from app.simulator.history import HEAD, Bar, sessions_between
from app.simulator.requests import read_time
from app.simulator.rules import (
    COMBINATION,
    COMBINATIONS_UNSERVED_MESSAGE,
    INVALID_REQUEST,
    UNKNOWN_CONTRACT,
    UNKNOWN_CONTRACT_MESSAGE,
    Refusal,
)
from app.simulator.session import Session
from app.simulator.streams import REAL_TIME_BAR_S, BarStream, TickStream
from app.simulator.venue import Handler, Venue
from app.simulator.wire import FieldReader

UNKNOWN_QUERY = 366
REAL_TIME_REFUSED = 420
TICKS_NOT_SERVED = 10189
TOO_MANY_TICK_STREAMS = 10190
HISTORICAL_TICKS_FAILED = 10187
HISTORICAL_TICKS_MAX = 1_000
TICK_KINDS = {
    "Last": history_messages.LAST,
    "AllLast": history_messages.ALL_LAST,
    "BidAsk": history_messages.BID_ASK,
    "MidPoint": history_messages.MIDPOINT,
}
_TICK_SESSIONS_MAX = 30
_TRADE_KINDS = frozenset({history_messages.LAST, history_messages.ALL_LAST})


def request_bars(venue: Venue, session: Session, reader: FieldReader) -> None:
    """20: bars of the past, or sessions; kept up to date where that is asked for."""
    request = read_bar_request(reader)
    listed = _find(venue, session, request.request_id, request.contract)
    if listed is None:
        return
    refusal = refusal_of_bars(request, listed) or _refusal_of_pace(venue, listed, request)
    if refusal is not None:
        _refuse(session, request.request_id, refusal)
        return
    now = venue.clock.now()
    ends = min(now, request.ends_at or now)
    begins = beginning_of(request.duration, ends, listed.hours, is_regular=request.is_regular)
    if request.kind == SCHEDULE:
        _tell_schedule(session, request, listed, begins, ends)
        return
    if begins >= ends:
        _refuse(session, request.request_id, no_data(listed, request.kind))
        return
    if units_in(request.seconds, begins, ends) > UNITS_MAX:
        _refuse(session, request.request_id, too_long())
        return
    bars = _bars(venue, listed, request, begins, ends, now)
    if not bars:
        _refuse(session, request.request_id, no_data(listed, request.kind))
        return
    frame = history_messages.historical_data(
        request.request_id, begins, ends, bars, request.seconds, listed.hours, request.date_format
    )
    session.send(frame)
    if request.is_kept_up_to_date:
        stream = _bar_stream(venue, session, listed, request.request_id, request.kind, bars[-1], request.is_regular)
        stream.seconds, stream.is_update, stream.date_format = request.seconds, True, request.date_format
        venue.streams.open(stream)


def cancel_bars(venue: Venue, session: Session, reader: FieldReader) -> None:
    """25: the end of bars that are kept up to date."""
    reader.skip(1)
    request_id = reader.integer()
    if venue.streams.get(session, request_id) is None:
        message = f"No historical data query found for ticker id:{request_id}"
        session.send_error(request_id, UNKNOWN_QUERY, message)
        return
    venue.streams.close(session, request_id)
    _refuse(session, request_id, cancelled(request_id))


def request_head(venue: Venue, session: Session, reader: FieldReader) -> None:
    """87: when the history of a contract begins."""
    request_id, contract = reader.integer(), ContractQuery.read(reader)
    reader.skip(1)
    is_regular, kind, form = reader.boolean(), reader.text(), reader.integer(1)
    listed = _find(venue, session, request_id, contract)
    if listed is None:
        return
    if kind not in KINDS or not has_kind(listed, kind):
        _refuse(session, request_id, no_data(listed, kind))
        return
    head = datetime(HEAD.year, HEAD.month, HEAD.day, tzinfo=UTC)
    opens_at = listed.hours.next_session(head, is_extended=not is_regular).opens_at
    session.send(history_messages.head_timestamp(request_id, opens_at, form))


def request_historical_ticks(venue: Venue, session: Session, reader: FieldReader) -> None:
    """96: ticks of the past, one a second: from a moment on, or up to one."""
    request_id, contract = reader.integer(), ContractQuery.read(reader)
    reader.skip(1)
    starts, ends = reader.text(), reader.text()
    count, kind, is_regular = reader.integer(), reader.text(), reader.boolean()
    listed = _find(venue, session, request_id, contract)
    if listed is None:
        return
    known = {"TRADES": "TRADES", "BID_ASK": "BID_ASK", "MIDPOINT": "MIDPOINT"}
    if kind not in known or not has_kind(listed, kind) or bool(starts) == bool(ends):
        message = "Failed to request historical ticks:one of start and end, and a kind that is known of the contract"
        session.send_error(request_id, HISTORICAL_TICKS_FAILED, message)
        return
    if not 0 < count <= HISTORICAL_TICKS_MAX:
        message = f"Failed to request historical ticks:the number of ticks is 1 to {HISTORICAL_TICKS_MAX}"
        session.send_error(request_id, HISTORICAL_TICKS_FAILED, message)
        return
    bars = _ticks(venue, listed, read_time(starts or ends), count, is_forward=bool(starts), is_regular=is_regular)
    _tell_historical_ticks(session, request_id, listed, kind, bars)


def request_real_time_bars(venue: Venue, session: Session, reader: FieldReader) -> None:
    """50: bars of five seconds as they come to their end."""
    reader.skip(1)
    request_id, contract = reader.integer(), ContractQuery.read(reader)
    _size, kind, is_regular = reader.integer(), reader.text(), reader.boolean()
    listed = _find(venue, session, request_id, contract)
    if listed is None:
        return
    if kind not in {"TRADES", "MIDPOINT", "BID", "ASK"} or not has_kind(listed, kind):
        session.send_error(request_id, INVALID_REQUEST, f"Error validating request: no real time bars of {kind!r}")
        return
    refusal = _refusal_of_stream(venue, listed, kind)
    if refusal is not None:
        session.send_error(request_id, REAL_TIME_REFUSED, f"Invalid Real-time Query:{refusal}")
        return
    now = venue.clock.now()
    price = price_of(kind, venue.market.quote(listed.entry.con_id))
    is_of_trades = kind == "TRADES"
    first = Bar(
        starts_at=datetime.fromtimestamp(int(now.timestamp()) // REAL_TIME_BAR_S * REAL_TIME_BAR_S, UTC),
        day=listed.hours.local_date(now),
        open=price,
        high=price,
        low=price,
        close=price,
        volume=price * 0 if is_of_trades else price * 0 - 1,
        average=price,
        count=0 if is_of_trades else -1,
    )
    venue.streams.open(_bar_stream(venue, session, listed, request_id, kind, first, is_regular))


def cancel_stream(venue: Venue, session: Session, reader: FieldReader) -> None:
    """51: the end of real-time bars."""
    reader.skip(1)
    venue.streams.close(session, reader.integer())


def request_tick_by_tick(venue: Venue, session: Session, reader: FieldReader) -> None:
    """97: trades, touches or middles one by one, after as many of the past as are asked for."""
    request_id, contract = reader.integer(), ContractQuery.read(reader)
    name, count = reader.text(), reader.integer()
    listed = _find(venue, session, request_id, contract)
    if listed is None:
        return
    kind = TICK_KINDS.get(name)
    bar_kind = {1: "TRADES", 2: "TRADES", 3: "BID_ASK", 4: "MIDPOINT"}.get(kind or 0, "")
    if kind is None or listed.sec_type == "OPT" or not has_kind(listed, bar_kind):
        message = (
            f"Failed to request tick-by-tick data:{name} tick-by-tick requests are not supported for this contract"
        )
        session.send_error(request_id, TICKS_NOT_SERVED, message)
        return
    if venue.streams.count(session, TickStream) >= venue.config.tick_streams_max:
        session.send_error(request_id, TOO_MANY_TICK_STREAMS, "Max number of tick-by-tick requests has been reached")
        return
    refusal = _refusal_of_stream(venue, listed, None)
    if refusal is not None:
        session.send_error(request_id, TICKS_NOT_SERVED, f"Failed to request tick-by-tick data:{refusal}")
        return
    now = venue.clock.now()
    if count:
        bars = _ticks(venue, listed, now, min(count, HISTORICAL_TICKS_MAX), is_forward=False, is_regular=False)
        _tell_historical_ticks(session, request_id, listed, bar_kind, bars)
    quote = venue.market.quote(listed.entry.con_id)
    stream = TickStream(session=session, request_id=request_id, listed=listed, kind=kind, told=quote)
    venue.streams.open(stream)
    if kind not in _TRADE_KINDS:
        stream.tell(quote, now)


def cancel_tick_by_tick(venue: Venue, session: Session, reader: FieldReader) -> None:
    """98: the end of ticks one by one."""
    venue.streams.close(session, reader.integer())


def accept_head_cancel(venue: Venue, session: Session, reader: FieldReader) -> None:
    """90: the end of what was answered once and for all."""


def _find(venue: Venue, session: Session, request_id: int, contract: ContractQuery) -> ListedContract | None:
    if contract.sec_type == COMBINATION:
        session.send_error(request_id, UNKNOWN_CONTRACT, f"{UNKNOWN_CONTRACT_MESSAGE}: {COMBINATIONS_UNSERVED_MESSAGE}")
        return None
    listed = venue.directory.find_one(contract)
    if listed is None:
        session.send_error(request_id, UNKNOWN_CONTRACT, UNKNOWN_CONTRACT_MESSAGE)
        return None
    return venue.directory[listed.entry.con_id]


def _refuse(session: Session, request_id: int, refusal: Refusal) -> None:
    session.send_error(request_id, refusal.code, refusal.message)


def _refusal_of_pace(venue: Venue, listed: ListedContract, request: BarRequest) -> Refusal | None:
    if not venue.config.is_history_paced:
        return None
    contract = (listed.entry.con_id, request.contract.exchange, request.kind)
    asked = (contract, request.ends_at, request.bar_size, request.duration, request.is_regular)
    weight = 2 if request.kind == "BID_ASK" else 1
    if venue.history_pacing.allows(venue.clock.now(), contract, asked, weight=weight):
        return None
    return too_many_requests()


def _refusal_of_stream(venue: Venue, listed: ListedContract, kind: str | None) -> str | None:
    con_id, now = listed.entry.con_id, venue.clock.now()
    if not venue.lines.may_stream(con_id):
        return f"No market data permissions for {listed.market_name} {listed.sec_type}"
    if not venue.config.is_history_paced:
        return None
    if kind is None:
        return None if venue.tick_pacing.allows(now, con_id) else "Request for the same instrument within 15 seconds"
    if venue.history_pacing.allows(now, (con_id, kind), (con_id, kind, "real time bars")):
        return None
    return "Historical data request pacing violation"


def _tell_schedule(
    session: Session, request: BarRequest, listed: ListedContract, begins: datetime, ends: datetime
) -> None:
    sessions = [
        (f"{day:%Y%m%d}", one)
        for day, one in sessions_between(listed.hours, begins, ends, is_regular=request.is_regular)
    ]
    session.send(history_messages.historical_schedule(request.request_id, begins, ends, listed.hours, sessions))


def _bars(
    venue: Venue, listed: ListedContract, request: BarRequest, begins: datetime, ends: datetime, now: datetime
) -> list[Bar]:
    con_id, kind = listed.entry.con_id, request.kind
    # Without an end it takes in the second that is passing.
    until = ends if request.ends_at else now + timedelta(seconds=1)
    bars = venue.history.bars(con_id, request.seconds, begins, until, is_regular=request.is_regular, now=now)
    bars = of_kind(bars, kind, listed.rule.increment_at(venue.exchange.mark(con_id)))
    if bars and request.ends_at is None and listed.hours.is_open(now, is_extended=not request.is_regular):
        # The newest bar ends where the market stands.
        bars[-1] = bars[-1].moved(price_of(kind, venue.market.quote(con_id)))
    return bars


def _bar_stream(
    venue: Venue, session: Session, listed: ListedContract, request_id: int, kind: str, bar: Bar, is_regular: bool
) -> BarStream:
    return BarStream(
        session=session,
        request_id=request_id,
        listed=listed,
        kind=kind,
        seconds=REAL_TIME_BAR_S,
        is_regular=is_regular,
        is_update=False,
        date_format=1,
        bar=bar,
        volume=venue.market.quote(listed.entry.con_id).volume,
    )


def _ticks(
    venue: Venue, listed: ListedContract, moment: datetime, count: int, *, is_forward: bool, is_regular: bool
) -> list[Bar]:
    now = venue.clock.now()
    moment = min(moment, now)
    wait = timedelta(days=_TICK_SESSIONS_MAX)
    span = (moment, min(now, moment + wait)) if is_forward else (moment - wait, moment)
    sessions = list(sessions_between(listed.hours, *span, is_regular=is_regular))
    found: list[Bar] = []
    for _, session in sessions if is_forward else reversed(sessions):
        left = timedelta(seconds=count - len(found))
        if is_forward:
            begins = max(moment, session.opens_at)
            ends = min(session.closes_at, now, begins + left)
        else:
            ends = min(session.closes_at, moment)
            begins = max(session.opens_at, ends - left)
        bars = venue.history.bars(listed.entry.con_id, 1, begins, ends, is_regular=is_regular, now=now)
        found = [*found, *bars] if is_forward else [*bars, *found]
        if len(found) >= count:
            return found[:count] if is_forward else found[-count:]
    return found


def _tell_historical_ticks(
    session: Session, request_id: int, listed: ListedContract, kind: str, bars: list[Bar]
) -> None:
    match kind:
        case "TRADES":
            dealt = [bar for bar in bars if bar.volume > 0]
            session.send(history_messages.historical_ticks_last(request_id, dealt, listed.market_name))
        case "BID_ASK":
            tick = listed.rule.increment_at(bars[-1].close) if bars else listed.entry.tick_size
            session.send(history_messages.historical_ticks_bid_ask(request_id, bars, tick, 1_000))
        case _:
            session.send(history_messages.historical_ticks_midpoint(request_id, bars))


HANDLERS: dict[int, Handler] = {
    20: request_bars,
    25: cancel_bars,
    50: request_real_time_bars,
    51: cancel_stream,
    87: request_head,
    90: accept_head_cancel,
    96: request_historical_ticks,
    97: request_tick_by_tick,
    98: cancel_tick_by_tick,
}
