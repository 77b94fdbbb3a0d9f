"""The whole of a simulator in one file: books, accounts, executions, ids, the market with its dice, and the clock."""

from pathlib import Path

from pydantic import TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from app.core.errors import InputError
from app.simulator.clock import ClockState
from app.simulator.market import Quote
from app.simulator.store import SavedState

SNAPSHOT_LAYOUT = 1


class SnapshotError(InputError):
    """A file of a saved simulator that cannot be written or taken back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedWalk:
    """Where the walk of an instrument stands, and its dice: the same walk goes on from here."""

    middle: int
    dice: tuple[int, tuple[int, ...], float | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedMarket:
    """What every instrument shows and where it goes from there, by contract id."""

    quotes: dict[int, Quote]
    walks: dict[int, SavedWalk]
    is_paused: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """A simulator at one instant."""

    layout: int = SNAPSHOT_LAYOUT
    exchange: SavedState
    last_execution_number: int
    market: SavedMarket
    clock: ClockState


_ADAPTER: TypeAdapter[Snapshot] = TypeAdapter(Snapshot)


def write_snapshot(path: Path, snapshot: Snapshot) -> None:
    """Write the file whole, or leave what was there. Raises SnapshotError."""
    draft = path.with_name(f"{path.name}.draft")
    try:
        draft.write_bytes(_ADAPTER.dump_json(snapshot))
        draft.replace(path)
    except OSError as error:
        raise SnapshotError(f"{path} cannot be written: {error.strerror}", path=("path",)) from error


def read_snapshot(path: Path) -> Snapshot:
    """The saved simulator. Raises SnapshotError."""
    try:
        content = path.read_bytes()
        snapshot = _ADAPTER.validate_json(content)
    except OSError as error:
        raise SnapshotError(f"{path} cannot be read: {error.strerror}", path=("path",)) from error
    except ValidationError as error:
        raise SnapshotError(
            f"{path} is no saved simulator: {error.error_count()} fields do not hold", path=("path",)
        ) from error
    if snapshot.layout != SNAPSHOT_LAYOUT:
        raise SnapshotError(f"{path} has layout {snapshot.layout}, not {SNAPSHOT_LAYOUT}", path=("path",))
    return snapshot
