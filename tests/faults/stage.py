"""The stage of a campaign: an installation, second processes behind proxies, accounts at simulators of their own."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import httpx
from redis.asyncio import Redis

from app.brokers import opening_batch as brokers
from app.brokers.domain import NewAccount
from app.core.fix import BrokerKind, RiskLimitType
from app.core.ids import AccountId, LimitId, TenantId
from app.flows.brokers.open_account import open_account
from app.flows.tenants.seed_demo import DEMO_ACCOUNT
from app.infra.db import Database, DatabaseRole
from app.infra.embedded import Folders, PostgresServer, RedisServer
from app.infra.supervision import ProgramService, Supervisor, Transcript, supervising
from app.infra.system import SystemIds
from app.infra.uow import begin_batch
from app.risk import batch as risk
from app.risk.domain import RiskLimit
from app.simulator.accounts import Account
from app.simulator.store import SavedState, encode_state
from tests.faults.proxy import Proxy, proxied, to_port, to_socket
from tests.installation import Installation, free_port, installed

SECONDS = ("serve", "connector", "relay", "worker")
OPEN_ORDERS_MAX = 40
POSITION_MAX = Decimal(400)
CLIENT_ID = 101
GATE_S_MAX = 60.0
_PAUSE_S = 0.3

# The proxies are gateways of their own to the connector, and a simulator needs no pace.
SETTINGS = {"OMS_IB_MESSAGES_PER_SECOND": "0"}


@dataclass(frozen=True, slots=True, kw_only=True)
class StagedAccount:
    """An account at a simulator of its own; the connectors reach that through the proxy alone.

    folder is where the simulator leaves its state and the address of its control port.
    """

    id: UUID
    number: str
    simulator_port: int
    folder: Path
    gateway: Proxy
    is_hot: bool


@dataclass(slots=True, kw_only=True)
class Stage:
    """What a campaign plays on. webs are the addresses of /graphql, the second behind proxies to its servers."""

    installation: Installation
    evidence: Path
    tenant_id: UUID
    api_key: str
    webs: tuple[str, ...]
    accounts: list[StagedAccount]
    database_wire: Proxy
    redis_wire: Proxy
    database_url: str
    redis_url: str
    assigned: set[tuple[UUID, str]] = field(default_factory=set)
    """Accounts and symbols of which the broker's holding was changed without an order."""

    @property
    def hot(self) -> StagedAccount:
        """The account with limits that the load runs into."""
        return next(account for account in self.accounts if account.is_hot)

    def pids(self, service: str, copy: int | None = None) -> list[int]:
        """The processes of a service: of the installation (copy 0), of ours (1), or both."""
        parents = {0: self.installation.process.pid, 1: os.getpid()}
        wanted = parents.values() if copy is None else (parents[copy],)
        return sorted(
            pid for pid, name in self.installation.children().items() if name == service and _parent_of(pid) in wanted
        )

    def postmaster(self) -> int | None:
        """PostgreSQL's first process; None while it is down."""
        return next((pid for pid, name in self.installation.children().items() if "shared_buffers" in name), None)

    def backends(self) -> list[int]:
        """The processes that serve our connections to PostgreSQL."""
        return sorted(pid for pid in _children_of(self.postmaster()) if b"oms_login" in _command_line(pid))

    def redis_server(self) -> int | None:
        """The Redis process; None while it is down."""
        return next((pid for pid, name in self.installation.children().items() if "redis.sock" in name), None)

    async def connect(self) -> asyncpg.Connection:
        """A connection of the owner of everything, for whoever checks."""
        return await asyncpg.connect(self.database_url, timeout=10)

    async def has_open_gates(self) -> bool:
        """Whether every account is connected and synchronised."""
        try:
            connection = await self.connect()
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            return False
        try:
            closed = await connection.fetchval("SELECT count(*) FROM broker_connections WHERE NOT is_gate_open")
            return bool(closed == 0)
        finally:
            await connection.close(timeout=5)

    async def is_serving(self) -> bool:
        """Whether every web process is ready."""
        async with httpx.AsyncClient(timeout=5) as client:
            try:
                answers = [await client.get(url.replace("/graphql", "/health/ready")) for url in self.webs]
            except httpx.HTTPError:
                return False
        return all(answer.status_code == 200 for answer in answers)

    async def recovered(self, timeout_s: float = GATE_S_MAX) -> bool:
        """Waits until everything serves and every gate is open; False when that does not come in time."""
        try:
            async with asyncio.timeout(timeout_s):
                while not (await self.is_serving() and await self.has_open_gates()):
                    await asyncio.sleep(_PAUSE_S)
        except TimeoutError:
            return False
        return True


@asynccontextmanager
async def staged(evidence: Path, *, accounts: int) -> AsyncIterator[Stage]:
    """The stage, everything serving and every account's gate open."""
    async with AsyncExitStack() as stack:
        installation = await stack.enter_async_context(installed(SETTINGS))
        stack.callback(_keep_log, installation, evidence)
        demo = await installation.demo()
        folders = Folders.at(installation.state_dir)
        database_url, redis_url = PostgresServer(folders).url, RedisServer(folders).url
        sockets = folders.sockets()
        database_wire = await stack.enter_async_context(proxied("database", to_socket(f"{sockets}/.s.PGSQL.5432")))
        redis_wire = await stack.enter_async_context(proxied("redis", to_socket(f"{sockets}/redis.sock")))
        transcript = Transcript(stack.enter_context(closing((evidence / "second.log").open("w"))), is_coloured=False)
        supervisor = await stack.enter_async_context(supervising(transcript))
        second = {
            **installation.environment,
            "PYTHONUNBUFFERED": "1",
            "OMS_DATABASE_URL": f"postgresql://oms_login@127.0.0.1:{database_wire.port}/oms",
            "OMS_REDIS_URL": f"redis://127.0.0.1:{redis_wire.port}",
            "OMS_TOKEN_SECRET_FILE": str(installation.state_dir / "token-secret"),
            "OMS_HTTP_PORT": str(free_port()),
        }
        stage = Stage(
            installation=installation,
            evidence=evidence,
            tenant_id=UUID(int=0),
            api_key=demo["apiKey"],
            webs=(demo["graphqlUrl"], f"http://127.0.0.1:{second['OMS_HTTP_PORT']}/graphql"),
            accounts=[],
            database_wire=database_wire,
            redis_wire=redis_wire,
            database_url=database_url,
            redis_url=redis_url,
        )
        await _open_accounts(stage, stack, supervisor, int(demo["simulatorPort"]), accounts)
        await supervisor.start([_program(name, second) for name in SECONDS])
        assert await stage.recovered(), f"the stage did not come up: {installation.log()}"
        yield stage


async def _open_accounts(
    stage: Stage, stack: AsyncExitStack, supervisor: Supervisor, demo_port: int, count: int
) -> None:
    environment = stage.installation.environment
    ports, state_folders = [demo_port], [stage.installation.state_dir]
    for number in range(1, count):
        folder = stage.installation.state_dir / f"gateway-{number}"
        folder.mkdir(mode=0o711)
        (folder / "simulator.json").write_bytes(_opened_with(_number(number)))
        port = free_port()
        ports.append(port)
        state_folders.append(folder)
        settings = {
            **environment,
            "OMS_STATE_DIR": str(folder),
            "OMS_SIMULATOR_PORT": str(port),
            "OMS_SIMULATOR_CONTROL_PORT": "0",
        }
        await supervisor.start([_program("simulator", settings)])
    gateways = [
        await stack.enter_async_context(proxied(f"gateway {place}", to_port(port))) for place, port in enumerate(ports)
    ]
    owner = Database(stage.database_url, DatabaseRole.APP, size=1)
    await owner.open()
    try:
        connection = await stage.connect()
        stage.tenant_id = await connection.fetchval("SELECT tenant_id FROM broker_accounts")
        await connection.close()
        async with begin_batch(owner, TenantId(stage.tenant_id)) as session:
            now, ids = datetime.now(UTC), SystemIds()
            for place, (port, gateway) in enumerate(zip(ports, gateways, strict=True)):
                new = NewAccount(
                    broker=BrokerKind.INTERACTIVE_BROKERS,
                    account_number=_number(place),
                    account_type="MARGIN",
                    base_currency="USD",
                    host="127.0.0.1",
                    port=gateway.port,
                    client_id=CLIENT_ID,
                    is_paper=True,
                )
                opened = await open_account(session, TenantId(stage.tenant_id), new, now=now, ids=ids)
                await brokers.move_gateway(session, opened.key, "127.0.0.1", gateway.port)
                stage.accounts.append(
                    StagedAccount(
                        id=opened.key.account_id,
                        number=_number(place),
                        simulator_port=port,
                        folder=state_folders[place],
                        gateway=gateway,
                        is_hot=place == 0,
                    )
                )
            await risk.insert_limits(
                session, TenantId(stage.tenant_id), limits_of(stage.hot.id, ids), "system:faults", now
            )
    finally:
        await owner.close()


def limits_of(account_id: UUID, ids: SystemIds) -> list[RiskLimit]:
    """The tight limits of the hot account."""
    limits: Mapping[RiskLimitType, Decimal] = {
        RiskLimitType.MAX_OPEN_ORDERS: Decimal(OPEN_ORDERS_MAX),
        RiskLimitType.MAX_POSITION_QUANTITY: POSITION_MAX,
    }
    return [
        RiskLimit(id=LimitId(ids.new()), limit_type=kind, value=value, account_id=AccountId(account_id))
        for kind, value in limits.items()
    ]


async def flush_redis(stage: Stage) -> None:
    """FLUSHALL."""
    client: Any = Redis.from_url(stage.redis_url, socket_timeout=5, socket_connect_timeout=5)
    async with client:
        await client.flushall()


def _opened_with(number: str) -> bytes:
    account = Account(account_id=number, base_currency="USD", cash={"USD": Decimal(1_000_000)})
    tomorrow = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    return encode_state(
        SavedState(
            accounts=(account,),
            orders=(),
            executions=(),
            next_order_ids={},
            last_perm_id=0,
            day_ends_at=tomorrow,
            walks={},
        )
    )


def _number(place: int) -> str:
    return f"{DEMO_ACCOUNT[:-1]}{int(DEMO_ACCOUNT[-1]) + place}"


def _program(command: str, environment: Mapping[str, str]) -> ProgramService:
    return ProgramService(command, [sys.executable, "-m", "app.cli", command], environment)


def _keep_log(installation: Installation, evidence: Path) -> None:
    (evidence / "up.log").write_text(installation.log())


def _parent_of(pid: int) -> int | None:
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return None


def _children_of(pid: int | None) -> list[int]:
    running = [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]
    return [one for one in running if pid is not None and _parent_of(one) == pid]


def _command_line(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""
