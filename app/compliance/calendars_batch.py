"""The SQL of calendars, and their days for the hot paths."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from app.compliance.domain.calendar import CalendarDay, KeptDay
from app.core.calendars import DayOverride
from app.core.ids import InstrumentId, TenantId
from app.core.paging import Page, Window, page_of
from app.infra.db import BatchSession, Read

DAYS_BACK: Final = 2
DAYS_AHEAD: Final = 10
DayKey = tuple[str, date]


Overrides = dict[tuple[TenantId, InstrumentId], list[DayOverride]]


def overrides_of(wanted: Iterable[tuple[TenantId, InstrumentId]], now: datetime) -> Read[Overrides]:
    """The days about now that the tenants override of these instruments, as hours_with_overrides() takes them."""
    pairs = sorted(set(wanted))
    return Read(
        sql="""
        (SELECT jsonb_agg(to_jsonb(d) || jsonb_build_object('instrument_id', w.id) ORDER BY d.day)
         FROM unnest($1::uuid[], $2::uuid[]) AS w(tenant_id, id)
         CROSS JOIN LATERAL (
           SELECT coalesce(contract_details ->> 'primaryExchange', exchange) AS exchange FROM instruments
           WHERE tenant_id = w.tenant_id AND id = w.id OFFSET 0) AS i
         CROSS JOIN LATERAL (
           SELECT * FROM calendar_days WHERE tenant_id = w.tenant_id AND exchange = i.exchange
             AND day BETWEEN $3::date AND $4::date OFFSET 0) AS d)
        """,
        parameters=(
            [tenant_id for tenant_id, _ in pairs],
            [instrument_id for _, instrument_id in pairs],
            now.date() - timedelta(days=DAYS_BACK),
            now.date() + timedelta(days=DAYS_AHEAD),
        ),
        decode=_overrides,
    )


def _overrides(documents: list[dict[str, Any]] | None) -> Overrides:
    found: Overrides = {}
    for one in documents or ():
        override = DayOverride(
            day=date.fromisoformat(one["day"]),
            is_closed=one["is_closed"],
            opens=one["opens"],
            closes=one["closes"],
            extended_opens=one["extended_opens"],
            extended_closes=one["extended_closes"],
        )
        place = TenantId(UUID(one["tenant_id"])), InstrumentId(UUID(one["instrument_id"]))
        found.setdefault(place, []).append(override)
    return found


async def count_days(session: BatchSession, tenant_id: TenantId, exchange: str | None = None) -> int:
    """How many days the tenant overrides, of an exchange or of all."""
    rows = await session.fetch(
        "SELECT count(*) AS n FROM calendar_days WHERE tenant_id = $1 AND ($2::text IS NULL OR exchange = $2)",
        tenant_id,
        exchange,
    )
    return int(rows[0]["n"])


async def days_of(session: BatchSession, tenant_id: TenantId, keys: Collection[DayKey]) -> list[CalendarDay]:
    """Those of the days that the tenant overrides."""
    rows = await session.fetch(
        """
        SELECT d.* FROM unnest($2::text[], $3::date[]) AS w(exchange, day)
        JOIN calendar_days AS d ON d.tenant_id = $1 AND d.exchange = w.exchange AND d.day = w.day
        ORDER BY d.exchange, d.day
        """,
        tenant_id,
        [exchange for exchange, _ in keys],
        [day for _, day in keys],
    )
    return [_kept(row).day for row in rows]


async def all_days(session: BatchSession, tenant_id: TenantId) -> list[CalendarDay]:
    """All days that the tenant overrides."""
    rows = await session.fetch("SELECT * FROM calendar_days WHERE tenant_id = $1 ORDER BY exchange, day", tenant_id)
    return [_kept(row).day for row in rows]


async def store_days(
    session: BatchSession, tenant_id: TenantId, days: Sequence[CalendarDay], *, by: str, reason: str, now: datetime
) -> None:
    """Writes days as they are to be from now on."""
    await session.execute(
        """
        INSERT INTO calendar_days (tenant_id, set_by, reason, set_at, exchange, day, name, is_closed, opens, closes,
          extended_opens, extended_closes)
        SELECT $1::uuid, $2::text, $3::text, $4::timestamptz, n.*
        FROM unnest($5::text[], $6::date[], $7::text[], $8::bool[], $9::int[], $10::int[], $11::int[], $12::int[]) AS n
        ON CONFLICT (tenant_id, exchange, day) DO UPDATE SET set_by = excluded.set_by, reason = excluded.reason,
          set_at = excluded.set_at, name = excluded.name, is_closed = excluded.is_closed, opens = excluded.opens,
          closes = excluded.closes, extended_opens = excluded.extended_opens,
          extended_closes = excluded.extended_closes
        """,
        tenant_id,
        by,
        reason,
        now,
        [one.exchange for one in days],
        [one.override.day for one in days],
        [one.name for one in days],
        [one.override.is_closed for one in days],
        [one.override.opens for one in days],
        [one.override.closes for one in days],
        [one.override.extended_opens for one in days],
        [one.override.extended_closes for one in days],
    )


async def drop_days(session: BatchSession, tenant_id: TenantId, keys: Collection[DayKey]) -> None:
    """Takes overrides away: the days are as the exchange told, or as usual."""
    await session.execute(
        """
        DELETE FROM calendar_days AS d USING unnest($2::text[], $3::date[]) AS w(exchange, day)
        WHERE d.tenant_id = $1 AND d.exchange = w.exchange AND d.day = w.day
        """,
        tenant_id,
        [exchange for exchange, _ in keys],
        [day for _, day in keys],
    )


async def days_page(
    session: BatchSession, tenant_id: TenantId, exchange: str | None, window: Window[DayKey]
) -> Page[KeptDay]:
    """The days of the window by exchange and day, of one exchange or of all."""
    order = "DESC" if window.is_from_end else "ASC"
    after, before = window.after or (None, None), window.before or (None, None)
    rows = await session.fetch(
        f"""
        SELECT * FROM calendar_days WHERE tenant_id = $1 AND ($2::text IS NULL OR exchange = $2)
          AND ($3::text IS NULL OR (exchange, day) > ($3, $4::date))
          AND ($5::text IS NULL OR (exchange, day) < ($5, $6::date))
        ORDER BY exchange {order}, day {order} LIMIT $7
        """,
        tenant_id,
        exchange,
        *after,
        *before,
        window.size + 1,
    )
    return page_of([_kept(row) for row in rows], window)


def _kept(row: Mapping[str, Any]) -> KeptDay:
    override = DayOverride(
        day=row["day"],
        is_closed=row["is_closed"],
        opens=row["opens"],
        closes=row["closes"],
        extended_opens=row["extended_opens"],
        extended_closes=row["extended_closes"],
    )
    day = CalendarDay(exchange=row["exchange"], name=row["name"], override=override)
    return KeptDay(day=day, set_by=row["set_by"], reason=row["reason"], set_at=row["set_at"])
