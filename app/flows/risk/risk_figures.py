"""Exposure, value at risk, stress, correlations and concentration of what is held now, at most a second old."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

from app.core.ids import AccountId, InstrumentId, TenantId
from app.flows.positions.fx_rates import PAIRS_MAX
from app.flows.risk.risk_book import BookQuestion, RiskBook, read_book
from app.flows.risk.risk_desk import RiskSource
from app.identity.domain import Principal
from app.infra.uow import begin_batch
from app.instruments import batch as instruments
from app.instruments.errors import InstrumentUnknownError
from app.marketdata import closes_batch
from app.marketdata.closes_batch import DailyCloses
from app.positions.domain import trading_day
from app.risk.analytics.concentration import Concentration, concentration_of
from app.risk.analytics.exposure import ExposureReport, exposure_of
from app.risk.analytics.options import BookGreeks, ModelGap, book_greeks, model_gaps, underlyings
from app.risk.analytics.stress import Scenario, StressResult, stressed
from app.risk.analytics.terms import OBSERVATIONS_MIN, ClosesGap, RiskTerms, first_close_day, ratio

if TYPE_CHECKING:
    from app.risk.analytics.assessment import Assessment


@dataclass(frozen=True, slots=True, kw_only=True)
class ExposureAnswer:
    """The exposure of a book, with the greeks of its options and those that have none."""

    held: RiskBook
    exposure: ExposureReport
    greeks: tuple[BookGreeks, ...]
    gaps: Mapping[InstrumentId, ModelGap]


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueAtRiskAnswer:
    """The figures of a book; gaps are of options that count with a delta of one to their own price."""

    held: RiskBook
    assessment: "Assessment"
    gaps: Mapping[InstrumentId, ModelGap]


@dataclass(frozen=True, slots=True, kw_only=True)
class StressAnswer:
    """A book in several scenarios."""

    held: RiskBook
    results: tuple[StressResult, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ConcentrationAnswer:
    """How much of a book hangs on single instruments, sectors, currencies and accounts."""

    held: RiskBook
    by_instrument: Concentration[InstrumentId]
    by_sector: Concentration[str | None]
    by_currency: Concentration[str]
    by_account: Concentration[AccountId]


@dataclass(frozen=True, slots=True, kw_only=True)
class CorrelationAnswer:
    """Correlations of daily returns, a row for each instrument; reason says why there is no matrix."""

    instrument_ids: tuple[InstrumentId, ...]
    matrix: tuple[tuple[Decimal | None, ...], ...]
    observations: int
    left_out: Mapping[InstrumentId, ClosesGap]
    reason: str | None


async def risk_exposure(
    desk: RiskSource, principal: Principal, asked: BookQuestion, risk_free_rate: Decimal
) -> ExposureAnswer:
    """The exposure of a book. Raises what read_book raises."""

    async def fetch() -> ExposureAnswer:
        held, today = await _book(desk, principal, asked), _today(desk)

        def work() -> ExposureAnswer:
            return ExposureAnswer(
                held=held,
                exposure=exposure_of(held.book),
                greeks=tuple(book_greeks(held.book, today, risk_free_rate)),
                gaps=model_gaps(held.book, today, risk_free_rate),
            )

        return await desk.risk.computed(work)

    return await desk.risk.told(principal, ("exposure", asked, risk_free_rate), fetch)


async def value_at_risk(
    desk: RiskSource, principal: Principal, asked: BookQuestion, terms: RiskTerms
) -> ValueAtRiskAnswer:
    """The value at risk and the expected shortfall of a book, from the closes that are kept.

    Raises what read_book raises.
    """

    async def fetch() -> ValueAtRiskAnswer:
        held, today = await _book(desk, principal, asked), _today(desk)
        book = held.book
        wanted = set(book.by_instrument) | underlyings(book.valued)
        has_foreign = any(one.holding.currency != book.currency for one in book.valued)
        closes, pairs = await _histories(desk, principal, sorted(wanted), terms.days, has_pairs=has_foreign)

        def work() -> ValueAtRiskAnswer:
            # numpy takes a tenth of a second to load: whoever asks for no such figure does without it.
            from app.risk.analytics.assessment import assessed
            from app.risk.analytics.series import Closes

            return ValueAtRiskAnswer(
                held=held,
                assessment=assessed(
                    book,
                    {one: Closes.of(found.days, found.prices) for one, found in closes.items()},
                    {pair: Closes.of(found.days, found.prices) for pair, found in pairs.items()},
                    terms,
                    today,
                ),
                gaps=model_gaps(book, today, terms.risk_free_rate),
            )

        return await desk.risk.computed(work)

    return await desk.risk.told(principal, ("value-at-risk", asked, terms), fetch)


async def stress_test(
    desk: RiskSource, principal: Principal, asked: BookQuestion, scenarios: Sequence[Scenario], risk_free_rate: Decimal
) -> StressAnswer:
    """A book in scenarios. Raises what read_book raises, and InstrumentUnknownError for a shock of an unknown one."""
    named = sorted({one for scenario in scenarios for one in scenario.by_instrument})
    await _check_known(desk, principal, scenarios, named)
    held, today = await _book(desk, principal, asked), _today(desk)

    def work() -> StressAnswer:
        return StressAnswer(
            held=held, results=tuple(stressed(held.book, one, today, risk_free_rate) for one in scenarios)
        )

    return await desk.risk.computed(work)


async def concentration(desk: RiskSource, principal: Principal, asked: BookQuestion) -> ConcentrationAnswer:
    """The concentration of a book: of each name what is long in it less what is short. Raises as read_book."""
    held = await _book(desk, principal, asked)
    exposure = exposure_of(held.book)
    return ConcentrationAnswer(
        held=held,
        by_instrument=concentration_of({key: one.net for key, one in exposure.by_instrument.items()}),
        by_sector=concentration_of({key: one.net for key, one in exposure.by_sector.items()}),
        by_currency=concentration_of({key: one.net for key, one in exposure.by_currency.items()}),
        by_account=concentration_of({key: one.gross for key, one in exposure.by_account.items()}),
    )


async def correlations_of(
    desk: RiskSource,
    principal: Principal,
    asked: BookQuestion,
    instrument_ids: Sequence[InstrumentId] | None,
    days: int,
    names_max: int,
) -> CorrelationAnswer:
    """The correlations of instruments, or of the largest of a book, in their own currencies.

    Raises InstrumentUnknownError with the path, and what read_book raises.
    """

    async def fetch() -> CorrelationAnswer:
        if instrument_ids is None:
            held = await _book(desk, principal, asked)
            chosen = list(exposure_of(held.book).by_instrument)[:names_max]
        else:
            chosen = list(dict.fromkeys(instrument_ids))
            known = await _known(desk, principal.tenant_id, chosen)
            for place, one in enumerate(instrument_ids):
                if one not in known:
                    raise InstrumentUnknownError(str(one), "instrumentIds", str(place))
        closes, _ = await _histories(desk, principal, sorted(chosen), days, has_pairs=False)
        return await desk.risk.computed(lambda: _correlated(chosen, closes, days))

    key = ("correlations", asked, None if instrument_ids is None else tuple(instrument_ids), days, names_max)
    return await desk.risk.told(principal, key, fetch)


def _correlated(
    chosen: Sequence[InstrumentId], closes: Mapping[InstrumentId, DailyCloses], days: int
) -> CorrelationAnswer:
    from app.risk.analytics.correlation import correlations
    from app.risk.analytics.series import Closes, aligned

    none = DailyCloses(days=(), prices=())
    told = {one: closes.get(one, none) for one in chosen}
    found = aligned({one: Closes.of(given.days, given.prices) for one, given in told.items()}, days)
    reason = None
    if not found.keys:
        reason = f"No instrument has closes of more than {OBSERVATIONS_MIN} days that reach to now."
    elif found.observations < OBSERVATIONS_MIN:
        reason = f"{found.observations} daily returns were found that all share, and {OBSERVATIONS_MIN} are needed."
    matrix = [] if reason is not None else correlations(found.returns)
    return CorrelationAnswer(
        instrument_ids=found.keys,
        matrix=tuple(tuple(None if one is None else ratio(one) for one in row) for row in matrix),
        observations=found.observations,
        left_out=found.left_out,
        reason=reason,
    )


async def _book(desk: RiskSource, principal: Principal, asked: BookQuestion) -> RiskBook:
    return await desk.risk.told(principal, ("book", asked), lambda: read_book(desk, principal, asked))


async def _histories(
    desk: RiskSource, principal: Principal, wanted: Sequence[InstrumentId], days: int, *, has_pairs: bool
) -> tuple[dict[InstrumentId, DailyCloses], dict[tuple[str, str], DailyCloses]]:
    since = first_close_day(_today(desk), days)
    async with begin_batch(desk.database, principal.tenant_id) as session:
        closes = await closes_batch.daily_closes(session, principal.tenant_id, wanted, since)
        if not has_pairs:
            return closes, {}
        quoted = await instruments.currency_pairs(session, principal.tenant_id, PAIRS_MAX)
        told = await closes_batch.daily_closes(session, principal.tenant_id, [one.id for one in quoted], since)
    pairs = {(one.symbol.split(".")[0], one.currency): told[one.id] for one in quoted if one.id in told}
    return closes, pairs


async def _check_known(
    desk: RiskSource, principal: Principal, scenarios: Sequence[Scenario], named: Sequence[InstrumentId]
) -> None:
    if not named:
        return
    known = await _known(desk, principal.tenant_id, named)
    for place, scenario in enumerate(scenarios):
        for shock, one in enumerate(scenario.by_instrument):
            if one not in known:
                path = ("scenarios", str(place), "instrumentShocks", str(shock), "instrumentId")
                raise InstrumentUnknownError(str(one), *path)


async def _known(desk: RiskSource, tenant_id: TenantId, wanted: Sequence[InstrumentId]) -> set[InstrumentId]:
    async with begin_batch(desk.database, tenant_id) as session:
        found = await instruments.find(session, ids=[(tenant_id, one) for one in wanted])
    return {instrument.id for _, instrument in found}


def _today(desk: RiskSource) -> date:
    return trading_day(desk.clock.now(), desk.trading_timezone)
