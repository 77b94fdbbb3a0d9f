"""Child processes that never outlive their owner, awaited without threads."""

import asyncio
import contextlib
import ctypes
import os
import pwd
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

_PR_SET_PDEATHSIG = 1
_POLL_S = 0.05
_C_LIBRARY = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceUser:
    """The unprivileged user whom a server runs as when its owner is root."""

    name: str
    uid: int
    gid: int


def service_user() -> ServiceUser | None:
    """`postgres` or else `nobody` when this process is root, otherwise None: the server runs as ourselves."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            entry = pwd.getpwnam(name)
            return ServiceUser(name=entry.pw_name, uid=entry.pw_uid, gid=entry.pw_gid)
    return ServiceUser(name="nobody", uid=65534, gid=65534)


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """What to run, as whom, how far behind others for the processor (0 to 19), and how to ask it to end."""

    argv: Sequence[str]
    environment: Mapping[str, str]
    user: ServiceUser | None = None
    niceness: int = 0
    stop_signal: signal.Signals = signal.SIGTERM
    kill_signal: signal.Signals = signal.SIGKILL


def spawn(command: Command, *, output: int, pass_fds: Sequence[int] = ()) -> "OwnedProcess":
    """Start `command` in a session of its own, its output going to the descriptor `output`.

    Call it from the main thread: the kernel ends the child when the thread that started it ends.

    Raises: OSError when the program cannot be executed.
    """
    popen = subprocess.Popen(
        list(command.argv),
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
        env=dict(command.environment),
        cwd="/" if command.user else None,
        pass_fds=tuple(pass_fds),
        start_new_session=True,
        preexec_fn=_prepared(command),
        user=command.user.uid if command.user else None,
        group=command.user.gid if command.user else None,
        extra_groups=[] if command.user else None,
    )
    return OwnedProcess(popen, command)


class OwnedProcess:
    """A running child of this process."""

    def __init__(self, popen: subprocess.Popen[bytes], command: Command) -> None:
        self._popen = popen
        self._command = command

    @property
    def pid(self) -> int:
        """The process id."""
        return self._popen.pid

    @property
    def exit_code(self) -> int | None:
        """The exit code, negative for a signal; None while it runs."""
        return self._popen.poll()

    async def wait(self) -> int:
        """Wait for the end; returns the exit code, negative for a signal."""
        if hasattr(os, "pidfd_open"):
            with contextlib.suppress(ProcessLookupError):
                await self._pidfd_readable()
        # Reached running only where the kernel has no pidfd: there is nothing to wait on but the clock.
        while (code := self._popen.poll()) is None:  # noqa: ASYNC110
            await asyncio.sleep(_POLL_S)
        return code

    async def stop(self, *, grace_s: float) -> int:
        """Ask it to end, insist after `grace_s`, and sweep what it left in its process group."""
        self._signal(self._command.stop_signal)
        for insistence in (self._command.kill_signal, signal.SIGKILL):
            try:
                async with asyncio.timeout(grace_s):
                    await self.wait()
                break
            except TimeoutError:
                self._signal(insistence)
        code = await self.wait()
        self.sweep()
        return code

    def sweep(self) -> None:
        """Kill what is left of the process group of a child that has ended."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)

    def _signal(self, number: signal.Signals) -> None:
        if self._popen.poll() is None:
            self._popen.send_signal(number)

    async def _pidfd_readable(self) -> None:
        if self._popen.poll() is not None:
            return
        loop = asyncio.get_running_loop()
        ended = asyncio.Event()
        descriptor = os.pidfd_open(self.pid)
        try:
            loop.add_reader(descriptor, ended.set)
            await ended.wait()
        finally:
            loop.remove_reader(descriptor)
            os.close(descriptor)


def _prepared(command: Command) -> Callable[[], None]:
    parent = os.getpid()

    def in_child() -> None:
        if command.niceness:
            os.nice(command.niceness)
        end_with(parent, command.stop_signal)

    return in_child


def end_with(parent: int, number: signal.Signals) -> None:
    """Asks the kernel to send this process the signal when its parent ends, where it can be asked."""
    if _C_LIBRARY is None:
        return
    _C_LIBRARY.prctl(_PR_SET_PDEATHSIG, int(number), 0, 0, 0)
    # The parent may have ended between fork and prctl; then nothing would signal us any more.
    if os.getppid() != parent:
        os._exit(1)
