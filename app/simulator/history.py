"""Bars of any size of any instrument: the past before the market was opened, then what it showed since."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from app.core.catalogue import CatalogueEntry
from app.core.matching import MarketState
from app.core.money import ZERO, rounded
from app.core.records import replace
from app.core.sessions import Session, TradingHours
from app.simulator.directory import Directory, ListedContract
from app.simulator.instruments import DerivedEntry, IndexEntry, OptionEntry
from app.simulator.market import Quote
from app.simulator.past import BLOCK_S, MINUTE_S, SLICE_S, Past, Stretch
from app.simulator.pricing import derived_quote, value_of
from app.simulator.record import Record

HEAD = date(2010, 1, 4)
"""The first day that there is any history of."""

DAY_S = 86_400
WEEK_S = 7 * DAY_S
MONTH_S = 30 * DAY_S
_DERIVED_VOLUME_DIVISOR = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """What an instrument dealt in a stretch of time.

    `day` is that of its session, for weeks and months of the last one.
    """

    starts_at: datetime
    day: date
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal
    average: Decimal
    count: int

    def moved(self, price: Decimal, volume: Decimal = ZERO) -> "Bar":
        """The bar after the price went there and so much was dealt."""
        return replace(
            self,
            high=max(self.high, price),
            low=min(self.low, price),
            close=price,
            volume=self.volume + volume,
            count=self.count + (volume > 0),
        )

    def shifted(self, distance: Decimal) -> "Bar":
        """The bar of a price that stands so far from this one's, of which nothing is dealt."""
        return replace(
            self,
            open=self.open + distance,
            high=self.high + distance,
            low=self.low + distance,
            close=self.close + distance,
            volume=Decimal(-1),
            average=Decimal(-1),
            count=-1,
        )


class History:
    """Bars for whoever asks. The same question has the same answer, as far as it asks of what is over."""

    def __init__(self, directory: Directory, seed: int) -> None:
        self._directory = directory
        self._seed = seed
        self._records: dict[int, Record] = {}
        self._pasts: dict[int, Past] = {}
        self._delayed: dict[int, tuple[int, Quote]] = {}

    def note(self, con_id: int, old: Quote | None, new: Quote, now: datetime) -> None:
        """Keep what the market shows of something that walks."""
        second = int(now.timestamp())
        record = self._records.get(con_id)
        if record is None:
            entry = self._directory.entries[con_id]
            record = self._records[con_id] = Record(entry.tick_size, second, new.mark)
        dealt = new.volume - old.volume if old is not None else ZERO
        if old is None or dealt > 0 or new.mark != old.mark:
            record.note(second, new.mark, max(0, int(dealt)))

    def bars(
        self, con_id: int, seconds: int, begins: datetime, ends: datetime, *, is_regular: bool, now: datetime
    ) -> list[Bar]:
        """The bars of a size in between, oldest first, of what is dealt in the sessions asked for.

        Sizes up to eight hours are cut by the clock of the exchange; DAY_S, WEEK_S and MONTH_S by its calendar.
        """
        listed = self._directory[con_id]
        root = self._root(listed)
        unit = next(unit for unit in (DAY_S, BLOCK_S, MINUTE_S, SLICE_S, 1) if seconds % unit == 0)
        first, last = int(begins.timestamp()), min(int(ends.timestamp()), int(now.timestamp()) + 1)
        groups: dict[object, list[tuple[date, Stretch]]] = {}
        for day, session in sessions_between(listed.hours, begins, ends, is_regular=is_regular):
            opens, closes = int(session.opens_at.timestamp()), int(session.closes_at.timestamp())
            key = _grouping(seconds, day, listed.hours)
            for stretch in self._stretches(root, unit, max(first, opens), min(last, closes)):
                groups.setdefault(key(stretch.begins), []).append((day, stretch))
        return [_bar(listed, root, group) for group in groups.values()]

    def delayed(self, con_id: int, at: datetime) -> Quote:
        """What the instrument showed at an earlier instant, to five seconds."""
        listed = self._directory[con_id]
        root = self._root(listed)
        second = int(at.timestamp()) // SLICE_S * SLICE_S
        known = self._delayed.get(con_id)
        if known is not None and known[0] == second:
            return known[1]
        quote = self._quote_at(root, second)
        if isinstance(listed.entry, DerivedEntry):
            quote = derived_quote(listed.entry, quote, at.date())
        self._delayed[con_id] = second, quote
        return quote

    def _root(self, listed: ListedContract) -> CatalogueEntry:
        entry = listed.entry
        return self._directory.entries[entry.root_con_id] if isinstance(entry, DerivedEntry) else entry

    def _quote_at(self, root: CatalogueEntry, second: int) -> Quote:
        hours = self._directory[root.con_id].hours
        at = datetime.fromtimestamp(second, UTC)
        # The session that is on, else the last one: every week has some.
        *_, (_, session) = sessions_between(hours, at - timedelta(days=7), at + timedelta(seconds=1), is_regular=False)
        begins, ends = int(session.opens_at.timestamp()), min(second + SLICE_S, int(session.closes_at.timestamp()))
        block, minute = ((ends - 1) // size * size for size in (BLOCK_S, MINUTE_S))
        stretches = [
            *self._stretches(root, BLOCK_S, begins, block),
            *self._stretches(root, MINUTE_S, max(begins, block), minute),
            *self._stretches(root, SLICE_S, max(begins, minute), ends),
        ]
        return _quote(root, stretches)

    def _stretches(self, root: CatalogueEntry, unit: int, begins: int, ends: int) -> Iterator[Stretch]:
        record, past = self._records[root.con_id], self._past(root)
        before = min(ends, record.begins)
        if begins < before:
            hours = self._directory[root.con_id].hours
            span = datetime.fromtimestamp(begins, UTC), datetime.fromtimestamp(before, UTC)
            for day, session in sessions_between(hours, *span, is_regular=False):
                if session.closes_at.timestamp() <= record.begins:
                    whole: Stretch | None = past.day(day, session)
                else:
                    whole = past.day_up_to(day, session, record.begins, record.opened)
                if whole is None:
                    continue
                if unit == DAY_S:
                    joined = past.of_blocks(whole, begins, before)
                    if joined is not None:
                        yield joined
                    continue
                for block in past.blocks(whole):
                    yield from _down(past, block, BLOCK_S, unit, begins, before)
        for size, kept in record.stretches(begins, ends, min(unit, BLOCK_S)):
            yield from _down(past, kept, size, unit, begins, ends)

    def _past(self, root: CatalogueEntry) -> Past:
        past = self._pasts.get(root.con_id)
        if past is None:
            hours = self._directory[root.con_id].hours
            past = self._pasts[root.con_id] = Past(root, self._seed, hours)
        return past


def sessions_between(
    hours: TradingHours, begins: datetime, ends: datetime, *, is_regular: bool
) -> Iterator[tuple[date, Session]]:
    """The sessions that are on at any instant from one up to another, with their dates, oldest first."""
    day = hours.local_date(begins) - timedelta(days=1)
    last = hours.local_date(ends) + timedelta(days=1)
    while day <= last:
        session = hours.session_of(day, is_extended=not is_regular)
        if session is not None and session.closes_at > begins and session.opens_at < ends:
            yield day, session
        day += timedelta(days=1)


def _down(past: Past, stretch: Stretch, size: int, unit: int, begins: int, ends: int) -> Iterator[Stretch]:
    if stretch.ends <= begins or stretch.begins >= ends:
        return
    if size <= unit:
        yield stretch
        return
    finer: dict[int, tuple[int, Callable[[Stretch], list[Stretch]]]] = {
        BLOCK_S: (MINUTE_S, past.minutes),
        MINUTE_S: (SLICE_S, past.slices),
        SLICE_S: (1, past.seconds),
    }
    part_size, parts = finer[size]
    for part in parts(stretch):
        yield from _down(past, part, part_size, unit, begins, ends)


def _grouping(seconds: int, day: date, hours: TradingHours) -> Callable[[int], object]:
    if seconds == DAY_S:
        return lambda _: day
    if seconds == WEEK_S:
        return lambda _: day.isocalendar()[:2]
    if seconds == MONTH_S:
        return lambda _: (day.year, day.month)
    # Bars of hours begin at the full hours of the exchange's clock.
    midnight = int(datetime.combine(day, datetime.min.time(), ZoneInfo(hours.zone)).timestamp())
    return lambda begins: (midnight, (begins - midnight) // seconds)


def _bar(listed: ListedContract, root: CatalogueEntry, group: list[tuple[date, Stretch]]) -> Bar:
    day, last = group[-1]
    first = group[0][1]
    entry = listed.entry
    high, low = max(stretch.high for _, stretch in group), min(stretch.low for _, stretch in group)
    prices = [ticks * root.tick_size for ticks in (first.open, high, low, last.close)]
    volume = Decimal(sum(stretch.volume for _, stretch in group))
    count = sum(stretch.count for _, stretch in group)
    if isinstance(entry, DerivedEntry):
        value = value_of(entry, day)
        prices = [value(price) for price in prices]
        if isinstance(entry, OptionEntry) and entry.right == "P":
            prices[1], prices[2] = prices[2], prices[1]
        is_index = isinstance(entry, IndexEntry)
        volume = ZERO if is_index else volume // _DERIVED_VOLUME_DIVISOR
        count = 0 if is_index else count // _DERIVED_VOLUME_DIVISOR
    return Bar(
        starts_at=datetime.fromtimestamp(first.begins, UTC),
        day=day,
        open=prices[0],
        high=prices[1],
        low=prices[2],
        close=prices[3],
        volume=volume,
        average=rounded(sum(prices, ZERO) / len(prices)),
        count=count,
    )


def _quote(root: CatalogueEntry, stretches: list[Stretch]) -> Quote:
    last, tick = stretches[-1], root.tick_size
    price, size = last.close * tick, Decimal(max(1, last.volume // SLICE_S))
    state = MarketState(bid=price - tick, bid_size=size, ask=price + tick, ask_size=size, last=price, last_size=size)
    return Quote(
        state=state,
        volume=Decimal(sum(stretch.volume for stretch in stretches)),
        day_open=stretches[0].open * tick,
        day_high=max(stretch.high for stretch in stretches) * tick,
        day_low=min(stretch.low for stretch in stretches) * tick,
        previous_close=stretches[0].open * tick,
        traded_at=datetime.fromtimestamp(last.begins, UTC),
    )
