"""What clients ask of history, read from the wire and checked."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from app.core.sessions import TradingHours
from app.simulator.directory import ContractQuery, ListedContract
from app.simulator.history import DAY_S, HEAD, MONTH_S, WEEK_S, Bar, sessions_between
from app.simulator.market import Quote
from app.simulator.requests import read_time
from app.simulator.rules import INVALID_REQUEST, Refusal
from app.simulator.wire import FieldReader

NO_HISTORY = 162
UNITS_MAX = 200_000
"""How many of the stretches that bars are made of one request may span."""

BAR_SIZES = {
    **{f"{count} secs": count for count in (1, 5, 10, 15, 30)},
    "1 min": 60,
    **{f"{count} mins": 60 * count for count in (2, 3, 5, 10, 15, 20, 30)},
    "1 hour": 3_600,
    **{f"{count} hours": 3_600 * count for count in (2, 3, 4, 8)},
    "1 day": DAY_S,
    "1 week": WEEK_S,
    "1W": WEEK_S,
    "1 month": MONTH_S,
    "1M": MONTH_S,
}
"""In seconds, under their names on the wire."""

KINDS = ("TRADES", "MIDPOINT", "BID", "ASK", "BID_ASK", "ADJUSTED_LAST")
SCHEDULE = "SCHEDULE"
_DURATION = re.compile(r"(\d{1,5}) ?([SDWMY])", re.ASCII)
_UPDATED_BAR_MIN_S = 5
_SERVICE = "Historical Market Data Service error message:"
_SESSIONS_LOOKED_BACK = timedelta(days=14)


@dataclass(frozen=True, slots=True, kw_only=True)
class BarRequest:
    """A reqHistoricalData message. Without `ends_at` it ends now; only such a one may be kept up to date."""

    request_id: int
    contract: ContractQuery
    ends_at: datetime | None
    bar_size: str
    duration: str
    is_regular: bool
    kind: str
    date_format: int
    is_kept_up_to_date: bool

    @property
    def seconds(self) -> int:
        """The length of a bar."""
        return BAR_SIZES[self.bar_size]


def read_bar_request(reader: FieldReader) -> BarRequest:
    """The request in a reqHistoricalData message. Raises FieldError."""
    request_id, contract = reader.integer(), ContractQuery.read(reader)
    reader.skip(1)
    ends, bar_size, duration = reader.text(), reader.text(), reader.text()
    is_regular, kind, date_format = reader.boolean(), reader.text(), reader.integer(1)
    is_kept = False
    if contract.sec_type != "BAG":
        is_kept = reader.boolean()
    return BarRequest(
        request_id=request_id,
        contract=contract,
        ends_at=read_time(ends) if ends else None,
        bar_size=bar_size,
        duration=duration,
        is_regular=is_regular,
        kind=kind,
        date_format=date_format,
        is_kept_up_to_date=is_kept,
    )


def refusal_of_bars(request: BarRequest, listed: ListedContract) -> Refusal | None:
    """Why the request has no answer, or None when it has one."""
    if request.bar_size not in BAR_SIZES:
        legal = ", ".join(BAR_SIZES)
        return _invalid(f"Historical data bar size setting is invalid. Legal ones are: {legal}")
    if _DURATION.fullmatch(request.duration) is None:
        return _invalid(f"Invalid historical data duration: {request.duration!r}")
    if request.kind not in {*KINDS, SCHEDULE}:
        return _invalid(f"Invalid historical data type: {request.kind!r}")
    if request.ends_at is not None and (request.is_kept_up_to_date or request.kind == "ADJUSTED_LAST"):
        return _invalid("End date not supported with adjusted last or with real time updates")
    if request.is_kept_up_to_date and request.seconds < _UPDATED_BAR_MIN_S:
        return _invalid("Historical data with real time updates needs bars of at least 5 secs")
    if not has_kind(listed, request.kind):
        return no_data(listed, request.kind)
    return None


def has_kind(listed: ListedContract, kind: str) -> bool:
    """True when there is data of this kind: of currencies no trades are known, of an index nothing else."""
    if listed.sec_type == "CASH":
        return kind not in {"TRADES", "ADJUSTED_LAST"}
    return listed.sec_type != "IND" or kind in {"TRADES", SCHEDULE}


def no_data(listed: ListedContract, kind: str) -> Refusal:
    """162: nothing is known of that."""
    place = f"{listed.symbol}@{listed.entry.exchange}"
    return Refusal(code=NO_HISTORY, message=f"{_SERVICE}HMDS query returned no data: {place} {kind.capitalize()}")


def too_long() -> Refusal:
    """162: more than one request may ask for."""
    return Refusal(code=NO_HISTORY, message=f"{_SERVICE}Time length exceed max.")


def too_many_requests() -> Refusal:
    """162: asked too often."""
    return Refusal(code=NO_HISTORY, message=f"{_SERVICE}Historical data request pacing violation")


def cancelled(request_id: int) -> Refusal:
    """162: the client wants no more of it."""
    return Refusal(code=NO_HISTORY, message=f"{_SERVICE}API historical data query cancelled: {request_id}")


def beginning_of(duration: str, ends_at: datetime, hours: TradingHours, *, is_regular: bool) -> datetime:
    """Where a checked duration begins: days are sessions, seconds are counted in them; the rest is calendar time."""
    match = _DURATION.fullmatch(duration)
    assert match is not None
    count, unit = int(match[1]), match[2]
    if unit in "SD":
        begins = _in_sessions(count, unit, ends_at, hours, is_regular=is_regular)
    elif unit == "W":
        begins = ends_at - timedelta(weeks=count)
    elif unit == "M":
        begins = _months_before(ends_at, count)
    else:
        begins = _months_before(ends_at, 12 * count)
    return max(begins, datetime(HEAD.year, HEAD.month, HEAD.day, tzinfo=UTC))


def units_in(seconds: int, begins: datetime, ends: datetime) -> int:
    """About how many stretches bars of this size are made of."""
    unit = next(unit for unit in (1_800, 60, 5, 1) if seconds % unit == 0)
    return int((ends - begins).total_seconds()) // unit


def price_of(kind: str, quote: Quote) -> Decimal:
    """The live price that bars of this kind are of."""
    bid, ask = quote.state.bid, quote.state.ask
    match kind:
        case "BID":
            return quote.mark if bid is None else bid
        case "ASK":
            return quote.mark if ask is None else ask
        case "MIDPOINT" | "BID_ASK" if bid is not None and ask is not None:
            return (bid + ask) / 2
        case _:
            return quote.mark


def of_kind(bars: list[Bar], kind: str, tick: Decimal) -> list[Bar]:
    """Bars of trades as bars of bids, asks or the middle between them. The past has them one step from the trades."""
    match kind:
        case "TRADES" | "ADJUSTED_LAST":
            return bars
        case "BID":
            return [bar.shifted(-tick) for bar in bars]
        case "ASK":
            return [bar.shifted(tick) for bar in bars]
        case _:
            return [bar.shifted(Decimal(0)) for bar in bars]


def _in_sessions(count: int, unit: str, ends_at: datetime, hours: TradingHours, *, is_regular: bool) -> datetime:
    at, left = ends_at, count
    while at.year >= HEAD.year:
        span = list(sessions_between(hours, at - _SESSIONS_LOOKED_BACK, at, is_regular=is_regular))
        for _, session in reversed(span):
            if unit == "D":
                left -= 1
                if not left:
                    return session.opens_at
            else:
                length = int((min(session.closes_at, ends_at) - session.opens_at).total_seconds())
                if left <= length:
                    return min(session.closes_at, ends_at) - timedelta(seconds=left)
                left -= length
            at = session.opens_at
    return at


def _months_before(moment: datetime, count: int) -> datetime:
    year, month = divmod(moment.year * 12 + moment.month - 1 - count, 12)
    for day in range(moment.day, 27, -1):
        try:
            return moment.replace(year=year, month=month + 1, day=day)
        except ValueError:
            continue
    return moment.replace(year=year, month=month + 1, day=min(moment.day, 28))


def _invalid(reason: str) -> Refusal:
    return Refusal(code=INVALID_REQUEST, message=f"Error validating request: {reason}")
