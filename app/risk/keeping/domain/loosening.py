"""Whether a change of a limit lets anything pass that the limit refused: a pure answer, type by type."""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import Any, Final

from app.core.fix import RiskLimitType
from app.core.money import plain
from app.risk.domain import Conditions, RiskLimit, conditions_of, limit_problems
from app.risk.domain.conditions import CollarDirection, CrossPolicy, TimeWindow

_TYPE = RiskLimitType
_LOWER_LOOSENS: Final = frozenset({_TYPE.MIN_MARGIN_EXCESS, _TYPE.DUPLICATE_ORDER, _TYPE.COOLDOWN})
_PROMOTES: Final = "a shadow becomes live and may refuse orders"


def second_person_reasons(before: RiskLimit, after: RiskLimit | None, now: datetime) -> tuple[str, ...]:
    """Why the change takes a second person, in words: how it loosens, or that a shadow becomes live; else nothing.

    after is None for a deletion.
    """
    reasons = loosenings(before, after, now)
    if after is not None and before.is_shadow and not after.is_shadow:
        return (*reasons, _PROMOTES)
    return reasons


def loosenings(before: RiskLimit, after: RiskLimit | None, now: datetime) -> tuple[str, ...]:
    """In which ways orders from now on might pass that the limit as it was refused; empty only when none can.

    What cannot be compared counts as looser. The two are versions of one limit: of one type, and of the same account,
    strategy and instrument.
    """
    if not before.is_active or before.is_shadow or _has_ended(before, now):
        return ()
    if after is None:
        return ("the limit is deleted",)
    return tuple(_ways(before, after, now))


def _ways(before: RiskLimit, after: RiskLimit, now: datetime) -> Iterator[str]:
    if not after.is_active:
        yield "the limit is switched off"
    if after.is_shadow:
        yield "the limit becomes a shadow and refuses nothing"
    targets = ("limit_type", "account_id", "strategy_id", "instrument_id")
    if any(getattr(before, name) != getattr(after, name) for name in targets):
        yield "the limit covers something else"
    yield from _period(before, after, now)
    if limit_problems(before):
        if (before.value, before.currency, before.conditions) != (after.value, after.currency, after.conditions):
            yield "a limit that cannot be held refuses everything, and would no more"
        return
    yield from _value(before, after)
    old, new = (conditions_of(one.limit_type, one.conditions) for one in (before, after))
    if isinstance(old, Conditions) and isinstance(new, Conditions):
        yield from _narrowing(before.limit_type, old, new)
        yield from _own(before.limit_type, old, new)


def _has_ended(limit: RiskLimit, now: datetime) -> bool:
    return limit.effective_until is not None and limit.effective_until <= now


def _period(before: RiskLimit, after: RiskLimit, now: datetime) -> Iterator[str]:
    old_start = now if before.effective_from is None else max(before.effective_from, now)
    new_start = now if after.effective_from is None else max(after.effective_from, now)
    if new_start > old_start:
        yield f"it begins later, at {new_start.isoformat()}"
    if after.effective_until is not None and (
        before.effective_until is None or after.effective_until < before.effective_until
    ):
        yield f"it ends earlier, at {after.effective_until.isoformat()}"


def _value(before: RiskLimit, after: RiskLimit) -> Iterator[str]:
    if before.currency != after.currency:
        yield "it is in another currency"
    if before.value == after.value:
        return
    if before.value is None or after.value is None:
        yield "its value cannot be compared"
    elif (after.value < before.value) is (before.limit_type in _LOWER_LOOSENS):
        yield f"its value goes from {plain(before.value)} to {plain(after.value)}"


def _narrowing(limit_type: RiskLimitType, old: Conditions, new: Conditions) -> Iterator[str]:
    if limit_type is _TYPE.SYMBOL_WHITELIST:
        if not _symbols(new) <= _symbols(old):
            yield "the white list gets longer"
    elif limit_type is _TYPE.SYMBOL_BLACKLIST:
        if not _symbols(new) >= _symbols(old):
            yield "the black list gets shorter"
    elif not _covers(new.symbols, old.symbols):
        yield "it is held against fewer symbols"
    if not _covers(new.sides, old.sides):
        yield "it is held against fewer sides"
    if not _covers(new.modes, old.modes):
        yield "it is held against fewer accounts"
    if new.times and not (old.times and all(_is_within(window, new.times) for window in old.times)):
        yield "it is held in fewer hours"
    if new.passes_reducing and not old.passes_reducing:
        yield "orders that reduce a position pass"


def _symbols(conditions: Conditions) -> frozenset[str]:
    return conditions.symbols or frozenset()


def _covers(new: frozenset[Any] | None, old: frozenset[Any] | None) -> bool:
    return new is None or (old is not None and new >= old)


def _is_within(window: TimeWindow, windows: Iterable[TimeWindow]) -> bool:
    listed = [one for one in windows if one.zone.key == window.zone.key]
    return all(
        _fills(window.begins, window.ends, [(one.begins, one.ends) for one in listed if day in one.weekdays])
        for day in window.weekdays
    )


def _fills(begins: int, ends: int, spans: Iterable[tuple[int, int]]) -> bool:
    reached = begins
    for start, end in sorted(spans):
        if start > reached:
            break
        reached = max(reached, end)
    return reached >= ends


# What each condition of a type's own has to be, so that nothing passes that did not: new and old as they are read.
_STRICTER: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "window_s": lambda new, old: new == old,
    "allowance": lambda new, old: new == old or (new is not None and old is not None and new <= old),
    "after": lambda new, old: bool(new >= old),
    "is_extended": lambda new, old: old or not new,
    "minutes_after_open": lambda new, old: bool(new >= old),
    "minutes_before_close": lambda new, old: bool(new >= old),
    "direction": lambda new, old: new == old or new is CollarDirection.BOTH,
    "basis": lambda new, old: new == old,
    "margin_percent": lambda new, old: bool(new >= old),
    "window_days": lambda new, old: new is None or (old is not None and new >= old),
    "with_stops": lambda new, old: new or not old,
    "policy": lambda new, old: new is CrossPolicy.BLOCK_NEWEST,
}
_COMMON: Final = frozenset({"symbols", "sides", "modes", "times", "passes_reducing"})


def _own(limit_type: RiskLimitType, old: Conditions, new: Conditions) -> Iterator[str]:
    for name in Conditions.__dataclass_fields__:
        if name in _COMMON:
            continue
        before, after = getattr(old, name), getattr(new, name)
        is_stricter = _STRICTER.get(name)
        if before == after or (is_stricter is not None and is_stricter(after, before)):
            continue
        if name == "window_s" and limit_type is _TYPE.MAX_ORDERS_PER_MINUTE and (after or 60) >= (before or 60):
            continue
        if name == "allowance" and limit_type is _TYPE.DUPLICATE_ORDER and (after or 0) <= (before or 0):
            continue
        yield f"its condition {name.replace('_', ' ')} changes"
