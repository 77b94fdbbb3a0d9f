"""Set-based SQL of positions for the hot paths."""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from app.core.ids import InstrumentId, TenantId
from app.core.messages import AccountKey
from app.infra.db import BatchSession, Write
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
        commission=row["commission"],
        open_buy_quantity=row["open_buy_quantity"],
        open_sell_quantity=row["open_sell_quantity"],
        updated_at=row["updated_at"],
    )


async def positions_of(session: BatchSession, wanted: Iterable[PositionKey]) -> dict[PositionKey, Position]:
    """The positions of these accounts in these instruments; absent where there is none. The books are locked."""
    keys = list(wanted)
    rows = await session.fetch(
        """
        SELECT p.* FROM unnest($1::uuid[], $2::uuid[], $3::uuid[]) AS w(tenant_id, account_id, instrument_id)
        CROSS JOIN LATERAL (
          SELECT * FROM positions WHERE tenant_id = w.tenant_id AND account_id = w.account_id
            AND instrument_id = w.instrument_id OFFSET 0) AS p
        """,
        [key.tenant_id for key, _ in keys],
        [key.account_id for key, _ in keys],
        [instrument_id for _, instrument_id in keys],
    )
    found: dict[PositionKey, Position] = {}
    for row in rows:
        key = AccountKey(tenant_id=row["tenant_id"], account_id=row["account_id"])
        found[key, row["instrument_id"]] = position_from_row(row)
    return found


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
          commission, open_buy_quantity, open_sell_quantity, updated_at)
        SELECT n.* FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::numeric[], $6::numeric[],
          $7::numeric[], $8::numeric[], $9::numeric[], $10::numeric[], $11::timestamptz[]) AS n
        ON CONFLICT (tenant_id, account_id, instrument_id) DO UPDATE SET quantity = excluded.quantity,
          average_price = excluded.average_price, realized_pnl = excluded.realized_pnl,
          commission = excluded.commission, open_buy_quantity = excluded.open_buy_quantity,
          open_sell_quantity = excluded.open_sell_quantity, updated_at = excluded.updated_at
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
    )
