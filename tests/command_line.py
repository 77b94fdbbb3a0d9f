"""`oms` as tests run it: each command a process of its own, forked from one that has the modules in memory already."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, NamedTuple

from app.infra.settings import Settings

ROOT = Path(__file__).parents[1]
END_S_MAX = 60.0

_OUTPUT_BYTES_MAX = 1 << 30
_SERVERS: list[tuple[subprocess.Popen[bytes], socket.socket]] = []


class Ended(NamedTuple):
    """A command that is over."""

    code: int
    out: str
    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A command that has been started."""

    pid: int
    printed: IO[bytes]
    said: IO[bytes]
    ending: asyncio.Task[int]

    @property
    def code(self) -> int | None:
        """Its exit code once it is over; that of a signal is its negative number."""
        return self.ending.result() if self.ending.done() else None

    @property
    def out(self) -> str:
        """What it has printed."""
        return os.pread(self.printed.fileno(), _OUTPUT_BYTES_MAX, 0).decode()

    @property
    def error(self) -> str:
        """What it has said besides."""
        return os.pread(self.said.fileno(), _OUTPUT_BYTES_MAX, 0).decode()

    def send_signal(self, number: signal.Signals) -> None:
        """Send a signal, unless it is known to be over."""
        if self.code is None:
            os.kill(self.pid, number)

    async def wait(self) -> int:
        """Its exit code, when it is over."""
        return await asyncio.shield(self.ending)


async def oms(*arguments: str, folder: Path, **variables: str) -> Ended:
    """Run `oms` with these arguments in the folder, which is that of its state too; variables are of its environment.

    Raises TimeoutError when it does not end.
    """
    async with started(*arguments, folder=folder, **variables) as running:
        async with asyncio.timeout(END_S_MAX):
            code = await running.wait()
        return Ended(code=code, out=running.out, error=running.error)


@asynccontextmanager
async def started(*arguments: str, folder: Path, **variables: str) -> AsyncIterator[Running]:
    """Run `oms` while the block lasts; what still runs at its end is killed."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMS_STATE_DIR": str(folder), **variables}
    with tempfile.TemporaryFile() as printed, tempfile.TemporaryFile() as said:
        waiting, teller = socket.socketpair()
        told, connection = await asyncio.open_unix_connection(sock=waiting)
        with teller:
            _ask(arguments, environment, folder, [printed.fileno(), said.fileno(), teller.fileno()])
        try:
            pid = int(await told.readline())
            running = Running(pid=pid, printed=printed, said=said, ending=asyncio.create_task(_code(told)))
            try:
                yield running
            finally:
                running.send_signal(signal.SIGKILL)
                await running.wait()
        finally:
            connection.close()
            await connection.wait_closed()


def servers_of(settings: Settings) -> dict[str, str]:
    """The variables that bring a command to the servers of the tests."""
    return {
        "OMS_DATABASE_URL": str(settings.database_url),
        "OMS_REDIS_URL": str(settings.redis_url),
        "OMS_REDIS_PREFIX": settings.redis_prefix,
    }


def close() -> None:
    """End the process that forks, and with it whatever it has forked."""
    if _SERVERS:
        server, door = _SERVERS.pop()
        door.close()
        server.wait()


async def _code(told: asyncio.StreamReader) -> int:
    return int(await told.readline())


def _ask(arguments: tuple[str, ...], environment: Mapping[str, str], folder: Path, descriptors: list[int]) -> None:
    if not _SERVERS:
        _SERVERS.append(_started_server())
    request = {"arguments": arguments, "environment": environment, "folder": str(folder)}
    with open(os.devnull, "rb") as nothing:
        socket.send_fds(_SERVERS[0][1], [json.dumps(request).encode()], [nothing.fileno(), *descriptors])


def _started_server() -> tuple[subprocess.Popen[bytes], socket.socket]:
    door, asked = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with asked:
        # A group of its own: the server ends by killing it.
        server = subprocess.Popen(
            [sys.executable, "-m", "tests.fork_server", str(asked.fileno())],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            pass_fds=[asked.fileno()],
            process_group=0,
        )
    return server, door
