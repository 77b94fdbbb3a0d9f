"""Tables of the trading accounts: what they are, how they are connected, what the broker says they hold."""

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Index, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from app.brokers.reconciling import BreakAction, BreakKind, BreakSeverity, BreakState, Occasion
from app.core.fix import BrokerKind, ConnectionState
from app.infra.tables import RATE, numeric_column, one_of, refers, text_column, time_column, uuid_column


class BrokerAccountRow(SQLModel, table=True):
    """A trading account at a broker, and the gateway it is reached through."""

    __tablename__ = "broker_accounts"
    __table_args__ = (
        refers(["tenant_id"], "tenants", ["id"]),
        UniqueConstraint("tenant_id", "broker", "account_number"),
        one_of("broker", BrokerKind),
        CheckConstraint("port BETWEEN 1 AND 65535 AND client_id BETWEEN 0 AND 2147483647", name="address"),
        refers(["tenant_id", "adviser_id"], "broker_accounts", ["tenant_id", "id"]),
        CheckConstraint("NOT is_adviser OR (adviser_id IS NULL AND broker = 'INTERACTIVE_BROKERS')", name="adviser"),
        Index("ix_broker_accounts_adviser", "tenant_id", "adviser_id", postgresql_where=text("adviser_id IS NOT NULL")),
    )

    tenant_id: UUID = uuid_column(primary_key=True)
    id: UUID = uuid_column(primary_key=True)
    broker: str = text_column()
    account_number: str = text_column()
    account_type: str = text_column()
    base_currency: str = text_column()
    host: str = text_column()
    port: int
    client_id: int
    is_active: bool = True
    is_paper: bool = True
    created_at: datetime = time_column()
    label: str | None = text_column(nullable=True)
    is_connection_wanted: bool = True
    is_adviser: bool = Field(default=False, sa_column_kwargs={"server_default": text("false")})
    adviser_id: UUID | None = uuid_column(nullable=True)
    allocation_groups: list[Any] | None = Field(default=None, sa_type=JSONB(none_as_null=True), nullable=True)
    groups_told_at: datetime | None = time_column(nullable=True)


class GatewaySeatRow(SQLModel, table=True):
    """A client id of a gateway and the account that it belongs to: one for its orders, one for its market data.

    The key has no tenant in it, because a gateway knows none: a client id in use is in use for everybody. A tenant
    sees its own seats alone, and that one is not free it hears in the words in which the gateway itself would say so.
    """

    __tablename__ = "gateway_seats"
    __table_args__ = (refers(["tenant_id", "account_id"], "broker_accounts", ["tenant_id", "id"]),)

    host: str = text_column(primary_key=True)
    port: int = Field(primary_key=True)
    client_id: int = Field(primary_key=True)
    tenant_id: UUID = uuid_column()
    account_id: UUID = uuid_column()


class BrokerCredentialRow(SQLModel, table=True):
    """One secret of an account, sealed for tenant, account and name under the tenant's data key of the version."""

    __tablename__ = "broker_credentials"
    __table_args__ = (
        refers(["tenant_id", "account_id"], "broker_accounts", ["tenant_id", "id"]),
        refers(["tenant_id", "key_version"], "tenant_data_keys", ["tenant_id", "version"]),
        Index("ix_broker_credentials_key", "tenant_id", "key_version"),
    )

    tenant_id: UUID = uuid_column(primary_key=True)
    account_id: UUID = uuid_column(primary_key=True)
    name: str = text_column(primary_key=True)
    key_version: int
    sealed: bytes
    set_at: datetime = time_column()


class BrokerConnectionRow(SQLModel, table=True):
    """The live side of an account: who holds its lease, how far the connection has come, the next order id.

    generation is the fencing token: whoever takes the lease raises it, and a claim made under an older one fails.
    """

    __tablename__ = "broker_connections"
    __table_args__ = (
        refers(["tenant_id", "account_id"], "broker_accounts", ["tenant_id", "id"]),
        one_of("state", ConnectionState),
    )

    tenant_id: UUID = uuid_column(primary_key=True)
    account_id: UUID = uuid_column(primary_key=True)
    state: str = text_column()
    is_gate_open: bool = False
    generation: int = Field(default=0, sa_type=BigInteger)
    leased_by: str | None = text_column(nullable=True)
    lease_until: datetime | None = time_column(nullable=True)
    next_order_id: int = Field(default=1, sa_type=BigInteger)
    connected_since: datetime | None = time_column(nullable=True)
    last_heartbeat_at: datetime | None = time_column(nullable=True)
    round_trip_ms: float | None = None
    reconnect_attempts: int = 0
    last_error: str | None = text_column(nullable=True)


class AccountBalanceRow(SQLModel, table=True):
    """The broker's own figures of an account, in its base currency."""

    __tablename__ = "account_balances"
    __table_args__ = (refers(["tenant_id", "account_id"], "broker_accounts", ["tenant_id", "id"]),)

    tenant_id: UUID = uuid_column(primary_key=True)
    account_id: UUID = uuid_column(primary_key=True)
    cash: Decimal = numeric_column()
    equity: Decimal = numeric_column()
    buying_power: Decimal = numeric_column()
    initial_margin: Decimal = numeric_column()
    maintenance_margin: Decimal = numeric_column()
    updated_at: datetime = time_column()
    available_funds: Decimal | None = numeric_column(nullable=True)
    excess_liquidity: Decimal | None = numeric_column(nullable=True)
    cushion: Decimal | None = numeric_column(nullable=True)
    special_memorandum_account: Decimal | None = numeric_column(nullable=True)
    gross_position_value: Decimal | None = numeric_column(nullable=True)
    daily_pnl: Decimal | None = numeric_column(nullable=True)
    unrealized_pnl: Decimal | None = numeric_column(nullable=True)
    realized_pnl: Decimal | None = numeric_column(nullable=True)
    pnl_at: datetime | None = time_column(nullable=True)


class CurrencyBalanceRow(SQLModel, table=True):
    """The broker's own figures of an account in one currency."""

    __tablename__ = "currency_balances"
    __table_args__ = (refers(["tenant_id", "account_id"], "broker_accounts", ["tenant_id", "id"]),)

    tenant_id: UUID = uuid_column(primary_key=True)
    account_id: UUID = uuid_column(primary_key=True)
    currency: str = text_column(primary_key=True)
    cash: Decimal | None = numeric_column(nullable=True)
    stock_value: Decimal | None = numeric_column(nullable=True)
    net_liquidation: Decimal | None = numeric_column(nullable=True)
    realized_pnl: Decimal | None = numeric_column(nullable=True)
    unrealized_pnl: Decimal | None = numeric_column(nullable=True)
    exchange_rate: Decimal | None = Field(default=None, sa_type=RATE)
    updated_at: datetime = time_column()


class ReconciliationRow(SQLModel, table=True):
    """A comparison of our books with the broker's, or a run of sweeps that changed nothing of what was known."""

    __tablename__ = "reconciliations"
    __table_args__ = (
        refers(["tenant_id", "account_id"], "broker_accounts", ["tenant_id", "id"]),
        one_of("occasion", Occasion),
        Index("ix_reconciliations_account", "tenant_id", "account_id", "id"),
    )

    tenant_id: UUID = uuid_column(primary_key=True)
    id: UUID = uuid_column(primary_key=True)
    account_id: UUID = uuid_column()
    occasion: str = text_column()
    started_at: datetime = time_column()
    finished_at: datetime = time_column()
    orders_checked: int
    positions_checked: int
    positions_in_flight: int
    executions_imported: int
    breaks_open: int
    looks: int


class ReconciliationBreakRow(SQLModel, table=True):
    """A difference between our books and the broker's, from the comparison that found it to its end."""

    __tablename__ = "reconciliation_breaks"
    __table_args__ = (
        refers(["tenant_id", "account_id"], "broker_accounts", ["tenant_id", "id"]),
        refers(["tenant_id", "reconciliation_id"], "reconciliations", ["tenant_id", "id"]),
        refers(["tenant_id", "instrument_id"], "instruments", ["tenant_id", "id"]),
        refers(["tenant_id", "order_id"], "orders", ["tenant_id", "id"]),
        refers(["tenant_id", "adjustment_id"], "position_adjustments", ["tenant_id", "id"]),
        one_of("kind", BreakKind),
        one_of("severity", BreakSeverity),
        one_of("state", BreakState),
        one_of("action", BreakAction),
        CheckConstraint("(state = 'OPEN') = (ended_at IS NULL)", name="ended"),
        CheckConstraint("NOT is_freezing OR (state = 'OPEN' AND instrument_id IS NOT NULL)", name="freezing"),
        CheckConstraint("(state = 'RESOLVED') = (action IS NOT NULL AND reason IS NOT NULL)", name="resolved"),
        Index(
            "ix_reconciliation_breaks_open",
            "tenant_id",
            "account_id",
            "kind",
            "subject",
            unique=True,
            postgresql_where=text("state = 'OPEN'"),
        ),
        Index("ix_reconciliation_breaks_muted", "tenant_id", "account_id", postgresql_where=text("is_muted")),
        Index(
            "ix_reconciliation_breaks_freezing",
            "tenant_id",
            "account_id",
            postgresql_where=text("is_freezing"),
        ),
        Index("ix_reconciliation_breaks_account", "tenant_id", "account_id", "id"),
    )

    tenant_id: UUID = uuid_column(primary_key=True)
    id: UUID = uuid_column(primary_key=True)
    account_id: UUID = uuid_column()
    reconciliation_id: UUID = uuid_column()
    kind: str = text_column()
    subject: str = text_column()
    severity: str = text_column()
    difference: str = text_column()
    ours: dict[str, Any] | None = Field(default=None, sa_type=JSONB(none_as_null=True), nullable=True)
    broker: dict[str, Any] | None = Field(default=None, sa_type=JSONB(none_as_null=True), nullable=True)
    instrument_id: UUID | None = uuid_column(nullable=True)
    order_id: UUID | None = uuid_column(nullable=True)
    state: str = text_column()
    is_freezing: bool = False
    is_muted: bool = False
    looks: int = 1
    action: str | None = text_column(nullable=True)
    reason: str | None = text_column(nullable=True)
    resolved_by: str | None = text_column(nullable=True)
    adjustment_id: UUID | None = uuid_column(nullable=True)
    found_at: datetime = time_column()
    last_seen_at: datetime = time_column()
    snapshot_at: datetime = time_column()
    ended_at: datetime | None = time_column(nullable=True)
