"""The SQL of accounts as they come into the house, move to another gateway, are connected and left."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from app.brokers.domain import Gateway, NewAccount, seats_of
from app.core.fix import BrokerKind
from app.core.ids import AccountId, TenantId
from app.core.messages import AccountKey
from app.infra.db import BatchSession


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredAccount:
    """An account as it stands in the database."""

    id: AccountId
    account: NewAccount


async def account_by_number(
    session: BatchSession, tenant_id: TenantId, broker: BrokerKind, account_number: str
) -> AccountId | None:
    """The account of that number at the broker; None where the tenant has none."""
    rows = await session.fetch(
        "SELECT id FROM broker_accounts WHERE tenant_id = $1 AND broker = $2 AND account_number = $3",
        tenant_id,
        broker,
        account_number,
    )
    return rows[0]["id"] if rows else None


async def account_for_update(session: BatchSession, key: AccountKey) -> StoredAccount | None:
    """The account, locked until the transaction ends; None where the tenant has none of the id."""
    rows = await session.fetch(
        "SELECT * FROM broker_accounts WHERE tenant_id = $1 AND id = $2 FOR NO KEY UPDATE",
        key.tenant_id,
        key.account_id,
    )
    for row in rows:
        return StoredAccount(
            id=row["id"],
            account=NewAccount(
                broker=BrokerKind(row["broker"]),
                account_number=row["account_number"],
                account_type=row["account_type"],
                base_currency=row["base_currency"],
                host=row["host"],
                port=row["port"],
                client_id=row["client_id"],
                is_paper=row["is_paper"],
                label=row["label"],
                is_connection_wanted=row["is_connection_wanted"],
                is_adviser=row["is_adviser"],
                adviser_id=row["adviser_id"],
            ),
        )
    return None


async def insert_account(session: BatchSession, key: AccountKey, new: NewAccount, now: datetime) -> bool:
    """Stores the account, disconnected and with nothing in it; False where the tenant has one of that number."""
    rows = await session.fetch(
        """
        INSERT INTO broker_accounts (tenant_id, id, broker, account_number, account_type, base_currency, host, port,
          client_id, is_active, is_paper, created_at, label, is_connection_wanted, is_adviser, adviser_id)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, true, $10, $11, $12, $13, $14, $15)
        ON CONFLICT (tenant_id, broker, account_number) DO NOTHING RETURNING true
        """,
        key.tenant_id,
        key.account_id,
        new.broker,
        new.account_number,
        new.account_type,
        new.base_currency,
        new.host,
        new.port,
        new.client_id,
        new.is_paper,
        now,
        new.label,
        new.is_connection_wanted,
        new.is_adviser,
        new.adviser_id,
    )
    if not rows:
        return False
    await session.execute(
        """
        INSERT INTO broker_connections (tenant_id, account_id, state, is_gate_open, generation, next_order_id,
          reconnect_attempts) VALUES ($1, $2, 'DISCONNECTED', false, 0, 1, 0)
        """,
        key.tenant_id,
        key.account_id,
    )
    await session.execute(
        """
        INSERT INTO account_balances (tenant_id, account_id, cash, equity, buying_power, initial_margin,
          maintenance_margin, updated_at) VALUES ($1, $2, 0, 0, 0, 0, 0, $3)
        """,
        key.tenant_id,
        key.account_id,
        now,
    )
    return True


async def take_seats(session: BatchSession, key: AccountKey, gateway: Gateway, client_id: int) -> bool:
    """Takes the account's client ids at the gateway, and gives its others back; False when one is not free."""
    host, port = gateway
    await session.execute(
        """
        DELETE FROM gateway_seats WHERE tenant_id = $1 AND account_id = $2
          AND NOT (host = $3 AND port = $4 AND client_id = ANY($5::int[]))
        """,
        key.tenant_id,
        key.account_id,
        host,
        port,
        list(seats_of(client_id)),
    )
    # What another tenant has is not seen here, and met as a conflict all the same.
    await session.execute(
        """
        INSERT INTO gateway_seats (host, port, client_id, tenant_id, account_id)
        SELECT $3, $4, n.client_id, $1, $2 FROM unnest($5::int[]) AS n(client_id) ORDER BY n.client_id
        ON CONFLICT DO NOTHING
        """,
        key.tenant_id,
        key.account_id,
        host,
        port,
        list(seats_of(client_id)),
    )
    rows = await session.fetch(
        """
        SELECT count(*) AS count FROM gateway_seats
        WHERE tenant_id = $1 AND account_id = $2 AND host = $3 AND port = $4 AND client_id = ANY($5::int[])
        """,
        key.tenant_id,
        key.account_id,
        host,
        port,
        list(seats_of(client_id)),
    )
    return bool(rows[0]["count"] == len(seats_of(client_id)))


async def change_account(session: BatchSession, key: AccountKey, changed: NewAccount) -> None:
    """Stores another label, another adviser and another way to the account."""
    await session.execute(
        """
        UPDATE broker_accounts SET label = $3, host = $4, port = $5, client_id = $6, adviser_id = $7
        WHERE tenant_id = $1 AND id = $2
        """,
        key.tenant_id,
        key.account_id,
        changed.label,
        changed.host,
        changed.port,
        changed.client_id,
        changed.adviser_id,
    )


async def want_connection(session: BatchSession, key: AccountKey, *, is_wanted: bool) -> None:
    """Stores whether a connector is to hold the account connected."""
    await session.execute(
        "UPDATE broker_accounts SET is_connection_wanted = $3 WHERE tenant_id = $1 AND id = $2",
        key.tenant_id,
        key.account_id,
        is_wanted,
    )


async def part_connection(session: BatchSession, key: AccountKey) -> None:
    """Shuts the gate and fences whoever holds the account: under its lease nothing is claimed or shown any more."""
    await session.execute(
        """
        UPDATE broker_connections
           SET generation = generation + 1, leased_by = NULL, lease_until = NULL, is_gate_open = false,
               state = 'DISCONNECTED', connected_since = NULL, reconnect_attempts = 0, last_error = NULL
         WHERE tenant_id = $1 AND account_id = $2
        """,
        key.tenant_id,
        key.account_id,
    )


async def move_gateway(session: BatchSession, key: AccountKey, host: str, port: int) -> bool:
    """Stores another address of the account's gateway; False when its client ids there are not free, and not taken."""
    rows: Sequence[dict[str, int]] = await session.fetch(
        "UPDATE broker_accounts SET host = $3, port = $4 WHERE tenant_id = $1 AND id = $2 RETURNING client_id",
        key.tenant_id,
        key.account_id,
        host,
        port,
    )
    return await take_seats(session, key, (host.lower(), port), rows[0]["client_id"])
