"""The column types that all tables share: exact numerics, UTC timestamps, enumerations as checked text, JSON."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import JSON, CheckConstraint, ForeignKeyConstraint, MetaData, Numeric, Text, Uuid
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP
from sqlmodel import Field, SQLModel

SQLModel.metadata.naming_convention = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
).naming_convention

metadata = SQLModel.metadata

NUMERIC = Numeric(28, 10)
NOTIONAL = Numeric(48, 20)
RATE = Numeric(38, 18)
TIMESTAMPTZ = TIMESTAMP(timezone=True)


def text_column(**options: Any) -> Any:
    """Text without a length limit of the database's; bounds are checked at the border."""
    return Field(sa_type=Text, **options)


def uuid_column(**options: Any) -> UUID:
    """A native UUID."""
    column: UUID = Field(sa_type=Uuid, **options)
    return column


def numeric_column(**options: Any) -> Decimal:
    """NUMERIC(28,10): money, prices and quantities."""
    column: Decimal = Field(sa_type=NUMERIC, **options)
    return column


def time_column(**options: Any) -> datetime:
    """An instant."""
    column: datetime = Field(sa_type=TIMESTAMPTZ, **options)
    return column


def json_column(**options: Any) -> Any:
    """A JSON document."""
    return Field(sa_type=JSONB, **options)


def told_json_column(**options: Any) -> Any:
    """A JSON document that is stored once and read whole: as text it costs the server half of what parts would."""
    return Field(sa_type=JSON, **options)


def one_of(column: str, words: type[StrEnum]) -> CheckConstraint:
    """A CHECK that a text column holds a member of the enumeration."""
    listed = ", ".join(f"'{word.value}'" for word in words)
    return CheckConstraint(f"{column} IN ({listed})", name=column)


def refers(columns: Sequence[str], table: str, targets: Sequence[str]) -> ForeignKeyConstraint:
    """A composite foreign key: it carries the tenant, so that a row never refers to another tenant's."""
    return ForeignKeyConstraint(list(columns), [f"{table}.{target}" for target in targets])
