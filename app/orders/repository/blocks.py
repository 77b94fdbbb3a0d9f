"""The SQL of advisers' blocks and of the shares that accounts have of them."""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from app.core.fix import Side
from app.core.ids import AccountId, InstrumentId, OrderId, TenantId
from app.core.messages import AccountKey
from app.core.money import ZERO
from app.infra.db import BatchSession, Read
from app.orders.domain.order import Order
from app.orders.repository.rows import order_from_row

DIVIDED_WITHIN_S: Final = 300
"""How long a block that is over may wait for its shares; a share that has not come by then is no exposure any more."""


async def blocks_by_id(session: BatchSession, tenant_id: TenantId, ids: Iterable[OrderId]) -> dict[OrderId, Order]:
    """Those of the orders that are blocks."""
    rows = await session.fetch(
        "SELECT * FROM orders WHERE tenant_id = $1 AND id = ANY($2::uuid[]) AND allocation IS NOT NULL",
        tenant_id,
        list(ids),
    )
    return {row["id"]: order_from_row(row, with_checks=False) for row in rows}


async def share_ids(
    session: BatchSession, key: AccountKey, wanted: Sequence[tuple[OrderId, int | None]]
) -> dict[OrderId, OrderId]:
    """The account's orders that are its shares of the blocks, by block; wanted has the permanent id of each, if known.

    An order of the account under the block's permanent id was imported before anybody knew that it is a share.
    """
    rows = await session.fetch(
        """
        SELECT w.block_id, o.id FROM unnest($3::uuid[], $4::bigint[]) AS w(block_id, number) CROSS JOIN LATERAL (
          SELECT id, 1 AS rank FROM orders
          WHERE tenant_id = $1 AND account_id = $2 AND block_id = w.block_id
          UNION ALL SELECT id, 2 FROM orders
          WHERE tenant_id = $1 AND account_id = $2 AND permanent_id = w.number
          ORDER BY rank LIMIT 1) AS o
        """,
        key.tenant_id,
        key.account_id,
        [block_id for block_id, _ in wanted],
        [number for _, number in wanted],
    )
    return {row["block_id"]: row["id"] for row in rows}


def undivided(
    places: Iterable[tuple[AccountKey, InstrumentId]],
) -> Read[dict[tuple[AccountKey, InstrumentId], Decimal]]:
    """What blocks of the accounts have dealt in the instruments and no account has a share of yet, signed by side."""
    wanted = list(places)
    return Read(
        sql=f"""
        (
          SELECT jsonb_agg(b) FROM unnest($1::uuid[], $2::uuid[], $3::uuid[]) AS w(tenant_id, account_id, instrument_id)
          CROSS JOIN LATERAL (
            SELECT w.tenant_id, w.account_id, w.instrument_id, o.side, sum(o.filled_quantity - coalesce((
              SELECT sum(s.filled_quantity) FROM orders AS s
              WHERE s.tenant_id = o.tenant_id AND s.block_id = o.id), 0))::text AS quantity
            FROM orders AS o
            WHERE o.tenant_id = w.tenant_id AND o.account_id = w.account_id AND o.instrument_id = w.instrument_id
              AND o.allocation IS NOT NULL AND o.filled_quantity > 0
              AND (o.state NOT IN ('FILLED', 'CANCELED', 'EXPIRED', 'REJECTED')
                OR o.updated_at > clock_timestamp() - make_interval(secs => {DIVIDED_WITHIN_S}))
            GROUP BY o.side) AS b)
        """,
        parameters=(
            [key.tenant_id for key, _ in wanted],
            [key.account_id for key, _ in wanted],
            [instrument_id for _, instrument_id in wanted],
        ),
        decode=_undivided,
    )


def _undivided(documents: Sequence[Mapping[str, Any]] | None) -> dict[tuple[AccountKey, InstrumentId], Decimal]:
    found: dict[tuple[AccountKey, InstrumentId], Decimal] = {}
    for one in documents or ():
        key = AccountKey(tenant_id=TenantId(UUID(one["tenant_id"])), account_id=AccountId(UUID(one["account_id"])))
        place = (key, InstrumentId(UUID(one["instrument_id"])))
        found[place] = found.get(place, ZERO) + max(Decimal(one["quantity"]), ZERO) * Side(one["side"]).sign
    return found
