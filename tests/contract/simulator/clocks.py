"""A clock for tests."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(slots=True)
class HandClock:
    """A clock that stands until it is set."""

    moment: datetime

    def now(self) -> datetime:
        """The moment it was set to."""
        return self.moment
