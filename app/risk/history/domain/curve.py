"""The curve of utilisation: at which resolutions it is drawn, and how many points it may have."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Final

from app.core.ids import AccountId, InstrumentId
from app.risk.history.errors import RiskHistoryRangeError

POINTS_MAX: Final = 1_000
POINTS_WANTED: Final = 400
"""How many points a curve has at most whose resolution is not asked for."""
RESOLUTIONS: Final = (1, 5, 10, 15, 30, 60, 120, 240, 720, 1_440)
"""In minutes; each divides a day."""
DAYS_MAX: Final = 366
DAYS_OF_ALL_MAX: Final = 31
"""Of all accounts at once there is more to read."""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """From start on and before end, cut into `points` slices of `step`, which begin at whole multiples of it in UTC."""

    start: datetime
    step: timedelta
    points: int

    @property
    def end(self) -> datetime:
        """Where the last slice ends."""
        return self.start + self.step * self.points

    @property
    def minutes(self) -> int:
        """How long a slice is."""
        return self.step // timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class CurvePoint:
    """The fullest within a slice that begins at `at`; ratio and used are None where nothing could be measured."""

    at: datetime
    account_id: AccountId
    instrument_id: InstrumentId | None
    ratio: Decimal | None
    used: Decimal | None
    value: Decimal
    is_measured: bool


def span_of(start: datetime, end: datetime, resolution: int | None, now: datetime, *, is_of_one: bool) -> Span:
    """The slices of a range until now; without a resolution the finest that needs no more than POINTS_WANTED.

    Raises RiskHistoryRangeError with the path of the argument.
    """
    if end <= start:
        raise RiskHistoryRangeError("The end lies behind the start.", path=["end"])
    days = DAYS_MAX if is_of_one else DAYS_OF_ALL_MAX
    if end - start > timedelta(days=days):
        of = "an account" if is_of_one else "all accounts"
        raise RiskHistoryRangeError(f"At most {days} days at once of {of}.", path=["end"])
    # What is to come has no points, and the end of time would have no slice behind it.
    end = max(start, min(end, now))
    if resolution is None:
        spans = (_span(start, end, one) for one in RESOLUTIONS)
        return next(one for one in spans if one.points <= POINTS_WANTED or one.minutes == RESOLUTIONS[-1])
    if resolution not in RESOLUTIONS:
        listed = ", ".join(str(one) for one in RESOLUTIONS)
        raise RiskHistoryRangeError(f"A resolution is one of {listed} minutes.", path=["resolutionMinutes"])
    span = _span(start, end, resolution)
    if span.points > POINTS_MAX:
        raise RiskHistoryRangeError(
            f"That are {span.points} points, and a curve has at most {POINTS_MAX}.", path=["resolutionMinutes"]
        )
    return span


def _span(start: datetime, end: datetime, minutes: int) -> Span:
    step = timedelta(minutes=minutes)
    begins = start - (start - _EPOCH) % step
    return Span(start=begins, step=step, points=-((begins - end) // step))
