"""Ticks as they travel and rest: JSON with exact numbers as text."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from uuid import UUID

import orjson

from app.core.ids import InstrumentId, TenantId
from app.core.messages import Tick
from app.core.money import plain

_NUMBERS = (
    "bid",
    "bid_size",
    "ask",
    "ask_size",
    "last",
    "last_size",
    "volume",
    "high",
    "low",
    "previous_close",
)


def quotes_key(tenant_id: TenantId) -> str:
    """The Redis hash that holds the newest tick of each instrument, by its id."""
    return f"quotes:{tenant_id}"


def ticks_channel(tenant_id: TenantId) -> str:
    """The Redis channel on which each window's ticks are told, as one JSON list."""
    return f"ticks:{tenant_id}"


def encode_tick(tick: Tick) -> bytes:
    """The tick as one JSON object; what is not known is left out."""
    document = {"instrument_id": str(tick.instrument_id), "symbol": tick.symbol, "time": tick.time.isoformat()}
    for name in _NUMBERS:
        value: Decimal | None = getattr(tick, name)
        if value is not None:
            document[name] = plain(value)
    return orjson.dumps(document)


def decode_tick(payload: bytes) -> Tick:
    """The tick of one JSON object."""
    return _tick(orjson.loads(payload))


def join_ticks(encoded: Iterable[bytes]) -> bytes:
    """Encoded ticks as one JSON list: a message of the channel."""
    return b"[" + b",".join(encoded) + b"]"


def decode_ticks(payload: bytes) -> list[Tick]:
    """The ticks of a message of the channel."""
    return [_tick(document) for document in orjson.loads(payload)]


def newest(ticks: Sequence[Tick]) -> list[Tick]:
    """One tick for each instrument: the last one given."""
    return list({tick.instrument_id: tick for tick in ticks}.values())


def mark_price(tick: Tick, *, prefers_middle: bool = False) -> Decimal | None:
    """What a position is valued at: the last trade, else the middle of bid and ask; None while neither is known.

    prefers_middle asks for the middle first: pairs of currencies are quoted, and their last trade says little.
    """
    middle = None
    if tick.bid is not None and tick.ask is not None:
        middle = (tick.bid + tick.ask) / 2
    chosen = (middle, tick.last) if prefers_middle else (tick.last, middle)
    return next((price for price in chosen if price is not None), None)


def _tick(document: dict[str, str]) -> Tick:
    numbers = {name: Decimal(document[name]) for name in _NUMBERS if name in document}
    return Tick(
        instrument_id=InstrumentId(UUID(document["instrument_id"])),
        symbol=document["symbol"],
        time=datetime.fromisoformat(document["time"]),
        **numbers,
    )
