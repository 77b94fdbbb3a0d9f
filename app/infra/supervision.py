"""Keeps child processes running: readiness, prefixed logs, restarts with backoff, an orderly end."""

import asyncio
import os
import random
import sys
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Protocol, TextIO

from app.core.errors import OmsError
from app.infra.embedded import EmbeddedServer, claim
from app.infra.embedded.process import Command, OwnedProcess, spawn
from app.infra.readiness import READY_FD

READY_TIMEOUT_S = 60.0
STOP_GRACE_S = 0.6
BACKOFF_S_MIN = 0.3
BACKOFF_S_MAX = 15.0
STEADY_S_MIN = 30.0
LINE_BYTES_MAX = 16_384
_POLL_S = 0.02
_COLOURS = (36, 33, 32, 35, 34, 96, 93, 92, 95, 94)


class ServiceFailedError(OmsError):
    """A service that never came up; the message says which, and where to look."""

    code = "SERVICE_FAILED"


class Transcript:
    """The one stream that all processes' lines go to, each behind the name of its process."""

    def __init__(self, stream: TextIO, *, is_coloured: bool, name_width: int = 10) -> None:
        self._stream = stream
        self._is_coloured = is_coloured
        self._name_width = name_width
        self._colours: dict[str, int] = {}

    def line(self, name: str, text: str) -> None:
        """Write one line of the process `name`."""
        prefix = f"{name:<{self._name_width}} |"
        if self._is_coloured:
            colour = self._colours.setdefault(name, _COLOURS[len(self._colours) % len(_COLOURS)])
            prefix = f"\x1b[{colour}m{prefix}\x1b[0m"
        self.plain(f"{prefix} {text}")

    def plain(self, text: str) -> None:
        """Write one line as it is."""
        try:
            self._stream.write(text + "\n")
            self._stream.flush()
        except (BrokenPipeError, ValueError):
            # Nobody reads any more (`oms up | head`); the services matter more than their log. Nor may the
            # interpreter complain about the rest of its buffer when it ends.
            self._stream = open(os.devnull, "w")  # noqa: SIM115
            if sys.stdout.fileno() >= 0:
                os.dup2(self._stream.fileno(), sys.stdout.fileno())


class Service(Protocol):
    """Something to keep running."""

    @property
    def name(self) -> str:
        """The name before its lines."""

    async def launch(self, output: int) -> OwnedProcess | None:
        """Start it, its output going to the descriptor; None when another process already serves it.

        Raises: OSError or OmsError when it cannot be started.
        """

    async def is_serving(self, process: OwnedProcess) -> bool:
        """Wait until it serves (True) or has ended (False)."""


class ProgramService:
    """A process of ours, which tells through OMS_READY_FD that it serves."""

    def __init__(self, name: str, argv: Sequence[str], environment: Mapping[str, str], *, niceness: int = 0) -> None:
        self.name = name
        self._niceness = niceness
        self._argv = argv
        self._environment = environment
        self._told = -1

    async def launch(self, output: int) -> OwnedProcess:
        """Start it with a pipe of its own to tell its readiness through."""
        told, tell = os.pipe()
        try:
            environment = {**self._environment, READY_FD: str(tell)}
            command = Command(argv=self._argv, environment=environment, niceness=self._niceness)
            process = spawn(command, output=output, pass_fds=(tell,))
        except BaseException:
            os.close(told)
            raise
        finally:
            os.close(tell)
        self._told = told
        return process

    async def is_serving(self, process: OwnedProcess) -> bool:
        """Wait for its word, or for the end of the pipe, which closes with it."""
        loop = asyncio.get_running_loop()
        told = asyncio.Event()
        loop.add_reader(self._told, told.set)
        try:
            await told.wait()
            return os.read(self._told, 16) != b""
        finally:
            loop.remove_reader(self._told)
            os.close(self._told)


class ServerService:
    """An embedded server."""

    def __init__(self, server: EmbeddedServer) -> None:
        self._server = server
        self.name = server.name

    async def launch(self, output: int) -> OwnedProcess | None:
        """Start it, unless another process serves the same folder."""
        lock = await claim(self._server)
        if lock is None:
            return None
        try:
            return spawn(self._server.command(), output=output, pass_fds=(lock,))
        finally:
            os.close(lock)

    async def is_serving(self, process: OwnedProcess) -> bool:
        """Ask it until it answers or has ended."""
        while not await self._server.is_ready():
            if process.exit_code is not None:
                return False
            await asyncio.sleep(_POLL_S)
        return True


class Supervisor:
    """Starts services in groups, keeps each running, and stops the groups in the opposite order."""

    def __init__(
        self, tasks: asyncio.TaskGroup, transcript: Transcript, *, backoff_s_min: float = BACKOFF_S_MIN
    ) -> None:
        self._tasks = tasks
        self._transcript = transcript
        self._backoff_s_min = backoff_s_min
        self._jitter = random.Random()
        self._groups: list[list[asyncio.Task[None]]] = []

    async def start(self, services: Sequence[Service]) -> None:
        """Start `services` at the same time; returns when all of them serve.

        Raises: ServiceFailedError when one ends, or stays silent, before it has served.
        """
        firsts = [asyncio.get_running_loop().create_future() for _ in services]
        self._group(services, firsts)
        await asyncio.gather(*firsts)

    def keep(self, services: Sequence[Service]) -> None:
        """Start `services` without waiting for them: one that does not come up is started again like one that ends."""
        firsts = [asyncio.get_running_loop().create_future() for _ in services]
        for first in firsts:
            first.set_result(None)
        self._group(services, firsts)

    async def run(self, name: str, command: Command) -> int:
        """Run `command` to its end, its lines in the transcript; returns the exit code."""
        with _Pump(name, self._transcript) as pump:
            process = spawn(command, output=pump.input)
            pump.started()
            try:
                return await process.wait()
            finally:
                await process.stop(grace_s=STOP_GRACE_S)

    async def stop(self) -> None:
        """Stop everything, the last started group first."""
        while self._groups:
            keepers = self._groups.pop()
            for keeper in keepers:
                keeper.cancel()
            if keepers:
                await asyncio.wait(keepers)

    def _group(self, services: Sequence[Service], firsts: "Sequence[asyncio.Future[None]]") -> None:
        self._groups.append(
            [
                self._tasks.create_task(self._keep(*pair), name=pair[0].name)
                for pair in zip(services, firsts, strict=True)
            ]
        )

    async def _keep(self, service: Service, first: "asyncio.Future[None]") -> None:
        failures = 0
        while True:
            started = time.monotonic()
            try:
                outcome = await self._run_once(service, first)
            except (OSError, OmsError) as error:
                outcome = str(error)
            if outcome is None:
                self._transcript.line(service.name, "another process serves it; shared")
                return
            if not first.done():
                first.set_exception(ServiceFailedError(f"{service.name} did not come up: {outcome}"))
                return
            failures = 0 if time.monotonic() - started > STEADY_S_MIN else failures + 1
            pause_s = min(BACKOFF_S_MAX, self._backoff_s_min * 2**failures) * self._jitter.uniform(0.5, 1.0)
            self._transcript.line(service.name, f"{outcome}; starts again in {pause_s:.1f} s")
            await asyncio.sleep(pause_s)

    async def _run_once(self, service: Service, first: "asyncio.Future[None]") -> str | None:
        with _Pump(service.name, self._transcript) as pump:
            process = await service.launch(pump.input)
            if process is None:
                _resolve(first)
                return None
            pump.started()
            try:
                async with asyncio.timeout(READY_TIMEOUT_S):
                    is_serving = await service.is_serving(process)
                if is_serving:
                    _resolve(first)
                code = await process.wait()
            except TimeoutError:
                return f"it said nothing within {READY_TIMEOUT_S:.0f} s"
            finally:
                await process.stop(grace_s=STOP_GRACE_S)
            return f"it ended with exit code {code}" if code >= 0 else f"it was ended by signal {-code}"


@asynccontextmanager
async def supervising(transcript: Transcript, *, backoff_s_min: float = BACKOFF_S_MIN) -> AsyncIterator[Supervisor]:
    """A supervisor whose services all end with the block."""
    async with asyncio.TaskGroup() as tasks:
        supervisor = Supervisor(tasks, transcript, backoff_s_min=backoff_s_min)
        try:
            yield supervisor
        finally:
            await supervisor.stop()


def _resolve(first: "asyncio.Future[None]") -> None:
    if not first.done():
        first.set_result(None)


class _Pump:
    """Carries a child's lines into the transcript.

    A pipe of our own rather than asyncio's: a grandchild that keeps it open must not keep us from seeing the end.
    """

    def __init__(self, name: str, transcript: Transcript) -> None:
        self._name = name
        self._transcript = transcript
        self._rest = b""
        self._output, self.input = os.pipe()
        os.set_blocking(self._output, False)

    def __enter__(self) -> "_Pump":
        return self

    def started(self) -> None:
        """The child holds its end of the pipe: close ours, and read."""
        os.close(self.input)
        self.input = -1
        asyncio.get_running_loop().add_reader(self._output, self._read)

    def __exit__(self, *_: object) -> None:
        if self.input >= 0:
            os.close(self.input)
        else:
            while self._read():
                continue
            asyncio.get_running_loop().remove_reader(self._output)
        if self._rest:
            self._write(self._rest)
        os.close(self._output)

    def _read(self) -> bool:
        try:
            block = os.read(self._output, 65_536)
        except BlockingIOError:
            return False
        if not block:
            asyncio.get_running_loop().remove_reader(self._output)
            return False
        *lines, self._rest = (self._rest + block).split(b"\n")
        if len(self._rest) > LINE_BYTES_MAX:
            lines.append(self._rest)
            self._rest = b""
        for line in lines:
            self._write(line)
        return True

    def _write(self, line: bytes) -> None:
        self._transcript.line(self._name, line.rstrip(b"\r")[:LINE_BYTES_MAX].decode(errors="replace"))
