"""Snapshots of profit and loss: by the clock for every account, and when a person asks for one."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from app.audit import service as audit
from app.brokers import batch as brokers
from app.brokers.errors import AccountUnknownError
from app.core.errors import OmsError, UnavailableError
from app.core.fx import FxRates
from app.core.ids import AccountId, Ids, SnapshotId, TenantId
from app.core.messages import AccountKey
from app.flows.desk import Desk
from app.flows.positions.fx_rates import keep_rates
from app.flows.positions.view_pnl import ACCOUNTS_MAX, Day, held_position, quotes_of, read_books
from app.identity.domain import Principal
from app.infra.db import BatchSession, Database
from app.infra.redis import REDIS_LOST, Redis
from app.infra.uow import begin_batch, begin_system
from app.positions import pnl_batch
from app.positions.domain import HeldPosition, PnlSnapshot, pnl_so_far, snapshot_instant, total
from app.positions.errors import RateMissingError
from app.positions.pnl_batch import BookedPosition
from app.tenants import batch as tenants

log = logging.getLogger(__name__)

LATENESS_MAX = timedelta(seconds=90)
"""A scheduled instant that is longer ago is left out: the prices of now are not those of then."""
DAY_END_LATENESS_MAX = timedelta(minutes=10)


async def snapshot_all(
    database: Database,
    system_database: Database,
    redis: Redis,
    *,
    now: datetime,
    ids: Ids,
    timezone: ZoneInfo,
    interval_s: int,
) -> int:
    """Takes the snapshots and the opening marks that are due, of every account of every tenant; tells how many.

    Without Redis nothing can be valued and nothing is taken.
    """
    async with begin_system(system_database) as session:
        tenant_ids = await tenants.all_ids(session)
    taken = 0
    for tenant_id in tenant_ids:
        try:
            taken += await snapshot_tenant(
                database, redis, tenant_id, now=now, ids=ids, timezone=timezone, interval_s=interval_s
            )
        except REDIS_LOST as error:
            log.warning("no snapshots of profit and loss: %s", error)
            break
    return taken


async def snapshot_tenant(
    database: Database,
    redis: Redis,
    tenant_id: TenantId,
    *,
    now: datetime,
    ids: Ids,
    timezone: ZoneInfo,
    interval_s: int,
) -> int:
    """Takes what is due of a tenant's accounts, and keeps its exchange rates; tells how many snapshots.

    One for each account and instant: a second worker, or a second run, changes nothing. An account that cannot be
    valued for want of a rate is left out and logged. Raises what Redis raises when it is away.
    """
    due = _Round(now=now, day=Day.of(now, timezone), instants=due_instants(now, timezone, interval_s), ids=ids)
    rates = await keep_rates(database, redis, tenant_id, now)
    async with begin_batch(database, tenant_id) as session:
        accounts = await brokers.base_currencies(session, tenant_id, limit=ACCOUNTS_MAX)
    taken = 0
    for account_id, currency in accounts.items():
        key = AccountKey(tenant_id=tenant_id, account_id=account_id)
        try:
            taken += await _take_due(database, redis, key, currency, rates, due)
        except OmsError as error:
            log.warning("no snapshot of account %s: %s", account_id, error.message)
    return taken


def due_instants(now: datetime, timezone: ZoneInfo, interval_s: int) -> dict[datetime, bool]:
    """The instants whose snapshots are due, each with whether a trading day ends then."""
    midnight = Day.of(now, timezone).since
    instants = {}
    scheduled = snapshot_instant(now, interval_s)
    if now - scheduled <= LATENESS_MAX:
        instants[scheduled] = scheduled == midnight
    if now - midnight <= DAY_END_LATENESS_MAX:
        instants[midnight] = True
    return instants


async def create_snapshot(desk: Desk, principal: Principal, account_id: AccountId) -> PnlSnapshot:
    """A snapshot of the account at this second; the one there is when it was taken already.

    Raises AccountUnknownError, RateMissingError, UnavailableError while Redis is away.
    """
    now = desk.clock.now()
    at, key = now.replace(microsecond=0), AccountKey(tenant_id=principal.tenant_id, account_id=account_id)
    rates = await keep_rates(desk.database, desk.redis, key.tenant_id, now)
    async with begin_batch(desk.database, key.tenant_id, accounts=principal.tradable) as session:
        found = await brokers.base_currencies(session, key.tenant_id, account_id=account_id, limit=1)
        if not found:
            raise AccountUnknownError("accountId")
        booked = await read_books(session, key.tenant_id, [account_id], Day.of(now, desk.trading_timezone))
    try:
        held = await _valued(desk.redis, key, found[account_id], booked, rates, now)
    except REDIS_LOST as error:
        raise UnavailableError("positions cannot be valued at the moment") from error
    figures = _figures(held, found[account_id])
    async with begin_batch(desk.database, key.tenant_id, accounts=principal.tradable) as session:
        snapshot = await _insert(session, key, figures, at, SnapshotId(desk.ids.new()), is_day_end=False)
        act = audit.entry(
            principal,
            "pnl_snapshot.create",
            "PnlSnapshot",
            snapshot.id,
            entry_id=desk.ids.new(),
            now=now,
            new={"accountId": str(account_id), "at": at.isoformat()},
        )
        await session.write([audit.record_batch([act])])
    return snapshot


@dataclass(frozen=True, slots=True, kw_only=True)
class _Round:
    now: datetime
    day: Day
    instants: Mapping[datetime, bool]
    ids: Ids


async def _take_due(
    database: Database, redis: Redis, key: AccountKey, currency: str, rates: FxRates, due: _Round
) -> int:
    async with begin_batch(database, key.tenant_id) as session:
        missing = [at for at in sorted(due.instants) if not await pnl_batch.has_snapshot(session, key, at)]
        is_marked = await pnl_batch.has_opening_marks(session, key, due.day.date)
        if not missing and is_marked:
            return 0
        booked = await read_books(session, key.tenant_id, [key.account_id], due.day)
    held = await _valued(redis, key, currency, booked, rates, due.now)
    marks = {one.now.instrument_id: one.valuation for one in held if one.opening.quantity}
    if marks and not is_marked:
        async with begin_batch(database, key.tenant_id) as session:
            await pnl_batch.keep_opening_marks(session, key, due.day.date, marks, due.now)
    if missing:
        figures = _figures(held, currency)
        async with begin_batch(database, key.tenant_id) as session:
            for at in missing:
                is_day_end = due.instants[at]
                await _insert(session, key, figures, at, SnapshotId(due.ids.new()), is_day_end=is_day_end)
    return len(missing)


async def _valued(
    redis: Redis, key: AccountKey, currency: str, booked: Sequence[BookedPosition], rates: FxRates, now: datetime
) -> list[HeldPosition]:
    quotes = await quotes_of(redis, key.tenant_id, booked)
    return [held_position(one, currency, rates, quotes, now) for one in booked]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Figures:
    realized: Decimal
    unrealized: Decimal
    commission: Decimal


def _figures(held: Sequence[HeldPosition], currency: str) -> _Figures:
    parts = [(one.currency, pnl_so_far(one.now, one.multiplier, one.valuation)) for one in held]
    figures = total(part for _, part in parts)
    if figures.realized is None or figures.unrealized is None or figures.commission is None:
        raise RateMissingError(currency, [of for of, part in parts if part.net is None])
    return _Figures(realized=figures.realized, unrealized=figures.unrealized, commission=figures.commission)


async def _insert(
    session: BatchSession, key: AccountKey, figures: _Figures, at: datetime, new_id: SnapshotId, *, is_day_end: bool
) -> PnlSnapshot:
    await pnl_batch.lock_snapshots(session, key)
    equity = await pnl_batch.equity_of(session, key)
    peak = await pnl_batch.peak_before(session, key, at)
    snapshot = PnlSnapshot(
        id=new_id,
        account_id=key.account_id,
        at=at,
        realized=figures.realized,
        unrealized=figures.unrealized,
        commission=figures.commission,
        equity=equity,
        peak=equity if peak is None else max(peak, equity),
        is_day_end=is_day_end,
    )
    await pnl_batch.insert_snapshot(session, key.tenant_id, snapshot)
    return await pnl_batch.snapshot_at(session, key, at) or snapshot
