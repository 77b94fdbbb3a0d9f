"""The tables of compliance."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Date, Index, LargeBinary, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from app.compliance.domain.cases import CaseState, Disposition
from app.compliance.domain.order_record import RecordFormat
from app.compliance.domain.record_exports import ExportFailure, ExportState
from app.compliance.domain.restrictions import AlertOutcome, RestrictedAct, RestrictionKind
from app.compliance.domain.surveillance import CaseKind
from app.infra.tables import json_column, one_of, refers, text_column, time_column, uuid_column

_LIST = ["tenant_id", "list_id"]


class RestrictedListRow(SQLModel, table=True):
    """A restricted list as it stands."""

    __tablename__ = "restricted_lists"
    __table_args__ = (
        refers(["tenant_id"], "tenants", ["id"]),
        CheckConstraint("version >= 1", name="version"),
        UniqueConstraint("tenant_id", "name"),
    )

    tenant_id: UUID = uuid_column(primary_key=True)
    id: UUID = uuid_column(primary_key=True)
    name: str = text_column()
    description: str = text_column()
    is_active: bool
    is_reason_visible: bool
    version: int
    changed_by: str = text_column()
    reason: str = text_column()
    created_at: datetime = time_column()
    updated_at: datetime = time_column()


class RestrictedListVersionRow(SQLModel, table=True):
    """What a list was from one change up to the next. Its entries tell by themselves of which versions they are."""

    __tablename__ = "restricted_list_versions"
    __table_args__ = (refers(_LIST, "restricted_lists", ["tenant_id", "id"]),)

    tenant_id: UUID = uuid_column(primary_key=True)
    list_id: UUID = uuid_column(primary_key=True)
    version: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    name: str = text_column()
    is_active: bool
    is_reason_visible: bool
    added: int
    removed: int
    changed_by: str = text_column()
    reason: str = text_column()
    changed_at: datetime = time_column()


class RestrictedEntryRow(SQLModel, table=True):
    """An entry of a list: written once, and ended by the version that it is no more of."""

    __tablename__ = "restricted_entries"
    __table_args__ = (
        refers(_LIST, "restricted_lists", ["tenant_id", "id"]),
        refers(["tenant_id", "instrument_id"], "instruments", ["tenant_id", "id"]),
        one_of("kind", RestrictionKind),
        CheckConstraint("(instrument_id IS NULL) <> (symbol IS NULL)", name="target"),
        CheckConstraint("symbol = upper(symbol)", name="symbol"),
        CheckConstraint("removed_in > added_in", name="versions"),
        CheckConstraint("valid_until > valid_from", name="times"),
        Index("ix_restricted_entries_list", "tenant_id", "list_id", "id"),
        Index(
            "ix_restricted_entries_instrument",
            "tenant_id",
            "instrument_id",
            postgresql_where=text("removed_in IS NULL AND instrument_id IS NOT NULL"),
        ),
        Index(
            "ix_restricted_entries_symbol",
            "tenant_id",
            "symbol",
            postgresql_where=text("removed_in IS NULL AND symbol IS NOT NULL"),
        ),
    )

    tenant_id: UUID = uuid_column(primary_key=True)
    id: UUID = uuid_column(primary_key=True)
    list_id: UUID = uuid_column()
    instrument_id: UUID | None = uuid_column(nullable=True)
    symbol: str | None = text_column(nullable=True)
    kind: str = text_column()
    reason: str = text_column()
    valid_from: datetime | None = time_column(nullable=True)
    valid_until: datetime | None = time_column(nullable=True)
    added_in: int
    added_by: str = text_column()
    added_at: datetime = time_column()
    removed_in: int | None = None


class RestrictionAlertRow(SQLModel, table=True):
    """A touch of a restricted name: what was asked, of which entry, and what became of it."""

    __tablename__ = "restriction_alerts"
    __table_args__ = (
        refers(["tenant_id", "order_id"], "orders", ["tenant_id", "id"]),
        refers(["tenant_id", "entry_id"], "restricted_entries", ["tenant_id", "id"]),
        one_of("act", RestrictedAct),
        one_of("outcome", AlertOutcome),
        one_of("kind", RestrictionKind),
        Index("ix_restriction_alerts_order", "tenant_id", "order_id"),
    )

    tenant_id: UUID = uuid_column(primary_key=True)
    id: UUID = uuid_column(primary_key=True)
    act: str = text_column()
    outcome: str = text_column()
    kind: str = text_column()
    list_id: UUID = uuid_column()
    entry_id: UUID = uuid_column()
    order_id: UUID = uuid_column()
    account_id: UUID = uuid_column()
    instrument_id: UUID = uuid_column()
    acted_by: str = text_column()
    created_at: datetime = time_column()


class CalendarDayRow(SQLModel, table=True):
    """A day on which an exchange keeps other hours than it told; bounds are minutes from midnight on its wall."""

    __tablename__ = "calendar_days"
    __table_args__ = (
        refers(["tenant_id"], "tenants", ["id"]),
        CheckConstraint("is_closed = (coalesce(opens, closes, extended_opens, extended_closes) IS NULL)", name="hours"),
    )

    tenant_id: UUID = uuid_column(primary_key=True)
    exchange: str = text_column(primary_key=True)
    day: date = Field(sa_type=Date, primary_key=True)
    name: str = text_column()
    is_closed: bool
    opens: int | None = None
    closes: int | None = None
    extended_opens: int | None = None
    extended_closes: int | None = None
    set_by: str = text_column()
    reason: str = text_column()
    set_at: datetime = time_column()


class SurveillanceCaseRow(SQLModel, table=True):
    """A case: a pattern that was found, once, and what became of it."""

    __tablename__ = "surveillance_cases"
    __table_args__ = (
        refers(["tenant_id", "account_id"], "broker_accounts", ["tenant_id", "id"]),
        UniqueConstraint("tenant_id", "kind", "case_key"),
        one_of("kind", CaseKind),
        one_of("state", CaseState),
        one_of("disposition", Disposition),
        CheckConstraint("(state = 'CLOSED') = (closed_by IS NOT NULL)", name="closed"),
        CheckConstraint("version >= 1", name="version"),
    )

    tenant_id: UUID = uuid_column(primary_key=True)
    id: UUID = uuid_column(primary_key=True)
    kind: str = text_column()
    case_key: str = text_column()
    state: str = text_column()
    summary: str = text_column()
    account_id: UUID = uuid_column()
    instrument_id: UUID | None = uuid_column(nullable=True)
    evidence: dict[str, Any] = json_column()
    assignee: str | None = text_column(nullable=True)
    disposition: str | None = text_column(nullable=True)
    disposition_reason: str | None = text_column(nullable=True)
    proposed_by: str | None = text_column(nullable=True)
    closed_by: str | None = text_column(nullable=True)
    version: int = 1
    occurred_at: datetime = time_column()
    opened_at: datetime = time_column()
    updated_at: datetime = time_column()


class SurveillanceNoteRow(SQLModel, table=True):
    """What somebody wrote about a case."""

    __tablename__ = "surveillance_notes"
    __table_args__ = (
        refers(["tenant_id", "case_id"], "surveillance_cases", ["tenant_id", "id"]),
        refers(["tenant_id", "account_id"], "broker_accounts", ["tenant_id", "id"]),
        Index("ix_surveillance_notes_case", "tenant_id", "case_id", "id"),
    )

    tenant_id: UUID = uuid_column(primary_key=True)
    id: UUID = uuid_column(primary_key=True)
    case_id: UUID = uuid_column()
    account_id: UUID = uuid_column()
    note: str = text_column()
    written_by: str = text_column()
    written_at: datetime = time_column()


class SurveillanceCursorRow(SQLModel, table=True):
    """Up to when the orders of a tenant were looked through."""

    __tablename__ = "surveillance_cursors"
    __table_args__ = (refers(["tenant_id"], "tenants", ["id"]),)

    tenant_id: UUID = uuid_column(primary_key=True)
    looked_to: datetime = time_column()


class RecordRetentionRow(SQLModel, table=True):
    """How long the tenant keeps alerts of restricted names and closed cases; without a row, as long as the default."""

    __tablename__ = "record_retentions"
    __table_args__ = (
        refers(["tenant_id"], "tenants", ["id"]),
        CheckConstraint("alert_days >= 1827 AND case_days >= 1827", name="days"),
    )

    tenant_id: UUID = uuid_column(primary_key=True)
    alert_days: int
    case_days: int
    set_by: str = text_column()
    set_at: datetime = time_column()


class OrderRecordExportRow(SQLModel, table=True):
    """A kept export of order records: what was asked for, and how far it is."""

    __tablename__ = "order_record_exports"
    __table_args__ = (
        refers(["tenant_id"], "tenants", ["id"]),
        one_of("format", RecordFormat),
        one_of("state", ExportState),
        one_of("failure", ExportFailure),
        CheckConstraint("from_time < to_time", name="times"),
        CheckConstraint("(state = 'DONE') = (sha256 IS NOT NULL)", name="sum"),
        CheckConstraint("(state IN ('DONE', 'FAILED')) = (expires_at IS NOT NULL)", name="expiry"),
        Index("ix_order_record_exports_due", "due_at", postgresql_where=text("state IN ('QUEUED', 'RUNNING')")),
        Index("ix_order_record_exports_expired", "tenant_id", "expires_at"),
    )

    tenant_id: UUID = uuid_column(primary_key=True)
    id: UUID = uuid_column(primary_key=True)
    from_time: datetime = time_column()
    to_time: datetime = time_column()
    of_account_id: UUID | None = uuid_column(nullable=True)
    format: str = text_column()
    state: str = text_column()
    requested_by: str = text_column()
    requested_at: datetime = time_column()
    due_at: datetime = time_column()
    attempt: int = Field(default=0, sa_column_kwargs={"server_default": text("0")})
    stalled: int = Field(default=0, sa_column_kwargs={"server_default": text("0")})
    behind: UUID | None = uuid_column(nullable=True)
    orders_total: int | None = None
    orders_written: int = Field(default=0, sa_column_kwargs={"server_default": text("0")})
    pieces: int = Field(default=0, sa_column_kwargs={"server_default": text("0")})
    size_bytes: int = Field(default=0, sa_type=BigInteger, sa_column_kwargs={"server_default": text("0")})
    stored_bytes: int = Field(default=0, sa_type=BigInteger, sa_column_kwargs={"server_default": text("0")})
    sha256: str | None = text_column(nullable=True)
    failure: str | None = text_column(nullable=True)
    started_at: datetime | None = time_column(nullable=True)
    finished_at: datetime | None = time_column(nullable=True)
    expires_at: datetime | None = time_column(nullable=True)


class OrderRecordPieceRow(SQLModel, table=True):
    """A piece of an export's file, compressed by itself. It is written once."""

    __tablename__ = "order_record_pieces"
    __table_args__ = (refers(["tenant_id", "export_id"], "order_record_exports", ["tenant_id", "id"]),)

    tenant_id: UUID = uuid_column(primary_key=True)
    export_id: UUID = uuid_column(primary_key=True)
    place: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    content: bytes = Field(sa_type=LargeBinary)
