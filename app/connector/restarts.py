"""When a gateway restarts by itself: before and during it new orders wait, and its absence is no alarm. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from app.core.sessions import UTC_ZONE

AHEAD_S = 30
"""So long before a restart no new order leaves: what a gateway took last, its restart may lose in silence."""

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class RestartWindows:
    """The times of day at which a gateway restarts, in a time zone, and how long each restart may take."""

    times: tuple[time, ...] = ()
    zone: ZoneInfo = UTC_ZONE
    lasts_s: int = 300

    def covers(self, now: datetime) -> bool:
        """True from AHEAD_S before a restart until its time is over."""
        return any(
            starts - timedelta(seconds=AHEAD_S) <= now < starts + timedelta(seconds=self.lasts_s)
            for starts in self._starts(now)
        )

    def _starts(self, now: datetime) -> Iterator[datetime]:
        # The days beside today's too: a window may reach over midnight.
        today = now.astimezone(self.zone).date()
        for day in (today - _DAY, today, today + _DAY):
            for moment in self.times:
                yield datetime.combine(day, moment, self.zone).astimezone(UTC)


def read_times(text: str) -> tuple[time, ...]:
    """The times in "23:45, 05:00"; none for an empty text. Raises ValueError."""
    return tuple(time.fromisoformat(part.strip()) for part in text.split(",") if part.strip())
