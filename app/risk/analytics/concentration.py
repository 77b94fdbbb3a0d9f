"""Concentration: how much of a book hangs on a few names."""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Final, Generic, TypeVar

from app.core.money import ZERO

KeyT = TypeVar("KeyT", bound=Hashable)
_STEP: Final = Decimal("0.000001")


@dataclass(frozen=True, slots=True, kw_only=True)
class Share(Generic[KeyT]):
    """What a name is of the whole: its signed value, and its share of the sum of all values, signs aside."""

    key: KeyT
    value: Decimal
    share: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Concentration(Generic[KeyT]):
    """The shares, the largest first, and the Herfindahl-Hirschman index: the sum of their squares, 1/n to 1.

    Source: US Department of Justice, Herfindahl-Hirschman Index (there in points, 10,000 for 1).
    """

    shares: tuple[Share[KeyT], ...]
    herfindahl: Decimal | None

    @property
    def largest(self) -> Share[KeyT] | None:
        """The largest share; None of nothing."""
        return self.shares[0] if self.shares else None

    @property
    def effective_names(self) -> Decimal | None:
        """How many names of the same size are as concentrated: one over the index."""
        return None if self.herfindahl is None else _stepped(1 / self.herfindahl)


def concentration_of(values: Mapping[KeyT, Decimal]) -> Concentration[KeyT]:
    """The concentration of signed values, which hold each name once."""
    gross = sum((abs(value) for value in values.values()), ZERO)
    if gross == ZERO:
        return Concentration(shares=(), herfindahl=None)
    ordered = sorted(values.items(), key=lambda one: (-abs(one[1]), str(one[0])))
    herfindahl = sum(((value / gross) ** 2 for value in values.values()), ZERO)
    return Concentration(
        shares=tuple(Share(key=key, value=value, share=_stepped(abs(value) / gross)) for key, value in ordered),
        herfindahl=_stepped(herfindahl),
    )


def _stepped(ratio: Decimal) -> Decimal:
    return ratio.quantize(_STEP, rounding=ROUND_HALF_EVEN)
