"""Tables of the order core. The ledger and the event log are append-only; an order's row is derived from them."""

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Identity, Index, LargeBinary, UniqueConstraint, Uuid, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlmodel import Field, SQLModel

from app.core.fix import (
    LinkRole,
    OrderOrigin,
    OrderState,
    OrderType,
    RejectOrigin,
    RequestKind,
    RequestOutcome,
    Side,
    TimeInForce,
)
from app.core.messages import LaneKind
from app.infra.tables import (
    NOTIONAL,
    RATE,
    json_column,
    numeric_column,
    one_of,
    refers,
    text_column,
    time_column,
    told_json_column,
    uuid_column,
)

_ACCOUNT = ["tenant_id", "account_id"]
_ORDER = ["tenant_id", "order_id"]


class AccountBookRow(SQLModel, table=True):
    """An account's book: the row whose lock puts all writers of the account in line, and what it counts."""

    __tablename__ = "account_books"
    __table_args__ = (
        refers(_ACCOUNT, "broker_accounts", ["tenant_id", "id"]),
        CheckConstraint("last_sequence >= 0 AND open_orders >= 0", name="counts"),
    )

    tenant_id: UUID = uuid_column(primary_key=True)
    account_id: UUID = uuid_column(primary_key=True)
    last_sequence: int = Field(default=0, sa_type=BigInteger)
    open_orders: int = 0


class OrderRow(SQLModel, table=True):
    """An order as it stands."""

    __tablename__ = "orders"
    __table_args__ = (
        refers(_ACCOUNT, "broker_accounts", ["tenant_id", "id"]),
        refers(["tenant_id", "instrument_id"], "instruments", ["tenant_id", "id"]),
        UniqueConstraint("tenant_id", "account_id", "client_order_id"),
        one_of("side", Side),
        one_of("order_type", OrderType),
        one_of("time_in_force", TimeInForce),
        one_of("state", OrderState),
        one_of("origin", OrderOrigin),
        one_of("reject_origin", RejectOrigin),
        refers(["tenant_id", "parent_id"], "orders", ["tenant_id", "id"]),
        one_of("link_role", LinkRole),
        CheckConstraint(
            "(parent_id IS NOT NULL) = coalesce(link_role IN ('TAKE_PROFIT', 'STOP_LOSS'), false)", name="parent"
        ),
        CheckConstraint("quantity > 0 AND filled_quantity >= 0 AND overfilled_quantity >= 0", name="quantities"),
        CheckConstraint("version >= 1", name="version"),
        Index(
            "ix_orders_broker_order",
            "tenant_id",
            "account_id",
            "broker_client_id",
            "broker_order_id",
            unique=True,
            postgresql_where=text("broker_order_id IS NOT NULL"),
        ),
        Index(
            "ix_orders_permanent",
            "tenant_id",
            "account_id",
            "permanent_id",
            postgresql_where=text("permanent_id IS NOT NULL"),
        ),
        Index(
            "ix_orders_open",
            "tenant_id",
            "account_id",
            postgresql_where=text("state NOT IN ('FILLED', 'CANCELED', 'EXPIRED', 'REJECTED')"),
        ),
        Index(
            "ix_orders_facing",
            "tenant_id",
            "instrument_id",
            "side",
            postgresql_where=text("state NOT IN ('FILLED', 'CANCELED', 'EXPIRED', 'REJECTED')"),
        ),
        Index("ix_orders_parent", "tenant_id", "parent_id", postgresql_where=text("parent_id IS NOT NULL")),
        Index("ix_orders_oca_group", "tenant_id", "oca_group", postgresql_where=text("oca_group IS NOT NULL")),
        Index(
            "ix_orders_release",
            "tenant_id",
            "account_id",
            "release_at",
            postgresql_where=text("is_staged AND release_at IS NOT NULL AND state = 'HELD'"),
        ),
        Index("ix_orders_close", "tenant_id", "close_id", postgresql_where=text("close_id IS NOT NULL")),
        Index(
            "ix_orders_waiting",
            "tenant_id",
            "account_id",
            postgresql_where=text("waits_for IS NOT NULL AND state = 'HELD'"),
        ),
        Index(
            "ix_orders_blocks",
            "tenant_id",
            "account_id",
            "instrument_id",
            postgresql_where=text("allocation IS NOT NULL"),
        ),
        Index("ix_orders_shares", "tenant_id", "block_id", postgresql_where=text("block_id IS NOT NULL")),
    )

    tenant_id: UUID = uuid_column(primary_key=True)
    id: UUID = uuid_column(primary_key=True)
    account_id: UUID = uuid_column()
    instrument_id: UUID = uuid_column()
    client_order_id: str = text_column()
    terms_hash: bytes = Field(sa_type=LargeBinary)
    side: str = text_column()
    order_type: str = text_column()
    time_in_force: str = text_column()
    expires_at: datetime | None = time_column(nullable=True)
    quantity: Decimal = numeric_column()
    limit_price: Decimal | None = numeric_column(nullable=True)
    stop_price: Decimal | None = numeric_column(nullable=True)
    trailing_amount: Decimal | None = numeric_column(nullable=True)
    post_only: bool = False
    outside_regular_hours: bool = False
    origin: str = text_column()
    order_metadata: dict[str, Any] = json_column()
    placed_by: str = text_column()
    state: str = text_column()
    filled_quantity: Decimal = numeric_column()
    filled_notional: Decimal = Field(sa_type=NOTIONAL)
    average_fill_price: Decimal | None = numeric_column(nullable=True)
    commission: Decimal = numeric_column()
    overfilled_quantity: Decimal = numeric_column()
    reject_origin: str | None = text_column(nullable=True)
    reject_code: str | None = text_column(nullable=True)
    reject_reason: str | None = text_column(nullable=True)
    in_doubt: bool = False
    risk_checks: list[Any] = told_json_column()
    version: int = 1
    broker_client_id: int | None = None
    broker_order_id: int | None = Field(default=None, sa_type=BigInteger)
    permanent_id: int | None = Field(default=None, sa_type=BigInteger)
    claimed_generation: int | None = Field(default=None, sa_type=BigInteger)
    parent_id: UUID | None = uuid_column(nullable=True)
    link_role: str | None = text_column(nullable=True)
    oca_group: str | None = text_column(nullable=True)
    group_quantity: Decimal | None = numeric_column(nullable=True)
    closes_position: bool = Field(default=False, sa_column_kwargs={"server_default": text("false")})
    is_staged: bool = Field(default=False, sa_column_kwargs={"server_default": text("false")})
    release_at: datetime | None = time_column(nullable=True)
    close_id: UUID | None = uuid_column(nullable=True)
    waits_for: list[UUID] | None = Field(default=None, sa_type=ARRAY(Uuid), nullable=True)
    is_awaited: bool = Field(default=False, sa_column_kwargs={"server_default": text("false")})
    allocation: dict[str, Any] | None = Field(default=None, sa_type=JSONB(none_as_null=True), nullable=True)
    block_id: UUID | None = uuid_column(nullable=True)
    arrival: dict[str, Any] | None = Field(default=None, sa_type=JSONB(none_as_null=True), nullable=True)
    created_at: datetime = time_column()
    updated_at: datetime = time_column()


class OrderRequestRow(SQLModel, table=True):
    """A cancel or a replace. At most one of each is open for an order."""

    __tablename__ = "order_requests"
    __table_args__ = (
        refers(_ORDER, "orders", ["tenant_id", "id"]),
        one_of("kind", RequestKind),
        one_of("outcome", RequestOutcome),
        Index(
            "ix_order_requests_open",
            "tenant_id",
            "order_id",
            "kind",
            unique=True,
            postgresql_where=text("outcome = 'PENDING'"),
        ),
        Index("ix_order_requests_order", "tenant_id", "order_id", "requested_at"),
    )

    tenant_id: UUID = uuid_column(primary_key=True)
    id: UUID = uuid_column(primary_key=True)
    order_id: UUID = uuid_column()
    kind: str = text_column()
    outcome: str = text_column()
    terms: dict[str, Any] = json_column()
    reason: str | None = text_column(nullable=True)
    requested_by: str = text_column()
    requested_at: datetime = time_column()
    sent_at: datetime | None = time_column(nullable=True)
    resolved_at: datetime | None = time_column(nullable=True)
    is_house_refusal: bool = Field(default=False, sa_column_kwargs={"server_default": text("false")})
    risk_checks: list[Any] = Field(
        default_factory=list, sa_type=JSONB, sa_column_kwargs={"server_default": text("'[]'::jsonb")}
    )


class OrderEventRow(SQLModel, table=True):
    """The event log of an account: gapless, increasing by one."""

    __tablename__ = "order_events"
    __table_args__ = (
        refers(_ORDER, "orders", ["tenant_id", "id"]),
        Index("ix_order_events_order", "tenant_id", "order_id", "sequence"),
        CheckConstraint("sequence >= 1", name="sequence"),
    )

    tenant_id: UUID = uuid_column(primary_key=True)
    account_id: UUID = uuid_column(primary_key=True)
    sequence: int = Field(primary_key=True, sa_type=BigInteger)
    order_id: UUID = uuid_column()
    type: str = text_column()
    from_state: str | None = text_column(nullable=True)
    to_state: str = text_column()
    actor: str = text_column()
    reason: str | None = text_column(nullable=True)
    details: dict[str, Any] = json_column()
    occurred_at: datetime = time_column()
    recorded_at: datetime = time_column()


class ExecutionRow(SQLModel, table=True):
    """The execution ledger: one row for each (account, execution root, revision); the highest revision holds."""

    __tablename__ = "executions"
    __table_args__ = (
        refers(_ORDER, "orders", ["tenant_id", "id"]),
        refers(["tenant_id", "instrument_id"], "instruments", ["tenant_id", "id"]),
        refers(_ACCOUNT, "broker_accounts", ["tenant_id", "id"]),
        UniqueConstraint("tenant_id", "account_id", "execution_root", "revision"),
        one_of("side", Side),
        CheckConstraint("quantity >= 0", name="quantity"),
        Index("ix_executions_order", "tenant_id", "order_id"),
        # Real world: with the account second it ties, before the first ANALYZE, with the unique index above.
        Index("ix_executions_position", "tenant_id", "instrument_id", "account_id", "executed_at"),
    )

    tenant_id: UUID = uuid_column(primary_key=True)
    id: UUID = uuid_column(primary_key=True)
    account_id: UUID = uuid_column()
    order_id: UUID = uuid_column()
    instrument_id: UUID = uuid_column()
    execution_id: str = text_column()
    execution_root: str = text_column()
    revision: int
    side: str = text_column()
    quantity: Decimal = numeric_column()
    price: Decimal = numeric_column()
    liquidity: str | None = text_column(nullable=True)
    is_superseded: bool = False
    base_rate: Decimal | None = Field(default=None, sa_type=RATE)
    realized_pnl: Decimal | None = numeric_column(nullable=True)
    realized_pnl_base: Decimal | None = numeric_column(nullable=True)
    commission: Decimal | None = numeric_column(nullable=True)
    commission_currency: str | None = text_column(nullable=True)
    commission_base: Decimal | None = numeric_column(nullable=True)
    executed_at: datetime = time_column()
    recorded_at: datetime = time_column()


class EarlyCommissionRow(SQLModel, table=True):
    """A commission that came before its execution."""

    __tablename__ = "early_commissions"
    __table_args__ = (refers(_ACCOUNT, "broker_accounts", ["tenant_id", "id"]),)

    tenant_id: UUID = uuid_column(primary_key=True)
    account_id: UUID = uuid_column(primary_key=True)
    execution_id: str = text_column(primary_key=True)
    commission: Decimal = numeric_column()
    currency: str = text_column()
    recorded_at: datetime = time_column()


class LaneCommandRow(SQLModel, table=True):
    """The lane of an account: what the connector is to do, in order. Claiming a command removes it."""

    __tablename__ = "lane_commands"
    __table_args__ = (
        refers(_ORDER, "orders", ["tenant_id", "id"]),
        one_of("kind", LaneKind),
        Index("ix_lane_commands_cancels", "tenant_id", "account_id", "id", postgresql_where=text("kind = 'CANCEL'")),
    )

    tenant_id: UUID = uuid_column(primary_key=True)
    account_id: UUID = uuid_column(primary_key=True)
    id: int = Field(default=None, primary_key=True, sa_type=BigInteger, sa_column_args=[Identity(always=True)])
    kind: str = text_column()
    order_id: UUID = uuid_column()
    request_id: UUID | None = uuid_column(nullable=True)
    created_at: datetime = time_column()


class QuarantinedReportRow(SQLModel, table=True):
    """A broker's report that fits no transition or no order: kept whole, alarmed, never published."""

    __tablename__ = "quarantined_reports"
    __table_args__ = (refers(_ACCOUNT, "broker_accounts", ["tenant_id", "id"]),)

    tenant_id: UUID = uuid_column(primary_key=True)
    id: UUID = uuid_column(primary_key=True)
    account_id: UUID = uuid_column()
    order_id: UUID | None = uuid_column(nullable=True)
    reason: str = text_column()
    report: dict[str, Any] = json_column()
    recorded_at: datetime = time_column()
