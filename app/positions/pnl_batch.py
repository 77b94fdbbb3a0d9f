"""Set-based SQL of profit and loss: positions with how the day began for them, opening marks, snapshots."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from app.core.ids import AccountId, InstrumentId, SnapshotId, TenantId
from app.core.messages import AccountKey
from app.core.money import ZERO
from app.infra.db import BatchSession
from app.positions.batch import position_from_row
from app.positions.domain import PnlSnapshot, Position, Valuation


@dataclass(frozen=True, slots=True, kw_only=True)
class BookedPosition:
    """A position that ever moved, as it is and as the day found it; opening_mark is None where none was taken."""

    now: Position
    opening: Position
    opening_mark: Valuation | None
    currency: str
    multiplier: Decimal


async def booked(
    session: BatchSession,
    tenant_id: TenantId,
    account_ids: Sequence[AccountId],
    *,
    day: date,
    since: datetime,
    limit: int,
) -> list[BookedPosition]:
    """The positions of the accounts, with what the books said when the day began at `since`."""
    rows = await session.fetch(
        """
        SELECT p.*, i.currency, i.multiplier, m.taken_at AS marked_at, m.price AS mark_price, m.rate AS mark_rate,
          h.sequence AS h_sequence, h.quantity AS h_quantity, h.average_price AS h_average_price,
          h.realized_pnl AS h_realized_pnl, h.realized_pnl_base AS h_realized_pnl_base,
          h.unconverted_pnl AS h_unconverted_pnl, h.commission AS h_commission,
          h.commission_base AS h_commission_base, h.unconverted_commissions AS h_unconverted_commissions
        FROM positions AS p
        JOIN instruments AS i ON i.tenant_id = p.tenant_id AND i.id = p.instrument_id
        LEFT JOIN LATERAL (
          SELECT * FROM position_history AS s
          WHERE s.tenant_id = p.tenant_id AND s.account_id = p.account_id AND s.instrument_id = p.instrument_id
            AND s.recorded_at < $3
          ORDER BY s.recorded_at DESC, s.sequence DESC, s.place DESC LIMIT 1
        ) AS h ON true
        LEFT JOIN opening_marks AS m ON m.tenant_id = p.tenant_id AND m.account_id = p.account_id AND m.day = $4
          AND m.instrument_id = p.instrument_id
        WHERE p.tenant_id = $1 AND p.account_id = ANY($2::uuid[]) AND p.moved_until IS NOT NULL
        ORDER BY p.account_id, p.instrument_id LIMIT $5
        """,
        tenant_id,
        list(account_ids),
        since,
        day,
        limit,
    )
    return [_booked(row) for row in rows]


async def keep_opening_marks(
    session: BatchSession, key: AccountKey, day: date, marks: Mapping[InstrumentId, Valuation], now: datetime
) -> None:
    """Stores what positions were valued at when the day began; what is stored already stays."""
    chosen = sorted(marks)
    await session.execute(
        """
        INSERT INTO opening_marks (tenant_id, account_id, day, instrument_id, price, rate, taken_at)
        SELECT $1::uuid, $2::uuid, $3::date, n.*, $4::timestamptz
        FROM unnest($5::uuid[], $6::numeric[], $7::numeric[]) AS n ON CONFLICT DO NOTHING
        """,
        key.tenant_id,
        key.account_id,
        day,
        now,
        chosen,
        [marks[one].price for one in chosen],
        [marks[one].rate for one in chosen],
    )


async def has_opening_marks(session: BatchSession, key: AccountKey, day: date) -> bool:
    """True once the marks of the day were taken."""
    rows = await session.fetch(
        "SELECT FROM opening_marks WHERE tenant_id = $1 AND account_id = $2 AND day = $3 LIMIT 1",
        key.tenant_id,
        key.account_id,
        day,
    )
    return bool(rows)


async def lock_snapshots(session: BatchSession, key: AccountKey) -> None:
    """Puts those who take snapshots of the account in line until the transaction ends; orders do not wait for it."""
    await session.execute("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", f"pnl_snapshots:{key.account_id}")


async def has_snapshot(session: BatchSession, key: AccountKey, at: datetime) -> bool:
    """True when there is a snapshot of the instant."""
    rows = await session.fetch(
        "SELECT FROM pnl_snapshots WHERE tenant_id = $1 AND account_id = $2 AND at = $3",
        key.tenant_id,
        key.account_id,
        at,
    )
    return bool(rows)


async def equity_of(session: BatchSession, key: AccountKey) -> Decimal:
    """The broker's own figure of what the account is worth, zero until it has told it."""
    rows = await session.fetch(
        "SELECT equity FROM account_balances WHERE tenant_id = $1 AND account_id = $2", key.tenant_id, key.account_id
    )
    return rows[0]["equity"] if rows else ZERO


async def peak_before(session: BatchSession, key: AccountKey, at: datetime) -> Decimal | None:
    """The highest equity of the snapshots before the instant; None when there is none."""
    rows = await session.fetch(
        """
        SELECT peak FROM pnl_snapshots WHERE tenant_id = $1 AND account_id = $2 AND at < $3
        ORDER BY at DESC LIMIT 1
        """,
        key.tenant_id,
        key.account_id,
        at,
    )
    return rows[0]["peak"] if rows else None


async def insert_snapshot(session: BatchSession, tenant_id: TenantId, one: PnlSnapshot) -> None:
    """Appends a snapshot; where there is one of the account and instant, nothing happens."""
    await session.execute(
        """
        INSERT INTO pnl_snapshots (tenant_id, id, account_id, at, realized, unrealized, commission, net, equity, peak,
          drawdown, is_day_end)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
        ON CONFLICT (tenant_id, account_id, at) DO NOTHING
        """,
        tenant_id,
        one.id,
        one.account_id,
        one.at,
        one.realized,
        one.unrealized,
        one.commission,
        one.net,
        one.equity,
        one.peak,
        one.drawdown,
        one.is_day_end,
    )


async def snapshot_at(session: BatchSession, key: AccountKey, at: datetime) -> PnlSnapshot | None:
    """The snapshot of the instant."""
    rows = await session.fetch(
        "SELECT * FROM pnl_snapshots WHERE tenant_id = $1 AND account_id = $2 AND at = $3",
        key.tenant_id,
        key.account_id,
        at,
    )
    return snapshot_from_row(rows[0]) if rows else None


async def snapshot_by_id(session: BatchSession, tenant_id: TenantId, snapshot_id: SnapshotId) -> PnlSnapshot | None:
    """The snapshot by id; None if the tenant has none of the id."""
    rows = await session.fetch("SELECT * FROM pnl_snapshots WHERE tenant_id = $1 AND id = $2", tenant_id, snapshot_id)
    return snapshot_from_row(rows[0]) if rows else None


async def history(
    session: BatchSession,
    tenant_id: TenantId,
    account_ids: Sequence[AccountId],
    *,
    start: datetime,
    end: datetime,
    slices: int,
) -> list[PnlSnapshot]:
    """The snapshots from start on and before end, by account and time.

    Of an account with more than `slices` the range is cut into as many of the same length, and the last snapshot of
    each slice stands for it.
    """
    rows = await session.fetch(
        """
        SELECT s.* FROM (
          SELECT a.account_id, (
            SELECT count(*) FROM (
              SELECT FROM pnl_snapshots AS one
              WHERE one.tenant_id = $1 AND one.account_id = a.account_id AND one.at >= $3 AND one.at < $4
              LIMIT $5::int + 1) AS seen) > $5::int AS is_thinned
          FROM unnest($2::uuid[]) AS a(account_id)
        ) AS c CROSS JOIN LATERAL (
          SELECT * FROM pnl_snapshots AS one
          WHERE NOT c.is_thinned AND one.tenant_id = $1 AND one.account_id = c.account_id
            AND one.at >= $3 AND one.at < $4
          UNION ALL
          SELECT newest.* FROM generate_series(0, $5::int - 1) AS slice CROSS JOIN LATERAL (
            SELECT * FROM pnl_snapshots AS one
            WHERE c.is_thinned AND one.tenant_id = $1 AND one.account_id = c.account_id
              AND one.at >= $3::timestamptz + ($4::timestamptz - $3::timestamptz) * slice / $5::int
              AND one.at < least($4, $3::timestamptz + ($4::timestamptz - $3::timestamptz) * (slice + 1) / $5::int)
            ORDER BY one.at DESC LIMIT 1
          ) AS newest
        ) AS s ORDER BY s.account_id, s.at
        """,
        tenant_id,
        list(account_ids),
        start,
        end,
        slices,
    )
    return [snapshot_from_row(row) for row in rows]


def snapshot_from_row(row: Mapping[str, Any]) -> PnlSnapshot:
    """The snapshot of a row of `pnl_snapshots`."""
    return PnlSnapshot(
        id=row["id"],
        account_id=row["account_id"],
        at=row["at"],
        realized=row["realized"],
        unrealized=row["unrealized"],
        commission=row["commission"],
        equity=row["equity"],
        peak=row["peak"],
        is_day_end=row["is_day_end"],
    )


def _booked(row: Mapping[str, Any]) -> BookedPosition:
    now = position_from_row(row)
    opening = Position(id=now.id, account_id=now.account_id, instrument_id=now.instrument_id, updated_at=now.updated_at)
    if row["h_sequence"] is not None:
        opening = Position(
            id=now.id,
            account_id=now.account_id,
            instrument_id=now.instrument_id,
            quantity=row["h_quantity"],
            average_price=row["h_average_price"],
            realized_pnl=row["h_realized_pnl"],
            realized_pnl_base=row["h_realized_pnl_base"],
            unconverted_pnl=row["h_unconverted_pnl"],
            commission=row["h_commission"],
            commission_base=row["h_commission_base"],
            unconverted_commissions=row["h_unconverted_commissions"],
            updated_at=now.updated_at,
        )
    mark = None if row["marked_at"] is None else Valuation(price=row["mark_price"], rate=row["mark_rate"])
    return BookedPosition(
        now=now, opening=opening, opening_mark=mark, currency=row["currency"], multiplier=row["multiplier"]
    )
