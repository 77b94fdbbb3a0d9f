"""Calendars over GraphQL: the holidays and half days that a tenant keeps of exchanges."""

from datetime import date, datetime
from typing import Final

import strawberry

from app.compliance.calendars_batch import DayKey
from app.compliance.domain import calendar
from app.compliance.domain.calendar import CHANGES_MAX, DAYS_MAX, CalendarDay, clock_of, minute_of
from app.core.calendars import DayOverride
from app.core.errors import InputError, OmsError
from app.core.paging import Page, Window
from app.flows.compliance.calendars import CalendarImport, count_days, export_days, import_days, list_days, set_days
from app.identity.domain import Scope
from schema.base.context import Info
from schema.base.errors import UserError, user_errors
from schema.base.ids import storable
from schema.base.pagination import Count, Counted, Cursors, page_info, window_of
from schema.base.permissions import scoped

DAY_CURSORS: Final = Cursors("calendarDay")


@strawberry.type(description="A day on which an exchange keeps other hours than it told. Times are on its own wall.")
class CalendarDayOverride:
    """A day of an exchange."""

    exchange: str
    day: date
    name: str
    is_closed: bool
    opens: str | None = strawberry.field(description="HH:MM; null for the usual time.")
    closes: str | None
    extended_opens: str | None
    extended_closes: str | None
    set_by: str
    reason: str
    set_at: datetime

    @classmethod
    def of(cls, kept: calendar.KeptDay) -> "CalendarDayOverride":
        """The type of the value."""
        override = kept.day.override
        return cls(
            exchange=kept.day.exchange,
            day=override.day,
            name=kept.day.name,
            is_closed=override.is_closed,
            opens=clock_of(override.opens),
            closes=clock_of(override.closes),
            extended_opens=clock_of(override.extended_opens),
            extended_closes=clock_of(override.extended_closes),
            set_by=kept.set_by,
            reason=kept.reason,
            set_at=kept.set_at,
        )


@strawberry.type
class CalendarDayOverrideEdge:
    """A day at its place."""

    cursor: str
    node: CalendarDayOverride


@strawberry.type(description="Days that a tenant overrides, by exchange and day.")
class CalendarDayOverrideConnection(Counted):
    """A page of days."""

    edges: list[CalendarDayOverrideEdge]

    @classmethod
    def of(cls, page: Page[calendar.KeptDay], window: Window[DayKey], count: Count) -> "CalendarDayOverrideConnection":
        """The page with its cursors."""
        edges = [
            CalendarDayOverrideEdge(
                cursor=DAY_CURSORS.write(f"{one.day.override.day} {one.day.exchange}"), node=CalendarDayOverride.of(one)
            )
            for one in page.items
        ]
        return cls(edges=edges, page_info=page_info(page, window, [edge.cursor for edge in edges]), count=count)


@strawberry.input(description="What a day of an exchange is: closed, or other hours; times are HH:MM up to 24:00.")
class CalendarDayInput:
    """A day as it is asked for."""

    exchange: str = strawberry.field(description="As instruments name it, such as NASDAQ.")
    day: date
    name: str = ""
    is_closed: bool = False
    opens: str | None = None
    closes: str | None = None
    extended_opens: str | None = None
    extended_closes: str | None = None


@strawberry.input(description="A day of an exchange.")
class CalendarDayKeyInput:
    """Which day."""

    exchange: str
    day: date


@strawberry.input
class SetCalendarDaysInput:
    """What days are, and which are as told again."""

    days: list[CalendarDayInput] = strawberry.field(default_factory=list)
    remove: list[CalendarDayKeyInput] = strawberry.field(default_factory=list)
    reason: str


@strawberry.input
class ImportCalendarInput:
    """A file of days."""

    content: str = strawberry.field(
        description="CSV with a header of exchange, day, closed (yes or no), opens, closes, extended_opens, "
        "extended_closes, name."
    )
    skip_refused: bool = strawberry.field(
        default=False, description="Store the other lines; without it one refused line keeps all of them out."
    )
    dry_run: bool = strawberry.field(default=False, description="Tell what would become of each line, store nothing.")
    reason: str


@strawberry.type(description="What became of a line of a calendar file, or would.")
class CalendarLine:
    """What became of a line."""

    number: int
    exchange: str | None
    day: date | None
    code: str | None
    message: str | None

    @classmethod
    def of(cls, one: calendar.CalendarLine) -> "CalendarLine":
        """The type of the value."""
        return cls(
            number=one.number,
            exchange=None if one.day is None else one.day.exchange,
            day=None if one.day is None else one.day.override.day,
            code=one.code,
            message=one.message,
        )


@strawberry.type
class SetCalendarDaysPayload:
    """How many days changed, or what was wrong."""

    stored: int = 0
    removed: int = 0
    errors: list[UserError] = strawberry.field(default_factory=list)


@strawberry.type
class ImportCalendarPayload:
    """What became of a file."""

    is_stored: bool = False
    lines: list[CalendarLine] = strawberry.field(default_factory=list)
    errors: list[UserError] = strawberry.field(default_factory=list)

    @classmethod
    def of(cls, report: CalendarImport) -> "ImportCalendarPayload":
        """The type of the value."""
        return cls(is_stored=report.is_stored, lines=[CalendarLine.of(line) for line in report.lines])


@strawberry.type
class ExportCalendarPayload:
    """The calendar as CSV."""

    csv: str | None = None
    errors: list[UserError] = strawberry.field(default_factory=list)


@strawberry.type
class CalendarQuery:
    """Queries of calendars."""

    @strawberry.field(
        description="The days on which exchanges keep other hours than they told, by exchange and day.",
        extensions=scoped(Scope.VIEW_MARKET_DATA),
    )
    async def calendar_days(
        self,
        info: Info,
        exchange: str | None = None,
        first: int | None = 50,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
    ) -> CalendarDayOverrideConnection:
        """A page of days."""
        window = window_of(first=first, after=after, last=last, before=before, read=_key)
        desk, principal = info.context.desk, info.context.principal
        wanted = None if exchange is None else storable(exchange, "exchange").upper()

        async def count() -> int:
            return await count_days(desk, principal, wanted)

        page = await list_days(desk, principal, wanted, window)
        return CalendarDayOverrideConnection.of(page, window, count)


@strawberry.type
class CalendarMutation:
    """Mutations of calendars."""

    @strawberry.mutation(
        description=f"Says what days of exchanges are, and takes back what was said of others, at most {CHANGES_MAX} "
        f"at once and {DAYS_MAX} in all. An API key may only close days.",
        extensions=scoped(Scope.MANAGE_RISK, step_up=True, passes_keys=True),
    )
    async def set_calendar_days(self, info: Info, input: SetCalendarDaysInput) -> SetCalendarDaysPayload:  # noqa: A002
        """Says what days are."""
        try:
            days = [_day(one, index) for index, one in enumerate(input.days)]
            remove = [(storable(one.exchange, "remove").upper(), one.day) for one in input.remove]
            await set_days(info.context.desk, info.context.principal, days, remove, input.reason)
        except OmsError as error:
            return SetCalendarDaysPayload(errors=user_errors(error))
        return SetCalendarDaysPayload(stored=len(days), removed=len(remove))

    @strawberry.mutation(
        description=f"Takes the days of a CSV file, at most {DAYS_MAX} lines, with a report for each line; days that "
        "it does not name stay. An API key may only close days.",
        extensions=scoped(Scope.MANAGE_RISK, step_up=True, passes_keys=True),
    )
    async def import_calendar(self, info: Info, input: ImportCalendarInput) -> ImportCalendarPayload:  # noqa: A002
        """Takes a file of days."""
        try:
            report = await import_days(
                info.context.desk,
                info.context.principal,
                input.content.encode("utf-8", "surrogatepass"),
                reason=input.reason,
                is_dry_run=input.dry_run,
                takes_each=input.skip_refused,
            )
        except OmsError as error:
            return ImportCalendarPayload(errors=user_errors(error))
        return ImportCalendarPayload.of(report)

    @strawberry.mutation(
        description="The calendar as CSV, as importCalendar takes it. A mutation, for it is written down.",
        extensions=scoped(Scope.MANAGE_RISK),
    )
    async def export_calendar(self, info: Info) -> ExportCalendarPayload:
        """Gives the calendar out."""
        try:
            return ExportCalendarPayload(csv=await export_days(info.context.desk, info.context.principal))
        except OmsError as error:
            return ExportCalendarPayload(errors=user_errors(error))


def _day(given: CalendarDayInput, index: int) -> CalendarDay:
    path = ("days", str(index))
    return CalendarDay(
        exchange=given.exchange.upper(),
        name=given.name,
        override=DayOverride(
            day=given.day,
            is_closed=given.is_closed,
            opens=minute_of(given.opens or "", *path, "opens"),
            closes=minute_of(given.closes or "", *path, "closes"),
            extended_opens=minute_of(given.extended_opens or "", *path, "extendedOpens"),
            extended_closes=minute_of(given.extended_closes or "", *path, "extendedCloses"),
        ),
    )


def _key(cursor: str, path: str) -> DayKey:
    day, _, exchange = DAY_CURSORS.read(cursor, path).partition(" ")
    try:
        return exchange, date.fromisoformat(day)
    except ValueError as error:
        raise InputError("This is not a cursor of this list.", path=[path]) from error
