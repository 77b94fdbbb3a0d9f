"""Circuit breakers halt by themselves: once for each trip, in one transaction with the halt."""

import logging
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
from app.flows.risk.risk_news import breaker_told, trip_told
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

log = logging.getLogger("oms.risk")

ACTOR: Final = "circuit-breakers"
"""The process of the house that halts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """What a breaker sees: a figure, None where it cannot tell any, the currency of a loss, and the accounts whose
    present figures are not known.
    """

    observed: Decimal | None = None
    currency: str = ""
    blind: tuple[AccountId, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Observations:
    """What breakers look at: figures and marks, what was counted, and when the brokers were lost."""

    measured: Measured
    windows: Mapping[AccountId, Window] = field(default_factory=dict)
    disconnects: Mapping[AccountId, Sequence[datetime]] = field(default_factory=dict)

    def of(self, one: CircuitBreaker, last: Trip | None) -> "Sight":
        """What the breaker sees of its accounts: what is known of them, whatever is not."""
        now = self.measured.now
        accounts = [a for a in self.measured.accounts if one.account_id in (None, a)]
        if not accounts:
            return Sight()
        base = self.measured.accounts[accounts[0]].base_currency
        since = counts_since(one, last, now)
        match one.kind:
            case BreakerKind.LOSS:
                currency = one.currency or base
                earned = {account: self._daily_pnl(account, currency) for account in accounts}
                pnl = summed(list(earned.values()))
                blind = tuple(account for account, told in earned.items() if told is None)
                return Sight(observed=None if pnl is None else max(-pnl, ZERO), currency=currency, blind=blind)
            case BreakerKind.DRAWDOWN:
                return self._drawdown(accounts, base)
            case BreakerKind.REJECT_RATE:
                counts = self._counts(accounts, since)
                return Sight(observed=reject_rate(counts.rejected, counts.asked, one.minimum))
            case BreakerKind.MESSAGE_RATE:
                return Sight(observed=Decimal(self._counts(accounts, since).messages))
            case BreakerKind.DISCONNECTS:
                lost = (at for account in accounts for at in self.disconnects.get(account, ()))
                return Sight(observed=Decimal(sum(at > since for at in lost)))

    def _drawdown(self, accounts: Sequence[AccountId], base: str) -> "Sight":
        pairs = {account: self._equity(account, base) for account in accounts}
        known = {account: pair for account, pair in pairs.items() if None not in pair}
        blind = tuple(account for account in accounts if account not in known or not self._is_fresh(account))
        if len(blind) == len(accounts):
            # What was told long ago has halted already, or never will.
            return Sight(blind=blind)
        # An account that has fallen silent counts as it was told last: without it the others would weigh too much.
        equity, peak = (summed([pair[place] for pair in known.values()]) for place in (0, 1))
        return Sight(observed=fallen(equity, peak), currency=base, blind=blind)

    def _is_fresh(self, account_id: AccountId) -> bool:
        figures = self.measured.facts[account_id].account
        return figures is not None and figures.is_fresh

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
        if figures is None or figures.equity is None:
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
    """Halts for each breaker that trips now; its trips. A breaker whose halt is in force does nothing more.

    Of one that sees more or fewer of its accounts than before it is kept and told.
    """
    found = []
    for one in breakers:
        sight = seen.of(one, last.get(one.id))
        observed = sight.observed
        if observed is not None and trips(one, observed, last.get(one.id), seen.measured.now):
            trip = await _trip(hands, tenant_id, one, observed, sight.currency)
            if trip is not None:
                found.append(trip)
        if set(sight.blind) != set(one.blind_accounts):
            await _tell_sight(hands, tenant_id, one, sight)
    return found


async def _tell_sight(hands: Hands, tenant_id: TenantId, one: CircuitBreaker, sight: Sight) -> None:
    now = hands.clock.now()
    async with begin_batch(hands.database, tenant_id) as session:
        await session.write([breakers_batch.store_sight(tenant_id, one.id, sight.blind, now)])
        await session.write([breaker_told(tenant_id, one.id, now)])
    log.warning("tenant %s: circuit breaker %s is blind for %d accounts", tenant_id, one.kind, len(sight.blind))
    await hint(hands.redis, OUTBOX)


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
