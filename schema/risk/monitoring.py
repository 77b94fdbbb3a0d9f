"""The GraphQL types of utilisation, breaches, circuit breakers and their trips."""

from datetime import datetime
from decimal import Decimal
from typing import Final
from uuid import UUID

import strawberry

from app.core.errors import OmsError
from app.core.fix import RiskLimitType
from app.core.ids import AccountId, LimitId
from app.core.paging import Page, Window
from app.core.trading_modes import TradingMode
from app.flows.risk.view_risk import UtilisationView
from app.risk.monitoring.domain import breakers, watch
from app.risk.monitoring.domain.breakers import BreakerKind
from app.risk.monitoring.domain.loosening import PROPOSAL_LASTS
from app.risk.monitoring.domain.watch import AlertKind, Level
from app.risk.monitoring.errors import BreakerInvalidError
from schema.base.errors import UserError, problem_errors, user_errors
from schema.base.pagination import Count, Counted, Cursors, page_info
from schema.risk.limits import RiskLimit

UTILISATION_CURSORS: Final = Cursors("riskUtilisation")
BREACH_CURSORS: Final = Cursors("riskBreach")
TRIP_CURSORS: Final = Cursors("circuitBreakerTrip")

strawberry.enum(AlertKind, name="RiskAlertKind", description="What an alert tells.")
strawberry.enum(
    Level,
    name="RiskBreachLevel",
    description="REFUSALS: orders were refused that would have breached the limit, and it is far from full. WARNING: "
    "it is nearly full. BREACH: more is used than it allows. CLEAR is none of them and never recorded.",
)
strawberry.enum(
    BreakerKind,
    name="CircuitBreakerKind",
    description="LOSS: the loss of the day, in money. DRAWDOWN: how far the equity is below its peak, in percent. "
    "REJECT_RATE: which percentage of orders was rejected, by the house or by the broker. DISCONNECTS: how often the "
    "broker was lost. MESSAGE_RATE: orders, changes and cancels. The last three count within windowSeconds.",
)


@strawberry.type(
    description="What an account uses of a limit as things stand, positions marked at the newest quotes. Of a limit "
    "that holds for each instrument it is that of the fullest one, which instrumentId names."
)
class RiskUtilisation:
    """What an account uses of a limit."""

    limit: RiskLimit
    account_id: strawberry.ID
    instrument_id: strawberry.ID | None
    used: Decimal = strawberry.field(description="In the unit of the limit; 0 where it could not be measured.")
    value: Decimal
    ratio: float = strawberry.field(
        description="Which part of the value is used, above 1 beyond it, at most 1000. Of a least amount: how near it "
        "has come."
    )
    is_breached: bool
    is_measured: bool = strawberry.field(
        description="False where something that counts is not known, which message tells. Orders that the limit covers "
        "are refused then."
    )
    message: str
    alert: AlertKind | None = strawberry.field(description="Why it is told; null where it was asked for.")
    breach_id: strawberry.ID | None = strawberry.field(description="The record of the alert.")
    measured_at: datetime

    @classmethod
    def of(cls, view: UtilisationView) -> "RiskUtilisation":
        """The type of the value."""
        return cls(
            limit=RiskLimit.of(view.kept),
            account_id=strawberry.ID(str(view.account_id)),
            instrument_id=_id(view.instrument_id),
            used=view.used,
            value=view.value,
            ratio=float(view.ratio),
            is_breached=view.is_breached,
            is_measured=view.is_measured,
            message=view.message,
            alert=view.alert,
            breach_id=_id(view.breach_id),
            measured_at=view.at,
        )


@strawberry.type(description="One time that a limit was nearly full, breached, or refused orders, with an account.")
class RiskBreach:
    """One time that a limit was at a level with an account."""

    id: strawberry.ID
    limit_id: strawberry.ID
    limit_version: int
    limit_type: RiskLimitType
    account_id: strawberry.ID
    instrument_id: strawberry.ID | None
    level: Level
    observed: Decimal = strawberry.field(description="What was used when it began.")
    value: Decimal
    ratio: float
    peak_observed: Decimal = strawberry.field(description="The worst of what was used since.")
    peak_ratio: float
    refusals: int = strawberry.field(description="How many orders the limit refused meanwhile.")
    last_refused_at: datetime | None
    opened_at: datetime
    cleared_at: datetime | None = strawberry.field(description="Null while it lasts.")
    acknowledged_by: str | None
    acknowledged_at: datetime | None
    note: str | None

    @classmethod
    def of(cls, one: watch.BreachRecord) -> "RiskBreach":
        """The type of the value."""
        return cls(
            id=strawberry.ID(str(one.id)),
            limit_id=strawberry.ID(str(one.limit_id)),
            limit_version=one.limit_version,
            limit_type=one.limit_type,
            account_id=strawberry.ID(str(one.account_id)),
            instrument_id=_id(one.instrument_id),
            level=one.level,
            observed=one.observed,
            value=one.value,
            ratio=float(one.ratio),
            peak_observed=one.peak_observed,
            peak_ratio=float(one.peak_ratio),
            refusals=one.refusals,
            last_refused_at=one.last_refused_at,
            opened_at=one.opened_at,
            cleared_at=one.cleared_at,
            acknowledged_by=one.acknowledged_by,
            acknowledged_at=one.acknowledged_at,
            note=one.note,
        )


@strawberry.type(
    description="What somebody wants of a circuit breaker that loosens it. It waits until another person says the same."
)
class CircuitBreakerProposal:
    """What somebody wants of a circuit breaker."""

    is_deletion: bool = strawberry.field(description="True to take it away; then the terms are null.")
    threshold: Decimal | None
    currency: str | None
    mode: TradingMode | None
    window_seconds: int | None
    minimum_orders: int | None
    cooldown_seconds: int | None
    is_active: bool | None
    why: list[str] = strawberry.field(description="In which ways it is looser.")
    proposed_by: str
    proposed_at: datetime
    expires_at: datetime = strawberry.field(description="From then on it counts no more.")

    @classmethod
    def of(cls, one: breakers.BreakerProposal) -> "CircuitBreakerProposal":
        """The type of the value."""
        wanted = one.wanted
        return cls(
            is_deletion=wanted is None,
            threshold=None if wanted is None else wanted.threshold,
            currency=None if wanted is None else wanted.currency,
            mode=None if wanted is None else wanted.mode,
            window_seconds=None if wanted is None else wanted.window_s,
            minimum_orders=None if wanted is None else wanted.minimum,
            cooldown_seconds=None if wanted is None else wanted.cooldown_s,
            is_active=None if wanted is None else wanted.is_active,
            why=list(one.why),
            proposed_by=one.proposed_by,
            proposed_at=one.proposed_at,
            expires_at=one.proposed_at + PROPOSAL_LASTS,
        )


@strawberry.type(description="What halts trading by itself; a person releases the halt.")
class CircuitBreaker:
    """What halts trading by itself."""

    id: strawberry.ID
    kind: BreakerKind
    account_id: strawberry.ID | None = strawberry.field(
        description="Null for the whole firm: its accounts count together, and all are halted."
    )
    threshold: Decimal = strawberry.field(description="In the unit of the kind; it trips at this figure.")
    currency: str | None = strawberry.field(description="Of a LOSS; null for the base currency.")
    mode: TradingMode
    window_seconds: int
    minimum_orders: int = strawberry.field(description="How many orders a REJECT_RATE needs to judge by.")
    cooldown_seconds: int = strawberry.field(description="For how long it does not trip after a release.")
    is_active: bool
    version: int
    updated_by: str
    updated_at: datetime | None
    proposal: CircuitBreakerProposal | None = strawberry.field(
        description="What somebody wants of it, until another person says the same; null where nothing waits."
    )
    blind_since: datetime | None = strawberry.field(
        description="Since when it does not know the present figures of all its accounts; null while it does."
    )
    blind_account_ids: list[strawberry.ID] = strawberry.field(
        description="Those accounts, as far as you may see them. A DRAWDOWN counts them as they were told last, a LOSS "
        "leaves them out."
    )

    @classmethod
    def of(cls, one: breakers.CircuitBreaker) -> "CircuitBreaker":
        """The type of the value."""
        return cls(
            id=strawberry.ID(str(one.id)),
            kind=one.kind,
            account_id=_id(one.account_id),
            threshold=one.threshold,
            currency=one.currency,
            mode=one.mode,
            window_seconds=one.window_s,
            minimum_orders=one.minimum,
            cooldown_seconds=one.cooldown_s,
            is_active=one.is_active,
            version=one.version,
            updated_by=one.updated_by,
            updated_at=one.updated_at,
            proposal=None if one.proposal is None else CircuitBreakerProposal.of(one.proposal),
            blind_since=one.blind_since,
            blind_account_ids=[strawberry.ID(str(account_id)) for account_id in one.blind_accounts],
        )


@strawberry.type(description="One time that a circuit breaker halted.")
class CircuitBreakerTrip:
    """One time that a circuit breaker halted."""

    id: strawberry.ID
    breaker_id: strawberry.ID
    breaker_version: int
    kind: BreakerKind
    account_id: strawberry.ID | None
    threshold: Decimal
    observed: Decimal
    reason: str
    halt_id: strawberry.ID
    tripped_at: datetime
    resumed_at: datetime | None = strawberry.field(description="When its halt was released; null while it holds.")

    @classmethod
    def of(cls, one: breakers.Trip) -> "CircuitBreakerTrip":
        """The type of the value."""
        return cls(
            id=strawberry.ID(str(one.id)),
            breaker_id=strawberry.ID(str(one.breaker_id)),
            breaker_version=one.breaker_version,
            kind=one.kind,
            account_id=_id(one.account_id),
            threshold=one.threshold,
            observed=one.observed,
            reason=one.reason,
            halt_id=strawberry.ID(str(one.halt_id)),
            tripped_at=one.tripped_at,
            resumed_at=one.resumed_at,
        )


@strawberry.type
class RiskUtilisationEdge:
    """A utilisation at its place in a list."""

    cursor: str
    node: RiskUtilisation


@strawberry.type(description="Utilisation, by limit and account.")
class RiskUtilisationConnection(Counted):
    """A page of utilisation."""

    edges: list[RiskUtilisationEdge]

    @classmethod
    def of(
        cls, page: Page[UtilisationView], window: Window[tuple[LimitId, AccountId]], count: Count
    ) -> "RiskUtilisationConnection":
        """The page with its cursors."""
        write = UTILISATION_CURSORS.write
        edges = [
            RiskUtilisationEdge(cursor=write(f"{one.kept.limit.id}:{one.account_id}"), node=RiskUtilisation.of(one))
            for one in page.items
        ]
        return cls(edges=edges, page_info=page_info(page, window, [edge.cursor for edge in edges]), count=count)


@strawberry.type
class RiskBreachEdge:
    """A breach at its place in a list."""

    cursor: str
    node: RiskBreach


@strawberry.type(description="Breaches, the newest first.")
class RiskBreachConnection(Counted):
    """A page of breaches."""

    edges: list[RiskBreachEdge]

    @classmethod
    def of(cls, page: Page[watch.BreachRecord], window: Window[UUID], count: Count) -> "RiskBreachConnection":
        """The page with its cursors."""
        edges = [
            RiskBreachEdge(cursor=BREACH_CURSORS.write(str(one.id)), node=RiskBreach.of(one)) for one in page.items
        ]
        return cls(edges=edges, page_info=page_info(page, window, [edge.cursor for edge in edges]), count=count)


@strawberry.type
class CircuitBreakerTripEdge:
    """A trip at its place in a list."""

    cursor: str
    node: CircuitBreakerTrip


@strawberry.type(description="Trips of circuit breakers, the newest first.")
class CircuitBreakerTripConnection(Counted):
    """A page of trips."""

    edges: list[CircuitBreakerTripEdge]

    @classmethod
    def of(cls, page: Page[breakers.Trip], window: Window[UUID], count: Count) -> "CircuitBreakerTripConnection":
        """The page with its cursors."""
        edges = [
            CircuitBreakerTripEdge(cursor=TRIP_CURSORS.write(str(one.id)), node=CircuitBreakerTrip.of(one))
            for one in page.items
        ]
        return cls(edges=edges, page_info=page_info(page, window, [edge.cursor for edge in edges]), count=count)


@strawberry.type
class RiskBreachPayload:
    """The answer of an acknowledgement."""

    breach: RiskBreach | None = None
    errors: list[UserError] = strawberry.field(default_factory=list)


@strawberry.type
class CircuitBreakerPayload:
    """The answer of what changes a circuit breaker."""

    circuit_breaker: CircuitBreaker | None = None
    errors: list[UserError] = strawberry.field(default_factory=list)


def breaker_errors(error: OmsError) -> list[UserError]:
    """The errors as a payload carries them: of a breaker all that is wrong with it."""
    if isinstance(error, BreakerInvalidError) and error.problems:
        return problem_errors(error.problems)
    return user_errors(error)


def _id(value: UUID | None) -> strawberry.ID | None:
    return None if value is None else strawberry.ID(str(value))
