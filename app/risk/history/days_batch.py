"""Set-based SQL of what was at risk at the end of each day."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final

from app.core.ids import AccountId, TenantId
from app.core.paging import Page, Window, page_of
from app.infra.db import BatchSession, Write
from app.risk.domain import AccountMode
from app.risk.history.domain.backtest import FollowedDay, RiskDay, Series, Tail

# A day, and which of its series: by these a list is ordered, the newest first.
DayKey = tuple[date, str]
TESTED_MAX: Final = 50_000
"""Over how many days, of all series together, a backtest goes at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DayFilter:
    """Which days: of an account, or with None of all accounts of a mode and a base currency together."""

    account_id: AccountId | None = None
    mode: AccountMode | None = None
    currency: str | None = None
    start: date | None = None
    end: date | None = None


def store(tenant_id: TenantId, days: Sequence[RiskDay]) -> Write:
    """Stores days; where there is one of the series and the day already, nothing happens."""
    return Write.of(
        """
        INSERT INTO value_at_risk_days (tenant_id, id, account_id, mode, currency, day, closed_at, computed_at,
          confidence, historical_var, historical_shortfall, historical_reason, parametric_var, parametric_shortfall,
          parametric_reason, observations, long, short, covered_gross, positions, unvalued, uncovered,
          constant_currencies, oldest_price_at, pnl, reason)
        SELECT $1::uuid, n.id, n.account_id, n.mode, n.currency, n.day, n.closed_at, n.computed_at, n.confidence,
          n.h_var, n.h_shortfall, n.h_reason, n.p_var, n.p_shortfall, n.p_reason, n.observations, n.long, n.short,
          n.covered, n.positions, n.unvalued, n.uncovered,
          CASE n.constant WHEN '' THEN '{}'::text[] ELSE string_to_array(n.constant, ',') END,
          n.oldest_price_at, n.pnl, n.reason
        FROM unnest($2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::date[], $7::timestamptz[], $8::timestamptz[],
          $9::numeric[], $10::numeric[], $11::numeric[], $12::text[], $13::numeric[], $14::numeric[], $15::text[],
          $16::int[], $17::numeric[], $18::numeric[], $19::numeric[], $20::int[], $21::int[], $22::int[], $23::text[],
          $24::timestamptz[], $25::numeric[], $26::text[])
          AS n(id, account_id, mode, currency, day, closed_at, computed_at, confidence, h_var, h_shortfall, h_reason,
            p_var, p_shortfall, p_reason, observations, long, short, covered, positions, unvalued, uncovered, constant,
            oldest_price_at, pnl, reason)
        ON CONFLICT DO NOTHING
        """,
        tenant_id,
        [one.id for one in days],
        [one.series.account_id for one in days],
        [one.series.mode.value for one in days],
        [one.series.currency for one in days],
        [one.day for one in days],
        [one.closed_at for one in days],
        [one.computed_at for one in days],
        [one.confidence for one in days],
        [one.historical.value_at_risk for one in days],
        [one.historical.expected_shortfall for one in days],
        [one.historical.reason for one in days],
        [one.parametric.value_at_risk for one in days],
        [one.parametric.expected_shortfall for one in days],
        [one.parametric.reason for one in days],
        [one.observations for one in days],
        [one.long for one in days],
        [one.short for one in days],
        [one.covered_gross for one in days],
        [one.positions for one in days],
        [one.unvalued for one in days],
        [one.uncovered for one in days],
        [",".join(one.constant_currencies) for one in days],
        [one.oldest_price_at for one in days],
        [one.pnl for one in days],
        [one.reason for one in days],
    )


async def stored_series(session: BatchSession, tenant_id: TenantId, day: date) -> set[Series]:
    """The series of which the day is stored."""
    rows = await session.fetch(
        "SELECT account_id, mode, currency FROM value_at_risk_days WHERE tenant_id = $1 AND day = $2", tenant_id, day
    )
    return {_series(row) for row in rows}


async def results_of(
    session: BatchSession, tenant_id: TenantId, account_ids: Sequence[AccountId], begun: datetime, ended: datetime
) -> dict[AccountId, Decimal | None]:
    """What each account earned from one snapshot to another, None where one is missing; absent without the latter.

    An account that began in between had earned nothing before.
    """
    rows = await session.fetch(
        """
        SELECT a.id, l.net - CASE WHEN a.created_at >= $3 THEN coalesce(f.net, 0) ELSE f.net END AS pnl
        FROM unnest($2::uuid[]) AS w(id)
        JOIN broker_accounts AS a ON a.tenant_id = $1 AND a.id = w.id
        JOIN pnl_snapshots AS l ON l.tenant_id = $1 AND l.account_id = w.id AND l.at = $4
        LEFT JOIN pnl_snapshots AS f ON f.tenant_id = $1 AND f.account_id = w.id AND f.at = $3
        """,
        tenant_id,
        list(account_ids),
        begun,
        ended,
    )
    return {row["id"]: row["pnl"] for row in rows}


_OF_ACCOUNT: Final = ("d.account_id = $2::uuid", "n.account_id = d.account_id", "d.account_id::text")
_OF_ALL: Final = ("$2::uuid IS NULL AND d.account_id IS NULL", "n.account_id IS NULL", "d.mode || d.currency")
"""Which days, which is the next one's row, and the text of a series: unique within a day, it goes into cursors."""


async def days_page(
    session: BatchSession, tenant_id: TenantId, wanted: DayFilter, window: Window[DayKey]
) -> Page[FollowedDay]:
    """The days, the newest first."""
    chosen, key = _chosen(wanted), _key(wanted)
    order = "ASC" if window.is_from_end else "DESC"
    after, before = window.after or (None, None), window.before or (None, None)
    rows = await session.fetch(
        f"""
        {chosen} AND ($7::date IS NULL OR (d.day, {key}) < ($7, $8::text))
          AND ($9::date IS NULL OR (d.day, {key}) > ($9, $10::text))
        ORDER BY d.day {order}, {key} {order} LIMIT $11
        """,
        *_filter_values(tenant_id, wanted),
        *after,
        *before,
        window.size + 1,
    )
    return page_of([_followed(row) for row in rows], window)


async def days_count(session: BatchSession, tenant_id: TenantId, wanted: DayFilter) -> int:
    """How many there are."""
    rows = await session.fetch(
        f"SELECT count(*) AS count FROM ({_chosen(wanted)}) AS chosen", *_filter_values(tenant_id, wanted)
    )
    return int(rows[0]["count"])


async def days_tested(session: BatchSession, tenant_id: TenantId, wanted: DayFilter) -> list[FollowedDay]:
    """All of them, the newest first, for a backtest; at most TESTED_MAX."""
    rows = await session.fetch(
        f"{_chosen(wanted)} ORDER BY d.day DESC, {_key(wanted)} DESC LIMIT $7",
        *_filter_values(tenant_id, wanted),
        TESTED_MAX,
    )
    return [_followed(row) for row in rows]


def _key(wanted: DayFilter) -> str:
    return (_OF_ALL if wanted.account_id is None else _OF_ACCOUNT)[2]


def _chosen(wanted: DayFilter) -> str:
    whose, same, _ = _OF_ALL if wanted.account_id is None else _OF_ACCOUNT
    return f"""
        SELECT d.*, n.pnl AS next_pnl FROM value_at_risk_days AS d
        LEFT JOIN value_at_risk_days AS n ON n.tenant_id = d.tenant_id AND n.day = d.day + 1 AND n.mode = d.mode
          AND n.currency = d.currency AND {same}
        WHERE d.tenant_id = $1 AND {whose} AND ($3::text IS NULL OR d.mode = $3)
          AND ($4::text IS NULL OR d.currency = $4) AND ($5::date IS NULL OR d.day >= $5)
          AND ($6::date IS NULL OR d.day <= $6)
    """


def _filter_values(tenant_id: TenantId, wanted: DayFilter) -> tuple[Any, ...]:
    mode = None if wanted.mode is None else wanted.mode.value
    return tenant_id, wanted.account_id, mode, wanted.currency, wanted.start, wanted.end


def key_of(one: RiskDay) -> DayKey:
    """Where the day stands in a list."""
    series = one.series
    return one.day, str(series.account_id) if series.account_id else f"{series.mode.value}{series.currency}"


def _series(row: Mapping[str, Any]) -> Series:
    return Series(account_id=row["account_id"], mode=AccountMode(row["mode"]), currency=row["currency"])


def _followed(row: Mapping[str, Any]) -> FollowedDay:
    day = RiskDay(
        id=row["id"],
        series=_series(row),
        day=row["day"],
        closed_at=row["closed_at"],
        computed_at=row["computed_at"],
        confidence=row["confidence"],
        historical=Tail(
            value_at_risk=row["historical_var"],
            expected_shortfall=row["historical_shortfall"],
            reason=row["historical_reason"],
        ),
        parametric=Tail(
            value_at_risk=row["parametric_var"],
            expected_shortfall=row["parametric_shortfall"],
            reason=row["parametric_reason"],
        ),
        observations=row["observations"],
        long=row["long"],
        short=row["short"],
        covered_gross=row["covered_gross"],
        positions=row["positions"],
        unvalued=row["unvalued"],
        uncovered=row["uncovered"],
        constant_currencies=tuple(row["constant_currencies"]),
        oldest_price_at=row["oldest_price_at"],
        pnl=row["pnl"],
        reason=row["reason"],
    )
    return FollowedDay(at_risk=day, next_pnl=row["next_pnl"])
