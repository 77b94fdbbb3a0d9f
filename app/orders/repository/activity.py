"""Set-based SQL of what has happened in accounts lately, from the event log that their locks keep in order."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from app.core.fix import OrderType, Side
from app.core.ids import AccountId, InstrumentId, TenantId
from app.core.messages import AccountKey, OrderTerms
from app.infra.db import BatchSession, Read
from app.orders.domain.placing import terms_from_document
from app.orders.events import OrderEventType

PAGE: Final = 5_000
"""How many events are read at once."""

_TYPES = (
    OrderEventType.ORDER_PLACED,
    OrderEventType.ORDER_HELD,
    OrderEventType.ORDER_APPROVAL_REQUESTED,
    OrderEventType.ORDER_REJECTED,
    OrderEventType.CANCEL_REQUESTED,
    OrderEventType.ORDER_CANCELED,
    OrderEventType.REPLACE_REQUESTED,
    OrderEventType.EXECUTION_BOOKED,
)
_RELEASES = (OrderEventType.ORDER_ROUTED, OrderEventType.ORDER_HELD, OrderEventType.ORDER_APPROVED)
_LISTED = ", ".join(f"'{one.value}'" for one in _TYPES)
# A cancel of what had not left has no request before it: the event names it.
# Of an order that waited, whatever for, the event with which it waits no more names it: staged is false there.
_LETTING_GO = ", ".join(f"'{one.value}'" for one in _RELEASES)
_RELEASED = f"type IN ({_LETTING_GO}) AND details -> 'staged' = 'false'"
_MEANT = (
    f"({_RELEASED}) OR type IN ({_LISTED}) "
    f"AND (type <> '{OrderEventType.ORDER_CANCELED.value}' OR details ? 'requestId') "
    f"AND (type <> '{OrderEventType.ORDER_HELD.value}' OR from_state = 'NEW')"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """An event that checks of pace count. terms, side, type and instrument are those of an order that was placed.

    placed_at is when an order was placed that had waited and left with this event, None for other events.
    """

    sequence: int
    type: OrderEventType
    at: datetime
    is_placement: bool
    is_by_broker: bool
    instrument_id: InstrumentId | None
    side: Side | None
    order_type: OrderType | None
    terms: OrderTerms | None
    realized_pnl: Decimal | None
    placed_at: datetime | None


def happenings_since(seen: Mapping[AccountKey, int]) -> Read[dict[AccountKey, list[Happening]]]:
    """What has happened in the accounts behind these places of their logs, in order."""
    keys = list(seen)
    return Read(
        sql=f"""
        SELECT jsonb_agg(jsonb_build_array(e.tenant_id, e.account_id, e.sequence, e.type, e.recorded_at, e.from_state,
          e.details, CASE WHEN {_RELEASED} THEN (SELECT o.created_at FROM orders AS o
            WHERE o.tenant_id = e.tenant_id AND o.id = e.order_id) END) ORDER BY e.sequence)
        FROM unnest($1::uuid[], $2::uuid[], $3::bigint[]) AS w(tenant_id, account_id, sequence)
        CROSS JOIN LATERAL (
          SELECT * FROM order_events AS one WHERE one.tenant_id = w.tenant_id AND one.account_id = w.account_id
            AND one.sequence > w.sequence OFFSET 0) AS e
        WHERE {_MEANT}
        """,
        parameters=([key.tenant_id for key in keys], [key.account_id for key in keys], [seen[key] for key in keys]),
        decode=_happenings,
    )


async def place_before(session: BatchSession, key: AccountKey, instant: datetime) -> int:
    """A place of the account's log before which nothing was recorded at or behind the instant."""
    reached: int | None = None
    while True:
        rows = await session.fetch(
            """
            SELECT min(sequence) AS first, min(recorded_at) AS at FROM (
              SELECT sequence, recorded_at FROM order_events
              WHERE tenant_id = $1 AND account_id = $2 AND ($3::bigint IS NULL OR sequence < $3)
              ORDER BY sequence DESC LIMIT $4) AS page
            """,
            key.tenant_id,
            key.account_id,
            reached,
            PAGE,
        )
        first = rows[0]["first"]
        if first is None:
            return 0
        if rows[0]["at"] < instant or first == 1:
            return int(first) - 1
        reached = first


def _happenings(rows: Sequence[Sequence[Any]] | None) -> dict[AccountKey, list[Happening]]:
    found: dict[AccountKey, list[Happening]] = {}
    for tenant, account, sequence, kind, at, from_state, details, placed_at in rows or ():
        key = AccountKey(tenant_id=TenantId(UUID(tenant)), account_id=AccountId(UUID(account)))
        event_type = OrderEventType(kind)
        is_placement = from_state == "NEW" and event_type is not OrderEventType.ORDER_REJECTED
        is_execution = event_type is OrderEventType.EXECUTION_BOOKED
        realized = details.get("realizedPnl") if is_execution else None
        found.setdefault(key, []).append(
            Happening(
                sequence=sequence,
                type=event_type,
                at=datetime.fromisoformat(at),
                is_placement=is_placement,
                is_by_broker=details.get("rejectOrigin") == "BROKER",
                instrument_id=InstrumentId(UUID(details["instrumentId"])) if is_placement else None,
                side=Side(details["side"]) if is_placement else None,
                order_type=OrderType(details["orderType"]) if is_placement else None,
                terms=terms_from_document(details) if is_placement else None,
                realized_pnl=None if realized is None else Decimal(realized),
                placed_at=None if placed_at is None else datetime.fromisoformat(placed_at),
            )
        )
    return found
