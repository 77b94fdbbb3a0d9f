"""Set-based SQL of open orders as the checks see them: whom an order could deal with, and what the rest may cost."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from app.core.fix import OrderType, Side
from app.core.ids import AccountId, InstrumentId, OrderId, TenantId
from app.core.messages import AccountKey
from app.infra.db import Read
from app.orders.domain.order import Order

RESTING_MAX: Final = 100
"""How many orders of a side are looked at, the most aggressive first: if any could deal, one of these could."""

_OPEN = "state NOT IN ('FILLED', 'CANCELED', 'EXPIRED', 'REJECTED')"
_STOPS = ", ".join(f"'{one.value}'" for one in (OrderType.STOP, OrderType.STOP_LIMIT, OrderType.TRAILING_STOP))
# Order.gives_way
_GIVES_WAY = """
(o.origin NOT IN ('EXTERNAL', 'ALLOCATION') OR o.broker_order_id IS NOT NULL)
  AND coalesce(o.link_role, '') NOT IN ('TAKE_PROFIT', 'STOP_LOSS')
  AND NOT o.closes_position AND NOT (o.state = 'HELD' AND o.close_id IS NOT DISTINCT FROM o.id)
"""
_PENDING = """
LEFT JOIN LATERAL (
  SELECT (r.terms ->> 'limitPrice')::numeric AS limit_price, (r.terms ->> 'stopPrice')::numeric AS stop_price
  FROM order_requests AS r WHERE r.tenant_id = o.tenant_id AND r.order_id = o.id AND r.kind = 'REPLACE'
    AND r.outcome = 'PENDING') AS q ON true
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenOrder:
    """An open order of a tenant, at the more aggressive of its live and its pending limit. gives_way is the order's."""

    id: OrderId
    tenant_id: TenantId
    account_id: AccountId
    instrument_id: InstrumentId
    family: OrderId
    side: Side
    order_type: OrderType
    limit_price: Decimal | None
    gives_way: bool


def family_of(order: Order) -> OrderId:
    """The id that orders share which hang together: entry and exits, a pair, a close and what makes way for it."""
    if order.parent_id is not None:
        return order.parent_id
    if order.oca_group is not None:
        return OrderId(UUID(order.oca_group.split("/")[0]))
    return order.id if order.close_id is None else order.close_id


def open_in(places: Iterable[tuple[TenantId, InstrumentId, Side]]) -> Read[list[OpenOrder]]:
    """The open orders of these tenants in these instruments on these sides, over all of their accounts.

    Of each side at most RESTING_MAX, those without a limit first, then those with the most aggressive; of stops that
    wait for their trigger, which need not count, as many besides.
    """
    wanted = list(places)
    return Read(
        sql=f"""
        SELECT jsonb_agg(jsonb_build_object('id', o.id, 'tenant', o.tenant_id, 'account', o.account_id,
          'instrument', o.instrument_id, 'family', coalesce(o.parent_id::text,
            nullif(split_part(o.oca_group, '/', 1), ''), o.close_id::text, o.id::text),
          'side', o.side, 'type', o.order_type,
          'limit', CASE WHEN o.side = 'BUY' THEN greatest(o.limit_price, q.limit_price)
            ELSE least(o.limit_price, q.limit_price) END::text, 'givesWay', {_GIVES_WAY}))
        FROM unnest($1::uuid[], $2::uuid[], $3::text[]) AS w(tenant_id, instrument_id, side)
        CROSS JOIN LATERAL (
          SELECT one.*, row_number() OVER (PARTITION BY one.order_type IN ({_STOPS}) ORDER BY
            CASE WHEN one.side = 'BUY' THEN -one.limit_price ELSE one.limit_price END NULLS FIRST) AS place
          FROM orders AS one WHERE one.tenant_id = w.tenant_id AND one.instrument_id = w.instrument_id
            AND one.side = w.side AND {_OPEN} OFFSET 0) AS o
        {_PENDING}
        WHERE o.place <= $4 OR q.limit_price IS NOT NULL
        """,
        parameters=(
            [tenant_id for tenant_id, _, _ in wanted],
            [instrument_id for _, instrument_id, _ in wanted],
            [side for _, _, side in wanted],
            RESTING_MAX,
        ),
        decode=_open_orders,
    )


def _open_orders(documents: list[dict[str, Any]] | None) -> list[OpenOrder]:
    return [
        OpenOrder(
            id=OrderId(UUID(one["id"])),
            tenant_id=TenantId(UUID(one["tenant"])),
            account_id=AccountId(UUID(one["account"])),
            instrument_id=InstrumentId(UUID(one["instrument"])),
            family=OrderId(UUID(one["family"])),
            side=Side(one["side"]),
            order_type=OrderType(one["type"]),
            limit_price=None if one["limit"] is None else Decimal(one["limit"]),
            gives_way=one["givesWay"],
        )
        for one in documents or ()
    ]


OpenCounts = dict[tuple[AccountKey, InstrumentId], int]
"""How many orders are open in an account and an instrument; absent where there is none."""


def open_counts(keys: Iterable[AccountKey], instrument_ids: Iterable[InstrumentId]) -> Read[OpenCounts]:
    """How many orders these accounts have open in these instruments."""
    wanted = list(keys)
    return Read(
        sql=f"""
        SELECT jsonb_agg(jsonb_build_array(s.tenant_id, s.account_id, s.instrument_id, s.count)) FROM (
          SELECT o.tenant_id, o.account_id, o.instrument_id, count(*) AS count
          FROM unnest($1::uuid[], $2::uuid[]) AS w(tenant_id, account_id)
          CROSS JOIN LATERAL (
            SELECT * FROM orders AS one WHERE one.tenant_id = w.tenant_id AND one.account_id = w.account_id
              AND one.instrument_id = ANY($3::uuid[]) AND {_OPEN} OFFSET 0) AS o
          GROUP BY o.tenant_id, o.account_id, o.instrument_id) AS s
        """,
        parameters=(
            [key.tenant_id for key in wanted],
            [key.account_id for key in wanted],
            list(instrument_ids),
        ),
        decode=_open_counts,
    )


def _open_counts(rows: list[list[Any]] | None) -> OpenCounts:
    return {
        (
            AccountKey(tenant_id=TenantId(UUID(tenant)), account_id=AccountId(UUID(account))),
            InstrumentId(UUID(instrument)),
        ): count
        for tenant, account, instrument, count in rows or ()
    }


WorstPrices = dict[tuple[AccountKey, InstrumentId, Side], tuple[Decimal | None, bool]]
"""The worst price of the open orders of an account in an instrument on a side, and whether each has one of its own."""


def worst_prices(keys: Iterable[AccountKey]) -> Read[WorstPrices]:
    """The worst prices of all that is open in these accounts."""
    wanted = list(keys)
    return Read(
        sql=f"""
        SELECT jsonb_agg(jsonb_build_array(s.tenant_id, s.account_id, s.instrument_id, s.side, s.price::text,
          s.is_priced)) FROM (
          SELECT o.tenant_id, o.account_id, o.instrument_id, o.side, bool_and(o.is_priced) AS is_priced,
            max(o.price) AS price
          FROM (
            SELECT w.*, o.* FROM unnest($1::uuid[], $2::uuid[]) AS w(tenant_id, account_id)
            CROSS JOIN LATERAL (
              SELECT one.instrument_id, one.side,
                bool_and(coalesce(one.limit_price, one.stop_price) IS NOT NULL) AS is_priced,
                max(greatest(one.limit_price, one.stop_price)) AS price
              FROM orders AS one WHERE one.tenant_id = w.tenant_id AND one.account_id = w.account_id AND {_OPEN}
              GROUP BY one.instrument_id, one.side OFFSET 0) AS o
            UNION ALL
            SELECT o.* FROM (SELECT DISTINCT tenant_id FROM unnest($1::uuid[]) AS t(tenant_id)) AS w
            CROSS JOIN LATERAL (
              SELECT r.order_id, (r.terms ->> 'limitPrice')::numeric AS limit_price,
                (r.terms ->> 'stopPrice')::numeric AS stop_price
              FROM order_requests AS r WHERE r.tenant_id = w.tenant_id AND r.kind = 'REPLACE'
                AND r.outcome = 'PENDING' OFFSET 0) AS q
            CROSS JOIN LATERAL (
              SELECT one.tenant_id, one.account_id, one.instrument_id, one.side, NULL::boolean AS is_priced,
                greatest(q.limit_price, q.stop_price) AS price
              FROM orders AS one WHERE one.tenant_id = w.tenant_id AND one.id = q.order_id AND {_OPEN} OFFSET 0) AS o
            WHERE (o.tenant_id, o.account_id) IN (SELECT * FROM unnest($1::uuid[], $2::uuid[]))
          ) AS o
          GROUP BY o.tenant_id, o.account_id, o.instrument_id, o.side) AS s
        """,
        parameters=([key.tenant_id for key in wanted], [key.account_id for key in wanted]),
        decode=_worst_prices,
    )


def _worst_prices(rows: list[list[Any]] | None) -> WorstPrices:
    return {
        (
            AccountKey(tenant_id=TenantId(UUID(tenant)), account_id=AccountId(UUID(account))),
            InstrumentId(UUID(instrument)),
            Side(side),
        ): (None if price is None else Decimal(price), is_priced)
        for tenant, account, instrument, side, price, is_priced in rows or ()
    }
