"""A process that has the modules of `oms` in memory and forks one for each command that a test runs."""

import atexit
import gc
import json
import os
import selectors
import signal
import socket
import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from runpy import run_module
from typing import NoReturn

# A request: its text and the descriptors of stdin, stdout, stderr and of who waits for the exit code.
TEXT_BYTES_MAX = 200_000
DESCRIPTORS = 4

# Most commands do without the GraphQL schema, which costs as much as all the rest.
_NOT_AHEAD = {"app.cli.__main__", "app.cli.documents", "app.cli.schema"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """What a forked process is to be."""

    arguments: Sequence[str]
    environment: Mapping[str, str]
    folder: str


def main() -> None:
    """Serve the socket of the given descriptor, until its other end is closed; a forked process leaves as `oms`."""
    asked = socket.socket(fileno=int(sys.argv[1]))
    from app import cli

    for module in iter_modules(cli.__path__, "app.cli."):
        if module.name not in _NOT_AHEAD:
            import_module(module.name)
    gc.freeze()
    become(forked(asked))
    code: object = 0
    try:
        run_module("app.cli", run_name="__main__", alter_sys=True)
    except SystemExit as end:
        code = end.code
    leave(code)


def forked(asked: socket.socket) -> Command:
    """What to do, in a forked process; the server itself never comes back."""
    waiting: dict[int, socket.socket] = {}
    ended, end = socket.socketpair()
    end.setblocking(False)
    ended.setblocking(False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(end.fileno(), warn_on_full_buffer=False)
    with selectors.DefaultSelector() as selector:
        selector.register(asked, selectors.EVENT_READ)
        selector.register(ended, selectors.EVENT_READ)
        while True:
            ready = {key.fileobj for key, _ in selector.select()}
            if ended in ready:
                ended.recv(4096)
                tell_ends(waiting)
            if asked not in ready:
                continue
            text, descriptors, _, _ = socket.recv_fds(asked, TEXT_BYTES_MAX, DESCRIPTORS)
            if not text:
                # Whatever still runs belongs to tests that are over.
                os.killpg(0, signal.SIGKILL)
            *streams, teller = descriptors
            if (pid := os.fork()) == 0:
                signal.set_wakeup_fd(-1)
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                for number, descriptor in enumerate(streams):
                    os.dup2(descriptor, number)
                for descriptor in descriptors:
                    os.close(descriptor)
                for one in (asked, ended, end, *waiting.values()):
                    one.close()
                return Command(**json.loads(text))
            for descriptor in streams:
                os.close(descriptor)
            waiting[pid] = socket.socket(fileno=teller)
            waiting[pid].sendall(b"%d\n" % pid)


def tell_ends(waiting: dict[int, socket.socket]) -> None:
    """Tell the exit code of each process that has ended, as a shell would, to who waits for it."""
    while waiting:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if pid == 0:
            return
        with waiting.pop(pid) as teller:
            teller.sendall(b"%d\n" % os.waitstatus_to_exitcode(status))


def become(command: Command) -> None:
    """Take the arguments, the environment and the folder of the command."""
    os.environ.clear()
    os.environ.update(command.environment)
    os.chdir(Path(command.folder))
    sys.argv = ["oms", *command.arguments]


def leave(code: object) -> NoReturn:
    """End as an interpreter does, but for taking apart each module, which would copy all the memory that is shared."""
    for thread in threading.enumerate():
        if thread is not threading.current_thread() and not thread.daemon:
            thread.join()
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code if isinstance(code, int) else 1)


if __name__ == "__main__":
    main()
