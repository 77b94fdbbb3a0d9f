"""What is kept of an instrument, as documents, and what a broker's description changes of one. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from app.core.fix import InstrumentType, OptionRight
from app.core.ids import InstrumentId
from app.core.messages import Instrument, PriceBand
from app.core.money import plain
from app.core.sessions import ToldHours, ToldSession, known_hours

DESCRIPTION_AGE_MAX = timedelta(days=1)
HOURS_KEPT = timedelta(days=7)
"""How long sessions of the past are kept: an order of their day may still be told about."""

# These are dealt around the clock, and a DAY order of theirs works all through the exchange's day.
_ROUND_THE_CLOCK = frozenset({InstrumentType.FUTURE, InstrumentType.FOREX, InstrumentType.CRYPTO})
# A date begins at UTC+14 and ends at UTC-12.
_DAY_EVERYWHERE = timedelta(hours=36)


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractDescription:
    """An instrument as its broker describes it.

    symbol is the name a trader types, unique among contracts of the same exchange and currency; underlying_symbol
    the broker's own for what an option or a future is on. multiplier is the worth of one unit per unit of price.
    """

    contract_id: int
    symbol: str
    name: str
    instrument_type: InstrumentType
    exchange: str
    currency: str
    multiplier: Decimal
    tick_size: Decimal
    lot_size: Decimal
    price_bands: tuple[PriceBand, ...] = ()
    hours: ToldHours | None = None
    expires_on: date | None = None
    strike: Decimal | None = None
    option_right: OptionRight | None = None
    underlying_symbol: str | None = None
    underlying_contract_id: int | None = None
    details: dict[str, Any] = field(default_factory=dict)


def described(
    told: ContractDescription, *, instrument_id: InstrumentId, now: datetime, before: Instrument | None = None
) -> Instrument:
    """The instrument of a description.

    Of one known before, the name that it has in the house stays, and what its positions and amounts were worked out by:
    kind, currency and multiplier.
    """
    return Instrument(
        id=instrument_id,
        symbol=told.symbol if before is None else before.symbol,
        name=told.name or (told.symbol if before is None else before.name),
        exchange=told.exchange if before is None else before.exchange,
        currency=told.currency if before is None else before.currency,
        instrument_type=told.instrument_type if before is None else before.instrument_type,
        multiplier=told.multiplier if before is None else before.multiplier,
        tick_size=told.tick_size,
        lot_size=told.lot_size,
        contract_id=told.contract_id,
        details=told.details if before is None else {**before.details, **told.details},
        is_active=(before is None or before.is_active) and not has_expired(told.expires_on, now),
        price_bands=told.price_bands,
        hours=joined(None if before is None else before.hours, told.hours, now),
        expires_on=told.expires_on,
        strike=told.strike,
        option_right=told.option_right,
        underlying_symbol=told.underlying_symbol,
        underlying_contract_id=told.underlying_contract_id,
        described_at=now,
    )


def restated(instrument: Instrument, now: datetime) -> Instrument:
    """The instrument when the broker had nothing to tell of it: as it was, switched off if it has run out."""
    is_active = instrument.is_active and not has_expired(instrument.expires_on, now)
    return replace(instrument, is_active=is_active, described_at=now)


def has_expired(expires_on: date | None, now: datetime) -> bool:
    """True when the last day of a contract is over everywhere."""
    return expires_on is not None and now >= datetime.combine(expires_on, time(), UTC) + _DAY_EVERYWHERE


def is_stale(instrument: Instrument, now: datetime) -> bool:
    """True when the broker is to be asked again: a day has passed, or the date has changed since."""
    if instrument.described_at is None:
        return True
    return now - instrument.described_at >= DESCRIPTION_AGE_MAX or now.date() != instrument.described_at.date()


def joined(before: ToldHours | None, told: ToldHours | None, now: datetime) -> ToldHours | None:
    """The hours told now, with those of the days just past where the two meet."""
    if told is None or before is None or before.zone != told.zone:
        return told if told is not None else before
    if not before.known_from < told.known_from <= before.known_until:
        return told
    known_from = max(before.known_from, now - HOURS_KEPT)

    def past(sessions: Sequence[ToldSession]) -> tuple[ToldSession, ...]:
        return tuple(one for one in sessions if known_from < one.closes_at <= told.known_from)

    first = told.known_from.date()
    return replace(
        told,
        regular=past(before.regular) + told.regular,
        extended=past(before.extended) + told.extended,
        closed_days=tuple(day for day in before.closed_days if known_from.date() <= day < first) + told.closed_days,
        known_from=known_from,
    )


def bands_document(bands: Sequence[PriceBand]) -> dict[str, str]:
    """Bands as they are stored: the increment of each by its lowest price, as text."""
    return {plain(band.lowest): plain(band.increment) for band in bands}


def bands_of(document: Mapping[str, str]) -> tuple[PriceBand, ...]:
    """The bands of such a document, the lowest first."""
    bands = [PriceBand(lowest=Decimal(lowest), increment=Decimal(step)) for lowest, step in document.items()]
    return tuple(sorted(bands, key=lambda band: band.lowest))


def hours_document(hours: ToldHours | None) -> dict[str, Any] | None:
    """Hours as they are stored; what is usual follows from the kind of instrument."""
    if hours is None:
        return None

    def listed(sessions: Sequence[ToldSession]) -> list[list[str]]:
        return [[one.day.isoformat(), one.opens_at.isoformat(), one.closes_at.isoformat()] for one in sessions]

    return {
        "zone": hours.zone,
        "regular": listed(hours.regular),
        "extended": listed(hours.extended),
        "closed": [day.isoformat() for day in hours.closed_days],
        "from": hours.known_from.isoformat(),
        "until": hours.known_until.isoformat(),
    }


def hours_of(document: Mapping[str, Any] | None, instrument_type: InstrumentType, currency: str) -> ToldHours | None:
    """The hours of such a document."""
    if document is None:
        return None

    def read(sessions: Sequence[Sequence[str]]) -> tuple[ToldSession, ...]:
        return tuple(
            ToldSession(
                day=date.fromisoformat(day),
                opens_at=datetime.fromisoformat(opens),
                closes_at=datetime.fromisoformat(closes),
            )
            for day, opens, closes in sessions
        )

    return ToldHours(
        zone=document["zone"],
        regular=read(document["regular"]),
        extended=read(document["extended"]),
        closed_days=tuple(date.fromisoformat(day) for day in document["closed"]),
        known_from=datetime.fromisoformat(document["from"]),
        known_until=datetime.fromisoformat(document["until"]),
        usual=known_hours(instrument_type, currency),
        is_one_day=instrument_type in _ROUND_THE_CLOCK,
    )
