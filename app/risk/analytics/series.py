"""Daily closes of several things brought to the same days, and the returns from day to day."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from app.risk.analytics.terms import OBSERVATIONS_MIN, STALE_DAYS, ClosesGap

KeyT = TypeVar("KeyT", bound=Hashable)
Floats = NDArray[np.float64]
Days = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Closes:
    """Closes above zero by day, counted from 1970-01-01, in the order of days."""

    days: Days
    prices: Floats

    @classmethod
    def of(cls, days: Sequence[int], prices: Sequence[float]) -> "Closes":
        """The closes of ascending days; a close that has no return, at or below zero or not finite, is left out."""
        told, values = np.asarray(days, dtype=np.int64), np.asarray(prices, dtype=np.float64)
        usable = np.isfinite(values) & (values > 0)
        return cls(told[usable], values[usable])

    def __len__(self) -> int:
        return len(self.days)

    def inverse(self) -> "Closes":
        """One over each."""
        return Closes(self.days, 1.0 / self.prices)

    def times(self, other: "Closes") -> "Closes":
        """The products of days that both have."""
        days, here, there = np.intersect1d(self.days, other.days, assume_unique=True, return_indices=True)
        return Closes(days, self.prices[here] * other.prices[there])


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Aligned(Generic[KeyT]):
    """Returns of the same days: a row for each day, a column for each key.

    filled counts closes that were carried forward over a day on which others had one.
    """

    keys: tuple[KeyT, ...]
    days: Days
    returns: Floats
    filled: int
    left_out: Mapping[KeyT, ClosesGap]

    @property
    def observations(self) -> int:
        """How many days."""
        return len(self.returns)


def aligned(histories: Mapping[KeyT, Closes], days_max: int, *, minimum: int = OBSERVATIONS_MIN) -> Aligned[KeyT]:
    """The returns of the newest days, at most days_max, of all that have minimum + 1 closes and are not stale.

    The days are those on which more than half have a close, from the first on that all have one; a missing close is
    the one before.
    """
    newest = max((int(one.days[-1]) for one in histories.values() if len(one)), default=0)
    left_out = {key: gap for key, one in histories.items() if (gap := _gap(one, newest, minimum)) is not None}
    chosen = {key: one for key, one in histories.items() if key not in left_out}
    if not chosen:
        empty: Floats = np.empty((0, 0))
        return Aligned(keys=(), days=np.empty(0, dtype=np.int64), returns=empty, filled=0, left_out=left_out)
    first = max(int(one.days[0]) for one in chosen.values())
    told = np.concatenate([one.days[one.days >= first] for one in chosen.values()])
    counts = np.bincount(told - first)
    days: Days = (np.flatnonzero(counts * 2 > len(chosen)) + first)[-(days_max + 1) :]
    filled = 0
    rows: list[Floats] = []
    for one in chosen.values():
        places = np.searchsorted(one.days, days, side="right") - 1
        filled += int(np.count_nonzero(one.days[places] != days))
        rows.append(one.prices[places])
    prices = np.vstack(rows).T
    return Aligned(
        keys=tuple(chosen),
        days=days[1:],
        returns=prices[1:] / prices[:-1] - 1.0,
        filled=filled,
        left_out=left_out,
    )


def rate_history(pairs: Mapping[tuple[str, str], Closes], base: str, quote: str) -> Closes | None:
    """What a currency was worth in another by day: straight, inverted, or across a third.

    Of several crosses the one with the most days. None where nothing tells.
    """
    straight = _straight(pairs, base, quote)
    if straight is not None:
        return straight
    crosses: list[Closes] = []
    for middle in sorted({code for pair in pairs for code in pair} - {base, quote}):
        near, far = _straight(pairs, base, middle), _straight(pairs, middle, quote)
        if near is not None and far is not None:
            crosses.append(near.times(far))
    return max(crosses, key=len, default=None)


def _straight(pairs: Mapping[tuple[str, str], Closes], base: str, quote: str) -> Closes | None:
    if (base, quote) in pairs:
        return pairs[base, quote]
    return pairs[quote, base].inverse() if (quote, base) in pairs else None


def _gap(one: Closes, newest: int, minimum: int) -> ClosesGap | None:
    if not len(one):
        return ClosesGap.NO_HISTORY
    if len(one) <= minimum:
        return ClosesGap.TOO_SHORT
    return ClosesGap.STALE if newest - int(one.days[-1]) > STALE_DAYS else None
