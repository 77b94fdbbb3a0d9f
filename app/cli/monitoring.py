"""`oms risk utilisation`, `breaches` and `breakers`: the work behind the commands."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from app.core.errors import NotFoundError
from app.core.ids import TenantId
from app.core.money import plain
from app.core.paging import Window
from app.flows.orders.pre_trade import Market
from app.flows.positions.view_pnl import Day
from app.flows.risk.measure_risk import Measured, Measurer
from app.infra.db import Database, DatabaseRole
from app.infra.reach import reachable_settings
from app.infra.redis import Redis, make_client
from app.infra.settings import load_settings
from app.infra.system import SystemClock
from app.infra.uow import begin_batch, begin_system
from app.risk.monitoring import batch, breakers_batch
from app.risk.monitoring.batch import BreachFilter
from app.risk.monitoring.domain.breakers import CircuitBreaker, Trip, breaker_document
from app.risk.monitoring.domain.utilisation import Utilisation
from app.risk.monitoring.domain.watch import BreachRecord, Level
from app.tenants import batch as tenants

AnswerT = TypeVar("AnswerT")
_FOUND = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class _Source:
    database: Database
    redis: Redis
    timezone: ZoneInfo
    tenant_id: TenantId


def show_utilisation(tenant: str, *, limit: int, as_json: bool) -> None:
    """Print what is used of the limits. Raises NotFoundError for an unknown tenant, UnavailableError."""

    async def work(source: _Source) -> Measured:
        now = SystemClock().now()
        measurer = Measurer(database=source.database, market=Market(redis=source.redis))
        return await measurer.measure(source.tenant_id, day=Day.of(now, source.timezone), now=now, is_lenient=True)

    found = sorted(_run(tenant, work).utilisations, key=lambda one: (-one.ratio, one.limit.id, one.account_id))[:limit]
    if as_json:
        print(json.dumps([_utilisation(one) for one in found]))
        return
    for one in found:
        told = "breached" if one.is_breached else "" if one.is_complete else f"not measured: {one.message}"
        amount = "-" if one.used is None else plain(one.used)
        print(
            f"{one.limit.limit_type.value} {one.limit.id} account {one.account_id}: {amount} of {plain(one.value)} "
            f"({one.ratio:.1%}) {told}".rstrip()
        )


def show_breaches(tenant: str, *, has_all: bool, limit: int, as_json: bool) -> int:
    """Print breaches; the exit code. Raises as show_utilisation."""

    async def work(source: _Source) -> tuple[BreachRecord, ...]:
        wanted = BreachFilter(is_open=None if has_all else True)
        async with begin_batch(source.database, source.tenant_id) as session:
            page = await batch.breaches_page(session, source.tenant_id, wanted, Window(size=limit))
        return page.items

    found = _run(tenant, work)
    if as_json:
        print(json.dumps([_breach(one) for one in found]))
    else:
        for one in found:
            begun = one.opened_at.isoformat(timespec="seconds")
            until = "now" if one.cleared_at is None else one.cleared_at.isoformat(timespec="seconds")
            amount = f"{plain(one.peak_observed)} of {plain(one.value)}"
            print(
                f"{one.level.value} {one.limit_type.value} account {one.account_id}: {amount}, {one.refusals} refused, "
                f"{begun} to {until}"
            )
    return _FOUND if any(one.level is Level.BREACH and one.cleared_at is None for one in found) else 0


def show_breakers(tenant: str, *, as_json: bool) -> int:
    """Print circuit breakers; the exit code. Raises as show_utilisation."""

    async def work(source: _Source) -> list[tuple[CircuitBreaker, Trip | None]]:
        async with begin_batch(source.database, source.tenant_id) as session:
            found = await breakers_batch.breakers(session, source.tenant_id)
            trips = await breakers_batch.last_trips(session, source.tenant_id, [one.id for one in found])
        return [(one, trips.get(one.id)) for one in found]

    found = _run(tenant, work)
    if as_json:
        print(
            json.dumps([{"id": str(one.id), **breaker_document(one), "lastTrip": _trip(trip)} for one, trip in found])
        )
    else:
        for one, trip in found:
            whom = "the firm" if one.account_id is None else f"account {one.account_id}"
            state = "off" if not one.is_active else "tripped" if _holds(trip) else "armed"
            print(f"{one.kind.value} at {plain(one.threshold)} for {whom}: {state}")
            if trip is not None:
                print(f"  {trip.tripped_at.isoformat(timespec='seconds')}: {trip.reason}")
    return _FOUND if any(_holds(trip) for _, trip in found) else 0


def _holds(trip: Trip | None) -> bool:
    return trip is not None and trip.resumed_at is None


def _utilisation(one: Utilisation) -> dict[str, Any]:
    return {
        "limitId": str(one.limit.id),
        "limitType": one.limit.limit_type.value,
        "accountId": str(one.account_id),
        "used": None if one.used is None else plain(one.used),
        "value": plain(one.value),
        "ratio": plain(one.ratio),
        "isBreached": one.is_breached,
        "isMeasured": one.is_complete,
        "message": one.message,
    }


def _breach(one: BreachRecord) -> dict[str, Any]:
    return {
        "id": str(one.id),
        "limitId": str(one.limit_id),
        "limitType": one.limit_type.value,
        "accountId": str(one.account_id),
        "level": one.level.value,
        "peakObserved": plain(one.peak_observed),
        "value": plain(one.value),
        "refusals": one.refusals,
        "openedAt": one.opened_at.isoformat(),
        "clearedAt": None if one.cleared_at is None else one.cleared_at.isoformat(),
        "acknowledgedBy": one.acknowledged_by,
        "note": one.note,
    }


def _trip(trip: Trip | None) -> dict[str, Any] | None:
    if trip is None:
        return None
    return {"reason": trip.reason, "haltId": str(trip.halt_id), "isReleased": trip.resumed_at is not None}


def _run(tenant: str, work: Callable[[_Source], Awaitable[AnswerT]]) -> AnswerT:
    return asyncio.run(_within(tenant, work))


async def _within(tenant: str, work: Callable[[_Source], Awaitable[AnswerT]]) -> AnswerT:
    async with _open(tenant) as source:
        return await work(source)


@asynccontextmanager
async def _open(slug: str) -> AsyncIterator[_Source]:
    settings = await reachable_settings(load_settings())
    assert settings.database_url is not None, "it was reached"
    assert settings.redis_url is not None, "it was reached"
    async with AsyncExitStack() as stack:
        app, system = (
            Database(settings.database_url, role, size=1) for role in (DatabaseRole.APP, DatabaseRole.SYSTEM)
        )
        for one in (app, system):
            stack.push_async_callback(one.close)
            await one.open()
        redis = Redis(make_client(settings.redis_url), settings.redis_prefix)
        stack.push_async_callback(redis.close)
        async with begin_system(system) as session:
            found = await tenants.slugs(session, slug)
        if not found:
            raise NotFoundError(f"There is no tenant {slug}.")
        yield _Source(
            database=app, redis=redis, timezone=ZoneInfo(settings.trading_timezone), tenant_id=next(iter(found))
        )
