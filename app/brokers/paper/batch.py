"""Set-based SQL of the paper broker's books."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from app.brokers.paper.orders import (
    HISTORY_MAX,
    PaperChanges,
    PaperExecution,
    PaperOrder,
    PaperPosition,
    PaperState,
    PaperStatus,
)
from app.core.fix import InstrumentType, OrderType, Side
from app.core.ids import InstrumentId
from app.core.messages import AccountKey, Contract
from app.core.terms import terms_from_row
from app.infra.db import BatchSession

HISTORY = timedelta(days=7)

_ORDERS = """
INSERT INTO paper_orders AS held (tenant_id, account_id, permanent_id, broker_order_id, order_id, instrument_id,
  contract_id, symbol, instrument_type, exchange, currency, side, order_type, quantity, limit_price, stop_price,
  trailing_amount, time_in_force, expires_at, outside_regular_hours, oca_group, status, placed_at, filled, notional,
  commission, is_triggered, trail_stop, ends_at, ended_at, refusal_code, reason)
SELECT $1::uuid, $2::uuid, n.* FROM unnest($3::bigint[], $4::bigint[], $5::uuid[], $6::uuid[], $7::bigint[], $8::text[],
  $9::text[], $10::text[], $11::text[], $12::text[], $13::text[], $14::numeric[], $15::numeric[], $16::numeric[],
  $17::numeric[], $18::text[], $19::timestamptz[], $20::bool[], $21::text[], $22::text[], $23::timestamptz[],
  $24::numeric[], $25::numeric[], $26::numeric[], $27::bool[], $28::numeric[], $29::timestamptz[], $30::timestamptz[],
  $31::int[], $32::text[]) AS n
ON CONFLICT (tenant_id, account_id, permanent_id) DO UPDATE
  SET quantity = excluded.quantity, limit_price = excluded.limit_price, stop_price = excluded.stop_price,
      trailing_amount = excluded.trailing_amount, time_in_force = excluded.time_in_force,
      expires_at = excluded.expires_at, status = excluded.status, filled = excluded.filled,
      notional = excluded.notional, commission = excluded.commission, is_triggered = excluded.is_triggered,
      trail_stop = excluded.trail_stop, ends_at = excluded.ends_at, ended_at = excluded.ended_at,
      refusal_code = excluded.refusal_code, reason = excluded.reason
"""

_EXECUTIONS = """
INSERT INTO paper_executions (tenant_id, account_id, number, permanent_id, broker_order_id, order_id, instrument_id,
  contract_id, side, quantity, price, commission, currency, realized_pnl, is_maker, quoted_at, executed_at)
SELECT $1::uuid, $2::uuid, n.* FROM unnest($3::bigint[], $4::bigint[], $5::bigint[], $6::uuid[], $7::uuid[],
  $8::bigint[], $9::text[], $10::numeric[], $11::numeric[], $12::numeric[], $13::text[], $14::numeric[], $15::bool[],
  $16::timestamptz[], $17::timestamptz[]) AS n
ON CONFLICT (tenant_id, account_id, number) DO NOTHING
"""

_POSITIONS = """
INSERT INTO paper_positions AS held (tenant_id, account_id, instrument_id, contract_id, symbol, quantity, average_cost,
  realized)
SELECT $1::uuid, $2::uuid, n.* FROM unnest($3::uuid[], $4::bigint[], $5::text[], $6::numeric[], $7::numeric[],
  $8::numeric[]) AS n
ON CONFLICT (tenant_id, account_id, instrument_id) DO UPDATE
  SET quantity = excluded.quantity, average_cost = excluded.average_cost, realized = excluded.realized
"""

_CASH = """
INSERT INTO paper_cash AS held (tenant_id, account_id, currency, amount)
SELECT $1::uuid, $2::uuid, n.* FROM unnest($3::text[], $4::numeric[]) AS n
ON CONFLICT (tenant_id, account_id, currency) DO UPDATE SET amount = excluded.amount
"""

_DEALT_UNTIL = """
SELECT instrument_id, max(quoted_at) AS quoted_at FROM paper_executions
WHERE tenant_id = $1 AND account_id = $2 AND executed_at > $3 GROUP BY instrument_id
"""


async def open_books(
    session: BatchSession, key: AccountKey, base_currency: str, starting_cash: Decimal, now: datetime
) -> None:
    """Give a new account its books, with so much cash in its base currency; those that are there stay."""
    rows = await session.fetch(
        """
        INSERT INTO paper_accounts (tenant_id, account_id, base_currency, starting_cash, session, last_permanent_id,
          last_execution_number, next_order_id, opened_at) VALUES ($1, $2, $3, $4, 0, 0, 0, 1, $5)
        ON CONFLICT (tenant_id, account_id) DO NOTHING RETURNING true
        """,
        key.tenant_id,
        key.account_id,
        base_currency,
        starting_cash,
        now,
    )
    if rows:
        await session.execute(_CASH, key.tenant_id, key.account_id, [base_currency], [starting_cash])


async def begin_session(session: BatchSession, key: AccountKey) -> tuple[int, PaperState] | None:
    """The number of a new session and what the books hold of orders and money; None without books.

    From its commit on no earlier session can write.
    """
    rows = await session.fetch(
        """
        UPDATE paper_accounts SET session = session + 1 WHERE tenant_id = $1 AND account_id = $2
        RETURNING *, now() AS at
        """,
        key.tenant_id,
        key.account_id,
    )
    if not rows:
        return None
    [account] = rows
    since = account["at"] - HISTORY
    ours = (key.tenant_id, key.account_id)
    cash = await session.fetch("SELECT * FROM paper_cash WHERE tenant_id = $1 AND account_id = $2", *ours)
    positions = await session.fetch(
        "SELECT * FROM paper_positions WHERE tenant_id = $1 AND account_id = $2 ORDER BY instrument_id", *ours
    )
    orders = await session.fetch(
        """
        SELECT * FROM paper_orders WHERE tenant_id = $1 AND account_id = $2 AND status = 'OPEN'
        UNION ALL (SELECT * FROM paper_orders WHERE tenant_id = $1 AND account_id = $2 AND ended_at > $3
          ORDER BY ended_at DESC LIMIT $4)
        """,
        *ours,
        since,
        HISTORY_MAX,
    )
    executions = await session.fetch(
        """
        SELECT * FROM paper_executions WHERE tenant_id = $1 AND account_id = $2 AND executed_at > $3
        ORDER BY executed_at DESC, number DESC LIMIT $4
        """,
        *ours,
        since,
        HISTORY_MAX,
    )
    dealt_until = await session.fetch(_DEALT_UNTIL, *ours, since)
    state = PaperState(
        base_currency=account["base_currency"],
        cash={row["currency"]: row["amount"] for row in cash},
        positions=[_position(row) for row in positions],
        orders=sorted((_order(row) for row in orders), key=lambda order: order.permanent_id),
        executions=[_execution(row) for row in reversed(executions)],
        last_permanent_id=account["last_permanent_id"],
        last_execution_number=account["last_execution_number"],
        next_order_id=account["next_order_id"],
        dealt_until={InstrumentId(row["instrument_id"]): row["quoted_at"] for row in dealt_until},
    )
    return account["session"], state


async def save(session: BatchSession, key: AccountKey, number: int, changes: PaperChanges) -> bool:
    """Store changes of the session of this number; False when a later one has opened the books."""
    ours = (key.tenant_id, key.account_id)
    held = await session.fetch(
        """
        UPDATE paper_accounts SET last_permanent_id = $4, last_execution_number = $5, next_order_id = $6
        WHERE tenant_id = $1 AND account_id = $2 AND session = $3 RETURNING true
        """,
        *ours,
        number,
        changes.last_permanent_id,
        changes.last_execution_number,
        changes.next_order_id,
    )
    if not held:
        return False
    await session.execute(_ORDERS, *ours, *_columns([_order_values(order) for order in changes.orders]))
    if changes.executions:
        await session.execute(_EXECUTIONS, *ours, *_columns([_execution_values(one) for one in changes.executions]))
        await session.execute(_POSITIONS, *ours, *_columns([_position_values(one) for one in changes.positions]))
        await session.execute(_CASH, *ours, list(changes.cash), list(changes.cash.values()))
    return True


def _columns(rows: Sequence[tuple[Any, ...]]) -> list[list[Any]]:
    return [list(column) for column in zip(*rows, strict=True)]


def _order_values(order: PaperOrder) -> tuple[Any, ...]:
    contract, terms = order.contract, order.terms
    return (
        order.permanent_id,
        order.broker_order_id,
        order.order_id,
        contract.instrument_id,
        contract.contract_id,
        contract.symbol,
        contract.instrument_type.value,
        contract.exchange,
        contract.currency,
        order.side.value,
        order.order_type.value,
        terms.quantity,
        terms.limit_price,
        terms.stop_price,
        terms.trailing_amount,
        terms.time_in_force.value,
        terms.expires_at,
        order.outside_regular_hours,
        order.oca_group,
        order.status.value,
        order.placed_at,
        order.filled,
        order.notional,
        order.commission,
        order.is_triggered,
        order.trail_stop,
        order.ends_at,
        order.ended_at,
        order.refusal_code,
        order.reason,
    )


def _execution_values(one: PaperExecution) -> tuple[Any, ...]:
    return (
        one.number,
        one.permanent_id,
        one.broker_order_id,
        one.order_id,
        one.instrument_id,
        one.contract_id,
        one.side.value,
        one.quantity,
        one.price,
        one.commission,
        one.currency,
        one.realized_pnl,
        one.is_maker,
        one.quoted_at,
        one.executed_at,
    )


def _position_values(one: PaperPosition) -> tuple[Any, ...]:
    return (one.instrument_id, one.contract_id, one.symbol, one.quantity, one.average_cost, one.realized)


def _order(row: Mapping[str, Any]) -> PaperOrder:
    return PaperOrder(
        permanent_id=row["permanent_id"],
        broker_order_id=row["broker_order_id"],
        order_id=row["order_id"],
        contract=Contract(
            instrument_id=row["instrument_id"],
            contract_id=row["contract_id"],
            symbol=row["symbol"],
            instrument_type=InstrumentType(row["instrument_type"]),
            exchange=row["exchange"],
            currency=row["currency"],
        ),
        side=Side(row["side"]),
        order_type=OrderType(row["order_type"]),
        terms=terms_from_row(row),
        outside_regular_hours=row["outside_regular_hours"],
        oca_group=row["oca_group"],
        status=PaperStatus(row["status"]),
        placed_at=row["placed_at"],
        filled=row["filled"],
        notional=row["notional"],
        commission=row["commission"],
        is_triggered=row["is_triggered"],
        trail_stop=row["trail_stop"],
        ends_at=row["ends_at"],
        ended_at=row["ended_at"],
        refusal_code=row["refusal_code"],
        reason=row["reason"],
    )


def _execution(row: Mapping[str, Any]) -> PaperExecution:
    return PaperExecution(
        number=row["number"],
        permanent_id=row["permanent_id"],
        broker_order_id=row["broker_order_id"],
        order_id=row["order_id"],
        instrument_id=row["instrument_id"],
        contract_id=row["contract_id"],
        side=Side(row["side"]),
        quantity=row["quantity"],
        price=row["price"],
        commission=row["commission"],
        currency=row["currency"],
        realized_pnl=row["realized_pnl"],
        is_maker=row["is_maker"],
        quoted_at=row["quoted_at"],
        executed_at=row["executed_at"],
    )


def _position(row: Mapping[str, Any]) -> PaperPosition:
    return PaperPosition(
        instrument_id=row["instrument_id"],
        contract_id=row["contract_id"],
        symbol=row["symbol"],
        quantity=row["quantity"],
        average_cost=row["average_cost"],
        realized=row["realized"],
    )
