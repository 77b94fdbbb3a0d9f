"""The embedded PostgreSQL: a data folder by major version, one unix socket, no TCP."""

import os
import shutil
import signal
import subprocess
from pathlib import Path
from urllib.parse import quote

import asyncpg

from app.infra.embedded.errors import EmbeddedServerError
from app.infra.embedded.folders import Folders
from app.infra.embedded.installation import PostgresInstallation, find_postgres
from app.infra.embedded.process import Command

_PROBE_TIMEOUT_S = 2.0
_DURABLE = {"shared_buffers": "256MB"}
_FAST = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "shared_buffers": "128MB"}
_BUILTIN_LOCALE_SINCE = 17


class PostgresServer:
    """One PostgreSQL below a state folder.

    `durable` keeps every durability setting at PostgreSQL's default; without it a crash may lose the data (tests).
    """

    name = "postgres"
    database = "oms"

    def __init__(self, folders: Folders, *, durable: bool = True, postgres_home: Path | None = None) -> None:
        self._folders = folders
        self._durable = durable
        self._installation: PostgresInstallation = find_postgres(folders, postgres_home)
        self._data = folders.private(f"postgres-{self._installation.major}") / "data"
        self._sockets = folders.sockets()

    @property
    def url(self) -> str:
        """The URL of the application's database, for asyncpg and, with its driver's name, SQLAlchemy."""
        return self.url_of(self.database)

    @property
    def process_url(self) -> str:
        """The same as the login of processes, which owns nothing and may only switch to their roles.

        The first migration creates it.
        """
        return self._url_as("oms_login", self.database)

    def url_of(self, database: str) -> str:
        """The URL of any database of this server, as its superuser."""
        return self._url_as("postgres", database)

    def _url_as(self, login: str, database: str) -> str:
        return f"postgresql://{login}@/{database}?host={quote(str(self._sockets), safe='/')}"

    @property
    def lock_path(self) -> Path:
        """The file whose lock the server holds while it runs."""
        return self._folders.lock(f"postgres-{self._installation.major}")

    def prepare(self, lock: int) -> None:
        """Make the data folder when there is none, and clear what a killed server left. Blocks; needs the lock.

        Raises: EmbeddedServerError when initdb fails.
        """
        if (self._data / "PG_VERSION").exists():
            # We hold the lock that every server of this folder holds while it lives, so the file is stale.
            (self._data / "postmaster.pid").unlink(missing_ok=True)
            return
        fresh = self._data.with_name("data.new")
        shutil.rmtree(fresh, ignore_errors=True)
        user = self._folders.user
        finished = subprocess.run(
            [self._installation.program("initdb"), "-D", str(fresh), "-U", "postgres", *self._initdb_options()],
            env=self._environment(),
            user=user.uid if user else None,
            group=user.gid if user else None,
            extra_groups=[] if user else None,
            cwd="/",
            pass_fds=(lock,),
            capture_output=True,
            text=True,
            check=False,
        )
        if finished.returncode != 0:
            reason = (finished.stderr.strip() or finished.stdout.strip() or "no output").splitlines()[-1]
            raise EmbeddedServerError(f"initdb could not make {self._data}: {reason}")
        fresh.rename(self._data)

    def command(self) -> Command:
        """How to run the server in the foreground."""
        options = {
            "listen_addresses": "",
            "unix_socket_directories": str(self._sockets),
            "unix_socket_permissions": "0700",
            "port": "5432",
            "max_connections": "200",
            "timezone": "UTC",
            "log_timezone": "UTC",
            "log_line_prefix": "",
            "log_checkpoints": "off",
            **(_DURABLE if self._durable else _FAST),
        }
        settings = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
        return Command(
            argv=[self._installation.program("postgres"), "-D", str(self._data), *settings],
            environment=self._environment(),
            user=self._folders.user,
            # SIGINT is PostgreSQL's fast shutdown, SIGQUIT its immediate one, after which it recovers from its log.
            stop_signal=signal.SIGINT,
            kill_signal=signal.SIGQUIT,
        )

    async def is_ready(self) -> bool:
        """Whether it takes connections and the application's database exists, creating that at the first time."""
        try:
            connection = await asyncpg.connect(self.url_of("postgres"), timeout=_PROBE_TIMEOUT_S)
        except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
            return False
        try:
            if await connection.fetchval("select 1 from pg_database where datname = $1", self.database) is None:
                await connection.execute(f'create database "{self.database}"')
        except (asyncpg.DuplicateDatabaseError, asyncpg.UniqueViolationError):
            return True
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            return False
        finally:
            await connection.close(timeout=_PROBE_TIMEOUT_S)
        return True

    def _initdb_options(self) -> list[str]:
        options = ["-A", "trust", "-E", "UTF8", "--no-instructions", "--locale=C"]
        if self._installation.major >= _BUILTIN_LOCALE_SINCE:
            options += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        if not self._durable:
            options += ["--no-sync"]
        return options

    def _environment(self) -> dict[str, str]:
        return {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}
