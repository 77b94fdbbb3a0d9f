"""Recorded ticks from a file, shown again in their own time."""

import csv
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from pathlib import Path

from app.core.clock import as_utc
from app.core.errors import InputError
from app.core.matching import MarketState
from app.core.money import ZERO

COLUMNS = ("time", "symbol", "bid", "bidSize", "ask", "askSize", "last", "lastSize")
ROWS_MAX = 5_000_000


class ReplayError(InputError):
    """A file of recorded ticks that cannot be shown; the message names the line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedTick:
    """What the market of one symbol showed from one instant on."""

    at: datetime
    symbol: str
    state: MarketState


class Replay:
    """Recorded ticks that come due as time goes on, the first of them at the moment that the replay starts."""

    def __init__(self, ticks: Sequence[RecordedTick], started_at: datetime, position: int = 0) -> None:
        self._ticks = ticks
        self._shift = started_at - ticks[0].at if ticks else timedelta()
        self.position = position

    @property
    def length(self) -> int:
        """How many ticks there are."""
        return len(self._ticks)

    @property
    def is_over(self) -> bool:
        """True when all of them were shown."""
        return self.position >= len(self._ticks)

    def due(self, now: datetime) -> Iterator[RecordedTick]:
        """The ticks that are due and were not shown yet, in the order of the file."""
        while not self.is_over and self._ticks[self.position].at + self._shift <= now:
            tick = self._ticks[self.position]
            self.position += 1
            yield tick


def read_ticks(path: Path, symbols: Collection[str]) -> list[RecordedTick]:
    """The ticks of a CSV file with the columns time, symbol, bid, bidSize, ask, askSize, last, lastSize.

    Times are ISO 8601 with an offset and never go back; an empty price means that the side shows nothing.
    Raises ReplayError.
    """
    try:
        with path.open(newline="", encoding="utf-8") as file:
            reader = csv.DictReader(file)
            missing = set(COLUMNS) - set(reader.fieldnames or ())
            if missing:
                raise _wrong(path, 1, f"the column {', '.join(sorted(missing))} is missing")
            return list(_ticks(path, reader, symbols))
    except (OSError, UnicodeDecodeError) as error:
        raise ReplayError(f"{path} cannot be read: {error}", path=("path",)) from error


def _ticks(path: Path, rows: "csv.DictReader[str]", symbols: Collection[str]) -> Iterator[RecordedTick]:
    before: datetime | None = None
    for row in rows:
        line = rows.line_num
        if line > ROWS_MAX:
            raise _wrong(path, line, f"more than {ROWS_MAX} lines")
        try:
            tick = _tick(row)
        except (ValueError, InvalidOperation, TypeError) as error:
            raise _wrong(path, line, str(error) or "a field is no number") from error
        if tick.symbol not in symbols:
            raise _wrong(path, line, f"{tick.symbol} is not listed")
        if before is not None and tick.at < before:
            raise _wrong(path, line, "the time goes back")
        before = tick.at
        yield tick


def _tick(row: Mapping[str, str]) -> RecordedTick:
    def price(name: str) -> Decimal | None:
        value = Decimal(row[name]) if row[name] else None
        if value is not None and not (value.is_finite() and value > ZERO):
            raise ValueError(f"{name} is not above zero")
        return value

    def size(name: str) -> Decimal:
        value = Decimal(row[name]) if row[name] else ZERO
        if not (value.is_finite() and value >= ZERO):
            raise ValueError(f"{name} is not a size")
        return value

    state = MarketState(
        bid=price("bid"),
        bid_size=size("bidSize"),
        ask=price("ask"),
        ask_size=size("askSize"),
        last=price("last"),
        last_size=size("lastSize"),
    )
    return RecordedTick(at=as_utc(datetime.fromisoformat(row["time"])), symbol=row["symbol"], state=state)


def _wrong(path: Path, line: int, reason: str) -> ReplayError:
    return ReplayError(f"{path}, line {line}: {reason}", path=("path",))
