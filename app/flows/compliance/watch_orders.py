"""The chore that looks through what was placed and dealt since its last look, and opens cases of what seems abuse."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from app.audit import service as audit
from app.compliance import cases_batch
from app.compliance.domain.surveillance import (
    VOLUME_DAYS,
    Placed,
    Suspicion,
    Trade,
    large_orders,
    layering,
    limit_breaches,
    marking_the_close,
    restricted_touches,
    wash_trades,
)
from app.core.arrival import arrival_from_document
from app.core.fix import BarInterval, InstrumentType, OrderState, Side
from app.core.ids import CaseId, Ids, InstrumentId, TenantId, UserId
from app.core.records import replace
from app.core.sessions import known_hours
from app.flows.compliance.compliance_news import case_message
from app.identity import batch as identity
from app.identity.domain import system_principal
from app.infra.db import BatchSession, Database
from app.infra.uow import begin_batch, begin_system
from app.instruments.domain import hours_of
from app.marketdata import bars_batch
from app.marketdata.bars import floor
from app.orders.repository import watched
from app.outbox import repository as outbox
from app.tenants import batch as tenants

LOOKED_MAX: Final = 20_000
"""At most so many orders and as many executions in one look; the next one goes on."""
SETTLED: Final = timedelta(seconds=10)
"""What is younger may still be on its way into the tables."""
OVERLAP: Final = timedelta(minutes=15)
"""Each look begins so long before the last one ended: a pattern may lie across. What was found once stays one case."""
FIRST_LOOK: Final = timedelta(hours=1)
STEP_MAX: Final = timedelta(hours=1)
_SHARES: Final = frozenset({InstrumentType.STOCK, InstrumentType.ETF})


async def watch_all(database: Database, system_database: Database, *, now: datetime, ids: Ids) -> int:
    """Looks on in each tenant, a transaction each; how many cases were opened."""
    async with begin_system(system_database) as session:
        tenant_ids = await tenants.all_ids(session)
    return sum([await watch(database, tenant_id, now=now, ids=ids) for tenant_id in tenant_ids])


async def watch(database: Database, tenant_id: TenantId, *, now: datetime, ids: Ids) -> int:
    """Looks on in a tenant, an hour at most; how many cases were opened. Looked at twice, nothing is found twice."""
    async with begin_batch(database, tenant_id) as session:
        last = await cases_batch.looked_to(session, tenant_id) or now - FIRST_LOOK
        until = min(now - SETTLED, last + STEP_MAX)
        if until <= last:
            return 0
        since = last - OVERLAP
        placed = await watched.placed_in(session, tenant_id, since, until, LOOKED_MAX)
        dealt = await watched.dealt_in(session, tenant_id, since, until, LOOKED_MAX)
        touches = await cases_batch.touches_since(session, tenant_id, since, until, LOOKED_MAX)
        actors = {row["placed_by"] for row in (*placed, *dealt)} | {one.acted_by for one in touches}
        people = await identity.people_behind(session, tenant_id, actors)
        volumes = await _volumes(session, tenant_id, placed, now)
        trades = [replace(one, placed_by=_person(one.placed_by, people)) for one in map(_trade, dealt)]
        orders = [
            replace(one, placed_by=_person(one.placed_by, people)) for one in (_placed(row, volumes) for row in placed)
        ]
        touches = [replace(one, acted_by=_person(one.acted_by, people)) for one in touches]
        found = [
            *wash_trades(trades),
            *layering(orders, trades),
            *marking_the_close(trades, _closes(dealt)),
            *restricted_touches(touches),
            *limit_breaches(orders),
            *large_orders(orders),
        ]
        opened = await _open(session, tenant_id, found, now=now, ids=ids) if found else 0
        # A look that was full goes on behind what it has seen.
        ends = [
            rows[-1]["created_at" if rows is placed else "executed_at"]
            for rows in (placed, dealt)
            if len(rows) == LOOKED_MAX
        ]
        await cases_batch.set_looked_to(session, tenant_id, max(last + timedelta(seconds=1), min([until, *ends])))
    return opened


async def _open(
    session: BatchSession, tenant_id: TenantId, found: Sequence[Suspicion], *, now: datetime, ids: Ids
) -> int:
    wanted = {CaseId(ids.new()): one for one in found}
    new = await cases_batch.open_cases(session, tenant_id, list(wanted.items()), now)
    acts = [
        audit.entry(
            system_principal(tenant_id, "surveillance"),
            "surveillance_case.open",
            "SurveillanceCase",
            case_id,
            entry_id=ids.new(),
            now=now,
            new={"kind": wanted[case_id].kind.value, "summary": wanted[case_id].summary},
        )
        for case_id in new
    ]
    if acts:
        told = outbox.append([case_message(tenant_id, new)], now)
        await session.write([audit.record_batch(acts), told])
    return len(new)


def _person(actor: str, people: Mapping[str, UserId]) -> str:
    # Whoever acts now by an API key and now by a session is one.
    return f"user:{people[actor]}" if actor in people else actor


async def _volumes(
    session: BatchSession, tenant_id: TenantId, rows: Sequence[Mapping[str, Any]], now: datetime
) -> dict[InstrumentId, Decimal]:
    shares = {row["instrument_id"] for row in rows if row["instrument_type"] in _SHARES}
    if not shares:
        return {}
    # A day that is not over deals less than a whole one.
    today = floor(now, BarInterval.DAY_1)
    return await bars_batch.day_volumes(session, tenant_id, shares, today, VOLUME_DAYS)


def _closes(rows: Sequence[Mapping[str, Any]]) -> dict[InstrumentId, datetime]:
    # The close of the session of the last execution: a look spans little more than an hour.
    found: dict[InstrumentId, datetime] = {}
    for row in rows:
        kind = InstrumentType(row["instrument_type"])
        hours = hours_of(row["trading_hours"], kind, row["currency"]) or known_hours(kind, row["currency"])
        if kind in _SHARES and hours is not None:
            ends_at = hours.day_end(row["executed_at"], is_extended=False)
            if ends_at is not None:
                found[row["instrument_id"]] = ends_at
    return found


def _trade(row: Mapping[str, Any]) -> Trade:
    return Trade(
        id=row["id"],
        order_id=row["order_id"],
        account_id=row["account_id"],
        instrument_id=row["instrument_id"],
        side=Side(row["side"]),
        quantity=row["quantity"],
        price=row["price"],
        at=row["executed_at"],
        placed_by=row["placed_by"],
    )


def _placed(row: Mapping[str, Any], volumes: Mapping[InstrumentId, Decimal]) -> Placed:
    volume = volumes.get(row["instrument_id"])
    if volume is None and row["arrival"] is not None and row["instrument_type"] in _SHARES:
        volume = arrival_from_document(row["arrival"]).volume
    return Placed(
        id=row["id"],
        account_id=row["account_id"],
        instrument_id=row["instrument_id"],
        side=Side(row["side"]),
        state=OrderState(row["state"]),
        quantity=row["quantity"],
        day_volume=volume,
        filled_quantity=row["filled_quantity"],
        reject_code=row["reject_code"],
        placed_by=row["placed_by"],
        placed_at=row["created_at"],
        ended_at=row["ended_at"],
    )
