"""The calendar that a tenant keeps of an exchange: which days it overrides, one by one or from a CSV file."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from app.compliance.errors import CalendarInvalidError
from app.core.calendars import DayOverride
from app.core.errors import OmsError
from app.core.line_files import FileLine, LineFormat, read_file, written_file
from app.core.texts import is_readable

NAME_LENGTH_MAX: Final = 100
DAYS_MAX: Final = 5_000
"""How many days a tenant overrides at most."""
CHANGES_MAX: Final = 500
COLUMNS: Final = ("exchange", "day", "closed", "opens", "closes", "extended_opens", "extended_closes", "name")
FORMAT: Final = LineFormat(
    columns=COLUMNS, needed=("exchange", "day", "closed"), bytes_max=512 * 1024, lines_max=DAYS_MAX
)
FIRST_DAY: Final = date(2000, 1, 1)
LAST_DAY: Final = date(2099, 12, 31)
_EXCHANGE: Final = re.compile(r"[A-Z0-9][A-Z0-9._-]{0,31}", re.ASCII)
_CLOCK: Final = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])|24:00", re.ASCII)
_YES: Final = {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False, "": False}


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarDay:
    """A day of an exchange as the tenant says that it is, and what the day is called."""

    exchange: str
    name: str
    override: DayOverride

    @property
    def key(self) -> tuple[str, date]:
        """What there is one of at most."""
        return self.exchange, self.override.day


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptDay:
    """A day with who set it last, when and why."""

    day: CalendarDay
    set_by: str
    reason: str
    set_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarLine:
    """What became of the line of a number, the header being 1; code and message say why it was refused."""

    number: int
    day: CalendarDay | None
    code: str | None = None
    message: str | None = None


def checked_day(one: CalendarDay, *path: str) -> CalendarDay:
    """The day. Raises CalendarInvalidError with the path of what cannot be."""
    override = one.override
    if _EXCHANGE.fullmatch(one.exchange) is None:
        raise CalendarInvalidError("An exchange is named in capital letters of ASCII.", path=[*path, "exchange"])
    if not FIRST_DAY <= override.day <= LAST_DAY:
        raise CalendarInvalidError(f"A day lies from {FIRST_DAY} to {LAST_DAY}.", path=[*path, "day"])
    if one.name and not is_readable(one.name, NAME_LENGTH_MAX):
        raise CalendarInvalidError(f"A name has at most {NAME_LENGTH_MAX} characters.", path=[*path, "name"])
    bounds = (override.opens, override.closes, override.extended_opens, override.extended_closes)
    if override.is_closed and any(bound is not None for bound in bounds):
        raise CalendarInvalidError("A day that is closed has no hours.", path=[*path, "isClosed"])
    if not override.is_closed and all(bound is None for bound in bounds):
        raise CalendarInvalidError("A day is closed, or opens or closes at some time.", path=[*path, "isClosed"])
    for begins, ends, name in ((*bounds[:2], "closes"), (*bounds[2:], "extendedCloses")):
        if begins is not None and ends is not None and ends <= begins:
            raise CalendarInvalidError("A session ends after it begins.", path=[*path, name])
    return one


def minute_of(text: str, *path: str) -> int | None:
    """Minutes from midnight of HH:MM up to 24:00; None for no text. Raises CalendarInvalidError with the path."""
    if not text:
        return None
    if _CLOCK.fullmatch(text) is None:
        raise CalendarInvalidError("A time of day is written HH:MM.", path=path)
    hour, minute = text.split(":")
    return int(hour) * 60 + int(minute)


def clock_of(minutes: int | None) -> str | None:
    """HH:MM of minutes from midnight."""
    return None if minutes is None else f"{minutes // 60:02}:{minutes % 60:02}"


def read_days(content: bytes) -> list[CalendarLine]:
    """The days of a file, each read or refused; a day that is named twice is refused the second time.

    Raises InputError for a file that is too large or has no fitting header.
    """
    seen: set[tuple[str, date]] = set()
    found: list[CalendarLine] = []
    for line in read_file(content, FORMAT):
        if line.code is not None:
            found.append(CalendarLine(number=line.number, day=None, code=line.code, message=line.message))
            continue
        try:
            day = checked_day(_day(line))
            if day.key in seen:
                raise CalendarInvalidError("The file names this day twice.", path=["day"])
            seen.add(day.key)
            found.append(CalendarLine(number=line.number, day=day))
        except OmsError as error:
            found.append(CalendarLine(number=line.number, day=None, code=error.code, message=error.message))
    return found


def calendar_file(days: Iterable[CalendarDay]) -> str:
    """The days as CSV, as read_days() takes it."""
    return written_file(
        COLUMNS,
        (
            {
                "exchange": one.exchange,
                "day": one.override.day.isoformat(),
                "closed": "yes" if one.override.is_closed else "no",
                "opens": clock_of(one.override.opens) or "",
                "closes": clock_of(one.override.closes) or "",
                "extended_opens": clock_of(one.override.extended_opens) or "",
                "extended_closes": clock_of(one.override.extended_closes) or "",
                "name": one.name,
            }
            for one in days
        ),
    )


def days_document(days: Sequence[CalendarDay]) -> list[dict[str, Any]]:
    """Days as the audit log keeps them."""
    return [
        {
            "exchange": one.exchange,
            "day": one.override.day.isoformat(),
            "name": one.name,
            "isClosed": one.override.is_closed,
            "opens": clock_of(one.override.opens),
            "closes": clock_of(one.override.closes),
            "extendedOpens": clock_of(one.override.extended_opens),
            "extendedCloses": clock_of(one.override.extended_closes),
        }
        for one in days
    ]


def _day(line: FileLine) -> CalendarDay:
    values = line.values
    closed = _YES.get(values["closed"].lower())
    if closed is None:
        raise CalendarInvalidError("Closed is yes or no.", path=["closed"])
    try:
        day = date.fromisoformat(values["day"])
    except ValueError as error:
        raise CalendarInvalidError("A day is written YYYY-MM-DD.", path=["day"]) from error
    return CalendarDay(
        exchange=values["exchange"].upper(),
        name=values.get("name", ""),
        override=DayOverride(
            day=day,
            is_closed=closed,
            opens=minute_of(values.get("opens", ""), "opens"),
            closes=minute_of(values.get("closes", ""), "closes"),
            extended_opens=minute_of(values.get("extended_opens", ""), "extended_opens"),
            extended_closes=minute_of(values.get("extended_closes", ""), "extended_closes"),
        ),
    )
