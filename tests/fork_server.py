"""A process that has the modules of `oms` in memory and forks one for each command that a test runs."""

import gc
import json
import os
import selectors
import signal
import socket
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from runpy import run_module

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
    run_module("app.cli", run_name="__main__", alter_sys=True)


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


if __name__ == "__main__":
    main()
