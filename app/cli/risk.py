"""`oms risk`: the same figures as over GraphQL, read from the database and the quotes."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from app.core.clock import Clock
from app.core.errors import InputError, NotFoundError
from app.core.money import ZERO, parse_decimal, plain
from app.flows.risk import risk_figures
from app.flows.risk.risk_book import BookMode, BookQuestion, RiskBook
from app.flows.risk.risk_desk import RiskDesk
from app.identity.domain import Principal
from app.identity.domain.access import system_principal
from app.infra.db import Database, DatabaseRole
from app.infra.reach import reachable_postgres, reachable_redis
from app.infra.redis import Redis, open_redis
from app.infra.settings import load_settings
from app.infra.system import SystemClock
from app.infra.uow import begin_system
from app.risk.analytics.exposure import Exposure
from app.risk.analytics.scenarios import PastFall, past_scenario
from app.risk.analytics.stress import Scenario
from app.tenants import batch as tenants
from schema.risk.analytics_inputs import StressScenarioInput, read_question, read_scenarios, read_terms

AnswerT = TypeVar("AnswerT")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Whose positions, as the command line names them."""

    tenant: str
    accounts: Sequence[str] | None
    mode: str | None
    currency: str | None

    def question(self) -> BookQuestion:
        """The question. Raises InputError."""
        if self.mode is not None and self.mode not in set(BookMode):
            raise InputError(f"needs {', '.join(BookMode)}", path=["mode"])
        mode = None if self.mode is None else BookMode(self.mode)
        return read_question(self.accounts or None, mode, self.currency)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Source:
    database: Database
    redis: Redis
    clock: Clock
    trading_timezone: ZoneInfo
    risk: RiskDesk


def exposure(asked: Asked, *, as_json: bool) -> None:
    """Print what is held long and short.

    Raises: InputError, NotFoundError for an unknown tenant, what the flow raises, UnavailableError.
    """
    with _naming():
        question = asked.question()

    async def work(source: _Source, principal: Principal) -> risk_figures.ExposureAnswer:
        return await risk_figures.risk_exposure(source, principal, question, ZERO)

    found = _run(asked.tenant, work)
    symbols = {one.holding.instrument_id: one.holding.symbol for one in found.held.book.valued}
    told: dict[str, Mapping[Any, Exposure]] = {
        "byCurrency": found.exposure.by_currency,
        "bySector": {key or "(none)": one for key, one in found.exposure.by_sector.items()},
        "byInstrument": {f"{symbols[key]} {key}": one for key, one in found.exposure.by_instrument.items()},
        "byAccount": {str(key): one for key, one in found.exposure.by_account.items()},
    }
    if as_json:
        documents = {name: {str(key): _amounts(one) for key, one in group.items()} for name, group in told.items()}
        print(json.dumps({**_basis(found.held), "total": _amounts(found.exposure.total), **documents}))
        return
    _print_basis(found.held)
    _print_exposure("all", found.exposure.total)
    for name, group in told.items():
        print(name)
        for key, one in group.items():
            _print_exposure(f"  {key}", one)


def value_at_risk(asked: Asked, confidence: str, horizon_days: int, days: int, *, as_json: bool) -> None:
    """Print the value at risk and the expected shortfall. Raises as `exposure`."""
    with _naming():
        question = asked.question()
    with _naming():
        terms = read_terms(_number(confidence, "confidence"), horizon_days, days, None, ZERO)

    async def work(source: _Source, principal: Principal) -> risk_figures.ValueAtRiskAnswer:
        return await risk_figures.value_at_risk(source, principal, question, terms)

    answer = _run(asked.tenant, work)
    found = answer.assessment
    figures = {"historical": found.historical, "parametric": found.parametric}
    if as_json:
        documents = {
            name: {
                "valueAtRisk": _text(one.value_at_risk),
                "expectedShortfall": _text(one.expected_shortfall),
                "reason": one.reason,
            }
            for name, one in figures.items()
        }
        extent = {"observations": found.observations, "coveredGross": plain(found.covered_gross)}
        print(json.dumps({**_basis(answer.held), **extent, **documents}))
        return
    _print_basis(answer.held)
    print(f"{found.observations} daily returns; {plain(found.covered_gross)} of {plain(found.gross)} are covered")
    for one in found.uncovered:
        print(f"  {one.line.instrument_id} is in no figure: {one.gap} ({one.days} closes)")
    for code in found.constant_currencies:
        print(f"  {code} has no history of its rate and counts as constant")
    for name, figure in figures.items():
        if figure.reason is not None:
            print(f"{name}: none. {figure.reason}")
            continue
        shortfall = _text(figure.expected_shortfall)
        print(f"{name}: value at risk {_text(figure.value_at_risk)}, expected shortfall {shortfall}")


def stress(
    asked: Asked, price: str | None, volatility: str | None, past: Sequence[str] | None, *, as_json: bool
) -> None:
    """Print what is gained or lost in scenarios; of all falls of the past when none is given. Raises as `exposure`."""
    with _naming():
        question = asked.question()
    with _naming():
        scenarios = _scenarios(price, volatility, past)

    async def work(source: _Source, principal: Principal) -> risk_figures.StressAnswer:
        return await risk_figures.stress_test(source, principal, question, scenarios, ZERO)

    found = _run(asked.tenant, work)
    if as_json:
        outcomes = [
            {"name": one.scenario.name, "source": one.scenario.source, "pnl": plain(one.pnl)} for one in found.results
        ]
        print(json.dumps({**_basis(found.held), "outcomes": outcomes}))
        return
    _print_basis(found.held)
    for result in found.results:
        told = f"  ({result.scenario.source})" if result.scenario.source else ""
        print(f"{result.scenario.name}: {plain(result.pnl)}{told}")


def _scenarios(price: str | None, volatility: str | None, past: Sequence[str] | None) -> list[Scenario]:
    scenarios: list[Scenario] = []
    if price is not None or volatility is not None:
        given = StressScenarioInput(
            name="own",
            price_shock=None if price is None else _number(price, "price"),
            volatility_shock=None if volatility is None else _number(volatility, "volatility"),
        )
        scenarios = read_scenarios([given], None)
    for one in past or ():
        if one not in set(PastFall):
            raise InputError(f"needs {', '.join(PastFall)}", path=["past"])
    falls = [PastFall(one) for one in past or ()] or ([] if scenarios else list(PastFall))
    return [*scenarios, *(past_scenario(one) for one in falls)]


@contextmanager
def _naming() -> Iterator[None]:
    try:
        yield
    except InputError as error:
        raise InputError(f"{'.'.join(error.path)}: {error.message}", path=error.path) from error


def _basis(held: RiskBook) -> dict[str, Any]:
    return {
        "currency": held.book.currency,
        "mode": held.mode.value,
        "accountIds": [str(one) for one in held.account_ids],
        "leftOutAccountIds": [str(one) for one in held.left_out],
        "unvalued": [
            {"instrumentId": str(one.holding.instrument_id), "gap": one.gap.value} for one in held.book.unvalued
        ],
    }


def _print_basis(held: RiskBook) -> None:
    print(f"{len(held.account_ids)} accounts, {held.mode}, in {held.book.currency}")
    if held.left_out:
        print(f"  {len(held.left_out)} accounts of the other mode are left out")
    for one in held.book.unvalued:
        print(f"  {one.holding.symbol} is in no sum: {one.gap}")


def _print_exposure(name: str, one: Exposure) -> None:
    print(f"{name}: gross {plain(one.gross)}, net {plain(one.net)}, long {plain(one.long)}, short {plain(one.short)}")


def _amounts(one: Exposure) -> dict[str, str]:
    return {"gross": plain(one.gross), "net": plain(one.net), "long": plain(one.long), "short": plain(one.short)}


def _text(amount: Decimal | None) -> str | None:
    return None if amount is None else plain(amount)


def _number(text: str, name: str) -> Decimal:
    try:
        return parse_decimal(text)
    except ValueError as error:
        raise InputError(str(error), path=[name]) from error


def _run(slug: str, work: Callable[[_Source, Principal], Awaitable[AnswerT]]) -> AnswerT:
    async def run() -> AnswerT:
        async with _open(slug) as (source, principal):
            return await work(source, principal)

    return asyncio.run(run())


@asynccontextmanager
async def _open(slug: str) -> AsyncIterator[tuple[_Source, Principal]]:
    settings = load_settings()
    url = await reachable_postgres(settings)
    async with AsyncExitStack() as stack:
        database, system = Database(url, DatabaseRole.APP, size=1), Database(url, DatabaseRole.SYSTEM, size=1)
        for one in (database, system):
            stack.push_async_callback(one.close)
            await one.open()
        async with begin_system(system) as session:
            found = await tenants.slugs(session, slug)
        if not found:
            raise NotFoundError("There is no such tenant.")
        redis = await open_redis(await reachable_redis(settings), settings.redis_prefix)
        stack.push_async_callback(redis.close)
        source = _Source(
            database=database,
            redis=redis,
            clock=SystemClock(),
            trading_timezone=ZoneInfo(settings.trading_timezone),
            risk=RiskDesk(),
        )
        yield source, system_principal(next(iter(found)), "cli")
