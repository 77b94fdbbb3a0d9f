"""The embedded Redis: Valkey on one unix socket, no TCP."""

import os
import signal
from pathlib import Path
from urllib.parse import quote

from redis.asyncio import Redis
from redis.exceptions import RedisError

from app.infra.embedded.folders import Folders
from app.infra.embedded.installation import find_redis
from app.infra.embedded.process import Command

_PROBE_TIMEOUT_S = 2.0


class RedisServer:
    """One Redis-compatible server below a state folder; `durable` appends every write to disk each second."""

    name = "redis"

    def __init__(self, folders: Folders, *, durable: bool = True) -> None:
        self._folders = folders
        self._durable = durable
        self._program = find_redis(folders)
        self._data = folders.private("redis")
        self._socket = folders.sockets() / "redis.sock"

    @property
    def url(self) -> str:
        """The URL that redis-py takes."""
        return f"unix://{quote(str(self._socket), safe='/')}"

    @property
    def lock_path(self) -> Path:
        """The file whose lock the server holds while it runs."""
        return self._folders.lock("redis")

    def prepare(self, lock: int) -> None:
        """Clear the socket that a killed server left. Needs the lock."""
        self._socket.unlink(missing_ok=True)

    def command(self) -> Command:
        """How to run the server in the foreground."""
        options = {
            "port": "0",
            "unixsocket": str(self._socket),
            "unixsocketperm": "700",
            "dir": str(self._data),
            "daemonize": "no",
            "save": "",
            "appendonly": "yes" if self._durable else "no",
            "appendfsync": "everysec",
            "loglevel": "warning",
        }
        arguments = [part for name, value in options.items() for part in (f"--{name}", value)]
        return Command(
            argv=[self._program, *arguments],
            environment={"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"},
            user=self._folders.user,
            stop_signal=signal.SIGTERM,
        )

    async def is_ready(self) -> bool:
        """Whether it answers and has loaded its data."""
        client = Redis.from_url(self.url, socket_timeout=_PROBE_TIMEOUT_S, socket_connect_timeout=_PROBE_TIMEOUT_S)
        try:
            return bool(await client.ping())
        except (OSError, RedisError):
            return False
        finally:
            await client.aclose()
