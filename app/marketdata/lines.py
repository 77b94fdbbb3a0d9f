"""Market data lines: who wants one, which instruments get one of those that there are, and how each stands. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum

import orjson

from app.core.fix import LineState
from app.core.ids import InstrumentId, TenantId
from app.core.messages import Contract

REFERENCE_S = 30.0
"""How long a reference holds that is not renewed: whoever reads live renews it well before."""

RECENT_S = 3_600.0
"""How long an instrument that was asked about counts as used lately."""


class Demand(IntEnum):
    """Why a line is wanted, the weightiest first. From RECENT on a line is opened only where there is room."""

    TRADED = 0
    CONVERTS = 1
    SUBSCRIBED = 2
    READ = 3
    RECENT = 4
    LISTED = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Watchable:
    """An instrument whose market could be watched, with what the database says of the demand for it."""

    contract: Contract
    is_traded: bool = False
    converts: bool = False
    is_subscribed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchList:
    """The contracts that get a line, and those that are wanted and get none."""

    contracts: tuple[Contract, ...] = ()
    left_out: tuple[Contract, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class LineStatus:
    """How a line stands, since when, and why in plain words; broker_code is the broker's number for it."""

    state: LineState
    reason: str | None = None
    broker_code: int | None = None
    since: datetime | None = None


NO_LINE = LineStatus(state=LineState.NONE)


def choose(watchable: Sequence[Watchable], used_at: dict[InstrumentId, float], now: float, limit: int) -> WatchList:
    """Who gets a line of the `limit` that there are: by the weight of the demand, then by when it was last used.

    used_at and now are seconds of one clock. Among those that nobody uses the given order decides.
    """

    def rank(one: Watchable) -> tuple[Demand, float]:
        used = used_at.get(one.contract.instrument_id, float("-inf"))
        return _demand(one, now - used), -used

    ordered = sorted(watchable, key=rank)
    return WatchList(
        contracts=tuple(one.contract for one in ordered[:limit]),
        left_out=tuple(one.contract for one in ordered[limit:] if rank(one)[0] < Demand.RECENT),
    )


def _demand(one: Watchable, unused_s: float) -> Demand:
    if one.is_traded:
        return Demand.TRADED
    if one.converts:
        return Demand.CONVERTS
    if one.is_subscribed:
        return Demand.SUBSCRIBED
    if unused_s <= REFERENCE_S:
        return Demand.READ
    return Demand.RECENT if unused_s <= RECENT_S else Demand.LISTED


@dataclass(slots=True)
class LineCounts:
    """What came over a line since the counts were last stored."""

    ticks: int = 0
    gaps: int = 0
    last_tick_at: datetime | None = None


class LineLedger:
    """Counts what comes over each line, and its gaps: an interruption counts once, until the next tick."""

    def __init__(self) -> None:
        self._counts: dict[InstrumentId, LineCounts] = {}
        self._flowing: set[InstrumentId] = set()

    def told(self, instrument_id: InstrumentId, ticks: int, at: datetime) -> None:
        """Ticks came."""
        counts = self._counts.setdefault(instrument_id, LineCounts())
        counts.ticks += ticks
        counts.last_tick_at = at
        self._flowing.add(instrument_id)

    def interrupted(self, instrument_ids: Iterable[InstrumentId] | None = None) -> None:
        """These lines were interrupted, or all of them."""
        for instrument_id in list(self._flowing if instrument_ids is None else instrument_ids):
            if instrument_id in self._flowing:
                self._flowing.discard(instrument_id)
                self._counts.setdefault(instrument_id, LineCounts()).gaps += 1

    def closed(self, instrument_ids: Iterable[InstrumentId]) -> None:
        """These lines were closed on purpose: what does not come over them is no gap."""
        self._flowing.difference_update(instrument_ids)

    def take(self) -> dict[InstrumentId, LineCounts]:
        """The counts since the last call."""
        counts, self._counts = self._counts, {}
        return counts

    def give_back(self, counts: dict[InstrumentId, LineCounts]) -> None:
        """Counts that could not be stored count on."""
        for instrument_id, lost in counts.items():
            held = self._counts.setdefault(instrument_id, LineCounts())
            held.ticks += lost.ticks
            held.gaps += lost.gaps
            held.last_tick_at = held.last_tick_at or lost.last_tick_at


def lines_key(tenant_id: TenantId) -> str:
    """The Redis hash that holds how the line of each instrument stands, by its id."""
    return f"lines:{tenant_id}"


def wanted_key(tenant_id: TenantId) -> str:
    """The Redis sorted set of instruments by when somebody last read their market, in seconds of the epoch."""
    return f"wanted:{tenant_id}"


def encode_status(status: LineStatus) -> bytes:
    """The status as one JSON object."""
    return orjson.dumps(status)


def decode_status(payload: bytes) -> LineStatus:
    """The status of one JSON object."""
    document = orjson.loads(payload)
    return LineStatus(
        state=LineState(document["state"]),
        reason=document["reason"],
        broker_code=document["broker_code"],
        since=None if document["since"] is None else datetime.fromisoformat(document["since"]),
    )
