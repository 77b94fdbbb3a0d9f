"""Circuit breakers: what trips one, how long it leaves alone after a release, and what it says when it halts."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final

from app.core.currencies import is_currency
from app.core.errors import Problem
from app.core.ids import AccountId, BreakerId, HaltId, TripId
from app.core.money import FRACTION_DIGITS_MAX, ZERO, plain
from app.core.records import replace
from app.core.trading_modes import TradingMode
from app.risk.domain.held import shown

BREAKERS_MAX: Final = 100
WINDOW_S_MAX: Final = 3_600
COOLDOWN_S_MAX: Final = 86_400
MINIMUM_MAX: Final = 10_000
MONEY_MAX: Final = Decimal(10) ** 15
COUNT_MAX: Final = Decimal(1_000_000)
PERCENT: Final = Decimal(100)
WINDOW_S: Final = 60
COOLDOWN_S: Final = 60
MINIMUM: Final = 20


class BreakerKind(StrEnum):
    """What a breaker looks at.

    LOSS: the loss of the day, in money. DRAWDOWN: how far the equity lies below its peak, in percent. REJECT_RATE:
    which percentage of the orders of the window were rejected, by the house or by the broker. DISCONNECTS: how often
    the broker was lost within the window. MESSAGE_RATE: how many orders, changes and cancels the window saw.
    """

    LOSS = "LOSS"
    DRAWDOWN = "DRAWDOWN"
    REJECT_RATE = "REJECT_RATE"
    DISCONNECTS = "DISCONNECTS"
    MESSAGE_RATE = "MESSAGE_RATE"

    @property
    def words(self) -> str:
        """As people say it: "reject rate"."""
        return self.value.replace("_", " ").lower()


OF_WINDOWS: Final = frozenset({BreakerKind.REJECT_RATE, BreakerKind.DISCONNECTS, BreakerKind.MESSAGE_RATE})
"""The kinds that count within a window."""
OF_EVENTS: Final = frozenset({BreakerKind.REJECT_RATE, BreakerKind.MESSAGE_RATE})
OF_MARKS: Final = frozenset({BreakerKind.LOSS, BreakerKind.DRAWDOWN})


class BreakerProblem(StrEnum):
    """Codes of what is wrong about a breaker."""

    BREAKER_THRESHOLD_INVALID = "BREAKER_THRESHOLD_INVALID"
    BREAKER_WINDOW_INVALID = "BREAKER_WINDOW_INVALID"
    BREAKER_COOLDOWN_INVALID = "BREAKER_COOLDOWN_INVALID"
    BREAKER_MINIMUM_INVALID = "BREAKER_MINIMUM_INVALID"
    BREAKER_MODE_INVALID = "BREAKER_MODE_INVALID"
    BREAKER_CURRENCY_INVALID = "BREAKER_CURRENCY_INVALID"


MEANING: Final[dict[BreakerProblem, str]] = {
    BreakerProblem.BREAKER_THRESHOLD_INVALID: "The threshold is no number, not above zero, off its unit or beyond all "
    "reason.",
    BreakerProblem.BREAKER_WINDOW_INVALID: f"The window is 1 to {WINDOW_S_MAX} seconds.",
    BreakerProblem.BREAKER_COOLDOWN_INVALID: f"The cooldown is 0 to {COOLDOWN_S_MAX} seconds.",
    BreakerProblem.BREAKER_MINIMUM_INVALID: f"The least count of orders is 1 to {MINIMUM_MAX}.",
    BreakerProblem.BREAKER_MODE_INVALID: "A breaker sets REDUCE_ONLY or HALTED.",
    BreakerProblem.BREAKER_CURRENCY_INVALID: "Only a LOSS is in money, and its currency is a code of ISO 4217.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class CircuitBreaker:
    """A breaker of an account, or of the whole tenant, whose accounts then count together.

    threshold is in the unit of the kind. minimum is how many orders a REJECT_RATE needs to judge by. After a release it
    does not trip for cooldown_s. currency is that of a LOSS, None for the base currency.

    proposal is what one person wants of it that loosens it, until another says the same. blind_accounts are those of
    which it does not know the present figures, since blind_since.
    """

    id: BreakerId
    kind: BreakerKind
    account_id: AccountId | None
    threshold: Decimal
    mode: TradingMode
    currency: str | None = None
    window_s: int = WINDOW_S
    minimum: int = MINIMUM
    cooldown_s: int = COOLDOWN_S
    is_active: bool = True
    version: int = 1
    updated_by: str = ""
    updated_at: datetime | None = None
    proposal: "BreakerProposal | None" = None
    blind_accounts: tuple[AccountId, ...] = ()
    blind_since: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakerProposal:
    """A breaker as somebody wants it, None to take it away, and why that is looser."""

    wanted: CircuitBreaker | None
    why: tuple[str, ...]
    proposed_by: str
    proposed_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Trip:
    """One time that a breaker halted; resumed_at is when its halt was released."""

    id: TripId
    breaker_id: BreakerId
    breaker_version: int
    kind: BreakerKind
    account_id: AccountId | None
    threshold: Decimal
    observed: Decimal
    reason: str
    halt_id: HaltId
    tripped_at: datetime
    resumed_at: datetime | None = None


def breaker_problems(one: CircuitBreaker) -> tuple[Problem, ...]:
    """Everything that is wrong with a breaker."""
    return tuple(_problems(one))


def may_trip(one: CircuitBreaker, last: Trip | None, now: datetime) -> bool:
    """False while the halt of its last trip holds, and for the cooldown after its release."""
    if not one.is_active:
        return False
    if last is None:
        return True
    return last.resumed_at is not None and now - last.resumed_at >= timedelta(seconds=one.cooldown_s)


def counts_since(one: CircuitBreaker, last: Trip | None, now: datetime) -> datetime:
    """Since when its window counts: what lies before a release is over."""
    begin = now - timedelta(seconds=one.window_s)
    return begin if last is None or last.resumed_at is None else max(begin, last.resumed_at)


def trips(one: CircuitBreaker, observed: Decimal | None, last: Trip | None, now: datetime) -> bool:
    """True when the breaker halts now. What is not known trips nothing."""
    return observed is not None and observed.is_finite() and observed >= one.threshold and may_trip(one, last, now)


def reject_rate(rejected: int, asked: int, minimum: int) -> Decimal | None:
    """Which percentage of the orders were rejected; None where there were too few to tell."""
    return None if asked < max(minimum, 1) else Decimal(rejected) / asked * PERCENT


def fallen(equity: Decimal | None, peak: Decimal | None) -> Decimal | None:
    """How far the equity lies below its peak, in percent; None where either is unknown or the peak is none."""
    if equity is None or peak is None or peak <= 0:
        return None
    return max(peak - equity, ZERO) / peak * PERCENT


def reason_of(one: CircuitBreaker, observed: Decimal, currency: str) -> str:
    """Why it halts, in words and figures."""
    whole = "the firm" if one.account_id is None else "the account"
    limit = plain(one.threshold)
    match one.kind:
        case BreakerKind.LOSS:
            told = f"{whole} has lost {shown(observed)} {currency} today, {limit} or more halts"
        case BreakerKind.DRAWDOWN:
            told = f"the equity of {whole} is {shown(observed)}% below its peak, {limit}% or more halts"
        case BreakerKind.REJECT_RATE:
            told = f"{shown(observed)}% of the orders in {one.window_s} s were rejected, {limit}% or more halts"
        case BreakerKind.DISCONNECTS:
            told = f"the broker was lost {shown(observed)} times in {one.window_s} s, {limit} or more halts"
        case BreakerKind.MESSAGE_RATE:
            told = f"{shown(observed)} orders, changes and cancels in {one.window_s} s, {limit} or more halts"
    return f"circuit breaker {one.kind.words}: {told}"


def reason_for_all(one: CircuitBreaker, reason: str) -> str:
    """Why it halts, as everybody may know who meets the halt: what the firm's accounts came to together is not theirs
    to know who see some of them alone.
    """
    return reason if one.account_id is not None else f"circuit breaker {one.kind.words} of the firm"


def breaker_document(one: CircuitBreaker) -> dict[str, Any]:
    """The breaker as the audit log has it."""
    return {
        "kind": one.kind.value,
        "accountId": None if one.account_id is None else str(one.account_id),
        "threshold": plain(one.threshold),
        "currency": one.currency,
        "mode": one.mode.value,
        "windowSeconds": one.window_s,
        "minimumOrders": one.minimum,
        "cooldownSeconds": one.cooldown_s,
        "isActive": one.is_active,
        "version": one.version,
    }


def breaker_of_document(document: Mapping[str, Any], before: CircuitBreaker) -> CircuitBreaker:
    """The breaker that breaker_document wrote down, as a change of another."""
    return replace(
        before,
        threshold=Decimal(document["threshold"]),
        currency=document["currency"],
        mode=TradingMode(document["mode"]),
        window_s=document["windowSeconds"],
        minimum=document["minimumOrders"],
        cooldown_s=document["cooldownSeconds"],
        is_active=document["isActive"],
    )


def proposal_document(one: BreakerProposal) -> dict[str, Any]:
    """The proposal as it is kept."""
    return {
        "wanted": None if one.wanted is None else breaker_document(one.wanted),
        "why": list(one.why),
        "proposedBy": one.proposed_by,
        "proposedAt": one.proposed_at.isoformat(),
    }


def proposal_of_document(document: Mapping[str, Any], before: CircuitBreaker) -> BreakerProposal:
    """The proposal that proposal_document wrote down, of a change of this breaker."""
    wanted = document["wanted"]
    return BreakerProposal(
        wanted=None if wanted is None else breaker_of_document(wanted, before),
        why=tuple(document["why"]),
        proposed_by=document["proposedBy"],
        proposed_at=datetime.fromisoformat(document["proposedAt"]),
    )


def summed(amounts: Sequence[Decimal | None]) -> Decimal | None:
    """The sum of what is known; None where nothing is."""
    known = [one for one in amounts if one is not None]
    return sum(known, ZERO) if known else None


def _problems(one: CircuitBreaker) -> Iterator[Problem]:
    if not _is_fitting(one):
        told = f"{one.kind.words.capitalize()} needs {_UNIT[one.kind]} above zero, at most {plain(_MOST[one.kind])}"
        yield _problem(BreakerProblem.BREAKER_THRESHOLD_INVALID, "threshold", told)
    if not 1 <= one.window_s <= WINDOW_S_MAX:
        yield _problem(BreakerProblem.BREAKER_WINDOW_INVALID, "windowSeconds")
    if not 0 <= one.cooldown_s <= COOLDOWN_S_MAX:
        yield _problem(BreakerProblem.BREAKER_COOLDOWN_INVALID, "cooldownSeconds")
    if not 1 <= one.minimum <= MINIMUM_MAX:
        yield _problem(BreakerProblem.BREAKER_MINIMUM_INVALID, "minimumOrders")
    if one.mode is TradingMode.ACTIVE:
        yield _problem(BreakerProblem.BREAKER_MODE_INVALID, "mode")
    if one.currency is not None and (one.kind is not BreakerKind.LOSS or not is_currency(one.currency)):
        yield _problem(BreakerProblem.BREAKER_CURRENCY_INVALID, "currency")


def _is_fitting(one: CircuitBreaker) -> bool:
    threshold = one.threshold
    if not threshold.is_finite() or not 0 < threshold <= _MOST[one.kind]:
        return False
    digits = 0 if one.kind in (BreakerKind.DISCONNECTS, BreakerKind.MESSAGE_RATE) else FRACTION_DIGITS_MAX
    return round(threshold, digits) == threshold


def _problem(code: BreakerProblem, path: str, message: str | None = None) -> Problem:
    return Problem(code=code.value, message=message or MEANING[code], path=(path,))


_UNIT: Final[dict[BreakerKind, str]] = {
    BreakerKind.LOSS: "an amount of money",
    BreakerKind.DRAWDOWN: "a percentage",
    BreakerKind.REJECT_RATE: "a percentage",
    BreakerKind.DISCONNECTS: "a whole number",
    BreakerKind.MESSAGE_RATE: "a whole number",
}
_MOST: Final[dict[BreakerKind, Decimal]] = {
    BreakerKind.LOSS: MONEY_MAX,
    BreakerKind.DRAWDOWN: PERCENT,
    BreakerKind.REJECT_RATE: PERCENT,
    BreakerKind.DISCONNECTS: COUNT_MAX,
    BreakerKind.MESSAGE_RATE: COUNT_MAX,
}
