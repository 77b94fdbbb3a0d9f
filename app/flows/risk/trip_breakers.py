"""Circuit breakers halt by themselves: once for each trip, in one transaction with the halt."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Final

from app.audit import service as audit
from app.core.ids import AccountId, BreakerId, HaltId, TenantId, TripId
from app.core.money import ZERO, plain
from app.core.trading_modes import HaltScope, HaltTarget
from app.flows.halts.halt_trading import bar, store_halt
from app.flows.hands import Hands
from app.flows.hints import LANES, OUTBOX, hint
from app.flows.risk.measure_risk import Measured
from app.flows.risk.risk_news import trip_told
from app.identity.domain.access import system_principal
from app.infra.uow import begin_batch
from app.risk.domain import AccountFigures, Facts
from app.risk.halts import batch as halts
from app.risk.halts.domain import Halt
from app.risk.monitoring import breakers_batch
from app.risk.monitoring.domain.breakers import (
    BreakerKind,
    CircuitBreaker,
    Trip,
    counts_since,
    fallen,
    reason_for_all,
    reason_of,
    reject_rate,
    summed,
    trips,
)
from app.risk.monitoring.domain.counting import Counts, Window
from app.risk.monitoring.domain.utilisation import marked

ACTOR: Final = "circuit-breakers"
"""The process of the house that halts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Observations:
    """What breakers look at: figures and marks, what was counted, and when the brokers were lost."""

    measured: Measured
    windows: Mapping[AccountId, Window] = field(default_factory=dict)
    disconnects: Mapping[AccountId, Sequence[datetime]] = field(default_factory=dict)

    def of(self, one: CircuitBreaker, last: Trip | None) -> tuple[Decimal | None, str]:
        """What the breaker sees, None where it cannot tell, and the currency of a loss."""
        now = self.measured.now
        accounts = [a for a in self.measured.accounts if one.account_id in (None, a)]
        if not accounts:
            return None, ""
        base = self.measured.accounts[accounts[0]].base_currency
        since = counts_since(one, last, now)
        match one.kind:
            case BreakerKind.LOSS:
                currency = one.currency or base
                pnl = summed([self._daily_pnl(account, currency) for account in accounts])
                return (None if pnl is None else max(-pnl, ZERO)), currency
            case BreakerKind.DRAWDOWN:
                pairs = [self._equity(account, base) for account in accounts]
                return fallen(summed([one for one, _ in pairs]), summed([one for _, one in pairs])), base
            case BreakerKind.REJECT_RATE:
                counts = self._counts(accounts, since)
                return reject_rate(counts.rejected, counts.asked, one.minimum), ""
            case BreakerKind.MESSAGE_RATE:
                return Decimal(self._counts(accounts, since).messages), ""
            case BreakerKind.DISCONNECTS:
                lost = (at for account in accounts for at in self.disconnects.get(account, ()))
                return Decimal(sum(at > since for at in lost)), ""

    def _figures(self, account_id: AccountId) -> tuple[Facts, AccountFigures | None]:
        facts = self.measured.facts[account_id]
        return facts, None if facts.account is None else marked(facts.account, self.measured.marks[account_id])

    def _daily_pnl(self, account_id: AccountId, currency: str) -> Decimal | None:
        facts, figures = self._figures(account_id)
        if figures is None or figures.daily_pnl is None:
            return None
        return facts.converted(figures.daily_pnl, figures.base_currency, currency)

    def _equity(self, account_id: AccountId, currency: str) -> tuple[Decimal | None, Decimal | None]:
        facts, figures = self._figures(account_id)
        if figures is None or not figures.is_fresh or figures.equity is None:
            return None, None
        peak = max(figures.peaks.get(None, figures.equity), figures.equity)
        base = figures.base_currency
        return facts.converted(figures.equity, base, currency), facts.converted(peak, base, currency)

    def _counts(self, accounts: Sequence[AccountId], since: datetime) -> Counts:
        total = Counts()
        for account in accounts:
            if account in self.windows:
                total = total.plus(self.windows[account].since(since))
        return total


async def trip_breakers(
    hands: Hands,
    tenant_id: TenantId,
    breakers: Sequence[CircuitBreaker],
    last: Mapping[BreakerId, Trip],
    seen: Observations,
) -> list[Trip]:
    """Halts for each breaker that trips now; its trips. A breaker whose halt is in force does nothing more."""
    found = []
    for one in breakers:
        observed, currency = seen.of(one, last.get(one.id))
        if observed is not None and trips(one, observed, last.get(one.id), seen.measured.now):
            trip = await _trip(hands, tenant_id, one, observed, currency)
            if trip is not None:
                found.append(trip)
    return found


async def _trip(
    hands: Hands, tenant_id: TenantId, one: CircuitBreaker, observed: Decimal, currency: str
) -> Trip | None:
    now, principal = hands.clock.now(), system_principal(tenant_id, ACTOR)
    is_account = one.account_id is not None
    target = HaltTarget(scope=HaltScope.ACCOUNT if is_account else HaltScope.TENANT, target_id=one.account_id)
    reason = reason_of(one, observed, currency)
    halt = Halt(
        id=HaltId(hands.ids.new()),
        target=target,
        mode=one.mode,
        reason=reason_for_all(one, reason),
        is_automatic=True,
        is_kill_switch=False,
        halted_by=principal.actor,
        halted_at=now,
    )
    trip = Trip(
        id=TripId(hands.ids.new()),
        breaker_id=one.id,
        breaker_version=one.version,
        kind=one.kind,
        account_id=one.account_id,
        threshold=one.threshold,
        observed=observed,
        reason=reason,
        halt_id=halt.id,
        tripped_at=now,
    )
    async with begin_batch(hands.database, tenant_id) as session:
        await breakers_batch.put_in_line(session, tenant_id)
        current = await breakers_batch.breaker(session, tenant_id, one.id)
        last = (await breakers_batch.last_trips(session, tenant_id, [one.id])).get(one.id)
        # Another process may have tripped it, or a person changed it, since it was looked at.
        if current is None or current.version != one.version or not trips(current, observed, last, now):
            return None
        await halts.put_in_line(session, tenant_id)
        await store_halt(session, hands, principal, halt)
        entry = audit.entry(
            principal,
            "circuit_breaker.trip",
            "CircuitBreaker",
            one.id,
            entry_id=hands.ids.new(),
            now=now,
            new={"observed": plain(observed), "threshold": plain(one.threshold), "haltId": str(halt.id)},
        )
        await session.write(
            [
                breakers_batch.insert_trip(tenant_id, trip),
                audit.record_batch([entry]),
                trip_told(tenant_id, trip.id, now),
            ]
        )
    await bar(hands.database, tenant_id, target)
    await hint(hands.redis, LANES, OUTBOX)
    return trip
