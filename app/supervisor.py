"""`oms up`: PostgreSQL, Redis, the simulator and every process of ours under one roof."""

import asyncio
import errno
import os
import signal
import socket
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from app.core.errors import OmsError
from app.infra.embedded import EmbeddedServer, Folders, PostgresServer, RedisServer, try_lock
from app.infra.embedded.process import Command
from app.infra.local_secrets import Demo, NoDemoError, read_demo, state_folders, token_secret_file
from app.infra.reach import reachable_postgres, reachable_redis
from app.infra.settings import Settings, variable
from app.infra.supervision import (
    ProgramService,
    ServerService,
    Service,
    ServiceFailedError,
    Supervisor,
    Transcript,
    supervising,
)

# Whoever waits for the address waits for these; what does chores may take its share of the processor after them.
TRADING = ("web", "connector", "relay")
CHORES = ("worker", "scheduler")
# Where the processors are short, an acknowledgement goes before what follows it, and trading before chores.
NICENESS = {"connector": 5, "simulator": 10, "worker": 10, "scheduler": 10}
_COMMAND_OF = {"web": "serve"}
_SELF = "oms"


class PortTakenError(OmsError):
    """Another program listens on a port that we need."""

    code = "PORT_TAKEN"


class AlreadyRunsError(OmsError):
    """Another `oms up` has the state folder."""

    code = "ALREADY_RUNS"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Plan:
    """What to run, in which order, with which environment."""

    servers: Sequence[EmbeddedServer]
    environment: dict[str, str]
    has_demo: bool

    def program(self, name: str) -> Service:
        command = _oms(_COMMAND_OF.get(name, name))
        return ProgramService(name, command, self.environment, niceness=NICENESS.get(name, 0))


def run(settings: Settings) -> int:
    """Run everything until Ctrl-C or SIGTERM; returns the exit code: 1 when something never came up."""
    is_coloured = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    return asyncio.run(_up(settings, Transcript(sys.stdout, is_coloured=is_coloured)))


async def _up(settings: Settings, transcript: Transcript) -> int:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    plan = _plan(settings)
    async with supervising(transcript) as supervisor:
        start = asyncio.create_task(_start(supervisor, plan, settings, transcript))
        stopped = asyncio.create_task(stop.wait())
        await asyncio.wait({start, stopped}, return_when=asyncio.FIRST_COMPLETED)
        failure = start.exception() if start.done() else None
        if failure is None:
            await stopped
        start.cancel()
        stopped.cancel()
        await asyncio.wait({start, stopped})
        if failure is None or isinstance(failure, OmsError):
            transcript.line(_SELF, "stops" if failure is None else f"stops: {failure}")
        await supervisor.stop()
    if isinstance(failure, OmsError):
        print(f"oms: {failure}", file=sys.stderr)
        return 1
    if failure is not None:
        raise failure
    return 0


async def _start(supervisor: Supervisor, plan: _Plan, settings: Settings, transcript: Transcript) -> None:
    if settings.database_url is not None:
        await reachable_postgres(settings)
    if settings.redis_url is not None:
        await reachable_redis(settings)
    first: list[Service] = [ServerService(server) for server in plan.servers]
    if plan.has_demo:
        first.append(plan.program("simulator"))
    await supervisor.start(first)
    arguments = ["migrate", "--demo"] if plan.has_demo else ["migrate"]
    code = await supervisor.run("migrate", Command(argv=_oms(*arguments), environment=plan.environment))
    if code != 0:
        raise ServiceFailedError(f"migrate did not succeed: it ended with exit code {code}")
    await supervisor.start([plan.program(name) for name in TRADING])
    for line in _greeting(settings, has_demo=plan.has_demo):
        transcript.plain(line)
    # By now orders may have been acknowledged: a chore that cannot start yet must not end what trades.
    supervisor.keep([plan.program(name) for name in CHORES])


def _plan(settings: Settings) -> _Plan:
    has_demo = settings.environment != "production"
    if has_demo:
        _hold(state_folders(settings))
    refuse_taken("http_port", settings.http_host, settings.http_port)
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    servers: list[EmbeddedServer] = []
    if has_demo:
        refuse_taken("simulator_port", settings.simulator_host, settings.simulator_port)
        # Whoever runs everything on this machine may also break it: see `oms simulator fault`.
        environment.setdefault(variable("simulator_control_port"), "0")
        folders = state_folders(settings)
        servers = _embedded(settings, folders)
        for server in servers:
            if isinstance(server, PostgresServer):
                environment["OMS_MIGRATION_DATABASE_URL"] = server.url
                environment["OMS_DATABASE_URL"] = server.process_url
            else:
                environment["OMS_REDIS_URL"] = server.url
        if settings.is_token_secret_public:
            environment["OMS_TOKEN_SECRET_FILE"] = str(token_secret_file(folders))
    return _Plan(servers=servers, environment=environment, has_demo=has_demo)


def _hold(folders: Folders) -> None:
    # A second one would lead the demo's account to its own simulator and write the same simulator's file. The lock
    # is never given back: it goes with this process, however that ends.
    if try_lock(folders.lock("up")) is None:
        raise AlreadyRunsError(
            f"`oms up` already runs on {folders.state_dir}: stop it, or set OMS_STATE_DIR to another"
        )


def _embedded(settings: Settings, folders: Folders) -> list[EmbeddedServer]:
    servers: list[EmbeddedServer] = []
    if settings.database_url is None:
        servers.append(PostgresServer(folders, postgres_home=settings.postgres_home))
    if settings.redis_url is None:
        servers.append(RedisServer(folders))
    return servers


def refuse_taken(field: str, host: str, port: int) -> None:
    """Make sure that we can listen on the port that the setting `field` names.

    Raises: PortTakenError that says what to set.
    """
    try:
        addresses = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        for family, kind, protocol, _, address in addresses:
            with socket.socket(family, kind, protocol) as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind(address)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise PortTakenError(f"port {port} of {host} is taken: set {variable(field)} to a free one") from None
        raise PortTakenError(
            f"cannot listen on {host}:{port} ({error.strerror}): set {variable(field)}"
            f" and {variable(field.replace('port', 'host'))}"
        ) from None


def _oms(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "app.cli", *arguments]


def _greeting(settings: Settings, *, has_demo: bool) -> list[str]:
    if not has_demo:
        return [f"OMS Trading serves at {settings.http_scheme}://{settings.http_host}:{settings.http_port}"]
    try:
        return ["", *describe(read_demo(settings)), "", "Ctrl-C stops everything.", ""]
    except NoDemoError as error:
        return [str(error)]


def describe(demo: Demo) -> list[str]:
    """The demo in lines for people."""
    return [
        f"Dashboard   {demo.dashboardUrl}",
        f"GraphQL     {demo.graphqlUrl}  (subscriptions: {demo.websocketUrl})",
        f"Log in      tenant {demo.tenant}, e-mail {demo.email}, password {demo.password}",
        f"API key     {demo.apiKey}",
        f"Account     {demo.accountId}",
        f"Simulator   {demo.simulatorHost}:{demo.simulatorPort} (TWS protocol)",
    ]
