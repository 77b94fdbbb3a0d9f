"""Exchange rates: what one currency is worth in another, straight, inverted or across a third."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any, Final

RATE_DIGITS: Final = 18
RATE_AGE_MAX: Final = timedelta(minutes=5)
"""A rate that is older is stale: it still converts, and whoever shows the amount says so."""

_STEP = Decimal(1).scaleb(-RATE_DIGITS)


@dataclass(frozen=True, slots=True, kw_only=True)
class FxRate:
    """What one unit of `base` is worth in `quote`, as of `at`, the time of the quote (the older one of a cross)."""

    base: str
    quote: str
    rate: Decimal
    at: datetime

    def is_stale(self, now: datetime) -> bool:
        """True when the quote is older than RATE_AGE_MAX, or as far ahead; a currency in itself never is."""
        return self.base != self.quote and abs(now - self.at) > RATE_AGE_MAX


class FxRates:
    """The rates that are known; of two for the same pair the newer one holds."""

    __slots__ = ("_known",)

    def __init__(self, rates: Iterable[FxRate] = ()) -> None:
        known: dict[tuple[str, str], FxRate] = {}
        for one in rates:
            held = known.get((one.base, one.quote))
            if one.rate > 0 and (held is None or held.at <= one.at):
                known[one.base, one.quote] = one
        self._known = known

    @property
    def quoted(self) -> list[FxRate]:
        """The pairs as they were quoted, in the order of their names."""
        return [self._known[pair] for pair in sorted(self._known)]

    def find(self, base: str, quote: str, now: datetime) -> FxRate | None:
        """What `base` is worth in `quote`; None where nothing tells, and never 1 for two currencies.

        The quoted pair comes first, then the inverse of the opposite one, then a cross through a third currency: of
        several crosses the one whose older leg is the newest. Rounded to 18 decimals.
        """
        if base == quote:
            return FxRate(base=base, quote=quote, rate=Decimal(1), at=now)
        straight = self._straight(base, quote)
        if straight is not None:
            return straight
        crosses = []
        for middle in sorted({currency for pair in self._known for currency in pair} - {base, quote}):
            near, far = self._straight(base, middle), self._straight(middle, quote)
            if near is not None and far is not None:
                at = min(near.at, far.at)
                crosses.append(FxRate(base=base, quote=quote, rate=_rounded(near.rate * far.rate), at=at))
        return max((one for one in crosses if one.rate > 0), key=lambda one: one.at, default=None)

    def _straight(self, base: str, quote: str) -> FxRate | None:
        found = self._known.get((base, quote))
        if found is not None:
            return found
        opposite = self._known.get((quote, base))
        if opposite is None:
            return None
        inverse = _rounded(1 / opposite.rate)
        return FxRate(base=base, quote=quote, rate=inverse, at=opposite.at) if inverse > 0 else None


def rate_from_document(document: Mapping[str, Any]) -> FxRate:
    """The rate of a JSON object of base, quote, rate and at."""
    return FxRate(
        base=document["base"],
        quote=document["quote"],
        rate=Decimal(document["rate"]),
        at=datetime.fromisoformat(document["at"]),
    )


def _rounded(rate: Decimal) -> Decimal:
    return rate.quantize(_STEP, rounding=ROUND_HALF_EVEN)
