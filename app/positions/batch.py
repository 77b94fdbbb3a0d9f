"""Set-based SQL of positions for the hot paths."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from app.core.fx import FxRates, rate_from_document
from app.core.ids import InstrumentId, TenantId
from app.core.messages import AccountKey
from app.infra.db import BatchSession, Read, Write
from app.positions.domain import Position

PositionKey = tuple[AccountKey, InstrumentId]


def position_from_row(row: Mapping[Any, Any]) -> Position:
    """The position of a row of `positions`."""
    return Position(
        id=row["id"],
        account_id=row["account_id"],
        instrument_id=row["instrument_id"],
        quantity=row["quantity"],
        average_price=row["average_price"],
        realized_pnl=row["realized_pnl"],
        realized_pnl_base=row["realized_pnl_base"],
        unconverted_pnl=row["unconverted_pnl"],
        commission=row["commission"],
        commission_base=row["commission_base"],
        unconverted_commissions=row["unconverted_commissions"],
        open_buy_quantity=row["open_buy_quantity"],
        open_sell_quantity=row["open_sell_quantity"],
        moved_until=row["moved_until"],
        updated_at=row["updated_at"],
    )


def positions_at(wanted: Iterable[PositionKey]) -> Read[dict[PositionKey, Position]]:
    """The positions of these accounts in these instruments; absent where there is none. The books are locked."""
    keys = list(wanted)
    return Read(
        sql="""
        ARRAY (
          SELECT p.whole FROM unnest($1::uuid[], $2::uuid[], $3::uuid[]) AS w(tenant_id, account_id, instrument_id)
          CROSS JOIN LATERAL (
            SELECT positions AS whole FROM positions WHERE tenant_id = w.tenant_id AND account_id = w.account_id
              AND instrument_id = w.instrument_id OFFSET 0) AS p)
        """,
        parameters=(
            [key.tenant_id for key, _ in keys],
            [key.account_id for key, _ in keys],
            [instrument_id for _, instrument_id in keys],
        ),
        decode=_positions,
    )


async def positions_of(session: BatchSession, wanted: Iterable[PositionKey]) -> dict[PositionKey, Position]:
    """The positions of these accounts in these instruments; absent where there is none. The books are locked."""
    (positions,) = await session.read(positions_at(wanted))
    return positions


def _positions(rows: Iterable[Mapping[Any, Any]]) -> dict[PositionKey, Position]:
    found: dict[PositionKey, Position] = {}
    for row in rows:
        key = AccountKey(tenant_id=row["tenant_id"], account_id=row["account_id"])
        found[key, row["instrument_id"]] = position_from_row(row)
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountPositions:
    """What a booking into an account needs: its base currency, the rates that are known, its positions."""

    base_currency: str
    rates: FxRates
    positions: dict[PositionKey, Position]


async def of_account(
    session: BatchSession, key: AccountKey, instrument_ids: Sequence[InstrumentId]
) -> AccountPositions:
    """The account's positions in these instruments, and its currency and rates, in one round trip."""
    rows = await session.fetch(
        """
        SELECT p.*, a.base_currency, CASE WHEN row_number() OVER () = 1 THEN (
            SELECT jsonb_agg(jsonb_build_object('base', r.base_currency, 'quote', r.quote_currency,
              'rate', r.rate::text, 'at', r.quoted_at))
            FROM fx_rates AS r WHERE r.tenant_id = $1
          ) END AS rates
        FROM broker_accounts AS a
        LEFT JOIN LATERAL (
          SELECT held.* FROM unnest($3::uuid[]) AS w(instrument_id)
          CROSS JOIN LATERAL (
            SELECT * FROM positions
            WHERE tenant_id = $1 AND account_id = $2 AND instrument_id = w.instrument_id OFFSET 0) AS held
        ) AS p ON true
        WHERE a.tenant_id = $1 AND a.id = $2
        """,
        key.tenant_id,
        key.account_id,
        list(instrument_ids),
    )
    return AccountPositions(
        base_currency=rows[0]["base_currency"],
        rates=FxRates(rate_from_document(document) for document in rows[0]["rates"] or ()),
        positions={(key, row["instrument_id"]): position_from_row(row) for row in rows if row["id"] is not None},
    )


async def positions_of_account(session: BatchSession, key: AccountKey) -> dict[InstrumentId, Position]:
    """All positions of the account, flat ones too, by instrument."""
    rows = await session.fetch(
        "SELECT * FROM positions WHERE tenant_id = $1 AND account_id = $2", key.tenant_id, key.account_id
    )
    return {row["instrument_id"]: position_from_row(row) for row in rows}


def store_positions(positions: Sequence[tuple[TenantId, Position]]) -> Write:
    """Writes positions, new ones and known ones alike."""

    def column(name: str) -> list[Decimal]:
        return [getattr(position, name) for _, position in positions]

    return Write.of(
        """
        INSERT INTO positions (tenant_id, id, account_id, instrument_id, quantity, average_price, realized_pnl,
          commission, open_buy_quantity, open_sell_quantity, updated_at, realized_pnl_base, unconverted_pnl,
          commission_base, unconverted_commissions, moved_until)
        SELECT n.* FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::numeric[], $6::numeric[],
          $7::numeric[], $8::numeric[], $9::numeric[], $10::numeric[], $11::timestamptz[], $12::numeric[], $13::int[],
          $14::numeric[], $15::int[], $16::timestamptz[]) AS n
        ON CONFLICT (tenant_id, account_id, instrument_id) DO UPDATE SET quantity = excluded.quantity,
          average_price = excluded.average_price, realized_pnl = excluded.realized_pnl,
          commission = excluded.commission, open_buy_quantity = excluded.open_buy_quantity,
          open_sell_quantity = excluded.open_sell_quantity, updated_at = excluded.updated_at,
          realized_pnl_base = excluded.realized_pnl_base, unconverted_pnl = excluded.unconverted_pnl,
          commission_base = excluded.commission_base, unconverted_commissions = excluded.unconverted_commissions,
          moved_until = excluded.moved_until
        """,
        [tenant_id for tenant_id, _ in positions],
        column("id"),
        column("account_id"),
        column("instrument_id"),
        column("quantity"),
        column("average_price"),
        column("realized_pnl"),
        column("commission"),
        column("open_buy_quantity"),
        column("open_sell_quantity"),
        [position.updated_at for _, position in positions],
        column("realized_pnl_base"),
        [position.unconverted_pnl for _, position in positions],
        column("commission_base"),
        [position.unconverted_commissions for _, position in positions],
        [position.moved_until for _, position in positions],
    )
