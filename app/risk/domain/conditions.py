"""The conditions of a limit: what a JSON document may say, read once into a value that the checks rely on."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from functools import cache
from typing import Any, Final
from zoneinfo import ZoneInfo, available_timezones

from app.core.errors import Problem
from app.core.fix import RiskLimitType, Side
from app.core.money import parse_decimal
from app.risk.errors import LimitProblem, limit_problem

SYMBOLS_MAX: Final = 1_000
SYMBOL_LENGTH_MAX: Final = 64
WINDOWS_MAX: Final = 28
WINDOW_S_MAX: Final = 3_600
DAYS_MAX: Final = 3_660
ALLOWANCE_MAX: Final = 100_000
MARGIN_MINUTES_MAX: Final = 720
EVERY_DAY: Final = frozenset(range(1, 8))
_MINUTES_OF_DAY = 24 * 60


class AccountMode(StrEnum):
    """What an account deals with: real money, a broker's paper money, or nothing outside the house."""

    LIVE = "LIVE"
    PAPER = "PAPER"
    SIM = "SIM"


class CooldownCause(StrEnum):
    """What a cooldown follows: an execution that realized a loss, a rejection, an execution."""

    LOSS = "LOSS"
    REJECT = "REJECT"
    FILL = "FILL"


class CollarDirection(StrEnum):
    """Which prices a collar holds: those worse than the market for the order's side, or on either side of it."""

    WORSE = "WORSE"
    BOTH = "BOTH"


class ConcentrationBasis(StrEnum):
    """What a position is a part of: the equity of the account, or the sum of its positions, signs aside."""

    EQUITY = "EQUITY"
    GROSS = "GROSS"


class CrossPolicy(StrEnum):
    """What becomes of two orders of a firm that could deal with each other.

    BLOCK_NEWEST refuses the one that comes later; CANCEL_RESTING cancels the one that stands, where both are of one
    account, and lets the later one go when it has ended.
    """

    BLOCK_NEWEST = "BLOCK_NEWEST"
    CANCEL_RESTING = "CANCEL_RESTING"


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeWindow:
    """Hours of the day by the clock of a zone: minutes since midnight, from `begins` up to before `ends`.

    weekdays are ISO's, 1 for Monday. A window does not cross midnight.
    """

    weekdays: frozenset[int] = EVERY_DAY
    begins: int = 0
    ends: int = _MINUTES_OF_DAY
    zone: ZoneInfo

    def holds(self, at: datetime) -> bool:
        """True when the instant lies within the window."""
        local = at.astimezone(self.zone)
        return local.isoweekday() in self.weekdays and self.begins <= local.hour * 60 + local.minute < self.ends


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditions:
    """What a limit says beside its value.

    The first five narrow down what it is held against; None and an empty `times` narrow nothing. Of a list of symbols,
    `symbols` is the list itself; they are in capitals, however they were written. window_s and the rest belong to the
    types that name them in CONDITION_KEYS.
    """

    symbols: frozenset[str] | None = None
    sides: frozenset[Side] | None = None
    modes: frozenset[AccountMode] | None = None
    times: tuple[TimeWindow, ...] = ()
    passes_reducing: bool = False
    window_s: int | None = None
    allowance: int | None = None
    after: frozenset[CooldownCause] = frozenset({CooldownCause.LOSS})
    is_extended: bool = False
    minutes_after_open: int = 0
    minutes_before_close: int = 0
    direction: CollarDirection = CollarDirection.WORSE
    basis: ConcentrationBasis = ConcentrationBasis.EQUITY
    margin_percent: Decimal = Decimal(100)
    window_days: int | None = None
    with_stops: bool = False
    policy: CrossPolicy = CrossPolicy.BLOCK_NEWEST

    def is_on(self, at: datetime) -> bool:
        """True when the instant lies within the hours of the limit."""
        return not self.times or any(window.holds(at) for window in self.times)

    def names(self, symbol: str) -> bool:
        """True when the symbol, in any letters, is one of the symbols; False where there are none."""
        return self.symbols is not None and symbol.upper() in self.symbols


NO_CONDITIONS: Final = Conditions()


def conditions_of(limit_type: RiskLimitType, document: Mapping[str, Any]) -> Conditions | tuple[Problem, ...]:
    """The conditions that the document states, or everything that is wrong with it, each with its path."""
    keys = condition_keys(limit_type)
    problems: list[Problem] = []
    found: dict[str, Any] = {}
    for key, value in document.items():
        known = keys.get(key)
        if known is None:
            told = f"{limit_type} knows no condition {key[:SYMBOL_LENGTH_MAX]!r}; it knows {', '.join(sorted(keys))}"
            problems.append(limit_problem(LimitProblem.LIMIT_CONDITION_UNKNOWN, "conditions", message=told))
            continue
        try:
            found[known.field] = known.read(value, ("conditions", key))
        except _WrongError as error:
            code = LimitProblem.LIMIT_CONDITION_INVALID
            problems.append(limit_problem(code, *error.path, message=error.message))
    for key in sorted(REQUIRED_KEYS.get(limit_type, frozenset()) - document.keys()):
        told = f"{limit_type} needs the condition {key}"
        problems.append(limit_problem(LimitProblem.LIMIT_CONDITION_REQUIRED, "conditions", key, message=told))
    return tuple(problems) or Conditions(**found)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConditionKey:
    """A key of the document: the field that it fills, how it is read, and what it means."""

    field: str
    read: Callable[[Any, tuple[str, ...]], Any]
    meaning: str


class _WrongError(Exception):
    def __init__(self, message: str, *path: str) -> None:
        super().__init__(message)
        self.message = message
        self.path = path


def _listed(value: Any, path: tuple[str, ...], most: int) -> list[Any]:
    if not isinstance(value, list) or not 1 <= len(value) <= most:
        raise _WrongError(f"{path[-1]} needs a list of 1 to {most} entries", *path)
    return value


def _symbols(value: Any, path: tuple[str, ...]) -> frozenset[str]:
    for place, one in enumerate(_listed(value, path, SYMBOLS_MAX)):
        # Other alphabets have letters that look like those of a ticker and match none.
        is_text = isinstance(one, str) and one.isascii() and one.isprintable() and one == one.strip()
        if not is_text or not 1 <= len(one) <= SYMBOL_LENGTH_MAX:
            message = f"a symbol is 1 to {SYMBOL_LENGTH_MAX} printable ASCII characters without blanks around it"
            raise _WrongError(message, *path, str(place))
    # A list in small letters would guard nothing, and nobody would be told.
    return frozenset(one.upper() for one in value)


def _words(words: type[StrEnum]) -> Callable[[Any, tuple[str, ...]], frozenset[StrEnum]]:
    def read(value: Any, path: tuple[str, ...]) -> frozenset[StrEnum]:
        listed = _listed(value, path, len(words))
        return frozenset(_word(words)(one, (*path, str(place))) for place, one in enumerate(listed))

    return read


def _word(words: type[StrEnum]) -> Callable[[Any, tuple[str, ...]], StrEnum]:
    def read(value: Any, path: tuple[str, ...]) -> StrEnum:
        if not isinstance(value, str) or value not in words.__members__:
            raise _WrongError(f"needs one of {', '.join(words.__members__)}", *path)
        return words[value]

    return read


def _flag(value: Any, path: tuple[str, ...]) -> bool:
    if not isinstance(value, bool):
        raise _WrongError(f"{path[-1]} needs true or false", *path)
    return value


def _reducing(value: Any, path: tuple[str, ...]) -> bool:
    if value not in ("PASS", "HOLD"):
        raise _WrongError("reducing needs PASS or HOLD", *path)
    return bool(value == "PASS")


def _whole(least: int, most: int) -> Callable[[Any, tuple[str, ...]], int]:
    def read(value: Any, path: tuple[str, ...]) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise _WrongError(f"{path[-1]} needs a whole number from {least} to {most}", *path)
        return value

    return read


def _percent(value: Any, path: tuple[str, ...]) -> Decimal:
    told = f'{path[-1]} needs a percentage above 0 and at most 1000 in text, such as "12.5"'
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise _WrongError(told, *path)
    try:
        number = parse_decimal(str(value))
    except ValueError as error:
        raise _WrongError(told, *path) from error
    if not 0 < number <= 1_000:
        raise _WrongError(told, *path)
    return number


def _times(value: Any, path: tuple[str, ...]) -> tuple[TimeWindow, ...]:
    if isinstance(value, dict):
        return (_window(value, path),)
    listed = _listed(value, path, WINDOWS_MAX)
    return tuple(_window(one, (*path, str(place))) for place, one in enumerate(listed))


def _window(value: Any, path: tuple[str, ...]) -> TimeWindow:
    if not isinstance(value, dict):
        raise _WrongError("a window of hours is an object of weekdays, from, to and zone", *path)
    for key in value.keys() - {"weekdays", "from", "to", "zone"}:
        raise _WrongError(f"a window of hours knows no {str(key)[:SYMBOL_LENGTH_MAX]!r}", *path)
    if "zone" not in value or ("weekdays" not in value and "from" not in value and "to" not in value):
        raise _WrongError("a window of hours needs a zone, and weekdays or hours", *path)
    weekdays = EVERY_DAY
    if "weekdays" in value:
        read = _whole(1, 7)
        listed = _listed(value["weekdays"], (*path, "weekdays"), 7)
        weekdays = frozenset(read(one, (*path, "weekdays", str(place))) for place, one in enumerate(listed))
    begins = _minutes(value.get("from", "00:00"), (*path, "from"))
    ends = _minutes(value.get("to", "24:00"), (*path, "to"))
    if begins >= ends:
        raise _WrongError("a window ends behind its beginning, on the same day: use two for a night", *path, "to")
    return TimeWindow(weekdays=weekdays, begins=begins, ends=ends, zone=_zone(value["zone"], (*path, "zone")))


def _minutes(value: Any, path: tuple[str, ...]) -> int:
    # A clock of 24 hours, two digits each.
    if isinstance(value, str) and len(value) == 5 and value.isascii() and value[2] == ":":
        hours, minutes = value[:2], value[3:]
        if hours.isdigit() and minutes.isdigit() and int(minutes) < 60:
            found = int(hours) * 60 + int(minutes)
            if found <= _MINUTES_OF_DAY:
                return found
    raise _WrongError(f'{path[-1]} needs a time of the day such as "09:30"', *path)


def _zone(value: Any, path: tuple[str, ...]) -> ZoneInfo:
    if not isinstance(value, str) or value not in _zones():
        raise _WrongError('zone needs a name of the IANA database such as "America/New_York"', *path)
    return ZoneInfo(value)


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())


COMMON_KEYS: Final[dict[str, ConditionKey]] = {
    "symbols": ConditionKey(
        field="symbols",
        read=_symbols,
        meaning="Only orders for these symbols, in any letters; an option or a future bears one of its own.",
    ),
    "sides": ConditionKey(field="sides", read=_words(Side), meaning="Only orders of these sides, BUY or SELL."),
    "modes": ConditionKey(
        field="modes", read=_words(AccountMode), meaning="Only accounts that are LIVE, PAPER or SIM."
    ),
    "times": ConditionKey(
        field="times",
        read=_times,
        meaning="Only in these hours: an object, or a list, of `weekdays` (1 is Monday), `from`, `to` and `zone`.",
    ),
    "reducing": ConditionKey(
        field="passes_reducing",
        read=_reducing,
        meaning="PASS: orders that only make a position smaller pass. HOLD, the default: they are held, too.",
    ),
}
"""What every type knows."""

_TYPE = RiskLimitType
_WINDOW_S = ConditionKey(
    field="window_s", read=_whole(1, WINDOW_S_MAX), meaning=f"How many seconds back it counts, at most {WINDOW_S_MAX}."
)
_ALLOWANCE = ConditionKey(
    field="allowance",
    read=_whole(0, ALLOWANCE_MAX),
    meaning="How many orders of the window go before it is held, 20 by default.",
)
_MARGIN_PERCENT = ConditionKey(
    field="margin_percent",
    read=_percent,
    meaning="What part of a notional the margin of an order is taken to be before the broker tells, 100 by default.",
)

OWN_KEYS: Final[dict[RiskLimitType, dict[str, ConditionKey]]] = {
    _TYPE.MAX_DRAWDOWN: {
        "windowDays": ConditionKey(
            field="window_days",
            read=_whole(1, DAYS_MAX),
            meaning="The peak is the highest equity of so many days; without it, of all time.",
        )
    },
    _TYPE.MIN_MARGIN_EXCESS: {"marginPercent": _MARGIN_PERCENT},
    _TYPE.TRADING_HOURS: {
        "extended": ConditionKey(field="is_extended", read=_flag, meaning="True: extended sessions count, too."),
        "minutesAfterOpen": ConditionKey(
            field="minutes_after_open",
            read=_whole(0, MARGIN_MINUTES_MAX),
            meaning="So many minutes after the opening are closed.",
        ),
        "minutesBeforeClose": ConditionKey(
            field="minutes_before_close",
            read=_whole(0, MARGIN_MINUTES_MAX),
            meaning="So many minutes before the close are closed.",
        ),
    },
    _TYPE.MAX_ORDERS_PER_MINUTE: {
        "windowSeconds": ConditionKey(
            field="window_s",
            read=_whole(1, WINDOW_S_MAX),
            meaning=f"Another window than the 60 seconds of a minute, at most {WINDOW_S_MAX}.",
        )
    },
    _TYPE.PRICE_COLLAR: {
        "direction": ConditionKey(
            field="direction",
            read=_word(CollarDirection),
            meaning="WORSE, the default: prices worse than the market. BOTH: better ones, too.",
        )
    },
    _TYPE.MAX_CONCENTRATION: {
        "basis": ConditionKey(
            field="basis",
            read=_word(ConcentrationBasis),
            meaning="EQUITY, the default, or GROSS: the sum of all positions, signs aside.",
        )
    },
    _TYPE.DUPLICATE_ORDER: {
        "allowance": ConditionKey(
            field="allowance",
            read=_whole(0, ALLOWANCE_MAX),
            meaning="How many orders of the same terms may stand before, 0 by default.",
        )
    },
    _TYPE.WASH_TRADE: {
        "stops": ConditionKey(
            field="with_stops",
            read=_flag,
            meaning="True: stops that wait for their trigger count, too. By default they do not.",
        ),
        "policy": ConditionKey(
            field="policy",
            read=_word(CrossPolicy),
            meaning="BLOCK_NEWEST, the default: the order that comes later is refused. CANCEL_RESTING: what rests in "
            "its own account is canceled, and it goes when that has ended.",
        ),
    },
    _TYPE.COOLDOWN: {
        "after": ConditionKey(
            field="after",
            read=_words(CooldownCause),
            meaning="What it follows, a list of LOSS (the default), REJECT and FILL.",
        )
    },
    _TYPE.CANCEL_RATE: {"windowSeconds": _WINDOW_S, "allowance": _ALLOWANCE},
    _TYPE.ORDER_TO_TRADE_RATIO: {"windowSeconds": _WINDOW_S, "allowance": _ALLOWANCE},
}
"""What single types know beside COMMON_KEYS."""

REQUIRED_KEYS: Final[dict[RiskLimitType, frozenset[str]]] = {
    _TYPE.SYMBOL_WHITELIST: frozenset({"symbols"}),
    _TYPE.SYMBOL_BLACKLIST: frozenset({"symbols"}),
}
"""What single types cannot do without."""


@cache
def condition_keys(limit_type: RiskLimitType) -> Mapping[str, ConditionKey]:
    """The keys that a limit of the type may have."""
    return COMMON_KEYS | OWN_KEYS.get(limit_type, {})


def described_keys() -> Iterator[tuple[RiskLimitType | None, str, str]]:
    """All keys with their meaning, those of every type first, under None."""
    yield from ((None, key, known.meaning) for key, known in COMMON_KEYS.items())
    for limit_type, keys in OWN_KEYS.items():
        yield from ((limit_type, key, known.meaning) for key, known in keys.items())
