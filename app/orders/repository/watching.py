"""Set-based SQL of what the monitor of limits counts: how far the event logs have come, and what is new in them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from app.core.fix import RiskLimitType
from app.core.ids import AccountId, InstrumentId, LimitId, TenantId
from app.infra.db import BatchSession
from app.orders.events import OrderEventType

EVENTS_MAX: Final = 2_000
"""How many places of an account's log are looked at in one go; the rest waits for the next."""

_COUNTED = (
    OrderEventType.ORDER_PLACED,
    OrderEventType.ORDER_HELD,
    OrderEventType.ORDER_APPROVAL_REQUESTED,
    OrderEventType.ORDER_REJECTED,
    OrderEventType.CANCEL_REQUESTED,
    OrderEventType.REPLACE_REQUESTED,
)
_LISTED = ", ".join(f"'{one.value}'" for one in _COUNTED)
_REJECTED = OrderEventType.ORDER_REJECTED.value
_LETTING_GO = f"'{OrderEventType.ORDER_ROUTED.value}', '{OrderEventType.ORDER_APPROVED.value}'"


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchedBook:
    """How far an account's log has come, and how many of its orders are open."""

    last_sequence: int
    open_orders: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """What the limit that refused an order said of it."""

    limit_id: LimitId
    limit_version: int
    limit_type: RiskLimitType
    instrument_id: InstrumentId
    limit: Decimal | None
    observed: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchedEvent:
    """An event that the monitor counts: an order that was asked for, a rejection, a message to the broker, or several.

    An order that waits for a release or an approval is a message when it is let go.

    refusal is what of a limit refused the order, None for other events.
    """

    sequence: int
    at: datetime
    is_asked: bool
    is_rejected: bool
    is_message: bool
    refusal: Refusal | None = None


async def books_of(session: BatchSession, tenant_id: TenantId) -> dict[AccountId, WatchedBook]:
    """The books of all accounts of the tenant."""
    rows = await session.fetch(
        "SELECT account_id, last_sequence, open_orders FROM account_books WHERE tenant_id = $1", tenant_id
    )
    return {
        row["account_id"]: WatchedBook(last_sequence=row["last_sequence"], open_orders=row["open_orders"])
        for row in rows
    }


async def events_behind(
    session: BatchSession, tenant_id: TenantId, seen: Mapping[AccountId, int]
) -> dict[AccountId, list[WatchedEvent]]:
    """What the monitor counts of the next EVENTS_MAX places behind these ones, in order."""
    rows = await session.fetch(
        f"""
        SELECT e.account_id, e.sequence, e.type, e.from_state, e.recorded_at, e.details -> 'staged' AS staged,
          o.instrument_id, r.refused
        FROM unnest($2::uuid[], $3::bigint[]) AS w(account_id, seen)
        CROSS JOIN LATERAL (
          SELECT * FROM order_events AS one WHERE one.tenant_id = $1 AND one.account_id = w.account_id
            AND one.sequence > w.seen AND one.sequence <= w.seen + $4 OFFSET 0) AS e
        LEFT JOIN orders AS o ON e.type = '{_REJECTED}' AND o.tenant_id = e.tenant_id AND o.id = e.order_id
          AND o.reject_origin = 'OMS' AND o.reject_code LIKE 'RISK\\_%'
        LEFT JOIN LATERAL (
          SELECT c.found AS refused FROM json_array_elements(o.risk_checks) WITH ORDINALITY AS c(found, place)
          WHERE c.found ->> 'outcome' = 'FAILED' AND c.found ->> 'limitId' IS NOT NULL AND c.found -> 'isShadow' IS NULL
            AND o.reject_code = 'RISK_' || (c.found ->> 'check')
          ORDER BY c.found -> 'look' ->> 'at' DESC NULLS LAST, c.place LIMIT 1) AS r
          ON true
        WHERE e.type IN ({_LISTED}) OR (e.type IN ({_LETTING_GO}) AND e.details -> 'staged' = 'false')
        ORDER BY e.account_id, e.sequence
        """,
        tenant_id,
        list(seen),
        list(seen.values()),
        EVENTS_MAX,
    )
    found: dict[AccountId, list[WatchedEvent]] = {}
    for row in rows:
        is_new = row["from_state"] == "NEW"
        is_rejected = row["type"] == _REJECTED
        found.setdefault(row["account_id"], []).append(
            WatchedEvent(
                sequence=row["sequence"],
                at=row["recorded_at"],
                is_asked=is_new,
                is_rejected=is_rejected,
                is_message=row["type"] in _MESSAGES
                or row["staged"] is False
                or (is_new and not row["staged"] and row["type"] in _LEAVING),
                refusal=_refusal(row["refused"], row["instrument_id"]),
            )
        )
    return found


_LEAVING: Final[Sequence[str]] = (OrderEventType.ORDER_PLACED.value, OrderEventType.ORDER_HELD.value)
_MESSAGES: Final[Sequence[str]] = (OrderEventType.CANCEL_REQUESTED.value, OrderEventType.REPLACE_REQUESTED.value)


def _refusal(check: Mapping[str, Any] | None, instrument_id: UUID | None) -> Refusal | None:
    if check is None or instrument_id is None:
        return None
    return Refusal(
        limit_id=LimitId(UUID(check["limitId"])),
        limit_version=check.get("limitVersion") or 1,
        limit_type=RiskLimitType(check["check"]),
        instrument_id=InstrumentId(instrument_id),
        limit=None if check["limit"] is None else Decimal(check["limit"]),
        observed=None if check["observed"] is None else Decimal(check["observed"]),
    )
