"""Starts an embedded server, or shares the one that another process runs in the same state folder."""

import asyncio
import contextlib
import fcntl
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Protocol

from app.infra.embedded.errors import EmbeddedServerError
from app.infra.embedded.folders import Folders
from app.infra.embedded.postgres import PostgresServer
from app.infra.embedded.process import Command, OwnedProcess, spawn
from app.infra.embedded.redis import RedisServer

_START_TIMEOUT_S = 60.0
_STOP_GRACE_S = 3.0
_POLL_S = 0.02


class EmbeddedServer(Protocol):
    """What PostgreSQL and Redis have in common for their launcher."""

    @property
    def name(self) -> str:
        """The server's short name."""

    @property
    def url(self) -> str:
        """The URL by which the application reaches it."""

    @property
    def lock_path(self) -> Path:
        """The file whose lock the server holds while it runs."""

    def prepare(self, lock: int) -> None:
        """Bring the data folder in order. Blocks; needs the lock."""

    def command(self) -> Command:
        """How to run the server in the foreground."""

    async def is_ready(self) -> bool:
        """Whether it serves."""


@asynccontextmanager
async def start_postgres(
    state_dir: Path, *, durable: bool = True, postgres_home: Path | None = None
) -> AsyncIterator[str]:
    """Run PostgreSQL below `state_dir` while the block lasts, or share the one that runs there; yields its URL.

    Raises: EmbeddedServerError when it cannot be started.
    """
    server = PostgresServer(Folders.at(state_dir), durable=durable, postgres_home=postgres_home)
    async with running(server):
        yield server.url


@asynccontextmanager
async def start_redis(state_dir: Path, *, durable: bool = True) -> AsyncIterator[str]:
    """Run Redis below `state_dir` while the block lasts, or share the one that runs there; yields its URL.

    Raises: EmbeddedServerError when it cannot be started.
    """
    server = RedisServer(Folders.at(state_dir), durable=durable)
    async with running(server):
        yield server.url


@asynccontextmanager
async def running(server: EmbeddedServer) -> AsyncIterator[None]:
    """Keep `server` running while the block lasts, its output in a log file beside its lock.

    Raises: EmbeddedServerError when it cannot be started.
    """
    lock = await claim(server)
    if lock is None:
        yield
        return
    log_path = server.lock_path.with_suffix(".log")
    try:
        process = _spawn_logged(server, lock, log_path)
    finally:
        os.close(lock)
    try:
        await _until_ready(server, process, log_path)
        yield
    finally:
        await process.stop(grace_s=_STOP_GRACE_S)


async def claim(server: EmbeddedServer) -> int | None:
    """Become the one who runs `server`, or find it served by another process.

    Returns the descriptor of the lock, to be passed on to the server and then closed here: the server itself holds
    the lock, so that it is free exactly when no process of it lives. None when the server is there and ready.

    Raises: EmbeddedServerError when neither happens in a minute, or when its folder cannot be prepared.
    """
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_START_TIMEOUT_S):
            while (lock := try_lock(server.lock_path)) is None:
                if await server.is_ready():
                    return None
                await asyncio.sleep(_POLL_S)
            try:
                await asyncio.to_thread(server.prepare, lock)
            except BaseException:
                os.close(lock)
                raise
            return lock
    raise EmbeddedServerError(f"another process holds {server.lock_path} and its {server.name} does not become ready")


def try_lock(path: Path) -> int | None:
    """The descriptor of the locked file, made when missing; None while somebody else holds the lock.

    Raises: EmbeddedServerError when the file cannot be opened.
    """
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise EmbeddedServerError(f"cannot open {path}: {error.strerror}") from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor


def _spawn_logged(server: EmbeddedServer, lock: int, log_path: Path) -> OwnedProcess:
    log = os.open(log_path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        return spawn(server.command(), output=log, pass_fds=(lock,))
    except OSError as error:
        raise EmbeddedServerError(f"cannot run {server.name}: {error}") from error
    finally:
        os.close(log)


async def _until_ready(server: EmbeddedServer, process: OwnedProcess, log_path: Path) -> None:
    try:
        async with asyncio.timeout(_START_TIMEOUT_S):
            while not await server.is_ready():
                if process.exit_code is not None:
                    raise EmbeddedServerError(f"{server.name} ended at its start: {_last_line(log_path)}")
                await asyncio.sleep(_POLL_S)
    except TimeoutError as error:
        raise EmbeddedServerError(f"{server.name} does not become ready: {_last_line(log_path)}") from error


def _last_line(log_path: Path) -> str:
    lines = log_path.read_text(errors="replace").strip().splitlines()
    return lines[-1] if lines else f"nothing in {log_path}"
