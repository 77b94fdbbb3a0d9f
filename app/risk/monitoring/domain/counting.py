"""What happened in an account within a window: orders asked for, rejections, messages to the broker."""

from collections import deque
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from app.risk.monitoring.domain.breakers import WINDOW_S_MAX

ENTRIES_MAX: Final = 100_000
"""How many events of an account are remembered; what is more crowds out the oldest."""
SPAN: Final = timedelta(seconds=WINDOW_S_MAX)


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """How many orders were asked for, how many of those were rejected, how many messages were for the broker."""

    asked: int = 0
    rejected: int = 0
    messages: int = 0

    def plus(self, other: "Counts") -> "Counts":
        """Both together."""
        return Counts(
            asked=self.asked + other.asked,
            rejected=self.rejected + other.rejected,
            messages=self.messages + other.messages,
        )


@dataclass(slots=True)
class Window:
    """The events of an account in the order of time, as far back as any breaker asks."""

    entries: deque[tuple[datetime, bool, bool, bool]] = field(default_factory=lambda: deque(maxlen=ENTRIES_MAX))

    def count(self, at: datetime, *, is_asked: bool, is_rejected: bool, is_message: bool) -> None:
        """Takes one event, behind all that came before."""
        self.entries.append((at, is_asked, is_rejected, is_message))

    def forget(self, now: datetime) -> None:
        """Lets go of what no breaker asks for any more."""
        while self.entries and self.entries[0][0] < now - SPAN:
            self.entries.popleft()

    def since(self, begin: datetime) -> Counts:
        """What lies behind the instant."""
        asked = rejected = messages = 0
        for at, is_asked, is_rejected, is_message in reversed(self.entries):
            if at <= begin:
                break
            asked += is_asked
            rejected += is_rejected
            messages += is_message
        return Counts(asked=asked, rejected=rejected, messages=messages)
