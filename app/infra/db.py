"""PostgreSQL: the pools of a process, each under one database role, and the sessions that repositories take."""

import asyncio
import logging
import re
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Any, Final, Generic, NewType, Self, TypeVar, overload

import asyncpg
import orjson
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine

from app.core.errors import UnavailableError

ReadSession = NewType("ReadSession", AsyncSession)
"""A transaction that only reads."""
WriteSession = NewType("WriteSession", AsyncSession)
"""A transaction that may write."""


ValueT = TypeVar("ValueT")
FirstT = TypeVar("FirstT")
SecondT = TypeVar("SecondT")
ThirdT = TypeVar("ThirdT")
FourthT = TypeVar("FourthT")
FifthT = TypeVar("FifthT")

_PARAMETER = re.compile(r"\$(\d+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Write:
    """An INSERT, UPDATE or DELETE that a repository has composed, to go to the server together with others."""

    sql: str
    parameters: tuple[Any, ...]

    @classmethod
    def of(cls, sql: str, *parameters: Any) -> Self:
        """The statement with its parameters, $1 and up."""
        return cls(sql=sql, parameters=parameters)


@dataclass(frozen=True, slots=True, kw_only=True)
class Read(Generic[ValueT]):
    """A question that a repository has composed, to go to the server together with others.

    sql is an expression of one value, such as ARRAY (SELECT …); decode makes of that value what the caller wants.
    """

    sql: str
    parameters: tuple[Any, ...]
    decode: Callable[[Any], ValueT]


class BatchSession:
    """A transaction of set-based statements straight on the driver, for the hot paths."""

    __slots__ = ("_connection",)

    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection

    async def fetch(self, sql: str, *parameters: Any) -> list[Any]:
        """The rows of a statement."""
        rows: list[Any] = await self._connection.fetch(sql, *parameters)
        return rows

    async def execute(self, sql: str, *parameters: Any) -> None:
        """Runs a statement for its effect."""
        await self._connection.execute(sql, *parameters)

    @overload
    async def read(self, first: Read[FirstT], /) -> tuple[FirstT]: ...
    @overload
    async def read(self, first: Read[FirstT], second: Read[SecondT], /) -> tuple[FirstT, SecondT]: ...
    @overload
    async def read(
        self, first: Read[FirstT], second: Read[SecondT], third: Read[ThirdT], /
    ) -> tuple[FirstT, SecondT, ThirdT]: ...
    @overload
    async def read(
        self,
        first: Read[FirstT],
        second: Read[SecondT],
        third: Read[ThirdT],
        fourth: Read[FourthT],
        fifth: Read[FifthT],
        /,
    ) -> tuple[FirstT, SecondT, ThirdT, FourthT, FifthT]: ...
    @overload
    async def read(self, *reads: Read[Any]) -> tuple[Any, ...]: ...
    async def read(self, *reads: Read[Any]) -> tuple[Any, ...]:
        """The answers to questions of the same moment, in one round trip."""
        sql = _asked(tuple(one.sql for one in reads))
        row = await self._connection.fetchrow(sql, *(value for one in reads for value in one.parameters))
        return tuple(one.decode(value) for one, value in zip(reads, row, strict=True))

    async def write(self, writes: Sequence[Write]) -> None:
        """Runs writes in one round trip. They see the same snapshot, so none may touch a row that another wrote."""
        if writes:
            sql = _composed(tuple(one.sql for one in writes))
            await self._connection.execute(sql, *(value for one in writes for value in one.parameters))


@cache
def _composed(statements: tuple[str, ...]) -> str:
    parts = (f"w{place} AS ({part})" for place, part in enumerate(_renumbered(statements)))
    return f"WITH {', '.join(parts)} SELECT 1"


@cache
def _asked(expressions: tuple[str, ...]) -> str:
    return "SELECT " + ", ".join(f"({part}) AS r{place}" for place, part in enumerate(_renumbered(expressions)))


def _renumbered(parts: tuple[str, ...]) -> list[str]:
    renumbered: list[str] = []
    taken = 0
    for part in parts:
        shift = taken
        renumbered.append(_PARAMETER.sub(lambda found: f"${int(found[1]) + shift}", part))  # noqa: B023
        taken += max(int(number) for number in _PARAMETER.findall(part))
    return renumbered


# While the server is away the driver's pool logs each of its own attempts with a traceback; who needs a connection
# tells of the outage once.
logging.getLogger("asyncpg.pool").setLevel(logging.ERROR)

CONNECT_TIMEOUT_S = 5.0
# A plan that was made while a table was empty may read all of it later, and is followed until the table is analyzed.
PLANS_KEPT_S = 2.0
STATEMENT_TIMEOUT_MS = 15_000
# Beyond the server's own bound: what has not been answered by then will not be, for the way there is broken unsaid.
COMMAND_TIMEOUT_S = 20.0
CLOSE_TIMEOUT_S = 2.0
CONNECTION_LOST: tuple[type[BaseException], ...] = (
    OSError,
    asyncpg.InterfaceError,
    # Real world: the driver has read that the server ended the connection, and its end has not come yet.
    asyncpg.InternalClientError,
    asyncpg.PostgresConnectionError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
)
PUT_OFF: tuple[type[BaseException], ...] = (
    asyncpg.TransactionRollbackError,
    asyncpg.InsufficientResourcesError,
    asyncpg.OperatorInterventionError,
)
"""Refusals that are not about the data, such as of a statement that took too long: another try may succeed."""


class DatabaseRole(StrEnum):
    """The database roles that processes work under. None owns a table, none bypasses row-level security.

    APP sees the one tenant of its transaction, INTAKE the tenants of its batch, SYSTEM the few tables that a
    connector or relay must read over all tenants before it knows which tenant to work for, SEALER the audit log of all
    tenants, which it moves into their chains.
    """

    APP = "oms_app"
    INTAKE = "oms_intake"
    SYSTEM = "oms_system"
    SEALER = "oms_sealer"


GRANTED_ROLE: Final = "oms_granted"
"""What APP becomes for the length of a transaction of somebody who is restricted to some broker accounts."""

# Set-based statements look rows up by key, whatever the statistics say or do not say yet.
_POINT_LOOKUPS = {"enable_seqscan": "off", "enable_hashjoin": "off", "enable_mergejoin": "off"}


def plain_json(document: Any) -> str:
    """JSON text of a document of ours: UUIDs, datetimes and Decimals as strings."""
    return orjson.dumps(document, default=str).decode()


class Database:
    """The connections of one process under one role.

    keeps_plans plans each set-based statement anew only every PLANS_KEPT_S, not each time. It is for processes whose
    statements find their rows by whole keys, each key by itself: their plans do not depend on the values.
    """

    def __init__(self, url: str, role: DatabaseRole, *, size: int = 8, keeps_plans: bool = False) -> None:
        self._url = url
        self._role = role
        self._size = size
        self._keeps_plans = keeps_plans
        self._planned_at: dict[int, float] = {}
        self.engine: AsyncEngine = create_async_engine(
            "postgresql+asyncpg://",
            async_creator=self._connect,
            pool_size=size,
            max_overflow=0,
            pool_pre_ping=True,
            json_serializer=plain_json,
            json_deserializer=orjson.loads,
        )
        self.sessions = async_sessionmaker(self.engine, expire_on_commit=False, autoflush=False)
        self._batch_pool: asyncpg.Pool | None = None

    async def open(self) -> None:
        """Connects and makes sure that a commit here survives a crash.

        Raises UnavailableError when the server does not answer or would lose acknowledged commits.
        """
        try:
            self._batch_pool = await asyncpg.create_pool(
                min_size=1, max_size=self._size, init=_set_json_codec, reset=_keep_session, connect=self._connect_pooled
            )
        except (*CONNECTION_LOST, asyncpg.PostgresError, TimeoutError) as error:
            raise UnavailableError(f"PostgreSQL does not take a connection: {error}") from error

    async def close(self) -> None:
        """Gives all connections back."""
        await self.engine.dispose()
        pool, self._batch_pool = self._batch_pool, None
        if pool is not None:
            try:
                async with asyncio.timeout(CLOSE_TIMEOUT_S):
                    await pool.close()
            except TimeoutError:
                # The server does not say goodbye.
                pool.terminate()

    async def check_durability(self) -> None:
        """Refuses a server that acknowledges a commit before it is on disk.

        Raises UnavailableError naming the setting.
        """
        async with self.engine.connect() as connection:
            for name in ("fsync", "full_page_writes", "synchronous_commit"):
                value = (await connection.execute(text(f"SHOW {name}"))).scalar_one()
                if value == "off":
                    raise UnavailableError(f"PostgreSQL runs with {name} off: an acknowledged order could be lost")

    @asynccontextmanager
    async def acquire(self) -> AsyncIterator[asyncpg.Connection]:
        """A driver connection of the pool, in no transaction."""
        assert self._batch_pool is not None, "the database was not opened"
        async with self._batch_pool.acquire(timeout=CONNECT_TIMEOUT_S) as connection:
            if self._keeps_plans:
                await self._renew_plans(connection)
            yield connection

    async def _renew_plans(self, connection: asyncpg.Connection) -> None:
        now, backend = time.monotonic(), connection.get_server_pid()
        if now - self._planned_at.setdefault(backend, now) >= PLANS_KEPT_S:
            await connection.execute("DISCARD PLANS")
            self._planned_at[backend] = now

    async def _connect(self) -> asyncpg.Connection:
        return await self._connected(self._server_settings())

    async def _connect_pooled(self, *_: Any, **options: Any) -> asyncpg.Connection:
        server_settings = (
            self._server_settings()
            | _POINT_LOOKUPS
            | {"plan_cache_mode": "force_generic_plan" if self._keeps_plans else "force_custom_plan"}
        )
        return await self._connected(server_settings, **options)

    async def _connected(self, server_settings: dict[str, str], **options: Any) -> asyncpg.Connection:
        return await asyncpg.connect(
            self._url,
            **options,
            timeout=CONNECT_TIMEOUT_S,
            command_timeout=COMMAND_TIMEOUT_S,
            server_settings=server_settings,
        )

    def _server_settings(self) -> dict[str, str]:
        return {
            "role": self._role.value,
            "application_name": f"oms/{self._role.value}",
            "statement_timeout": str(STATEMENT_TIMEOUT_MS),
            "idle_in_transaction_session_timeout": str(STATEMENT_TIMEOUT_MS),
            "timezone": "UTC",
            "jit": "off",
        }


async def _set_json_codec(connection: asyncpg.Connection) -> None:
    for name in ("jsonb", "json"):
        await connection.set_type_codec(name, encoder=plain_json, decoder=orjson.loads, schema="pg_catalog")


async def _keep_session(_: asyncpg.Connection) -> None:
    # All settings of a transaction are LOCAL, so there is nothing to reset and a round trip is saved.
    return
