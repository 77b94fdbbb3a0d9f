"""What of a change of a circuit breaker may let pass what it would have halted."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from app.core.money import plain
from app.core.records import replace
from app.core.trading_modes import TradingMode
from app.risk.monitoring.domain.breakers import OF_WINDOWS, BreakerKind, BreakerProposal, CircuitBreaker

PROPOSAL_LASTS: Final = timedelta(days=3)
"""After so long a proposal counts no more."""


def loosened(before: CircuitBreaker, wanted: CircuitBreaker | None) -> tuple[str, ...]:
    """In which ways the change loosens the breaker, wanted None for taking it away; none of one that is off.

    What cannot be compared counts as looser.
    """
    return tuple(_loosened(before, wanted)) if before.is_active else ()


def is_confirmed(proposal: BreakerProposal | None, wanted: CircuitBreaker | None, now: datetime) -> bool:
    """True when the same was proposed, and lately. By whom is not asked."""
    if proposal is None or now - proposal.proposed_at >= PROPOSAL_LASTS:
        return False
    if wanted is None or proposal.wanted is None:
        return wanted is proposal.wanted
    return _terms(wanted) == _terms(proposal.wanted)


def _loosened(before: CircuitBreaker, wanted: CircuitBreaker | None) -> Iterator[str]:
    if wanted is None:
        yield "it is taken away"
        return
    if not wanted.is_active:
        yield "it is switched off"
    if wanted.threshold > before.threshold:
        yield f"it trips at {plain(wanted.threshold)} instead of {plain(before.threshold)}"
    if wanted.currency != before.currency:
        yield "the threshold is in another currency, which cannot be compared"
    if before.mode is TradingMode.HALTED and wanted.mode is not TradingMode.HALTED:
        yield "it lets pass what makes positions smaller"
    if before.kind in OF_WINDOWS and wanted.window_s != before.window_s:
        # A part of other orders cannot be compared; a count within less time is no larger.
        if before.kind is BreakerKind.REJECT_RATE:
            yield "it looks at another window, which cannot be compared"
        elif wanted.window_s < before.window_s:
            yield f"it counts {wanted.window_s} s instead of {before.window_s} s"
    if before.kind is BreakerKind.REJECT_RATE and wanted.minimum > before.minimum:
        yield f"it needs {wanted.minimum} orders instead of {before.minimum}"
    if wanted.cooldown_s > before.cooldown_s:
        yield f"it rests {wanted.cooldown_s} s after a release instead of {before.cooldown_s} s"


def _terms(one: CircuitBreaker) -> CircuitBreaker:
    return replace(one, version=0, updated_by="", updated_at=None, proposal=None, blind_accounts=(), blind_since=None)
