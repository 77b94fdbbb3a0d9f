"""The way to a running simulator's control port: where it listens, and questions in JSON, a line each."""

import asyncio
import json
import os
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from app.core.errors import InputError, NotFoundError, OmsError, Problem, UnavailableError

LINE_BYTES_MAX: Final = 1 << 20
ANSWER_TIMEOUT_S: Final = 10.0
FILE_NAME: Final = "simulator-control.json"


class SimulatorUnreachableError(UnavailableError):
    """No simulator answers on its control port."""

    code = "SIMULATOR_UNREACHABLE"


class SimulatorRefusedError(InputError):
    """The simulator cannot do what was asked; each problem names its path."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        first = problems[0]
        words = "; ".join(f"{'.'.join(one.path)}: {one.message}" if one.path else one.message for one in problems)
        super().__init__(words, path=first.path)
        self.problems = tuple(problems)


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlAddress:
    """Where a simulator takes orders from whoever runs it, and the token that it asks for."""

    host: str
    port: int
    token: str


def new_token() -> str:
    """A token for one run of a simulator."""
    return secrets.token_urlsafe(32)


def write_address(folder: Path, address: ControlAddress) -> Path:
    """Keep the address for those who may read the folder's files; returns the file."""
    path = folder / FILE_NAME
    partial = path.with_name(f".{FILE_NAME}.{os.getpid()}")
    partial.unlink(missing_ok=True)
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with open(descriptor, "w", encoding="utf-8") as file:
        json.dump(asdict(address), file)
    partial.replace(path)
    return path


def read_address(folder: Path) -> ControlAddress:
    """The address that a running simulator left. Raises SimulatorUnreachableError when there is none."""
    path = folder / FILE_NAME
    try:
        return ControlAddress(**json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise SimulatorUnreachableError(
            f"no simulator with a control port runs on {folder}: `oms up` runs one, "
            "`oms simulator` does with OMS_SIMULATOR_CONTROL_PORT"
        ) from error


async def ask(address: ControlAddress, command: str, arguments: Mapping[str, Any] | None = None) -> Any:
    """What the simulator answers to a command.

    Raises SimulatorUnreachableError, SimulatorRefusedError, NotFoundError.
    """
    line = json.dumps({"token": address.token, "command": command, "arguments": dict(arguments or {})})
    try:
        async with asyncio.timeout(ANSWER_TIMEOUT_S):
            reader, writer = await asyncio.open_connection(address.host, address.port, limit=8 * LINE_BYTES_MAX)
            try:
                writer.write(line.encode() + b"\n")
                answer = json.loads(await reader.readuntil(b"\n"))
            finally:
                writer.close()
    except (OSError, TimeoutError, ValueError, asyncio.IncompleteReadError, asyncio.LimitOverrunError) as error:
        raise SimulatorUnreachableError(f"the simulator's control port does not answer: {error}") from error
    if "errors" in answer:
        raise _refusal([Problem(**{**one, "path": tuple(one["path"])}) for one in answer["errors"]])
    return answer["result"]


def _refusal(problems: list[Problem]) -> OmsError:
    if problems[0].code == NotFoundError.code:
        return NotFoundError(problems[0].message, path=problems[0].path)
    return SimulatorRefusedError(problems)
