"""The SQL of broker accounts, their leases, their connection state and their balances."""

from app.brokers.domain import BrokerAccount, ConnectionStatus, Lease
from app.core.fix import BrokerKind
from app.core.ids import AccountId, TenantId
from app.core.messages import AccountValues
from app.infra.db import BatchSession

# All lease times are the database's own clock: the connectors' clocks may differ.

_ACTIVE_ACCOUNTS = """
SELECT tenant_id, id, broker, account_number, base_currency, host, port, client_id, is_paper
  FROM broker_accounts
 WHERE is_active
 ORDER BY tenant_id, id
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

_SAVE_BALANCE = """
INSERT INTO account_balances AS held
       (tenant_id, account_id, cash, equity, buying_power, initial_margin, maintenance_margin, updated_at)
VALUES ($1, $2, coalesce($3::numeric, 0), coalesce($4::numeric, 0), coalesce($5::numeric, 0),
        coalesce($6::numeric, 0), coalesce($7::numeric, 0), clock_timestamp())
ON CONFLICT (tenant_id, account_id) DO UPDATE
   SET cash = coalesce($3, held.cash), equity = coalesce($4, held.equity),
       buying_power = coalesce($5, held.buying_power), initial_margin = coalesce($6, held.initial_margin),
       maintenance_margin = coalesce($7, held.maintenance_margin), updated_at = excluded.updated_at
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
    return [
        BrokerAccount(
            tenant_id=TenantId(row["tenant_id"]),
            id=AccountId(row["id"]),
            broker=BrokerKind(row["broker"]),
            account_number=row["account_number"],
            base_currency=row["base_currency"],
            host=row["host"],
            port=row["port"],
            client_id=row["client_id"],
            is_paper=row["is_paper"],
        )
        for row in await session.fetch(_ACTIVE_ACCOUNTS, limit)
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


async def give_lease(session: BatchSession, lease: Lease) -> None:
    """Let the account go, so that another connector may take it at once."""
    await session.execute(_GIVE_LEASE, *_key(lease))


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
    await session.execute(
        _SAVE_BALANCE,
        lease.tenant_id,
        lease.account_id,
        values.cash,
        values.equity,
        values.buying_power,
        values.initial_margin,
        values.maintenance_margin,
    )


def _key(lease: Lease) -> tuple[TenantId, AccountId, int]:
    return lease.tenant_id, lease.account_id, lease.generation
