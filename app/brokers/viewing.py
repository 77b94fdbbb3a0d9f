"""Broker accounts as they are shown: the account, its connection, the broker's figures of it."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import RowMapping, Select, select

from app.brokers import models
from app.core.allocation import AllocationGroup, group_from_document
from app.core.fix import BrokerKind, ConnectionState
from app.core.ids import AccountId, TenantId
from app.core.money import ZERO
from app.infra.db import ReadSession, WriteSession
from app.infra.tables import metadata

ACCOUNTS_OF_ADVISERS_MAX: Final = 5_000

_ACCOUNTS = metadata.tables[models.BrokerAccountRow.__tablename__]
_CONNECTIONS = metadata.tables[models.BrokerConnectionRow.__tablename__]
_BALANCES = metadata.tables[models.AccountBalanceRow.__tablename__]
_CURRENCIES = metadata.tables[models.CurrencyBalanceRow.__tablename__]
_CREDENTIALS = metadata.tables[models.BrokerCredentialRow.__tablename__]


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountView:
    """A trading account at a broker and the gateway it is reached through."""

    id: AccountId
    broker: BrokerKind
    account_number: str
    account_type: str
    base_currency: str
    host: str
    port: int
    client_id: int
    is_active: bool
    is_paper: bool
    created_at: datetime
    label: str | None
    is_connection_wanted: bool
    is_adviser: bool = False
    adviser_id: AccountId | None = None
    allocation_groups: tuple[AllocationGroup, ...] = ()
    groups_told_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionView:
    """How an account's connection stands."""

    state: ConnectionState = ConnectionState.DISCONNECTED
    is_gate_open: bool = False
    connected_since: datetime | None = None
    last_heartbeat_at: datetime | None = None
    round_trip_ms: float | None = None
    reconnect_attempts: int = 0
    last_error: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BalanceView:
    """The broker's own figures, in the account's base currency; zero or None until the broker has told them.

    cushion is excess liquidity as a part of equity. pnl_at is when any of the three of profit and loss came last.
    """

    cash: Decimal = ZERO
    equity: Decimal = ZERO
    buying_power: Decimal = ZERO
    initial_margin: Decimal = ZERO
    maintenance_margin: Decimal = ZERO
    available_funds: Decimal | None = None
    excess_liquidity: Decimal | None = None
    cushion: Decimal | None = None
    special_memorandum_account: Decimal | None = None
    gross_position_value: Decimal | None = None
    daily_pnl: Decimal | None = None
    unrealized_pnl: Decimal | None = None
    realized_pnl: Decimal | None = None
    updated_at: datetime | None = None
    pnl_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CurrencyView:
    """The broker's own figures of an account in one currency; None where it has not told."""

    currency: str
    cash: Decimal | None
    stock_value: Decimal | None
    net_liquidation: Decimal | None
    realized_pnl: Decimal | None
    unrealized_pnl: Decimal | None
    exchange_rate: Decimal | None
    updated_at: datetime


_BALANCE_FIELDS = tuple(field.name for field in fields(BalanceView))
_CURRENCY_FIELDS = tuple(field.name for field in fields(CurrencyView))


@dataclass(frozen=True, slots=True, kw_only=True)
class CredentialView:
    """That a secret of the name is stored, and since when. The secret itself is never shown."""

    name: str
    set_at: datetime


async def accounts(session: ReadSession | WriteSession, tenant_id: TenantId, *, limit: int) -> list[AccountView]:
    """The accounts of the tenant, the oldest first."""
    statement = select(_ACCOUNTS).where(_ACCOUNTS.c.tenant_id == tenant_id).order_by(_ACCOUNTS.c.id).limit(limit)
    return [_account(row) for row in (await session.execute(statement)).mappings()]


async def accounts_by_ids(
    session: ReadSession | WriteSession, tenant_id: TenantId, account_ids: Sequence[AccountId]
) -> dict[AccountId, AccountView]:
    """The accounts by id; absent if the tenant has none of the id."""
    statement = select(_ACCOUNTS).where(_ACCOUNTS.c.tenant_id == tenant_id, _ACCOUNTS.c.id.in_(account_ids))
    found = (_account(row) for row in (await session.execute(statement)).mappings())
    return {account.id: account for account in found}


async def accounts_of_advisers(
    session: ReadSession, tenant_id: TenantId, adviser_ids: Sequence[AccountId]
) -> dict[AccountId, list[AccountView]]:
    """The accounts under each of the advisers' accounts, the oldest first; absent where there is none."""
    statement = (
        select(_ACCOUNTS)
        .where(_ACCOUNTS.c.tenant_id == tenant_id, _ACCOUNTS.c.adviser_id.in_(adviser_ids))
        .order_by(_ACCOUNTS.c.id)
        .limit(ACCOUNTS_OF_ADVISERS_MAX)
    )
    found: dict[AccountId, list[AccountView]] = {}
    for row in await _rows(session, statement):
        found.setdefault(row["adviser_id"], []).append(_account(row))
    return found


async def connections(
    session: ReadSession, tenant_id: TenantId, account_ids: Sequence[AccountId]
) -> dict[AccountId, ConnectionView]:
    """The connections by account; absent where no connector has taken the account yet."""
    c = _CONNECTIONS.c
    statement = select(
        c.account_id,
        c.state,
        c.is_gate_open,
        c.connected_since,
        c.last_heartbeat_at,
        c.round_trip_ms,
        c.reconnect_attempts,
        c.last_error,
    ).where(c.tenant_id == tenant_id, c.account_id.in_(account_ids))
    return {
        row["account_id"]: ConnectionView(
            state=ConnectionState(row["state"]),
            is_gate_open=row["is_gate_open"],
            connected_since=row["connected_since"],
            last_heartbeat_at=row["last_heartbeat_at"],
            round_trip_ms=row["round_trip_ms"],
            reconnect_attempts=row["reconnect_attempts"],
            last_error=row["last_error"],
        )
        for row in (await session.execute(statement)).mappings()
    }


async def balances(
    session: ReadSession, tenant_id: TenantId, account_ids: Sequence[AccountId]
) -> dict[AccountId, BalanceView]:
    """The figures by account; absent where the broker has told none yet."""
    c = _BALANCES.c
    statement = select(_BALANCES).where(c.tenant_id == tenant_id, c.account_id.in_(account_ids))
    return {
        row["account_id"]: BalanceView(**{name: row[name] for name in _BALANCE_FIELDS})
        for row in await _rows(session, statement)
    }


async def currencies(
    session: ReadSession, tenant_id: TenantId, account_ids: Sequence[AccountId]
) -> dict[AccountId, list[CurrencyView]]:
    """The figures by account and currency; absent where the broker has told none yet."""
    c = _CURRENCIES.c
    statement = (
        select(_CURRENCIES)
        .where(c.tenant_id == tenant_id, c.account_id.in_(account_ids))
        .order_by(c.account_id, c.currency)
    )
    found: dict[AccountId, list[CurrencyView]] = {}
    for row in await _rows(session, statement):
        view = CurrencyView(**{name: row[name] for name in _CURRENCY_FIELDS})
        found.setdefault(row["account_id"], []).append(view)
    return found


async def credentials(
    session: ReadSession, tenant_id: TenantId, account_ids: Sequence[AccountId]
) -> dict[AccountId, list[CredentialView]]:
    """Which secrets are stored of the accounts, by name; absent where there is none."""
    c = _CREDENTIALS.c
    statement = (
        select(c.account_id, c.name, c.set_at)
        .where(c.tenant_id == tenant_id, c.account_id.in_(account_ids))
        .order_by(c.account_id, c.name)
    )
    found: dict[AccountId, list[CredentialView]] = {}
    for row in await _rows(session, statement):
        found.setdefault(row["account_id"], []).append(CredentialView(name=row["name"], set_at=row["set_at"]))
    return found


async def _rows(session: ReadSession, statement: Select[Any]) -> Sequence[RowMapping]:
    found: Sequence[RowMapping] = (await session.execute(statement)).mappings().all()
    return found


def _account(row: RowMapping) -> AccountView:
    return AccountView(
        id=row["id"],
        broker=BrokerKind(row["broker"]),
        account_number=row["account_number"],
        account_type=row["account_type"],
        base_currency=row["base_currency"],
        host=row["host"],
        port=row["port"],
        client_id=row["client_id"],
        is_active=row["is_active"],
        is_paper=row["is_paper"],
        created_at=row["created_at"],
        label=row["label"],
        is_connection_wanted=row["is_connection_wanted"],
        is_adviser=row["is_adviser"],
        adviser_id=row["adviser_id"],
        allocation_groups=tuple(group_from_document(one) for one in row["allocation_groups"] or ()),
        groups_told_at=row["groups_told_at"],
    )
