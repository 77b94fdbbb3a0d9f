"""What a simulator keeps across a restart of its process: one file of JSON lines."""

import os
import threading
from datetime import datetime
from pathlib import Path

from pydantic import TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from app.core.errors import OmsError
from app.simulator.accounts import Account
from app.simulator.advisers import AccountGroup
from app.simulator.orders import Execution, SimulatedOrder

LAYOUT = 1
APPENDED_BYTES_MAX = 64 << 20


class SimulatorStateError(OmsError):
    """The state file is there and cannot be read."""

    code = "SIMULATOR_STATE_UNREADABLE"


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedState:
    """What the exchange and the market need to go on: all of it, or what changed since it was last kept."""

    layout: int = LAYOUT
    accounts: tuple[Account, ...]
    orders: tuple[SimulatedOrder, ...]
    executions: tuple[Execution, ...]
    next_order_ids: dict[int, int]
    last_perm_id: int
    day_ends_at: datetime
    walks: dict[int, int]
    account_groups: tuple[AccountGroup, ...] | None = None


_ADAPTER = TypeAdapter(SavedState)


def encode_state(state: SavedState) -> bytes:
    """One line of the file."""
    return _ADAPTER.dump_json(state) + b"\n"


class StateFile:
    """A file whose first line is a whole state and whose others are changes to it, so that keeping one is cheap.

    A whole state may be written in a thread while changes to it are appended in another.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._bytes_appended = 0
        self._writing = threading.Lock()
        self._since_rewrite: list[bytes] | None = None

    @property
    def is_long(self) -> bool:
        """True when enough changes were appended that the file should be written whole again."""
        return self._bytes_appended > APPENDED_BYTES_MAX

    def load(self) -> SavedState | None:
        """The kept state, or None when there is no file yet.

        A last line that a crash cut short is passed over. Raises SimulatorStateError when any other does not hold.
        """
        try:
            content = self._path.read_bytes()
        except FileNotFoundError:
            return None
        lines = content.split(b"\n")[:-1]
        try:
            states = [_ADAPTER.validate_json(line) for line in lines]
        except ValidationError as error:
            raise self._unreadable(f"{error.error_count()} fields do not hold") from error
        if not states:
            raise self._unreadable("it holds no whole line")
        if any(state.layout != LAYOUT for state in states):
            raise self._unreadable(f"its layout is not {LAYOUT}")
        return _folded(states)

    def begin_rewrite(self) -> None:
        """The whole state is being taken: what is appended from now on follows it in the new file too."""
        with self._writing:
            self._since_rewrite = []
            self._bytes_appended = 0

    def rewrite(self, line: bytes) -> None:
        """Hold this whole state and what was appended since it was taken: a crash sees the old content or the new."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        draft = self._path.with_name(self._path.name + ".draft")
        with draft.open("wb") as file:
            file.write(line)
            file.flush()
            os.fsync(file.fileno())
            with self._writing:
                file.writelines(self._since_rewrite or ())
                file.flush()
                draft.replace(self._path)
                self._since_rewrite = None

    def append(self, line: bytes) -> None:
        """Add a change. It survives the end of this process, not that of the machine."""
        with self._writing:
            if self._since_rewrite is not None:
                self._since_rewrite.append(line)
            self._bytes_appended += len(line)
            with self._path.open("ab") as file:
                file.write(line)

    def _unreadable(self, reason: str) -> SimulatorStateError:
        return SimulatorStateError(
            f"{self._path} is not a simulator's state: {reason}; move it away to start afresh",
            path_on_disk=str(self._path),
        )


def _folded(states: list[SavedState]) -> SavedState:
    last = states[-1]
    return SavedState(
        accounts=tuple({account.account_id: account for state in states for account in state.accounts}.values()),
        orders=tuple({order.perm_id: order for state in states for order in state.orders}.values()),
        executions=tuple(execution for state in states for execution in state.executions),
        next_order_ids=last.next_order_ids,
        last_perm_id=last.last_perm_id,
        day_ends_at=last.day_ends_at,
        walks=last.walks,
        account_groups=last.account_groups,
    )
