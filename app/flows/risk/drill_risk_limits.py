"""drillRiskLimits: each limit is proven able to refuse, by orders that are held against it and never stored or sent."""

import logging
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from app.audit import service as audit
from app.brokers import viewing
from app.core.clock import Clock
from app.core.fix import OrderType, Side
from app.core.ids import AccountId, Ids, InstrumentId, LimitId, TenantId
from app.core.messages import AccountKey, Instrument, OrderTerms
from app.core.paging import Window
from app.flows.orders.pre_trade import Asked, Market, PreTrade, read_pre_trade
from app.flows.orders.quoted import reference_price
from app.identity.domain import Principal, system_principal
from app.infra.db import Database
from app.infra.redis import Redis
from app.infra.uow import Scope, begin, begin_snapshot, begin_system, reading
from app.instruments import service as instruments
from app.instruments.service import InstrumentFilter
from app.marketdata import service as marketdata
from app.orders.repository import account_books
from app.orders.repository.account_books import Book
from app.positions import batch as positions
from app.positions.domain import Position
from app.risk.domain import Conditions, Exposure, Proposal, RiskLimit, conditions_of
from app.risk.keeping import repository
from app.risk.keeping.domain.changes import LIMITS_MAX, DrillOutcome, KeptLimit, LimitDrill
from app.risk.keeping.domain.drills import DrillFinding, drill, remarked
from app.risk.keeping.errors import LimitUnknownError
from app.risk.keeping.repository import LimitFilter
from app.tenants import batch as tenants

ACCOUNTS_MAX: Final = 5_000
ACCOUNTS_TRIED: Final = 3
"""A limit of the whole firm is drilled on so many accounts at most until it fires on one."""
INSTRUMENTS_TRIED: Final = 8
DRILLED_EVERY: Final = timedelta(hours=23)
_NOTHING_COVERED: Final = DrillFinding(
    outcome=DrillOutcome.NOT_DRILLED, message="there is no active account or instrument to hold against it"
)
_PREFERRED: Final = (
    DrillOutcome.FIRED,
    DrillOutcome.ALREADY_BREACHED,
    DrillOutcome.SILENT,
    DrillOutcome.FAILS_CLOSED,
    DrillOutcome.NOT_DRILLED,
)
_log = logging.getLogger("oms.risk")


@dataclass(frozen=True, slots=True, kw_only=True)
class DrillDesk:
    """What a drill works with: any process has it."""

    database: Database
    redis: Redis
    clock: Clock
    ids: Ids


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    key: AccountKey
    instruments: Sequence[Instrument]
    pre_trade: PreTrade
    held: dict[tuple[AccountKey, InstrumentId], Position]
    book: Book


async def drill_risk_limits(
    desk: DrillDesk, principal: Principal, limit_ids: Collection[LimitId] | None
) -> list[KeptLimit]:
    """The limits with what their drills found: those of these ids, or all that are active, shadows among them.

    Raises WholeTenantError, LimitUnknownError for an id that the tenant has no active limit of.
    """
    principal.require_whole_tenant()
    kept = await _active(desk, principal.tenant_id)
    if limit_ids is not None:
        known = {one.limit.id for one in kept}
        if not set(limit_ids) <= known:
            raise LimitUnknownError("limitIds")
        kept = [one for one in kept if one.limit.id in limit_ids]
    return await _drill(desk, principal, kept)


async def drill_due_limits(desk: DrillDesk, system_database: Database) -> int:
    """Drills the limits of all tenants that were not seen to fire since they changed, or for a day; how many."""
    async with begin_system(system_database) as system:
        tenant_ids = await tenants.all_ids(system)
    drilled = 0
    for tenant_id in tenant_ids:
        now = desk.clock.now()
        due = [one for one in await _active(desk, tenant_id) if _is_due(one, now)]
        if due:
            found = await _drill(desk, system_principal(tenant_id, "drill"), due)
            drilled += len(found)
            silent = [str(one.limit.id) for one in found if _outcome(one) is DrillOutcome.SILENT]
            if silent:
                _log.error("limits of tenant %s refused nothing in their drill: %s", tenant_id, ", ".join(silent))
    return drilled


def _is_due(kept: KeptLimit, now: datetime) -> bool:
    last = kept.last_drill
    if last is None or last.limit_version != kept.limit.version or last.outcome is not DrillOutcome.FIRED:
        return True
    return now - last.drilled_at >= DRILLED_EVERY


def _outcome(kept: KeptLimit) -> DrillOutcome | None:
    return None if kept.last_drill is None else kept.last_drill.outcome


async def _active(desk: DrillDesk, tenant_id: TenantId) -> list[KeptLimit]:
    async with reading(desk.database, Scope(tenant_id=tenant_id)) as session:
        return await repository.limits(session, tenant_id, LimitFilter(is_active=True), limit=LIMITS_MAX)


async def _drill(desk: DrillDesk, principal: Principal, kept: Sequence[KeptLimit]) -> list[KeptLimit]:
    tenant_id = principal.tenant_id
    found: dict[LimitId, tuple[AccountId | None, DrillFinding]] = {}
    tried: dict[LimitId, int] = {one.limit.id: 0 for one in kept}
    for account_id in await _accounts(desk, tenant_id):
        covering = [
            one.limit
            for one in kept
            if one.limit.account_id in (None, account_id) and _wants_more(one.limit, found, tried)
        ]
        if covering:
            place = await _place(desk, AccountKey(tenant_id=tenant_id, account_id=account_id), covering)
            for limit in covering:
                tried[limit.id] += 1
                said = _best(
                    drill(limit, order, place.pre_trade.facts(place.key, order)) for order in _of(limit, place)
                )
                if limit.id not in found or _rank(said) < _rank(found[limit.id][1]):
                    found[limit.id] = (account_id, said)
    strange = await _strange(desk, tenant_id, [one.limit for one in kept])
    now = desk.clock.now()
    drills = [
        LimitDrill(
            limit_id=one.limit.id,
            limit_version=one.limit.version,
            account_id=account_id,
            outcome=said.outcome,
            message=remarked(said, _symbols(one.limit) & strange).message,
            drilled_by=principal.actor,
            drilled_at=now,
        )
        for one in kept
        for account_id, said in [found.get(one.limit.id, (one.limit.account_id, _NOTHING_COVERED))]
    ]
    await _keep(desk, principal, drills, now)
    async with reading(desk.database, Scope(tenant_id=tenant_id)) as session:
        return await repository.limits_by_ids(session, tenant_id, [one.limit_id for one in drills])


def _wants_more(
    limit: RiskLimit, found: dict[LimitId, tuple[AccountId | None, DrillFinding]], tried: dict[LimitId, int]
) -> bool:
    if limit.id in found and found[limit.id][1].outcome is DrillOutcome.FIRED:
        return False
    return tried[limit.id] < ACCOUNTS_TRIED


def _best(findings: Iterable[DrillFinding]) -> DrillFinding:
    return min(findings, key=_rank, default=_NOTHING_COVERED)


def _rank(finding: DrillFinding) -> int:
    return _PREFERRED.index(finding.outcome)


async def _accounts(desk: DrillDesk, tenant_id: TenantId) -> list[AccountId]:
    async with reading(desk.database, Scope(tenant_id=tenant_id)) as session:
        known = await viewing.accounts(session, tenant_id, limit=ACCOUNTS_MAX)
    return [one.id for one in known if one.is_active]


async def _place(desk: DrillDesk, key: AccountKey, limits: Sequence[RiskLimit]) -> _Place:
    tenant_id, now = key.tenant_id, desk.clock.now()
    listed = await _instruments(desk, tenant_id, limits)
    quotes = await marketdata.reachable_quotes(desk.redis, tenant_id, [one.id for one in listed])
    wanted = {(key, one.id) for one in listed}
    async with begin_snapshot(desk.database, tenant_id) as session:
        pre_trade, (books, held) = await read_pre_trade(
            session,
            Asked(keys=[key], places={(tenant_id, one.id) for one in listed}),
            (account_books.locked_books([key]), positions.positions_at(wanted)),
            quotes=quotes,
            # A memory of its own: what is remembered for orders goes on under the locks of their accounts.
            market=Market(redis=desk.redis),
            now=now,
            is_rehearsal=True,
        )
    quoted = sorted(listed, key=lambda one: one.id not in quotes)
    book = books.get(key, Book(last_sequence=0, open_orders=0))
    return _Place(key=key, instruments=quoted, pre_trade=pre_trade, held=held, book=book)


async def _instruments(desk: DrillDesk, tenant_id: TenantId, limits: Sequence[RiskLimit]) -> list[Instrument]:
    named = sorted({one.instrument_id for one in limits if one.instrument_id is not None})
    symbols = sorted({symbol for one in limits for symbol in sorted(_symbols(one))[:INSTRUMENTS_TRIED]})
    async with reading(desk.database, Scope(tenant_id=tenant_id)) as session:
        page = await instruments.page(session, tenant_id, InstrumentFilter(), Window(size=INSTRUMENTS_TRIED))
        found = {one.id: one for one in page.items}
        found |= await instruments.instruments(session, tenant_id, named)
        found |= {one.id: one for one in await instruments.by_symbols(session, tenant_id, symbols)}
    return [one for one in found.values() if one.is_active]


async def _strange(desk: DrillDesk, tenant_id: TenantId, limits: Sequence[RiskLimit]) -> frozenset[str]:
    symbols = frozenset[str]().union(*map(_symbols, limits))
    if not symbols:
        return symbols
    async with reading(desk.database, Scope(tenant_id=tenant_id)) as session:
        return symbols - await instruments.symbols_borne(session, tenant_id, symbols)


def _symbols(limit: RiskLimit) -> frozenset[str]:
    conditions = conditions_of(limit.limit_type, limit.conditions)
    return (conditions.symbols or frozenset()) if isinstance(conditions, Conditions) else frozenset()


def _of(limit: RiskLimit, place: _Place) -> Iterable[Proposal]:
    for one in place.instruments:
        if limit.instrument_id in (None, one.id):
            yield _order(place, one)


def _order(place: _Place, instrument: Instrument) -> Proposal:
    position = place.held.get((place.key, instrument.id))
    quote = place.pre_trade.quotes.get(instrument.id)
    nothing = instrument.lot_size * 0
    return Proposal(
        account_id=place.key.account_id,
        instrument=instrument,
        side=Side.BUY,
        order_type=OrderType.LIMIT,
        terms=OrderTerms(quantity=instrument.lot_size),
        adds_quantity=instrument.lot_size,
        adds_orders=1,
        reference=reference_price(quote, Side.BUY, place.pre_trade.now),
        exposure=Exposure(
            position_quantity=nothing if position is None else position.quantity,
            open_buy_quantity=nothing if position is None else position.open_buy_quantity,
            open_sell_quantity=nothing if position is None else position.open_sell_quantity,
            open_orders=place.book.open_orders,
        ),
    )


async def _keep(desk: DrillDesk, principal: Principal, drills: Sequence[LimitDrill], now: datetime) -> None:
    async with begin(desk.database, Scope(tenant_id=principal.tenant_id)) as session:
        await repository.store_drills(session, principal.tenant_id, drills)
        counts = {outcome.value: sum(one.outcome is outcome for one in drills) for outcome in DrillOutcome}
        silent = [str(one.limit_id) for one in drills if one.outcome is DrillOutcome.SILENT]
        await audit.record(
            session,
            principal,
            "risk_limits.drilled",
            "Tenant",
            principal.tenant_id,
            entry_id=desk.ids.new(),
            now=now,
            new={**counts, "silent": silent},
        )
