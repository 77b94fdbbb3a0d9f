"""Which futures and options are listed on a day, under contract ids that say what they are."""

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from itertools import islice

from app.core.catalogue import CatalogueEntry
from app.simulator.instruments import FUTURE_FAMILIES, FutureEntry, FutureFamily, OptionEntry

FUTURE_CON_ID_FROM = 700_000_000
OPTION_CON_ID_FROM = 800_000_000
STRIKES_EACH_WAY = 10

_EPOCH = date(2020, 1, 1)
_DAYS_MAX = 8_192
_STRIKES_MAX = 32
_WEEKLIES, _MONTHLIES = 2, 3
_FRIDAY = 4
_MONTH_LETTERS = "FGHJKMNQUVXZ"
_OPTION_MULTIPLIER = Decimal(100)
_STRIKE_STEPS = ((Decimal(50), Decimal(1)), (Decimal(250), Decimal(5)))
_STRIKE_STEP_ABOVE = Decimal(10)
_CENT = Decimal("0.01")


class Derivatives:
    """The futures of all families and the options on the shares and funds in US dollars among these instruments.

    A contract id holds the family or underlying, the expiry, the strike and the right, so it means the same contract
    in every process and on every day that knows the same instruments.
    """

    def __init__(self, instruments: tuple[CatalogueEntry, ...]) -> None:
        self._underlyings = tuple(
            entry for entry in instruments if entry.instrument_type in {"STOCK", "ETF"} and entry.currency == "USD"
        )

    def entry(self, con_id: int) -> FutureEntry | OptionEntry | None:
        """The contract under an id, listed today or not; None when the id is of no future or option."""
        if con_id >= OPTION_CON_ID_FROM:
            return self._option_of(con_id - OPTION_CON_ID_FROM)
        if con_id >= FUTURE_CON_ID_FROM:
            place, days = divmod(con_id - FUTURE_CON_ID_FROM, _DAYS_MAX)
            if place < len(FUTURE_FAMILIES):
                return _future(place, _EPOCH + timedelta(days=days))
        return None

    def futures(self, symbol: str, today: date) -> list[FutureEntry]:
        """The contracts of a family that still run, nearest first."""
        for place, family in enumerate(FUTURE_FAMILIES):
            if family.symbol == symbol:
                expiries = (expiry for expiry in _family_expiries(family, today) if expiry >= today)
                return [_future(place, expiry) for expiry in islice(expiries, family.contracts_listed)]
        return []

    def options(self, symbol: str, today: date) -> list[OptionEntry]:
        """The chain of an underlying: by expiry, strike and right."""
        return [
            _option(place, underlying, expiry, number, right)
            for place, underlying in enumerate(self._underlyings)
            if underlying.symbol == symbol
            for expiry in option_expiries(today)
            for number in range(2 * STRIKES_EACH_WAY + 1)
            for right in "CP"
        ]

    def has_options(self, con_id: int) -> bool:
        """True when there are options on this contract."""
        return any(entry.con_id == con_id for entry in self._underlyings)

    def _option_of(self, number: int) -> OptionEntry | None:
        number, is_put = divmod(number, 2)
        number, strike_number = divmod(number, _STRIKES_MAX)
        place, days = divmod(number, _DAYS_MAX)
        if place >= len(self._underlyings) or strike_number > 2 * STRIKES_EACH_WAY:
            return None
        expiry = _EPOCH + timedelta(days=days)
        if expiry.weekday() != _FRIDAY:
            return None
        return _option(place, self._underlyings[place], expiry, strike_number, "P" if is_put else "C")


def option_expiries(today: date) -> list[date]:
    """The days that options expire on: the next Fridays, and the third Fridays of the months after them."""
    friday = today + timedelta(days=(_FRIDAY - today.weekday()) % 7)
    weeklies = [friday + timedelta(weeks=week) for week in range(_WEEKLIES)]
    monthlies = (_third_friday(year, month) for year, month in _months_from(today.year, today.month))
    return weeklies + list(islice((day for day in monthlies if day > weeklies[-1]), _MONTHLIES))


def option_strikes(underlying: CatalogueEntry) -> list[Decimal]:
    """The strikes around an underlying's reference price, lowest first."""
    reference = underlying.reference_price
    step = next((step for below, step in _STRIKE_STEPS if reference < below), _STRIKE_STEP_ABOVE)
    middle = (reference / step).to_integral_value(rounding=ROUND_HALF_EVEN)
    return [(middle + offset) * step for offset in range(-STRIKES_EACH_WAY, STRIKES_EACH_WAY + 1)]


def _option(place: int, underlying: CatalogueEntry, expiry: date, strike_number: int, right: str) -> OptionEntry:
    strike = option_strikes(underlying)[strike_number]
    days = (expiry - _EPOCH).days
    number = (place * _DAYS_MAX + days) * _STRIKES_MAX + strike_number
    local_symbol = f"{underlying.symbol:<6}{expiry:%y%m%d}{right}{int(strike * 1_000):08d}"
    return OptionEntry(
        symbol=local_symbol,
        name=underlying.name,
        instrument_type="OPTION",
        primary_exchange="",
        con_id=OPTION_CON_ID_FROM + number * 2 + (right == "P"),
        tick_size=_CENT,
        multiplier=_OPTION_MULTIPLIER,
        reference_price=strike,
        root_con_id=underlying.con_id,
        underlying_symbol=underlying.symbol,
        expiry=expiry,
        strike=strike,
        right=right,
        is_on_fund=underlying.instrument_type == "ETF",
    )


def _future(place: int, expiry: date) -> FutureEntry:
    family = FUTURE_FAMILIES[place]
    year, month = (expiry.year, expiry.month)
    if family.expiry_rule == "20th before":
        year, month = (year + month // 12, month % 12 + 1)
    return FutureEntry(
        symbol=f"{family.symbol}{_MONTH_LETTERS[month - 1]}{year % 10}",
        name=family.name,
        instrument_type="FUTURE",
        exchange=family.exchange,
        primary_exchange=family.exchange,
        currency=family.currency,
        con_id=FUTURE_CON_ID_FROM + place * _DAYS_MAX + (expiry - _EPOCH).days,
        tick_size=family.tick_size,
        multiplier=family.multiplier,
        reference_price=family.tick_size,
        root_con_id=family.root_con_id,
        family=family.symbol,
        contract_month=f"{year}{month:02d}",
        expiry=expiry,
        underlying_con_id=family.underlying_con_id,
        underlying_symbol=family.underlying_symbol,
        underlying_sec_type=family.underlying_sec_type,
        carry_yearly=family.carry_yearly,
        rule_id=family.rule_id,
    )


def _family_expiries(family: FutureFamily, today: date) -> Iterator[date]:
    for year, month in _months_from(today.year, today.month):
        if month not in family.months:
            continue
        if family.expiry_rule == "20th before":
            before = date(year, month, 1) - timedelta(days=1)
            yield _weekday_before(before.replace(day=20))
        else:
            yield _third_friday(year, month)


def _months_from(year: int, month: int) -> Iterator[tuple[int, int]]:
    while True:
        yield year, month
        year, month = year + month // 12, month % 12 + 1


def _third_friday(year: int, month: int) -> date:
    first = date(year, month, 1)
    return first + timedelta(days=(_FRIDAY - first.weekday()) % 7 + 14)


def _weekday_before(day: date) -> date:
    return day - timedelta(days=max(0, day.weekday() - _FRIDAY))
