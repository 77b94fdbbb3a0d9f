"""A limit as the chain holds it: read once, with its conditions understood; and what a check finds."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from app.core.errors import Problem
from app.core.fix import RiskLimitType, RiskOutcome
from app.core.messages import RiskCheck
from app.core.money import plain
from app.risk.domain.conditions import NO_CONDITIONS, Conditions, conditions_of
from app.risk.domain.facts import Facts
from app.risk.domain.limits import RiskLimit, limit_problems
from app.risk.domain.proposal import Proposal, only_reduces

NO_INPUTS: Final[Mapping[str, Any]] = MappingProxyType({})


class Finding(NamedTuple):
    """What a check found: whether the order passes, what was observed in the limit's unit, why, and from what facts."""

    is_passed: bool
    observed: Decimal | None
    message: str
    inputs: Mapping[str, Any] = NO_INPUTS


Check = Callable[["HeldLimit", Proposal, Facts], Finding]
"""One check: pure, and it never raises for what it does not know, but refuses."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldLimit:
    """A limit with its conditions read. problems are what is wrong with it: such a limit refuses.

    value_text is the value in words; blank is what it says of an order, before it has said anything; covers_all is True
    for one that is held against every order at every time.
    """

    limit: RiskLimit
    conditions: Conditions
    problems: tuple[Problem, ...]
    value_text: str
    blank: RiskCheck
    covers_all: bool

    @property
    def value(self) -> Decimal:
        """The value of a limit that has one."""
        assert self.limit.value is not None, "a limit without its value was refused before"
        return self.limit.value

    def covers(self, proposal: Proposal, facts: Facts) -> bool:
        """True when the limit is to be held against the order at this instant."""
        if self.covers_all:
            return True
        limit, conditions = self.limit, self.conditions
        if not limit.applies(proposal.account_id, proposal.instrument.id, proposal.strategy_id):
            return False
        if not limit.is_in_force(facts.now):
            return False
        if conditions.sides is not None and proposal.side not in conditions.sides:
            return False
        if conditions.symbols is not None and not self.is_list and not conditions.names(proposal.instrument.symbol):
            return False
        if conditions.modes is not None and facts.account is not None and facts.account.mode not in conditions.modes:
            return False
        return conditions.is_on(facts.now)

    @property
    def is_list(self) -> bool:
        """True where the symbols are what is asked, not which orders are meant."""
        return self.limit.limit_type in _LISTS

    def lets_by(self, proposal: Proposal) -> bool:
        """True for an order that only makes a position smaller, where the limit says that such pass."""
        return self.conditions.passes_reducing and only_reduces(proposal)


_LISTS: Final = frozenset({RiskLimitType.SYMBOL_WHITELIST, RiskLimitType.SYMBOL_BLACKLIST})


def read_limit(limit: RiskLimit) -> HeldLimit:
    """The limit with its conditions read; one that has problems covers all that it may and refuses it."""
    conditions = conditions_of(limit.limit_type, limit.conditions) if limit.conditions else NO_CONDITIONS
    if not isinstance(conditions, Conditions):
        conditions = NO_CONDITIONS
    return HeldLimit(
        limit=limit,
        conditions=conditions,
        problems=limit_problems(limit),
        value_text="" if limit.value is None else plain(limit.value),
        blank=RiskCheck(
            check=limit.limit_type,
            outcome=RiskOutcome.FAILED,
            limit=limit.value,
            observed=None,
            message="",
            limit_id=limit.id,
            limit_version=limit.version,
            is_shadow=limit.is_shadow,
        ),
        covers_all=limit.is_active
        and conditions is NO_CONDITIONS
        and (limit.account_id or limit.instrument_id or limit.strategy_id) is None
        and (limit.effective_from or limit.effective_until) is None,
    )


def at_most(held: HeldLimit, observed: Decimal, what: str, unit: str = "", **inputs: Any) -> Finding:
    """The order passes while what is observed does not exceed the value."""
    is_passed = observed <= held.value
    relation = "is within" if is_passed else "is above"
    message = f"{what} {shown(observed, held.value)}{unit} {relation} {held.value_text}{unit}"
    return Finding(is_passed, observed, message, inputs)


def unknown(message: str, **inputs: Any) -> Finding:
    """The check cannot tell, and so refuses."""
    return Finding(False, None, message, inputs)


_SHOWN_DIGITS: Final = 4


def shown(number: Decimal, beside: Decimal | None = None) -> str:
    """A figure for a sentence: whole where it fits into a few digits, else rounded, but never to what it is beside."""
    text = plain(number)
    point, digits = text.find("."), _SHOWN_DIGITS
    if point < 0 or len(text) - point - 1 <= digits:
        return text
    while round(number, digits) == beside != number:
        digits += 1
    return plain(round(number, digits))
