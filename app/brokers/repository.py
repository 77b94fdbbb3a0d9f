"""The SQL of broker accounts, their leases, their connection state and their balances."""

from dataclasses import dataclass
from typing import Any, Final

from app.brokers.domain import BrokerAccount, ConnectionStatus, Lease
from app.core.fix import BrokerKind, ConnectionState
from app.core.ids import AccountId, TenantId
from app.core.messages import AccountValues
from app.infra.db import BatchSession, Write

# All lease times are the database's own clock: the connectors' clocks may differ.

_ACTIVE_ACCOUNTS = """
SELECT tenant_id, id, broker, account_number, base_currency, host, port, client_id, is_paper, is_adviser, adviser_id
  FROM broker_accounts
 WHERE is_active AND is_connection_wanted
 ORDER BY tenant_id, id
 LIMIT $1
"""

_EXAMINED = """
SELECT a.tenant_id, a.id, a.broker, a.account_number, a.base_currency, a.host, a.port, a.client_id, a.is_paper,
       a.is_adviser, a.adviser_id, t.slug, coalesce(c.state, 'DISCONNECTED') AS state, c.last_error,
       coalesce(c.lease_until >= clock_timestamp(), false) AS is_held
  FROM broker_accounts AS a
  JOIN tenants AS t ON t.id = a.tenant_id
  LEFT JOIN broker_connections AS c ON c.tenant_id = a.tenant_id AND c.account_id = a.id
 WHERE a.is_active AND a.is_connection_wanted AND a.broker = 'INTERACTIVE_BROKERS'
 ORDER BY t.slug, a.account_number
 LIMIT $1
"""

_TAKE_LEASE = """
INSERT INTO broker_connections AS held
       (tenant_id, account_id, state, is_gate_open, generation, leased_by, lease_until, next_order_id,
        reconnect_attempts)
VALUES ($1, $2, 'DISCONNECTED', false, 1, $3, clock_timestamp() + make_interval(secs => $4), 1, 0)
ON CONFLICT (tenant_id, account_id) DO UPDATE
   SET generation = held.generation + 1, leased_by = excluded.leased_by, lease_until = excluded.lease_until,
       is_gate_open = false, state = 'DISCONNECTED'
 WHERE held.lease_until IS NULL OR held.lease_until < clock_timestamp()
RETURNING generation
"""

_RENEW_LEASE = """
UPDATE broker_connections
   SET lease_until = clock_timestamp() + make_interval(secs => $4)
 WHERE tenant_id = $1 AND account_id = $2 AND generation = $3 AND lease_until >= clock_timestamp()
RETURNING true
"""

_GIVE_LEASE = """
UPDATE broker_connections
   SET lease_until = NULL, leased_by = NULL, is_gate_open = false, state = 'DISCONNECTED', connected_since = NULL
 WHERE tenant_id = $1 AND account_id = $2 AND generation = $3
RETURNING true
"""

_SET_STATUS = """
UPDATE broker_connections
   SET state = $4, is_gate_open = $5, reconnect_attempts = $6, last_error = $7,
       connected_since = CASE WHEN $4 NOT IN ('CONNECTED', 'DEGRADED') THEN NULL
                              ELSE coalesce(connected_since, clock_timestamp()) END
 WHERE tenant_id = $1 AND account_id = $2 AND generation = $3
RETURNING true
"""

_BEAT = """
UPDATE broker_connections
   SET last_heartbeat_at = clock_timestamp(), round_trip_ms = $4
 WHERE tenant_id = $1 AND account_id = $2 AND generation = $3
"""

_RAISE_NEXT_ORDER_ID = """
UPDATE broker_connections
   SET next_order_id = greatest(next_order_id, $4)
 WHERE tenant_id = $1 AND account_id = $2 AND generation = $3
RETURNING next_order_id
"""

_FIGURES: Final = (
    "cash",
    "equity",
    "buying_power",
    "initial_margin",
    "maintenance_margin",
    "available_funds",
    "excess_liquidity",
    "cushion",
    "special_memorandum_account",
    "gross_position_value",
    "daily_pnl",
    "unrealized_pnl",
    "realized_pnl",
)
_ALWAYS_KNOWN: Final = 5
_TOLD: Final = ", ".join(
    f"coalesce(${place + 3}::numeric, 0)" if place < _ALWAYS_KNOWN else f"${place + 3}::numeric"
    for place in range(len(_FIGURES))
)
_KEPT: Final = ", ".join(f"{name} = coalesce(${place + 3}, held.{name})" for place, name in enumerate(_FIGURES))
_HAS_PNL: Final = "coalesce($13, $14, $15) IS NOT NULL"

_SAVE_BALANCE: Final = f"""
INSERT INTO account_balances AS held (tenant_id, account_id, {", ".join(_FIGURES)}, updated_at, pnl_at)
VALUES ($1, $2, {_TOLD}, clock_timestamp(), CASE WHEN {_HAS_PNL} THEN clock_timestamp() END)
ON CONFLICT (tenant_id, account_id) DO UPDATE
   SET {_KEPT}, updated_at = excluded.updated_at, pnl_at = coalesce(excluded.pnl_at, held.pnl_at)
"""

# A currency that the broker names no more is gone from the account.
_DROP_CURRENCIES = """
DELETE FROM currency_balances WHERE tenant_id = $1 AND account_id = $2 AND NOT (currency = ANY($3::text[]))
"""

_SAVE_CURRENCIES = """
INSERT INTO currency_balances AS held (tenant_id, account_id, currency, cash, stock_value, net_liquidation,
       realized_pnl, unrealized_pnl, exchange_rate, updated_at)
SELECT $1, $2, n.*, clock_timestamp()
  FROM unnest($3::text[], $4::numeric[], $5::numeric[], $6::numeric[], $7::numeric[], $8::numeric[], $9::numeric[])
    AS n(currency, cash, stock_value, net_liquidation, realized_pnl, unrealized_pnl, exchange_rate)
 ORDER BY n.currency
ON CONFLICT (tenant_id, account_id, currency) DO UPDATE
   SET cash = coalesce(excluded.cash, held.cash), stock_value = coalesce(excluded.stock_value, held.stock_value),
       net_liquidation = coalesce(excluded.net_liquidation, held.net_liquidation),
       realized_pnl = coalesce(excluded.realized_pnl, held.realized_pnl),
       unrealized_pnl = coalesce(excluded.unrealized_pnl, held.unrealized_pnl),
       exchange_rate = coalesce(excluded.exchange_rate, held.exchange_rate), updated_at = excluded.updated_at
"""

_ACCOUNT_TO_ASK = """
SELECT a.id FROM broker_accounts AS a
  LEFT JOIN broker_connections AS c ON (c.tenant_id, c.account_id) = (a.tenant_id, a.id)
 WHERE a.tenant_id = $1 AND a.is_active AND CASE WHEN $2::uuid IS NULL THEN a.broker <> 'PAPER' ELSE a.id = $2 END
 ORDER BY c.state IS NOT DISTINCT FROM 'CONNECTED' DESC, a.created_at, a.id
 LIMIT 1
"""


async def active_accounts(session: BatchSession, limit: int) -> list[BrokerAccount]:
    """The accounts that are to be connected, of every tenant that the session sees, in key order."""
    return [_account(row) for row in await session.fetch(_ACTIVE_ACCOUNTS, limit)]


@dataclass(frozen=True, slots=True, kw_only=True)
class ExaminedAccount:
    """An account that is to be connected, whose it is and how its connection stands; is_held by some connector."""

    tenant: str
    account: BrokerAccount
    state: ConnectionState
    last_error: str | None
    is_held: bool


async def examined_accounts(session: BatchSession, limit: int = 1_000) -> list[ExaminedAccount]:
    """The accounts that are to be connected, of all tenants by their slugs; the role must be SYSTEM."""
    return [
        ExaminedAccount(
            tenant=row["slug"],
            account=_account(row),
            state=ConnectionState(row["state"]),
            last_error=row["last_error"],
            is_held=row["is_held"],
        )
        for row in await session.fetch(_EXAMINED, limit)
    ]


async def account_to_ask(session: BatchSession, tenant_id: TenantId, account_id: AccountId | None) -> AccountId | None:
    """The account of the tenant, or the one over which a broker is best asked; None where there is none."""
    for row in await session.fetch(_ACCOUNT_TO_ASK, tenant_id, account_id):
        return AccountId(row["id"])
    return None


async def take_lease(
    session: BatchSession, tenant_id: TenantId, account_id: AccountId, holder: str, duration_s: float
) -> Lease | None:
    """The lease under a new generation, when nobody holds one; else None."""
    for row in await session.fetch(_TAKE_LEASE, tenant_id, account_id, holder, duration_s):
        return Lease(tenant_id=tenant_id, account_id=account_id, holder=holder, generation=row["generation"])
    return None


async def renew_lease(session: BatchSession, lease: Lease, duration_s: float) -> bool:
    """True when the lease is still ours and now lasts longer."""
    return bool(await session.fetch(_RENEW_LEASE, *_key(lease), duration_s))


async def give_lease(session: BatchSession, lease: Lease) -> bool:
    """Let the account go, so that another connector may take it at once; True when the lease was still ours."""
    return bool(await session.fetch(_GIVE_LEASE, *_key(lease)))


async def set_status(session: BatchSession, lease: Lease, status: ConnectionStatus) -> bool:
    """True when the status was stored: the lease's generation is still the newest."""
    return bool(
        await session.fetch(
            _SET_STATUS,
            *_key(lease),
            status.state.value,
            status.is_gate_open,
            status.reconnect_attempts,
            status.last_error,
        )
    )


async def beat(session: BatchSession, lease: Lease, round_trip_ms: float) -> None:
    """Note a sign of life from the broker."""
    await session.execute(_BEAT, *_key(lease), round_trip_ms)


async def raise_next_order_id(session: BatchSession, lease: Lease, at_least: int) -> int | None:
    """The next order id, at least as high as asked and never lower than it was; None when the lease is not ours."""
    for row in await session.fetch(_RAISE_NEXT_ORDER_ID, *_key(lease), at_least):
        return int(row["next_order_id"])
    return None


async def save_balance(session: BatchSession, lease: Lease, values: AccountValues) -> None:
    """Store the figures that the broker told; those that it did not tell stay."""
    told = values.by_currency
    figures = (getattr(values, name) for name in _FIGURES)
    writes = [Write.of(_SAVE_BALANCE, lease.tenant_id, lease.account_id, *figures)]
    if told:
        key = (lease.tenant_id, lease.account_id, [one.currency for one in told])
        writes.append(Write.of(_DROP_CURRENCIES, *key))
        writes.append(
            Write.of(
                _SAVE_CURRENCIES,
                *key,
                [one.cash for one in told],
                [one.stock_value for one in told],
                [one.net_liquidation for one in told],
                [one.realized_pnl for one in told],
                [one.unrealized_pnl for one in told],
                [one.exchange_rate for one in told],
            )
        )
    await session.write(writes)


def _account(row: Any) -> BrokerAccount:
    return BrokerAccount(
        tenant_id=TenantId(row["tenant_id"]),
        id=AccountId(row["id"]),
        broker=BrokerKind(row["broker"]),
        account_number=row["account_number"],
        base_currency=row["base_currency"],
        host=row["host"],
        port=row["port"],
        client_id=row["client_id"],
        is_paper=row["is_paper"],
        is_adviser=row["is_adviser"],
        adviser_id=row["adviser_id"],
    )


def _key(lease: Lease) -> tuple[TenantId, AccountId, int]:
    return lease.tenant_id, lease.account_id, lease.generation
