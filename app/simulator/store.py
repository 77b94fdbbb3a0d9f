"""What a simulator keeps across a restart of its process: one JSON file, written whole."""

import os
from pathlib import Path

from pydantic import TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from app.core.errors import OmsError
from app.simulator.accounts import Account
from app.simulator.orders import Execution, SimulatedOrder

LAYOUT = 1


class SimulatorStateError(OmsError):
    """The state file is there and cannot be read."""

    code = "SIMULATOR_STATE_UNREADABLE"


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedState:
    """All that the exchange and the market need to go on. Orders stand in the order they were given."""

    layout: int = LAYOUT
    accounts: tuple[Account, ...]
    orders: tuple[SimulatedOrder, ...]
    executions: tuple[Execution, ...]
    next_order_ids: dict[int, int]
    last_perm_id: int
    walks: dict[int, int]


_ADAPTER = TypeAdapter(SavedState)


def dump_state(state: SavedState) -> bytes:
    """The file's content."""
    return _ADAPTER.dump_json(state)


def write_state(path: Path, content: bytes) -> None:
    """Replace the file at once: a reader or a crash sees the old content or the new."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(path.name + ".draft")
    with draft.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


def load_state(path: Path) -> SavedState | None:
    """The kept state, or None when there is no file yet.

    Raises SimulatorStateError when the file does not hold a state of this layout.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return None
    try:
        state = _ADAPTER.validate_json(content)
    except ValidationError as error:
        raise SimulatorStateError(
            f"{path} is not a simulator's state: {error.error_count()} errors; move it away to start afresh",
        ) from error
    if state.layout != LAYOUT:
        raise SimulatorStateError(f"{path} has layout {state.layout}, this simulator reads {LAYOUT}")
    return state
