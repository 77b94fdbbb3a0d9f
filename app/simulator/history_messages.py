"""What the server says of the past and of the ticks that follow it: bars, real-time bars, ticks one by one."""

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from app.core.money import plain
from app.core.sessions import Session, TradingHours
from app.simulator.history import DAY_S, Bar
from app.simulator.market import Quote
from app.simulator.wire import encode

EPOCH_FORMAT = 2
LAST, ALL_LAST, BID_ASK, MIDPOINT = 1, 2, 3, 4
"""The kinds of ticks that are told one by one."""


def local_stamp(moment: datetime, hours: TradingHours) -> str:
    """An instant by the clock of the exchange."""
    return f"{moment.astimezone(ZoneInfo(hours.zone)):%Y%m%d %H:%M:%S} {hours.zone}"


def historical_data(
    request_id: int, begins: datetime, ends: datetime, bars: list[Bar], seconds: int, hours: TradingHours, form: int
) -> bytes:
    """17: the bars of a request, which are all of the answer. From 196 on their end has a message of its own."""
    fields = [field for bar in bars for field in (_date(bar, seconds, hours, form), *_figures(bar))]
    return encode(17, request_id, local_stamp(begins, hours), local_stamp(ends, hours), len(bars), *fields)


def historical_data_update(request_id: int, bar: Bar, seconds: int, hours: TradingHours, form: int) -> bytes:
    """90: how the last bar of a request stands now."""
    return encode(
        90,
        request_id,
        bar.count,
        _date(bar, seconds, hours, form),
        plain(bar.open),
        plain(bar.close),
        plain(bar.high),
        plain(bar.low),
        plain(bar.average),
        plain(bar.volume),
    )


def historical_schedule(
    request_id: int,
    begins: datetime,
    ends: datetime,
    hours: TradingHours,
    sessions: list[tuple[str, Session]],
) -> bytes:
    """106: the sessions of a time, each with the date that it counts for."""
    zone = ZoneInfo(hours.zone)

    def at(moment: datetime) -> str:
        return f"{moment.astimezone(zone):%Y%m%d-%H:%M:%S}"

    fields = [field for day, session in sessions for field in (at(session.opens_at), at(session.closes_at), day)]
    return encode(106, request_id, at(begins), at(ends), hours.zone, len(sessions), *fields)


def head_timestamp(request_id: int, moment: datetime, form: int) -> bytes:
    """88: when history begins."""
    stamp = str(int(moment.timestamp())) if form == EPOCH_FORMAT else f"{moment:%Y%m%d-%H:%M:%S}"
    return encode(88, request_id, stamp)


def real_time_bar(request_id: int, bar: Bar) -> bytes:
    """50: five seconds that are over."""
    return encode(50, 3, request_id, int(bar.starts_at.timestamp()), *_figures(bar))


def historical_ticks_midpoint(request_id: int, bars: list[Bar]) -> bytes:
    """96: the middle of the spread, second by second."""
    fields = [field for bar in bars for field in (_second(bar), 0, plain(bar.close), 0)]
    return encode(96, request_id, len(bars), *fields, 1)


def historical_ticks_bid_ask(request_id: int, bars: list[Bar], tick: Decimal, size: int) -> bytes:
    """97: bid and ask, second by second."""
    fields = [
        field
        for bar in bars
        for field in (_second(bar), 0, plain(bar.close - tick), plain(bar.close + tick), size, size)
    ]
    return encode(97, request_id, len(bars), *fields, 1)


def historical_ticks_last(request_id: int, bars: list[Bar], exchange: str) -> bytes:
    """98: the trades, second by second."""
    fields = [field for bar in bars for field in (_second(bar), 0, plain(bar.close), plain(bar.volume), exchange, "")]
    return encode(98, request_id, len(bars), *fields, 1)


def tick_by_tick(request_id: int, kind: int, moment: datetime, quote: Quote, exchange: str) -> bytes:
    """99: one trade, one change of the touch, or one of its middle."""
    lead = (99, request_id, kind, int(moment.timestamp()))
    state = quote.state
    if kind in {LAST, ALL_LAST}:
        return encode(*lead, plain(quote.mark), plain(state.last_size), 0, exchange, "")
    bid, ask = state.bid or Decimal(0), state.ask or Decimal(0)
    if kind == BID_ASK:
        return encode(*lead, plain(bid), plain(ask), plain(state.bid_size), plain(state.ask_size), 0)
    return encode(*lead, plain((bid + ask) / 2))


def _second(bar: Bar) -> int:
    return int(bar.starts_at.timestamp())


def _date(bar: Bar, seconds: int, hours: TradingHours, form: int) -> str:
    if seconds >= DAY_S:
        return f"{bar.day:%Y%m%d}"
    return str(_second(bar)) if form == EPOCH_FORMAT else local_stamp(bar.starts_at, hours)


def _figures(bar: Bar) -> Iterable[str | int]:
    return (
        *(plain(price) for price in (bar.open, bar.high, bar.low, bar.close)),
        plain(bar.volume),
        plain(bar.average),
        bar.count,
    )
