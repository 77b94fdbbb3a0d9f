"""Queries and subscriptions of utilisation, breaches and circuit breakers."""

from collections.abc import AsyncGenerator
from uuid import UUID

import strawberry

from app.core.errors import InputError
from app.core.fix import RiskLimitType
from app.core.ids import AccountId, BreakerId, LimitId
from app.flows.risk.circuit_breakers import (
    count_trips,
    follow_breakers,
    follow_trips,
    list_circuit_breakers,
    page_of_trips,
)
from app.flows.risk.view_risk import (
    LISTED_MAX,
    count_breaches,
    follow_alerts,
    page_of_breaches,
    page_of_utilisation,
    risk_utilisation,
)
from app.identity.domain import Scope
from app.risk.monitoring.batch import BreachFilter
from app.risk.monitoring.domain.watch import Level
from schema.base.context import Info
from schema.base.ids import parse_id
from schema.base.pagination import window_of
from schema.base.permissions import scoped
from schema.brokers.types import known_account
from schema.risk.monitoring import (
    BREACH_CURSORS,
    TRIP_CURSORS,
    UTILISATION_CURSORS,
    CircuitBreaker,
    CircuitBreakerTrip,
    CircuitBreakerTripConnection,
    RiskBreachConnection,
    RiskUtilisation,
    RiskUtilisationConnection,
)

_IDS_MAX = 100


@strawberry.input(description="Which breaches; each condition that is given holds.")
class RiskBreachFilter:
    """Which breaches."""

    account_ids: list[strawberry.ID] | None = None
    limit_ids: list[strawberry.ID] | None = None
    limit_types: list[RiskLimitType] | None = None
    levels: list[Level] | None = None
    is_open: bool | None = None
    is_acknowledged: bool | None = None


@strawberry.type
class RiskMonitoringQuery:
    """Queries of monitoring."""

    @strawberry.field(
        description=f"What is used of each limit in force by each account that it covers, the fullest first, at most "
        f"{LISTED_MAX}. Limits that ask about an order alone use nothing and are not there.",
        extensions=scoped(Scope.VIEW_POSITIONS),
    )
    async def risk_utilisation(self, info: Info, account_id: strawberry.ID | None = None) -> list[RiskUtilisation]:
        """What is used of the limits."""
        account = None if account_id is None else await known_account(info, account_id, "accountId")
        found = await risk_utilisation(info.context.desk, info.context.principal, account, LISTED_MAX)
        return [RiskUtilisation.of(one) for one in found]

    @strawberry.field(
        description="The same page by page, by limit and account.", extensions=scoped(Scope.VIEW_POSITIONS)
    )
    async def risk_utilisation_page(
        self,
        info: Info,
        account_id: strawberry.ID | None = None,
        first: int | None = 50,
        after: str | None = None,
    ) -> RiskUtilisationConnection:
        """A page of what is used of the limits."""
        account = None if account_id is None else await known_account(info, account_id, "accountId")
        window = window_of(first=first, after=after, read=_pair)
        page, total = await page_of_utilisation(info.context.desk, info.context.principal, account, window)

        async def count() -> int:
            return total

        return RiskUtilisationConnection.of(page, window, count)

    @strawberry.field(
        description="The times that limits were nearly full, breached, or refused orders, the newest first.",
        extensions=scoped(Scope.VIEW_POSITIONS),
    )
    async def risk_breaches(
        self,
        info: Info,
        filter: RiskBreachFilter | None = None,  # noqa: A002
        first: int | None = 50,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
    ) -> RiskBreachConnection:
        """A page of breaches."""
        desk, principal = info.context.desk, info.context.principal
        wanted = _wanted(filter)
        window = window_of(first=first, after=after, last=last, before=before, read=BREACH_CURSORS.read_id)
        page = await page_of_breaches(desk, principal, wanted, window)
        return RiskBreachConnection.of(page, window, lambda: count_breaches(desk, principal, wanted))

    @strawberry.field(
        description="The circuit breakers, the oldest first; a firm has at most 100.",
        extensions=scoped(Scope.VIEW_ORDERS),
    )
    async def circuit_breakers(self, info: Info) -> list[CircuitBreaker]:
        """The circuit breakers."""
        found = await list_circuit_breakers(info.context.desk, info.context.principal)
        return [CircuitBreaker.of(one) for one in found]

    @strawberry.field(
        description="The times that circuit breakers halted, the newest first.", extensions=scoped(Scope.VIEW_ORDERS)
    )
    async def circuit_breaker_trips(
        self,
        info: Info,
        breaker_id: strawberry.ID | None = None,
        first: int | None = 50,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
    ) -> CircuitBreakerTripConnection:
        """A page of trips."""
        desk, principal = info.context.desk, info.context.principal
        breaker = None if breaker_id is None else BreakerId(parse_id(breaker_id, "breakerId"))
        window = window_of(first=first, after=after, last=last, before=before, read=TRIP_CURSORS.read_id)
        page = await page_of_trips(desk, principal, breaker, window)
        return CircuitBreakerTripConnection.of(page, window, lambda: count_trips(desk, principal, breaker))


@strawberry.type
class RiskMonitoringSubscription:
    """Subscriptions of monitoring."""

    @strawberry.subscription(
        description="The limits that are nearly full or breached, then each that becomes so or is so no more; alert "
        "tells which. Whoever comes back starts with those that stand.",
        extensions=scoped(Scope.VIEW_POSITIONS),
    )
    async def risk_alerts(self, info: Info) -> AsyncGenerator[RiskUtilisation, None]:
        """Alerts as they come."""
        async for view in follow_alerts(info.context.desk, info.context.principal):
            yield RiskUtilisation.of(view)

    @strawberry.subscription(
        description="The trips of circuit breakers whose halts are in force, then each as it happens.",
        extensions=scoped(Scope.VIEW_ORDERS),
    )
    async def circuit_breaker_trips(self, info: Info) -> AsyncGenerator[CircuitBreakerTrip, None]:
        """Trips as they come."""
        async for trip in follow_trips(info.context.desk, info.context.principal):
            yield CircuitBreakerTrip.of(trip)

    @strawberry.subscription(
        description="The circuit breakers that are blind for an account or wait for a second person, then each as it "
        "is changed, proposed to be, taken away, or sees more or less.",
        extensions=scoped(Scope.VIEW_ORDERS),
    )
    async def circuit_breakers_changed(self, info: Info) -> AsyncGenerator[CircuitBreaker, None]:
        """Breakers as they change."""
        async for one in follow_breakers(info.context.desk, info.context.principal):
            yield CircuitBreaker.of(one)


def _pair(cursor: str, path: str) -> tuple[LimitId, AccountId]:
    limit, _, account = UTILISATION_CURSORS.read(cursor, path).partition(":")
    try:
        return LimitId(UUID(limit)), AccountId(UUID(account))
    except ValueError as error:
        raise InputError("This is not a cursor of this list.", path=[path]) from error


def _wanted(given: RiskBreachFilter | None) -> BreachFilter:
    if given is None:
        return BreachFilter()
    accounts, limits = _ids(given.account_ids, "accountIds"), _ids(given.limit_ids, "limitIds")
    return BreachFilter(
        account_ids=None if accounts is None else [AccountId(one) for one in accounts],
        limit_ids=None if limits is None else [LimitId(one) for one in limits],
        limit_types=given.limit_types,
        levels=given.levels,
        is_open=given.is_open,
        is_acknowledged=given.is_acknowledged,
    )


def _ids(given: list[strawberry.ID] | None, name: str) -> list[UUID] | None:
    if given is None:
        return None
    if len(given) > _IDS_MAX:
        raise InputError(f"At most {_IDS_MAX} at once.", path=["filter", name])
    return [parse_id(one, "filter", name, str(place)) for place, one in enumerate(given)]
