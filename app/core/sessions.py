"""When instruments are dealt: regular and extended sessions by the kind of instrument, in the exchange's own zone."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from zoneinfo import ZoneInfo

from app.core.fix import InstrumentType

_SATURDAY = 5
_DAYS_LOOKED_AT = 9
UTC_ZONE = ZoneInfo("UTC")
_SHARES = frozenset({InstrumentType.STOCK, InstrumentType.ETF})


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One session: from the instant of its opening up to, and without, that of its close."""

    opens_at: datetime
    closes_at: datetime


@dataclass(frozen=True, kw_only=True)
class TradingHours:
    """The sessions of an exchange's days. Bounds are minutes from the day's midnight in `zone`, by the clock on the
    wall; below zero they lie in the day before. Saturdays and Sundays have a session only `with_weekends`; holidays
    and early closes are not known.
    """

    zone: str
    regular: tuple[int, int]
    extended: tuple[int, int]
    with_weekends: bool = False

    @cached_property
    def _zone(self) -> ZoneInfo:
        return ZoneInfo(self.zone)

    def local_date(self, moment: datetime) -> date:
        """The date on the exchange's calendar."""
        return moment.astimezone(self._zone).date()

    def session_of(self, day: date, *, is_extended: bool) -> Session | None:
        """The session of a date; None on a day without one."""
        if day.weekday() >= _SATURDAY and not self.with_weekends:
            return None
        opens, closes = self.extended if is_extended else self.regular
        return Session(opens_at=self._at(day, opens), closes_at=self._at(day, closes))

    def next_session(self, moment: datetime, *, is_extended: bool) -> Session:
        """The session that is on at this instant, else the next one."""
        before = self.local_date(moment) - timedelta(days=1)
        for ahead in range(_DAYS_LOOKED_AT):
            session = self.session_of(before + timedelta(days=ahead), is_extended=is_extended)
            if session is not None and moment < session.closes_at:
                return session
        raise AssertionError("every week has a session")

    def next_opening(self, moment: datetime) -> datetime:
        """The first opening of a regular session after this instant."""
        session = self.next_session(moment, is_extended=False)
        if session.opens_at > moment:
            return session.opens_at
        return self.next_session(session.closes_at, is_extended=False).opens_at

    def is_open(self, moment: datetime, *, is_extended: bool) -> bool:
        """True while a session is on."""
        return self.next_session(moment, is_extended=is_extended).opens_at <= moment

    def day_end(self, moment: datetime, *, is_extended: bool) -> datetime:
        """When the trading day ends that is on at this instant, else the next one."""
        return self.next_session(moment, is_extended=is_extended).closes_at

    def _at(self, day: date, minutes: int) -> datetime:
        wall = datetime.combine(day, time()) + timedelta(minutes=minutes)
        return wall.replace(tzinfo=self._zone).astimezone(UTC)


ALL_HOURS = TradingHours(zone="UTC", regular=(0, 1440), extended=(0, 1440), with_weekends=True)
"""Round the clock on every day, which begins at midnight UTC."""

US_SHARES = TradingHours(zone="America/New_York", regular=(570, 960), extended=(240, 1200))
"""09:30 to 16:00, extended 04:00 to 20:00."""

EURO_SHARES = TradingHours(zone="Europe/Berlin", regular=(540, 1050), extended=(540, 1050))
"""09:00 to 17:30."""

CURRENCIES = TradingHours(zone="America/New_York", regular=(-405, 1020), extended=(-405, 1020))
"""From 17:15 of the day before to 17:00, Sunday evening to Friday."""


def known_hours(instrument_type: InstrumentType, currency: str) -> TradingHours | None:
    """The hours of the main market of such instruments; None where there is no saying."""
    if instrument_type is InstrumentType.FOREX:
        return CURRENCIES
    if instrument_type in _SHARES:
        return {"USD": US_SHARES, "EUR": EURO_SHARES}.get(currency)
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldSession:
    """One session as an exchange told it. A trading day may have several, and is named by the date of its close."""

    day: date
    opens_at: datetime
    closes_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldHours:
    """The sessions that an exchange told for the days ahead, holidays and early closes among them.

    From known_from up to known_until there are these and no others; closed_days are its dates without any. Before and
    beyond `usual` has to do, where it is known. regular and extended are each in the order of time. is_one_day: orders
    work in the extended sessions whatever they ask. assumed are the days whose sessions are the usual ones: nobody told
    them.
    """

    zone: str
    regular: tuple[ToldSession, ...]
    extended: tuple[ToldSession, ...]
    closed_days: tuple[date, ...]
    known_from: datetime
    known_until: datetime
    usual: TradingHours | None = None
    is_one_day: bool = False
    assumed: tuple[date, ...] = ()

    def is_open(self, moment: datetime, *, is_extended: bool) -> bool:
        """True while a session is on; False where nothing is known."""
        if self.known_from <= moment < self.known_until:
            return any(one.opens_at <= moment < one.closes_at for one in self._sessions(is_extended))
        return self.usual is not None and self.usual.is_open(moment, is_extended=is_extended)

    def day_end(self, moment: datetime, *, is_extended: bool) -> datetime | None:
        """When the trading day ends that is on at this instant, else the next one; None where nothing is known."""
        if self.known_from <= moment < self.known_until:
            days = [one.day for one in self._sessions(is_extended) if moment < one.closes_at]
            if days:
                return max(one.closes_at for one in self._sessions(is_extended) if one.day == days[0])
            moment = self.known_until
        return None if self.usual is None else self.usual.day_end(moment, is_extended=is_extended)

    def _sessions(self, is_extended: bool) -> tuple[ToldSession, ...]:
        return self.extended if is_extended or self.is_one_day else self.regular


Hours = TradingHours | ToldHours


@dataclass(frozen=True, slots=True, kw_only=True)
class TradingDay:
    """How long a DAY order of an instrument lives: by its hours, or up to midnight in `zone` where none are known."""

    hours: Hours | None
    zone: ZoneInfo

    def is_over(self, *, alive_at: datetime, at: datetime, is_extended: bool) -> bool:
        """True when a DAY order that lived at one instant has come to the end of its day at another.

        Its day ends with the session that was on or next; at midnight too, unless the instrument is dealt `at` then.
        """
        hours = self.hours
        ends_at = None if hours is None else hours.day_end(alive_at, is_extended=is_extended)
        if ends_at is not None and at >= ends_at:
            return True
        is_dealt = hours is not None and hours.is_open(at, is_extended=is_extended)
        return not is_dealt and at.astimezone(self.zone).date() > alive_at.astimezone(self.zone).date()
