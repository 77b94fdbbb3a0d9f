"""Historical data as IB asks for it and tells it: durations, bar sizes, what to show; bars and ticks out. Pure."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

from app.brokers.ib.translate import exact, known
from app.brokers.inquiries import AskBars, AskTicks, PastTick
from app.core.bars import Bar
from app.core.fix import BarInterval, InstrumentType
from app.core.money import ZERO

TICKS_MAX = 1_000
_DAY_S = 86_400
_BAR_SIZES: Final = {
    BarInterval.SECONDS_5: "5 secs",
    BarInterval.MINUTE_1: "1 min",
    BarInterval.MINUTES_5: "5 mins",
    BarInterval.MINUTES_15: "15 mins",
    BarInterval.HOUR_1: "1 hour",
    BarInterval.DAY_1: "1 day",
}
_SHOWN: Final = {InstrumentType.FOREX: "MIDPOINT", InstrumentType.CRYPTO: "AGGTRADES"}
_ROUND_THE_CLOCK: Final = frozenset({InstrumentType.FUTURE, InstrumentType.FOREX, InstrumentType.CRYPTO})


@dataclass(frozen=True, slots=True, kw_only=True)
class BarsFields:
    """What reqHistoricalData takes beside the contract, as IB names it."""

    endDateTime: str
    durationStr: str
    barSizeSetting: str
    whatToShow: str
    useRTH: bool


def bars_fields(asked: AskBars) -> BarsFields:
    """What to ask for. Shares and options are told by their regular hours, what is dealt round the clock wholly."""
    seconds = math.ceil((asked.end - asked.start).total_seconds())
    if asked.interval is BarInterval.DAY_1:
        # The day that is on counts as one.
        duration = f"{seconds // _DAY_S + 1} D"
    else:
        duration = f"{seconds} S" if seconds <= _DAY_S else f"{math.ceil(seconds / _DAY_S)} D"
    kind = asked.contract.instrument_type
    return BarsFields(
        endDateTime=_moment(asked.end),
        durationStr=duration,
        barSizeSetting=_BAR_SIZES[asked.interval],
        whatToShow=shown_of(kind),
        useRTH=kind not in _ROUND_THE_CLOCK,
    )


def shown_of(kind: InstrumentType) -> str:
    """What bars of such an instrument are made of, as IB names it: its trades, or the middle of its quotes."""
    return _SHOWN.get(kind, "TRADES")


def bars_of(asked: AskBars, raw: Iterable[Any]) -> tuple[Bar, ...]:
    """The bars that were asked for, each once, in the order of time. Raises ValueError for one that is unreadable."""
    found: dict[datetime, Bar] = {}
    for one in raw:
        time = _time(str(one.date))
        volume = known(one.volume)
        bar = Bar(
            time=time,
            open=exact(one.open),
            high=exact(one.high),
            low=exact(one.low),
            close=exact(one.close),
            volume=ZERO if volume is None or volume < ZERO else volume,
        )
        if asked.start <= time < asked.end:
            found[time] = bar
    return tuple(found[time] for time in sorted(found))


@dataclass(frozen=True, slots=True, kw_only=True)
class TicksFields:
    """What reqHistoricalTicks takes beside the contract."""

    startDateTime: str
    endDateTime: str
    numberOfTicks: int
    whatToShow: str


def ticks_fields(asked: AskTicks) -> TicksFields:
    """What to ask for: trades, or quotes of what has none. Only one of the two times may be told."""
    kind = asked.contract.instrument_type
    return TicksFields(
        startDateTime="" if asked.start is None else _moment(asked.start),
        endDateTime="" if asked.start is not None or asked.end is None else _moment(asked.end),
        numberOfTicks=min(asked.count, TICKS_MAX),
        whatToShow="BID_ASK" if kind is InstrumentType.FOREX else "TRADES",
    )


def ticks_of(asked: AskTicks, raw: Iterable[Any]) -> tuple[PastTick, ...]:
    """The ticks that were asked for. IB tells all of the last second, which may be more than were asked for."""
    told = [_tick(one) for one in raw]
    found = [
        one
        for one in told
        if (asked.start is None or asked.start <= one.time) and (asked.end is None or one.time < asked.end)
    ]
    return tuple(found[: asked.count] if asked.start is not None else found[-asked.count :])


def _tick(raw: Any) -> PastTick:
    time: datetime = raw.time.astimezone(UTC)
    if hasattr(raw, "priceBid"):
        return PastTick(
            time=time,
            bid=_price(raw.priceBid),
            bid_size=known(raw.sizeBid),
            ask=_price(raw.priceAsk),
            ask_size=known(raw.sizeAsk),
        )
    return PastTick(time=time, last=_price(raw.price), last_size=known(raw.size))


def _price(value: float) -> Decimal | None:
    number = known(value)
    return None if number is None or number < ZERO else number


_DATE_LENGTH = 8


def _time(text: str) -> datetime:
    # A day's bar names a date, the others an epoch.
    if len(text) == _DATE_LENGTH:
        return datetime.strptime(text, "%Y%m%d").replace(tzinfo=UTC)
    return datetime.fromtimestamp(int(text), UTC)


def _moment(at: datetime) -> str:
    # strftime leaves out the zeros of a year before 1000, and then no gateway reads it.
    at = at.astimezone(UTC)
    return f"{at.year:04}{at:%m%d-%H:%M:%S}"
