"""News of streams as they travel: events in their order, how lines stand, and where something is missing. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

import orjson

from app.core.fix import LineState
from app.core.ids import TenantId
from app.core.money import plain
from app.core.streaming import LiveBar, LiveEvent, LiveTick, StreamKey, parse_key
from app.marketdata.lines import LineStatus

BEAT_S: Final = 2.0
"""How often a connector tells at least how its streams stand."""

SILENCE_S: Final = 8.0
"""After so long without a word of the connector nobody knows whether data comes still."""

SILENT: Final = LineStatus(state=LineState.STALE, reason="The connector to the broker tells nothing at the moment.")
NOT_KEPT: Final = LineStatus(state=LineState.NONE, reason="No connector serves this stream at the moment.")


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamNews:
    """What happened since the last look: events in their order, how lines stand that changed, and where events may be
    missing."""

    events: tuple[LiveEvent, ...] = ()
    lines: Mapping[StreamKey, LineStatus] = field(default_factory=dict)
    gaps: frozenset[StreamKey] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.events or self.lines or self.gaps)


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamMessage:
    """News as they travel. teller is the session that tells; of one teller the sequence goes up by one."""

    teller: str
    sequence: int
    news: StreamNews


class Continuity:
    """Whether a message follows the last one: another teller, or a number left out, means that some are missing."""

    def __init__(self) -> None:
        self._last: tuple[str, int] | None = None

    def follows(self, message: StreamMessage) -> bool:
        """True for the first message, and for each that follows the last one."""
        last, self._last = self._last, (message.teller, message.sequence)
        return last is None or last == (message.teller, message.sequence - 1)


def streams_channel(tenant_id: TenantId) -> str:
    """The Redis channel on which news of the tenant's streams are told."""
    return f"streams:{tenant_id}"


def stream_lines_key(tenant_id: TenantId) -> str:
    """The Redis hash that holds how each stream stands; it goes when its connector does."""
    return f"stream-lines:{tenant_id}"


def teller_key(tenant_id: TenantId) -> str:
    """The Redis key that names the session which tells the tenant's streams: of several gateways one does."""
    return f"stream-teller:{tenant_id}"


_BAR: Final = ("open", "high", "low", "close", "volume", "average")
_TICK: Final = ("price", "size", "bid", "bid_size", "ask", "ask_size")


def encode_message(message: StreamMessage) -> bytes:
    """The message as JSON with exact numbers as text."""
    news = message.news
    return orjson.dumps(
        {
            "teller": message.teller,
            "sequence": message.sequence,
            "events": [_document(event) for event in news.events],
            "lines": {str(key): status for key, status in news.lines.items()},
            "gaps": sorted(str(key) for key in news.gaps),
        }
    )


def decode_message(payload: bytes) -> StreamMessage:
    """The message of its JSON."""
    document = orjson.loads(payload)
    return StreamMessage(
        teller=document["teller"],
        sequence=document["sequence"],
        news=StreamNews(
            events=tuple(_event(one) for one in document["events"]),
            lines={parse_key(key): line_of(one) for key, one in document["lines"].items()},
            gaps=frozenset(parse_key(key) for key in document["gaps"]),
        ),
    )


def line_of(document: Mapping[str, Any]) -> LineStatus:
    """How a line stands, from its JSON."""
    since = document["since"]
    return LineStatus(
        state=LineState(document["state"]),
        reason=document["reason"],
        broker_code=document["broker_code"],
        since=None if since is None else datetime.fromisoformat(since),
    )


def _document(event: LiveEvent) -> dict[str, Any]:
    is_bar = isinstance(event, LiveBar)
    document: dict[str, Any] = {"key": str(event.key), "time": event.time.isoformat()}
    _put_numbers(document, event, _BAR if is_bar else _TICK)
    for name in ("count",) if is_bar else ("exchange", "conditions"):
        value = getattr(event, name)
        if value is not None:
            document[name] = value
    return document


def _put_numbers(document: dict[str, Any], event: LiveEvent, names: Sequence[str]) -> None:
    for name in names:
        value: Decimal | None = getattr(event, name)
        if value is not None:
            document[name] = plain(value)


def _event(document: dict[str, Any]) -> LiveEvent:
    key, time = parse_key(document["key"]), datetime.fromisoformat(document["time"])
    if key.kind.is_of_ticks:
        numbers = {name: Decimal(document[name]) for name in _TICK if name in document}
        return LiveTick(
            key=key, time=time, exchange=document.get("exchange"), conditions=document.get("conditions"), **numbers
        )
    figures = {name: Decimal(document[name]) for name in _BAR if name in document}
    return LiveBar(key=key, time=time, count=document.get("count"), **figures)
