"""How often history may be asked for: Interactive Brokers' bounds, for one gateway."""

from collections import deque
from collections.abc import Hashable
from datetime import datetime, timedelta

REQUESTS_MAX, REQUESTS_WINDOW = 60, timedelta(minutes=10)
SAME_CONTRACT_MAX, SAME_CONTRACT_WINDOW = 5, timedelta(seconds=2)
IDENTICAL_WINDOW = timedelta(seconds=15)


class HistoryPacing:
    """The requests of the last ten minutes, which those that come are measured by."""

    def __init__(self) -> None:
        self._asked: deque[tuple[datetime, Hashable, Hashable]] = deque()

    def allows(self, now: datetime, contract: Hashable, request: Hashable, *, weight: int = 1) -> bool:
        """Count a request in and say whether it comes in time; one that does not is not counted.

        Bids and asks together weigh two.
        """
        while self._asked and self._asked[0][0] <= now - REQUESTS_WINDOW:
            self._asked.popleft()
        if len(self._asked) + weight > REQUESTS_MAX:
            return False
        same = sum(at > now - SAME_CONTRACT_WINDOW and asked == contract for at, asked, _ in self._asked)
        if same >= SAME_CONTRACT_MAX:
            return False
        if any(at > now - IDENTICAL_WINDOW and asked == request for at, _, asked in self._asked):
            return False
        self._asked.extend([(now, contract, request)] * weight)
        return True


class TickPacing:
    """When single ticks of each contract were asked for last: once in fifteen seconds is allowed."""

    def __init__(self) -> None:
        self._asked_at: dict[int, datetime] = {}

    def allows(self, now: datetime, con_id: int) -> bool:
        """Note a request and say whether it comes in time; one that does not is not noted."""
        asked_at = self._asked_at.get(con_id)
        if asked_at is not None and now - asked_at < IDENTICAL_WINDOW:
            return False
        self._asked_at[con_id] = now
        return True
