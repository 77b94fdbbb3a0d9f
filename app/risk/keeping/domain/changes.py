"""A limit as it is asked for, its versions, and the changes that wait for a second person."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from app.core.fix import RiskLimitType
from app.core.ids import AccountId, InstrumentId, LimitId, ProposalId, StrategyId
from app.core.money import plain
from app.core.records import replace
from app.risk.domain import RiskLimit

LIMITS_MAX: Final = 1_000
"""A bound on what the intake reads along with each order of a tenant."""
PENDING_MAX: Final = 200
PROPOSAL_LASTS: Final = timedelta(days=3)
REASON_LENGTH_MAX: Final = 500


class LimitAction(StrEnum):
    """What made a version of a limit."""

    CREATED = "CREATED"
    CHANGED = "CHANGED"
    DELETED = "DELETED"


class ProposalState(StrEnum):
    """How far a proposed change has come. OVERTAKEN: the limit changed meanwhile; WITHDRAWN: its maker took it back."""

    PENDING = "PENDING"
    APPROVED = "APPROVED"
    REJECTED = "REJECTED"
    WITHDRAWN = "WITHDRAWN"
    EXPIRED = "EXPIRED"
    OVERTAKEN = "OVERTAKEN"


class FourEyes(StrEnum):
    """When a loosening needs a second person: AUTO where the tenant has two or more who may, ALWAYS, or NEVER."""

    AUTO = "auto"
    ALWAYS = "always"
    NEVER = "never"


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitSetting:
    """A limit as it is asked for: new without an id, else the whole of what the limit is to be from now on."""

    id: LimitId | None = None
    expected_version: int | None = None
    wanted: RiskLimit
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitVersion:
    """A version of a limit. before is None for the first one, after for a deletion; both are limit_document()s."""

    limit_id: LimitId
    version: int
    action: LimitAction
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None
    changed_by: str
    reason: str | None
    recorded_at: datetime
    proposal_id: ProposalId | None = None
    approved_by: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitProposal:
    """A change that waits for a second person. wanted is None for a deletion; why says in which ways it loosens."""

    id: ProposalId
    limit_id: LimitId
    account_id: AccountId | None
    base_version: int
    before: Mapping[str, Any]
    wanted: Mapping[str, Any] | None
    why: tuple[str, ...]
    reason: str | None
    proposed_by: str
    created_at: datetime
    expires_at: datetime
    state: ProposalState = ProposalState.PENDING
    decided_by: str | None = None
    decided_at: datetime | None = None
    decision_reason: str | None = None

    def state_at(self, now: datetime) -> ProposalState:
        """The state, EXPIRED for one that still waits after its time."""
        if self.state is ProposalState.PENDING and self.expires_at <= now:
            return ProposalState.EXPIRED
        return self.state


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptLimit:
    """A limit with when it was made and last changed, and its last drill."""

    limit: RiskLimit
    created_by: str
    created_at: datetime
    updated_at: datetime
    last_drill: "LimitDrill | None" = None


class DrillOutcome(StrEnum):
    """What a drill found.

    FIRED: the limit lets the account's own facts pass, and refuses just beyond. FAILS_CLOSED: it refuses either way,
    because a figure that it needs is missing. ALREADY_BREACHED: the facts themselves are beyond it. SILENT: it did not
    refuse. NOT_DRILLED: there is nothing to hold against it.
    """

    FIRED = "FIRED"
    ALREADY_BREACHED = "ALREADY_BREACHED"
    FAILS_CLOSED = "FAILS_CLOSED"
    SILENT = "SILENT"
    NOT_DRILLED = "NOT_DRILLED"


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitDrill:
    """When a limit was last held against an order just beyond it, on which account, and what it said."""

    limit_id: LimitId
    limit_version: int
    account_id: AccountId | None
    outcome: DrillOutcome
    message: str
    drilled_by: str
    drilled_at: datetime


def limit_document(limit: RiskLimit) -> dict[str, Any]:
    """The limit as versions, proposals and the audit log keep it."""
    return {
        "limitType": limit.limit_type.value,
        "value": None if limit.value is None else plain(limit.value),
        "currency": limit.currency,
        "conditions": dict(limit.conditions),
        "accountId": _text(limit.account_id),
        "strategyId": _text(limit.strategy_id),
        "instrumentId": _text(limit.instrument_id),
        "isActive": limit.is_active,
        "isShadow": limit.is_shadow,
        "warnAt": None if limit.warn_at is None else plain(limit.warn_at),
        "effectiveFrom": None if limit.effective_from is None else limit.effective_from.isoformat(),
        "effectiveUntil": None if limit.effective_until is None else limit.effective_until.isoformat(),
    }


def limit_of_document(limit_id: LimitId, version: int, kept: Mapping[str, Any]) -> RiskLimit:
    """The limit of a limit_document()."""

    def one(key: str, kind: Any) -> Any:
        return None if kept[key] is None else kind(kept[key])

    return RiskLimit(
        id=limit_id,
        limit_type=RiskLimitType(kept["limitType"]),
        value=one("value", Decimal),
        currency=kept["currency"],
        conditions=dict(kept["conditions"]),
        account_id=one("accountId", lambda text: AccountId(UUID(text))),
        strategy_id=one("strategyId", lambda text: StrategyId(UUID(text))),
        instrument_id=one("instrumentId", lambda text: InstrumentId(UUID(text))),
        is_active=kept["isActive"],
        is_shadow=kept["isShadow"],
        warn_at=one("warnAt", Decimal),
        effective_from=one("effectiveFrom", datetime.fromisoformat),
        effective_until=one("effectiveUntil", datetime.fromisoformat),
        version=version,
    )


def is_alike(one: RiskLimit, other: RiskLimit) -> bool:
    """True when the two ask the same, whatever their ids and versions."""
    return replace(one, id=other.id, version=other.version) == other


def _text(value: object | None) -> str | None:
    return None if value is None else str(value)
