"""When a limit that fills up is told: warnings, breaches and their ends, without flapping."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Final

from app.core.fix import RiskLimitType
from app.core.ids import AccountId, BreachId, InstrumentId, LimitId
from app.risk.monitoring.domain.utilisation import Utilisation

WARN_AT: Final = Decimal("0.8")
"""The part of its value at which a limit warns that does not say another."""
BAND: Final = Decimal("0.95")
"""A level ends when the ratio has fallen below this part of where it began."""
CALM: Final = timedelta(seconds=10)
"""For so long the ratio must have been lower before a level ends."""
REFUSALS_LAST: Final = timedelta(minutes=1)
"""A record of refusals alone ends when so much time has brought no other."""
PEAK_STEP: Final = Decimal("1.01")
"""A peak is kept anew when it has grown by so much."""


class Level(StrEnum):
    """How a limit stands with an account, the calmest first.

    REFUSALS: orders were refused that would have breached it, and it is far from full. WARNING: it is nearly full.
    BREACH: more is used than it allows.
    """

    CLEAR = "CLEAR"
    REFUSALS = "REFUSALS"
    WARNING = "WARNING"
    BREACH = "BREACH"

    @property
    def severity(self) -> int:
        """0 for the calmest."""
        return _SEVERITY[self]


_SEVERITY = {Level.CLEAR: 0, Level.REFUSALS: 1, Level.WARNING: 2, Level.BREACH: 3}


class AlertKind(StrEnum):
    """What an alert tells: a limit is nearly full, is breached, or is neither any more."""

    WARNING = "WARNING"
    BREACH = "BREACH"
    CLEARED = "CLEARED"


@dataclass(frozen=True, slots=True, kw_only=True)
class BreachRecord:
    """One time that a limit was at a level with an account; it is open until cleared_at.

    observed, value and ratio are those of its beginning; the peak is the worst since. refusals counts the orders that
    the limit refused meanwhile, the last one at last_refused_at.
    """

    id: BreachId
    limit_id: LimitId
    limit_version: int
    limit_type: RiskLimitType
    account_id: AccountId
    instrument_id: InstrumentId | None
    level: Level
    observed: Decimal
    value: Decimal
    ratio: Decimal
    peak_observed: Decimal
    peak_ratio: Decimal
    opened_at: datetime
    refusals: int = 0
    last_refused_at: datetime | None = None
    cleared_at: datetime | None = None
    acknowledged_by: str | None = None
    acknowledged_at: datetime | None = None
    note: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """The level that was told last, and since when the ratio has asked for a calmer one."""

    level: Level = Level.CLEAR
    calm_since: datetime | None = None


def level_of(one: Utilisation) -> Level:
    """The level of what is used, whatever it was before."""
    if one.is_breached:
        return Level.BREACH
    return Level.WARNING if one.used is not None and one.ratio >= warn_at(one) else Level.CLEAR


def warn_at(one: Utilisation) -> Decimal:
    """The ratio at which the limit warns."""
    return WARN_AT if one.limit.warn_at is None else one.limit.warn_at


def watched(before: Watch, one: Utilisation | None, last_refused_at: datetime | None, now: datetime) -> Watch:
    """What the watch becomes. one is None where the limit covers the account no more: that ends a level at once.

    A worse level counts at once. A calmer one counts when the ratio has been below the band for CALM, and never while
    something could not be measured.
    """
    lowest = Level.CLEAR
    if last_refused_at is not None and now - last_refused_at < REFUSALS_LAST:
        lowest = Level.REFUSALS
    if one is None:
        return Watch(level=lowest)
    asked = max(lowest, _with_band(before.level, one), key=_severity)
    if asked.severity >= before.level.severity:
        return Watch(level=asked)
    if before.level is Level.REFUSALS:
        return Watch(level=asked)
    if not one.is_complete:
        return Watch(level=before.level)
    since = before.calm_since or now
    return Watch(level=asked) if now - since >= CALM else Watch(level=before.level, calm_since=since)


def alert_of(before: Level, after: Level) -> AlertKind | None:
    """What is told of a change of level; None where there is nothing to tell."""
    if before is after:
        return None
    match after:
        case Level.BREACH:
            return AlertKind.BREACH
        case Level.WARNING:
            return AlertKind.WARNING
        case Level.REFUSALS | Level.CLEAR:
            return AlertKind.CLEARED if before in (Level.WARNING, Level.BREACH) else None


def _severity(level: Level) -> int:
    return level.severity


def _with_band(before: Level, one: Utilisation) -> Level:
    found = level_of(one)
    if before is Level.BREACH and found is not Level.BREACH and one.ratio > BAND:
        return Level.BREACH
    if before in (Level.BREACH, Level.WARNING) and found is Level.CLEAR and one.ratio > warn_at(one) * BAND:
        return Level.WARNING
    return found
