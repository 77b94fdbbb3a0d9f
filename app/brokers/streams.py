"""What a broker's session tells of streams: events one by one, how each stream stands, and where some are missing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from app.core.fix import LineState
from app.core.streaming import LiveEvent, StreamKey, StreamWish


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamStand:
    """How a stream stands; detail says why in plain words, where there is something to say."""

    state: LineState
    detail: str | None = None
    broker_code: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldStreams:
    """Events in their order, the streams that stand otherwise now, and those of which events may be missing."""

    events: tuple[LiveEvent, ...] = ()
    stands: Mapping[StreamKey, StreamStand] = field(default_factory=dict)
    gaps: frozenset[StreamKey] = frozenset()


class Streaming(Protocol):
    """A session with a broker that follows markets one by one."""

    async def follow(self, wishes: Sequence[StreamWish]) -> None:
        """Have exactly these streams, as far as the broker's bounds go; asked again it goes on with what waited."""
        ...

    def take_streams(self) -> ToldStreams:
        """What was told since the last call."""
        ...

    def stream_lines(self) -> int:
        """How many market data lines the streams take."""
        ...
