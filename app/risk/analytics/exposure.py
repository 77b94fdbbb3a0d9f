"""Exposure: how much is held long and short, in all and by what the positions have in common."""

from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import TypeVar

from app.core.ids import AccountId, InstrumentId
from app.core.money import ZERO
from app.risk.analytics.book import Book, Valued

KeyT = TypeVar("KeyT", bound=Hashable)


@dataclass(frozen=True, slots=True, kw_only=True)
class Exposure:
    """Values of long and of short holdings, both at or above zero, and how many holdings there are."""

    long: Decimal = ZERO
    short: Decimal = ZERO
    positions: int = 0

    @property
    def gross(self) -> Decimal:
        """long + short."""
        return self.long + self.short

    @property
    def net(self) -> Decimal:
        """long - short."""
        return self.long - self.short

    def adding(self, value: Decimal) -> "Exposure":
        """The exposure with another holding of the signed value."""
        return Exposure(
            long=self.long + max(value, ZERO), short=self.short + max(-value, ZERO), positions=self.positions + 1
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ExposureReport:
    """The exposure of a book in all and by currency, sector, instrument and account; largest gross first.

    A currency pair is long in one currency and short in the other, so that the sums over currencies may be above the
    total. The sector is None where the broker named none.
    """

    total: Exposure
    by_currency: dict[str, Exposure]
    by_sector: dict[str | None, Exposure]
    by_instrument: dict[InstrumentId, Exposure]
    by_account: dict[AccountId, Exposure]


def exposure_of(book: Book) -> ExposureReport:
    """The exposure of a book, in its currency."""
    total = Exposure()
    for one in book.valued:
        total = total.adding(one.value)
    legs = [leg for one in book.valued for leg in _legs(one)]
    return ExposureReport(
        total=total,
        by_currency=_grouped(legs),
        by_sector=_by(book.valued, lambda one: one.holding.sector),
        by_instrument=_by(book.valued, lambda one: one.holding.instrument_id),
        by_account=_by(book.valued, lambda one: one.holding.account_id),
    )


def _legs(one: Valued) -> list[tuple[str, Decimal]]:
    holding = one.holding
    if holding.base_currency is None:
        return [(holding.currency, one.value)]
    return [(holding.base_currency, one.value), (holding.currency, -one.value)]


def _by(valued: Iterable[Valued], key: Callable[[Valued], KeyT]) -> dict[KeyT, Exposure]:
    return _grouped((key(one), one.value) for one in valued)


def _grouped(values: Iterable[tuple[KeyT, Decimal]]) -> dict[KeyT, Exposure]:
    found: dict[KeyT, Exposure] = {}
    for key, value in values:
        found[key] = found.get(key, Exposure()).adding(value)
    return dict(sorted(found.items(), key=lambda one: (-one[1].gross, str(one[0]))))
