"""setCalendarDays, importCalendar and exportCalendar: the holidays and half days that a tenant keeps of exchanges."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from app.audit import service as audit
from app.compliance import calendars_batch
from app.compliance.calendars_batch import DayKey
from app.compliance.domain.calendar import (
    CHANGES_MAX,
    DAYS_MAX,
    CalendarDay,
    CalendarLine,
    KeptDay,
    calendar_file,
    checked_day,
    days_document,
    read_days,
)
from app.compliance.errors import CalendarFullError, CalendarInvalidError
from app.core.paging import Page, Window
from app.core.texts import is_readable
from app.flows.desk import Desk
from app.flows.risk.loosening import require_a_person, tell_others
from app.identity.domain import Principal
from app.infra.db import BatchSession
from app.infra.uow import begin_batch

REASON_LENGTH_MAX: Final = 500
AUDITED_MAX: Final = 100
"""Beyond so many days the audit log tells their number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarImport:
    """What became of a file: is_stored is False for a dry run, and where one refused line keeps all of it out."""

    is_stored: bool
    lines: tuple[CalendarLine, ...]


async def set_days(
    desk: Desk, principal: Principal, days: Sequence[CalendarDay], remove: Sequence[DayKey], reason: str
) -> None:
    """Says what days of exchanges are, and takes back what was said of others.

    Raises CalendarInvalidError with the path, CalendarFullError, WholeTenantError, and LooseningNeedsAPersonError for
    an API key that does anything but close days.
    """
    _check_reason(reason)
    if not 1 <= len(days) + len(remove) <= CHANGES_MAX:
        raise CalendarInvalidError(f"1 to {CHANGES_MAX} days are changed at once.", path=["days"])
    named: set[tuple[str, date]] = set()
    for index, one in enumerate(days):
        if checked_day(one, "days", str(index)).key in named:
            raise CalendarInvalidError("This day is named twice.", path=["days", str(index)])
        named.add(one.key)
    principal.require_whole_tenant()
    async with begin_batch(desk.database, principal.tenant_id) as session:
        known = {one.key for one in await calendars_batch.days_of(session, principal.tenant_id, remove)}
        for index, key in enumerate(remove):
            if key not in known or key in named:
                raise CalendarInvalidError("Nothing is said of this day.", path=["remove", str(index)])
        await _store(session, desk, principal, days, remove, reason, "calendar.set")


async def import_days(
    desk: Desk, principal: Principal, content: bytes, *, reason: str, is_dry_run: bool, takes_each: bool
) -> CalendarImport:
    """What became of each line; days that the file does not name stay as they are.

    Raises CalendarInvalidError, CalendarFullError, WholeTenantError, LooseningNeedsAPersonError, and InputError for a
    file that is too large or has no fitting header.
    """
    _check_reason(reason)
    principal.require_whole_tenant()
    lines = read_days(content)
    days = [line.day for line in lines if line.day is not None]
    is_stored = not is_dry_run and (takes_each or len(days) == len(lines))
    if is_stored:
        async with begin_batch(desk.database, principal.tenant_id) as session:
            await _store(session, desk, principal, days, (), reason, "calendar.import")
    return CalendarImport(is_stored=is_stored, lines=tuple(lines))


async def export_days(desk: Desk, principal: Principal) -> str:
    """The calendar as CSV."""
    principal.require_whole_tenant()
    async with begin_batch(desk.database, principal.tenant_id) as session:
        days = await calendars_batch.all_days(session, principal.tenant_id)
        await _record(session, desk, principal, "calendar.export", new={"days": len(days)})
    return calendar_file(days)


async def list_days(desk: Desk, principal: Principal, exchange: str | None, window: Window[DayKey]) -> Page[KeptDay]:
    """A page of the days that the tenant keeps."""
    async with begin_batch(desk.database, principal.tenant_id) as session:
        return await calendars_batch.days_page(session, principal.tenant_id, exchange, window)


async def count_days(desk: Desk, principal: Principal, exchange: str | None) -> int:
    """How many days the tenant keeps."""
    async with begin_batch(desk.database, principal.tenant_id) as session:
        return await calendars_batch.count_days(session, principal.tenant_id, exchange)


def _check_reason(reason: str) -> None:
    if not is_readable(reason, REASON_LENGTH_MAX):
        raise CalendarInvalidError(f"A reason has 1 to {REASON_LENGTH_MAX} characters.", path=["reason"])


async def _store(
    session: BatchSession,
    desk: Desk,
    principal: Principal,
    days: Sequence[CalendarDay],
    remove: Sequence[DayKey],
    reason: str,
    action: str,
) -> None:
    tenant_id, now = principal.tenant_id, desk.clock.now()
    # Which hours are usual is not asked: a day that is not closed may be longer than it was.
    opened = sum(not one.override.is_closed for one in days) + len(remove)
    if opened:
        require_a_person(principal)
        told = f"days that are opened, bounded or left to the usual hours: {opened}"
        await tell_others(session, desk, principal, "the calendar of trading hours is loosened", told)
    keys = [*(one.key for one in days), *remove]
    before = await calendars_batch.days_of(session, tenant_id, keys)
    await calendars_batch.drop_days(session, tenant_id, remove)
    await calendars_batch.store_days(session, tenant_id, days, by=principal.actor, reason=reason, now=now)
    if await calendars_batch.count_days(session, tenant_id) > DAYS_MAX:
        raise CalendarFullError(f"A tenant overrides at most {DAYS_MAX} days.")
    new = {**_told(days), "removed": len(remove), "reason": reason}
    await _record(session, desk, principal, action, old=_told(before), new=new)


def _told(days: Sequence[CalendarDay]) -> dict[str, Any]:
    if len(days) > AUDITED_MAX:
        return {"count": len(days)}
    return {"count": len(days), "days": days_document(days)}


async def _record(
    session: BatchSession,
    desk: Desk,
    principal: Principal,
    action: str,
    *,
    old: dict[str, Any] | None = None,
    new: dict[str, Any],
) -> None:
    act = audit.entry(
        principal, action, "Calendar", None, entry_id=desk.ids.new(), now=desk.clock.now(), old=old, new=new
    )
    await session.write([audit.record_batch([act])])
