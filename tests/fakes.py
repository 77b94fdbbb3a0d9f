"""Stand-ins for what a test must hold in its hand."""

from datetime import datetime, timedelta


class SetClock:
    """A clock that stands until it is moved."""

    def __init__(self, now: datetime) -> None:
        self._now = now

    def now(self) -> datetime:
        """The instant it was set to."""
        return self._now

    def advance(self, by: timedelta) -> None:
        """Moves it on."""
        self._now += by
