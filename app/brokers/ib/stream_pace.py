"""What a gateway's user may have of ticks one by one: so many at once, and an instrument asked for only so often."""

from collections.abc import Hashable
from typing import Final

# Source: https://interactivebrokers.github.io/tws-api/tick_data.html: as many at once as of market depth, three with
# fewer than four hundred lines; no more than one request for the same instrument within fifteen seconds.
TICK_STREAMS_MAX: Final = 3
SAME_INSTRUMENT_S: Final = 15.5
"""The way to the gateway takes now more, now less time."""

KEPT_MAX: Final = 10_000


class StreamPace:
    """The bounds of one gateway, for all sessions with it. Times are monotonic seconds."""

    def __init__(self, tick_streams_max: int = TICK_STREAMS_MAX) -> None:
        self.tick_streams_max = tick_streams_max
        self._open: set[Hashable] = set()
        self._asked_at: dict[int, float] = {}

    @property
    def has_room(self) -> bool:
        """True while another stream of ticks may be asked for."""
        return len(self._open) < self.tick_streams_max

    def wait_s(self, now: float, contract_id: int) -> float:
        """How long a request for the instrument has to wait still."""
        return max(0.0, self._asked_at.get(contract_id, float("-inf")) + SAME_INSTRUMENT_S - now)

    def took(self, stream: Hashable, now: float, contract_id: int) -> None:
        """A stream is asked for now; all sessions name theirs differently."""
        if len(self._asked_at) > KEPT_MAX:
            self._asked_at = {one: at for one, at in self._asked_at.items() if now - at < SAME_INSTRUMENT_S}
        self._open.add(stream)
        self._asked_at[contract_id] = now

    def wrote(self, now: float, contract_id: int) -> None:
        """The request left only now: what counts is when it was written."""
        self._asked_at[contract_id] = now

    def gave(self, stream: Hashable) -> None:
        """A stream ended."""
        self._open.discard(stream)
