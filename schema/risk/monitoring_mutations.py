"""Mutations of breaches and circuit breakers."""

from decimal import Decimal

import strawberry

from app.core.errors import OmsError
from app.core.ids import AccountId, BreachId, BreakerId
from app.core.trading_modes import TradingMode
from app.flows.risk.circuit_breakers import BreakerSetting, delete_circuit_breaker, set_circuit_breaker
from app.flows.risk.view_risk import NOTE_LENGTH_MAX, acknowledge_breach
from app.identity.domain import Scope
from app.risk.monitoring.domain import breakers
from app.risk.monitoring.domain.breakers import COOLDOWN_S, COOLDOWN_S_MAX, MINIMUM, WINDOW_S, WINDOW_S_MAX, BreakerKind
from app.risk.monitoring.errors import BreachUnknownError, BreakerTargetUnknownError, BreakerUnknownError
from schema.base.context import Info
from schema.base.ids import is_id, parse_id
from schema.base.permissions import scoped
from schema.risk.monitoring import CircuitBreaker, CircuitBreakerPayload, RiskBreach, RiskBreachPayload, breaker_errors

_NO_ID = BreakerId(parse_id("00000000-0000-0000-0000-000000000000"))


@strawberry.input
class AcknowledgeRiskBreachInput:
    """Which breach was seen, and what is to be said of it."""

    breach_id: strawberry.ID
    note: str = strawberry.field(description=f"1 to {NOTE_LENGTH_MAX} characters; it is kept with the breach.")


@strawberry.input(
    description="A new circuit breaker, or with an id the whole of what it is to be from now on. It keeps its kind and "
    "what it covers."
)
class SetCircuitBreakerInput:
    """A circuit breaker as it is asked for."""

    id: strawberry.ID | None = None
    expected_version: int | None = strawberry.field(
        default=None, description="Refused when the breaker is at another one: somebody was faster."
    )
    kind: BreakerKind
    account_id: strawberry.ID | None = strawberry.field(
        default=None, description="Null for the whole firm: its accounts count together, and all are halted."
    )
    threshold: Decimal = strawberry.field(
        description="LOSS: money. DRAWDOWN, REJECT_RATE: percent. DISCONNECTS, MESSAGE_RATE: a count. It trips at it."
    )
    currency: str | None = strawberry.field(default=None, description="Of a LOSS; null for the base currency.")
    mode: TradingMode = strawberry.field(description="REDUCE_ONLY or HALTED.")
    window_seconds: int | None = strawberry.field(default=WINDOW_S, description=f"1 to {WINDOW_S_MAX}.")
    minimum_orders: int | None = strawberry.field(
        default=MINIMUM, description="How many orders a REJECT_RATE needs to judge by."
    )
    cooldown_seconds: int | None = strawberry.field(
        default=COOLDOWN_S, description=f"For how long it does not trip after a release, 0 to {COOLDOWN_S_MAX}."
    )
    is_active: bool | None = True


@strawberry.input
class DeleteCircuitBreakerInput:
    """Which circuit breaker goes."""

    id: strawberry.ID


@strawberry.type
class RiskMonitoringMutation:
    """Mutations of monitoring."""

    @strawberry.mutation(
        description="Says that a person has seen a breach, and what is to be said of it. The breach itself goes on or "
        "not, as the figures do.",
        extensions=scoped(Scope.MANAGE_RISK),
    )
    async def acknowledge_risk_breach(
        self,
        info: Info,
        input: AcknowledgeRiskBreachInput,  # noqa: A002
    ) -> RiskBreachPayload:
        """Acknowledges a breach."""
        try:
            if not is_id(input.breach_id):
                raise BreachUnknownError("breachId")
            breach = await acknowledge_breach(
                info.context.desk, info.context.principal, BreachId(parse_id(input.breach_id)), input.note
            )
        except OmsError as error:
            return RiskBreachPayload(errors=breaker_errors(error))
        return RiskBreachPayload(breach=RiskBreach.of(breach))

    @strawberry.mutation(
        description="Makes or changes a circuit breaker. It counts within a second or two; whoever set it, its halts "
        "are released by a person. What loosens it waits as its `proposal` where the firm wants two people for that: "
        "another person who asks for the same makes it count, who asks for anything else proposes anew.",
        extensions=scoped(Scope.MANAGE_RISK, step_up=True),
    )
    async def set_circuit_breaker(self, info: Info, input: SetCircuitBreakerInput) -> CircuitBreakerPayload:  # noqa: A002
        """Makes or changes a circuit breaker."""
        try:
            setting = _setting(input)
            breaker = await set_circuit_breaker(info.context.desk, info.context.principal, setting)
        except OmsError as error:
            return CircuitBreakerPayload(errors=breaker_errors(error))
        return CircuitBreakerPayload(circuit_breaker=CircuitBreaker.of(breaker))

    @strawberry.mutation(
        description="Takes a circuit breaker away. A halt that it has set stays until a person releases it. It waits "
        "as `proposal` for a second person as a loosening of setCircuitBreaker does.",
        extensions=scoped(Scope.MANAGE_RISK, step_up=True),
    )
    async def delete_circuit_breaker(self, info: Info, input: DeleteCircuitBreakerInput) -> CircuitBreakerPayload:  # noqa: A002
        """Takes a circuit breaker away."""
        try:
            if not is_id(input.id):
                raise BreakerUnknownError("id")
            breaker_id = BreakerId(parse_id(input.id))
            breaker = await delete_circuit_breaker(info.context.desk, info.context.principal, breaker_id)
        except OmsError as error:
            return CircuitBreakerPayload(errors=breaker_errors(error))
        return CircuitBreakerPayload(circuit_breaker=CircuitBreaker.of(breaker))


def _setting(given: SetCircuitBreakerInput) -> BreakerSetting:
    if given.id is not None and not is_id(given.id):
        raise BreakerUnknownError("id")
    if given.account_id is not None and not is_id(given.account_id):
        raise BreakerTargetUnknownError("accountId")
    known = None if given.id is None else BreakerId(parse_id(given.id))
    return BreakerSetting(
        id=known,
        expected_version=given.expected_version,
        wanted=breakers.CircuitBreaker(
            id=_NO_ID if known is None else known,
            kind=given.kind,
            account_id=None if given.account_id is None else AccountId(parse_id(given.account_id)),
            threshold=given.threshold,
            mode=given.mode,
            currency=given.currency,
            window_s=WINDOW_S if given.window_seconds is None else given.window_seconds,
            minimum=MINIMUM if given.minimum_orders is None else given.minimum_orders,
            cooldown_s=COOLDOWN_S if given.cooldown_seconds is None else given.cooldown_seconds,
            is_active=given.is_active is not False,
        ),
    )
