"""Set-based SQL of how positions came to be: what they were behind each event, and from where one can be replayed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from app.core.ids import TenantId
from app.core.messages import AccountKey
from app.core.records import replace
from app.infra.db import BatchSession, Write
from app.positions.domain import Position


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryEntry:
    """A position as it stands behind the event of its account with the sequence, place 0, or an adjustment there."""

    tenant_id: TenantId
    sequence: int
    place: int
    position: Position
    restated_from: datetime | None
    recorded_at: datetime


def append_history(entries: Sequence[HistoryEntry]) -> Write:
    """Appends to the histories; at most one entry of a position in a transaction."""
    positions = [entry.position for entry in entries]
    return Write.of(
        """
        INSERT INTO position_history (tenant_id, account_id, instrument_id, sequence, place, quantity, average_price,
          realized_pnl, realized_pnl_base, unconverted_pnl, commission, commission_base, unconverted_commissions,
          moved_until, restated_from, recorded_at)
        SELECT n.* FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::bigint[], $5::int[], $6::numeric[],
          $7::numeric[], $8::numeric[], $9::numeric[], $10::int[], $11::numeric[], $12::numeric[], $13::int[],
          $14::timestamptz[], $15::timestamptz[], $16::timestamptz[]) AS n
        """,
        [entry.tenant_id for entry in entries],
        [position.account_id for position in positions],
        [position.instrument_id for position in positions],
        [entry.sequence for entry in entries],
        [entry.place for entry in entries],
        [position.quantity for position in positions],
        [position.average_price for position in positions],
        [position.realized_pnl for position in positions],
        [position.realized_pnl_base for position in positions],
        [position.unconverted_pnl for position in positions],
        [position.commission for position in positions],
        [position.commission_base for position in positions],
        [position.unconverted_commissions for position in positions],
        [position.moved_until for position in positions],
        [entry.restated_from for entry in entries],
        [entry.recorded_at for entry in entries],
    )


async def checkpoint(session: BatchSession, key: AccountKey, position: Position, before: datetime) -> Position:
    """The position as its moves before the instant left it, or a flat one: where a replay begins.

    It is the newest entry that ends before the instant and that no later restatement reaches back into. What the
    order of moves does not decide, commissions and open orders, is that of the position given.
    """
    rows = await session.fetch(
        """
        SELECT h.* FROM position_history AS h
        WHERE h.tenant_id = $1 AND h.account_id = $2 AND h.instrument_id = $3 AND h.moved_until < $4
          AND NOT EXISTS (
            SELECT FROM position_history AS r
            WHERE r.tenant_id = $1 AND r.account_id = $2 AND r.instrument_id = $3 AND r.restated_from IS NOT NULL
              AND (r.sequence, r.place) > (h.sequence, h.place) AND r.restated_from <= h.moved_until)
        ORDER BY h.sequence DESC, h.place DESC LIMIT 1
        """,
        key.tenant_id,
        key.account_id,
        position.instrument_id,
        before,
    )
    flat = Position(
        id=position.id,
        account_id=position.account_id,
        instrument_id=position.instrument_id,
        updated_at=position.updated_at,
    )
    start = replace(
        flat,
        commission=position.commission,
        commission_base=position.commission_base,
        unconverted_commissions=position.unconverted_commissions,
        open_buy_quantity=position.open_buy_quantity,
        open_sell_quantity=position.open_sell_quantity,
    )
    if not rows:
        return start
    row = rows[0]
    return replace(
        start,
        quantity=row["quantity"],
        average_price=row["average_price"],
        realized_pnl=row["realized_pnl"],
        realized_pnl_base=row["realized_pnl_base"],
        unconverted_pnl=row["unconverted_pnl"],
        moved_until=row["moved_until"],
    )
