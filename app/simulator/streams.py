"""What follows the market for a session besides its lines: bars that grow, bars of five seconds, ticks one by one."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from app.core.money import ZERO
from app.core.records import replace
from app.core.sessions import TradingHours
from app.simulator import history_messages
from app.simulator.bar_requests import price_of
from app.simulator.directory import ListedContract
from app.simulator.history import DAY_S, WEEK_S, Bar
from app.simulator.market import Quote
from app.simulator.session import Session

REAL_TIME_BAR_S = 5


@dataclass(slots=True, kw_only=True)
class BarStream:
    """The bar that is growing for a request; `is_update` tells each growth, else it is told when it is whole."""

    session: Session
    request_id: int
    listed: ListedContract
    kind: str
    seconds: int
    is_regular: bool
    is_update: bool
    date_format: int
    bar: Bar
    volume: Decimal

    def move(self, quote: Quote, now: datetime) -> None:
        """Take the market's newest quote in."""
        self.pass_time(now)
        dealt = max(ZERO, quote.volume - self.volume) if self.kind == "TRADES" else ZERO
        self.volume = quote.volume
        price = price_of(self.kind, quote)
        if not self._is_on(now) or (price == self.bar.close and not dealt):
            return
        self.bar = self.bar.moved(price, dealt)
        self._tell_growth()

    def pass_time(self, now: datetime) -> None:
        """Tell the bar when it is over, and begin the next one where it ended."""
        if not self._is_on(now):
            return
        hours = self.listed.hours
        session = hours.next_session(now, is_extended=not self.is_regular)
        day = hours.local_date(session.closes_at - timedelta(seconds=1))
        if self.seconds >= DAY_S:
            starts_at = session.opens_at
            is_over = _period(day, self.seconds) != _period(self.bar.day, self.seconds)
        else:
            starts_at = max(session.opens_at, _cut(now, self.seconds, hours))
            is_over = starts_at > self.bar.starts_at
        if not is_over:
            return
        if not self.is_update:
            self.session.send(history_messages.real_time_bar(self.request_id, self.bar))
        price = self.bar.close
        has_volume = self.kind == "TRADES"
        self.bar = replace(
            self.bar,
            starts_at=starts_at,
            day=day,
            open=price,
            high=price,
            low=price,
            volume=ZERO if has_volume else self.bar.volume,
            count=0 if has_volume else self.bar.count,
        )
        self._tell_growth()

    def _is_on(self, now: datetime) -> bool:
        return self.listed.hours.is_open(now, is_extended=not self.is_regular)

    def _tell_growth(self) -> None:
        if self.is_update:
            self.session.send(
                history_messages.historical_data_update(
                    self.request_id, self.bar, self.seconds, self.listed.hours, self.date_format
                )
            )


@dataclass(slots=True, kw_only=True)
class TickStream:
    """The trades, touches or middles of an instrument as they come."""

    session: Session
    request_id: int
    listed: ListedContract
    kind: int
    told: Quote

    def move(self, quote: Quote, now: datetime) -> None:
        """Tell what is new."""
        old, new = self.told.state, quote.state
        match self.kind:
            case history_messages.LAST | history_messages.ALL_LAST:
                is_news = quote.volume > self.told.volume or quote.traded_at > self.told.traded_at
            case history_messages.BID_ASK:
                is_news = (old.bid, old.bid_size, old.ask, old.ask_size) != (
                    new.bid,
                    new.bid_size,
                    new.ask,
                    new.ask_size,
                )
            case _:
                is_news = (old.bid, old.ask) != (new.bid, new.ask)
        self.told = quote
        if is_news:
            self.tell(quote, now)

    def pass_time(self, now: datetime) -> None:
        """Time alone tells nothing."""

    def tell(self, quote: Quote, now: datetime) -> None:
        """Send the quote."""
        exchange = self.listed.market_name
        self.session.send(history_messages.tick_by_tick(self.request_id, self.kind, now, quote, exchange))


Stream = BarStream | TickStream


class Streams:
    """All streams of all sessions."""

    def __init__(self) -> None:
        self._streams: dict[tuple[Session, int], Stream] = {}
        self._by_contract: defaultdict[int, dict[tuple[Session, int], Stream]] = defaultdict(dict)

    @property
    def con_ids(self) -> Iterator[int]:
        """The contracts that any stream follows."""
        return (con_id for con_id, streams in self._by_contract.items() if streams)

    def open(self, stream: Stream) -> None:
        """Follow the market from now on."""
        key = stream.session, stream.request_id
        self._streams[key] = self._by_contract[stream.listed.entry.con_id][key] = stream

    def get(self, session: Session, request_id: int) -> Stream | None:
        """The session's stream under a request id."""
        return self._streams.get((session, request_id))

    def count(self, session: Session, kind: type[Stream]) -> int:
        """How many streams of a kind a session has."""
        return sum(key[0] is session and isinstance(stream, kind) for key, stream in self._streams.items())

    def close(self, session: Session, request_id: int) -> None:
        """End a stream."""
        stream = self._streams.pop((session, request_id), None)
        if stream is not None:
            self._by_contract[stream.listed.entry.con_id].pop((session, request_id), None)

    def leave(self, session: Session) -> None:
        """End all of a session."""
        for key in [key for key in self._streams if key[0] is session]:
            self.close(*key)

    def show(self, con_id: int, quote: Quote, now: datetime) -> None:
        """Let an instrument's newest quote reach its streams."""
        for stream in list(self._by_contract.get(con_id, {}).values()):
            stream.move(quote, now)

    def pass_time(self, now: datetime) -> None:
        """Let what is over be told."""
        for stream in list(self._streams.values()):
            stream.pass_time(now)


def _cut(now: datetime, seconds: int, hours: TradingHours) -> datetime:
    midnight = datetime.combine(hours.local_date(now), datetime.min.time(), ZoneInfo(hours.zone)).astimezone(UTC)
    return midnight + timedelta(seconds=int((now - midnight).total_seconds()) // seconds * seconds)


def _period(day: date, seconds: int) -> tuple[int, ...]:
    if seconds == DAY_S:
        return (day.toordinal(),)
    return tuple(day.isocalendar()[:2]) if seconds == WEEK_S else (day.year, day.month)
