"""Tables of the second factor: it belongs to a person, who is global; the challenge of a login to a tenant."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Index, LargeBinary, UniqueConstraint
from sqlmodel import Field, SQLModel

from app.infra.tables import refers, text_column, time_column, uuid_column


class SecondFactorRow(SQLModel, table=True):
    """The secret that a person's codes are made of, sealed under a data key of the person's own.

    That key stands beside it, wrapped by a version of the master key. confirmed_at is None until the first code;
    last_step is that of the last code used, and only grows.
    """

    __tablename__ = "second_factors"
    __table_args__ = (refers(["user_id"], "users", ["id"]),)

    user_id: UUID = uuid_column(primary_key=True)
    master_version: str = text_column()
    wrapped_key: bytes = Field(sa_type=LargeBinary)
    sealed_secret: bytes = Field(sa_type=LargeBinary)
    last_step: int = Field(sa_type=BigInteger)
    begun_at: datetime = time_column()
    confirmed_at: datetime | None = time_column(nullable=True)


class RecoveryCodeRow(SQLModel, table=True):
    """A recovery code of a person, known by its hash alone. used_at is set once."""

    __tablename__ = "recovery_codes"
    __table_args__ = (
        refers(["user_id"], "users", ["id"]),
        CheckConstraint("length(code_hash) = 32", name="code_hash"),
    )

    user_id: UUID = uuid_column(primary_key=True)
    code_hash: bytes = Field(sa_type=LargeBinary, primary_key=True)
    created_at: datetime = time_column()
    used_at: datetime | None = time_column(nullable=True)


class ProofFailureRow(SQLModel, table=True):
    """Wrong codes and passwords of a person, since the last right one."""

    __tablename__ = "proof_failures"
    __table_args__ = (refers(["user_id"], "users", ["id"]), CheckConstraint("failures > 0", name="failures"))

    user_id: UUID = uuid_column(primary_key=True)
    failures: int
    last_failed_at: datetime = time_column()


class TwoFactorChallengeRow(SQLModel, table=True):
    """The half of a login that waits for its code, known by the SHA-256 of its secret."""

    __tablename__ = "two_factor_challenges"
    __table_args__ = (
        refers(["tenant_id", "user_id"], "memberships", ["tenant_id", "user_id"]),
        UniqueConstraint("tenant_id", "token_hash"),
        CheckConstraint("length(token_hash) = 32", name="token_hash"),
        Index("ix_two_factor_challenges_expires", "tenant_id", "expires_at"),
    )

    tenant_id: UUID = uuid_column(primary_key=True)
    id: UUID = uuid_column(primary_key=True)
    user_id: UUID = uuid_column()
    token_hash: bytes = Field(sa_type=LargeBinary)
    attempts: int
    created_at: datetime = time_column()
    expires_at: datetime = time_column()
    used_at: datetime | None = time_column(nullable=True)
