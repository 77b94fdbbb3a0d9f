"""riskUtilisation, riskBreaches, riskAlerts, acknowledgeRiskBreach: how full limits are, and what came of it."""

from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final
from uuid import UUID

from app.audit import service as audit
from app.core.errors import InputError, UnavailableError
from app.core.ids import AccountId, BreachId, InstrumentId, LimitId
from app.core.paging import Page, Window, page_of
from app.core.records import replace
from app.core.texts import is_readable
from app.flows.desk import Desk
from app.flows.orders.pre_trade import Market
from app.flows.positions.view_pnl import Day
from app.flows.risk.measure_risk import Measurer
from app.flows.risk.risk_news import alerts_channel, alerts_in
from app.identity.domain import Principal
from app.infra.bus import Gap
from app.infra.redis import REDIS_LOST
from app.infra.uow import begin_batch
from app.risk.keeping import repository as limits
from app.risk.keeping.domain.changes import KeptLimit
from app.risk.monitoring import batch
from app.risk.monitoring.batch import BreachFilter
from app.risk.monitoring.domain.utilisation import Utilisation
from app.risk.monitoring.domain.watch import AlertKind, BreachRecord, Level, alert_of
from app.risk.monitoring.errors import AcknowledgerNotAPersonError, BreachAcknowledgedError, BreachUnknownError

LISTED_MAX: Final = 1_000
NOTE_LENGTH_MAX: Final = 500
_LONG_AGO: Final = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class UtilisationView:
    """What an account uses of a limit; alert is why it is told, None where it was asked for. begun_at is when the
    limit came to where the alert says that it is.
    """

    kept: KeptLimit
    account_id: AccountId
    instrument_id: InstrumentId | None
    used: Decimal
    value: Decimal
    ratio: Decimal
    is_breached: bool
    is_measured: bool
    message: str
    alert: AlertKind | None = None
    breach_id: BreachId | None = None
    begun_at: datetime | None = None
    at: datetime


async def risk_utilisation(
    desk: Desk, principal: Principal, account_id: AccountId | None, limit: int | None = None
) -> list[UtilisationView]:
    """What is used of each limit by each account that may be seen, the fullest first.

    Raises UnavailableError while Redis is away: nothing can be marked then.
    """
    now = desk.clock.now()
    seen = principal.within(None if account_id is None else [account_id])
    measurer = Measurer(database=desk.database, market=Market(redis=desk.redis))
    day = Day.of(now, desk.trading_timezone)
    try:
        measured = await measurer.measure(principal.tenant_id, day=day, now=now, accounts=seen)
    except REDIS_LOST as error:
        raise UnavailableError("positions cannot be valued at the moment") from error
    used = [one for one in measured.utilisations if account_id in (None, one.account_id)]
    used.sort(key=lambda one: (-one.ratio, one.limit.id, one.account_id))
    used = used if limit is None else used[:limit]
    kept = await _kept(desk, principal, (one.limit.id for one in used))
    return [_view(kept[one.limit.id], one, now) for one in used if one.limit.id in kept]


async def page_of_utilisation(
    desk: Desk, principal: Principal, account_id: AccountId | None, window: Window[tuple[LimitId, AccountId]]
) -> tuple[Page[UtilisationView], int]:
    """The utilisation of the window by limit and account, and how much there is in all. Raises UnavailableError."""
    found = await risk_utilisation(desk, principal, account_id)
    found.sort(key=_key)
    after = [one for one in found if window.after is None or _key(one) > window.after]
    return page_of(after[: window.size + 1], window), len(found)


async def page_of_breaches(
    desk: Desk, principal: Principal, wanted: BreachFilter, window: Window[UUID]
) -> Page[BreachRecord]:
    """The breaches of the window, the newest first."""
    async with begin_batch(desk.database, principal.tenant_id, accounts=principal.viewable) as session:
        return await batch.breaches_page(session, principal.tenant_id, wanted, window)


async def count_breaches(desk: Desk, principal: Principal, wanted: BreachFilter) -> int:
    """How many breaches there are."""
    async with begin_batch(desk.database, principal.tenant_id, accounts=principal.viewable) as session:
        return await batch.breaches_count(session, principal.tenant_id, wanted)


async def acknowledge_breach(desk: Desk, principal: Principal, breach_id: BreachId, note: str) -> BreachRecord:
    """The breach, with who has seen it and what they say. It may still be open, or be over.

    Raises InputError for the note, BreachUnknownError, BreachAcknowledgedError, AcknowledgerNotAPersonError.
    """
    text = note.strip()
    if not is_readable(text, NOTE_LENGTH_MAX):
        raise InputError(f"A note has 1 to {NOTE_LENGTH_MAX} characters.", path=["note"])
    if principal.user_id is None:
        raise AcknowledgerNotAPersonError
    tenant_id, now = principal.tenant_id, desk.clock.now()
    async with begin_batch(desk.database, tenant_id, accounts=principal.tradable) as session:
        breach = await batch.breach_for_update(session, tenant_id, breach_id)
        if breach is None:
            raise BreachUnknownError("breachId")
        if breach.acknowledged_at is not None:
            raise BreachAcknowledgedError("breachId")
        await batch.acknowledge(session, tenant_id, breach_id, by=principal.actor, note=text, now=now)
        entry = audit.entry(
            principal,
            "risk_breach.acknowledge",
            "RiskBreach",
            breach_id,
            entry_id=desk.ids.new(),
            now=now,
            new={"note": text, "limitId": str(breach.limit_id), "accountId": str(breach.account_id)},
        )
        await session.write([audit.record_batch([entry])])
    return replace(breach, acknowledged_by=principal.actor, acknowledged_at=now, note=text)


async def follow_alerts(desk: Desk, principal: Principal) -> AsyncIterator[UtilisationView]:
    """The warnings and breaches that stand, then each that begins or ends; where news were missed, those again."""
    async with desk.bus.subscribe(alerts_channel(principal.tenant_id)) as stream:
        told: dict[tuple[LimitId, AccountId], datetime] = {}
        for view in await _standing(desk, principal):
            told[_key(view)] = view.begun_at or _LONG_AGO
            yield view
        async for message in stream:
            if isinstance(message, Gap):
                told.clear()
                found = await _standing(desk, principal)
            else:
                found = await _told(desk, principal, message)
            for view in found:
                begun_at = view.begun_at or _LONG_AGO
                # What was on its way when the follower began, or comes twice, has been told.
                if begun_at > told.get(_key(view), _LONG_AGO):
                    told[_key(view)] = begun_at
                    yield view


async def _told(desk: Desk, principal: Principal, message: bytes) -> Sequence[UtilisationView]:
    alerts = [one for one in alerts_in(message) if principal.viewable is None or one.account_id in principal.viewable]
    kept = await _kept(desk, principal, (one.limit_id for one in alerts))
    return [
        UtilisationView(
            kept=kept[one.limit_id],
            account_id=one.account_id,
            instrument_id=one.instrument_id,
            used=one.used,
            value=one.value,
            ratio=one.ratio,
            is_breached=one.is_breached,
            is_measured=True,
            message="",
            alert=one.kind,
            breach_id=one.breach_id,
            begun_at=one.at,
            at=one.at,
        )
        for one in alerts
        if one.limit_id in kept
    ]


async def _standing(desk: Desk, principal: Principal) -> Sequence[UtilisationView]:
    async with begin_batch(desk.database, principal.tenant_id, accounts=principal.viewable) as session:
        records = await batch.open_breaches(session, principal.tenant_id)
    loud = [one for one in records if one.level in (Level.WARNING, Level.BREACH)]
    if not loud:
        return []
    kept = await _kept(desk, principal, (one.limit_id for one in loud))
    used = await risk_utilisation(desk, principal, None)
    now = {(one.kept.limit.id, one.account_id): one for one in used if one.is_measured}
    return [
        _of_record(kept[one.limit_id], one, now.get((one.limit_id, one.account_id)))
        for one in loud
        if one.limit_id in kept
    ]


def _of_record(kept: KeptLimit, record: BreachRecord, now: UtilisationView | None) -> UtilisationView:
    alert = alert_of(Level.CLEAR, record.level)
    if now is not None:
        return replace(now, alert=alert, breach_id=record.id, begun_at=record.opened_at)
    return UtilisationView(
        kept=kept,
        account_id=record.account_id,
        instrument_id=record.instrument_id,
        used=record.peak_observed,
        value=record.value,
        ratio=record.peak_ratio,
        is_breached=record.level is Level.BREACH,
        is_measured=False,
        message="not measured at the moment: the worst of what was",
        alert=alert,
        breach_id=record.id,
        begun_at=record.opened_at,
        at=record.opened_at,
    )


async def _kept(desk: Desk, principal: Principal, ids: Iterable[LimitId]) -> dict[LimitId, KeptLimit]:
    wanted = sorted(set(ids))
    if not wanted:
        return {}
    async with desk.reading(principal) as session:
        return {one.limit.id: one for one in await limits.limits_by_ids(session, principal.tenant_id, wanted)}


def _key(one: UtilisationView) -> tuple[LimitId, AccountId]:
    return one.kept.limit.id, one.account_id


def _view(kept: KeptLimit, one: Utilisation, now: datetime) -> UtilisationView:
    return UtilisationView(
        kept=kept,
        account_id=one.account_id,
        instrument_id=one.instrument_id,
        used=Decimal(0) if one.used is None else one.used,
        value=one.value,
        ratio=one.ratio,
        is_breached=one.is_breached,
        is_measured=one.is_complete,
        message=one.message,
        at=now,
    )
