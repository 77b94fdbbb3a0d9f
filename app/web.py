"""The web process: GraphQL over HTTP and WebSocket, the dashboard, and what tells whether it lives."""

import asyncio
import contextlib
import logging
import signal
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Final

import uvicorn
import uvloop
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from app.core.errors import OmsError
from app.flows.desk import Desk, open_desk
from app.infra.assets import dashboard_documents, dashboard_routes
from app.infra.beside import working_beside
from app.infra.forwarding import TrustedProxies, networks_of
from app.infra.http_protocol import HTTP
from app.infra.origins import Origins, origins_of
from app.infra.outages import known_as
from app.infra.readiness import notify_ready
from app.infra.settings import Settings, variable
from app.infra.tls import context_factory
from app.infra.web_headers import API, TLS_ONLY, SecureHeaders
from schema.base.aside import Elsewhere
from schema.base.door import Doorway
from schema.base.execution import GraphQLEngine
from schema.base.http import BODY_BYTES_MAX, GraphQLOverHTTP
from schema.base.persisted import PersistedDocuments, read_list
from schema.base.preparing import prepare
from schema.base.socket import GraphQLOverSocket
from schema.base.socket_limits import SocketLimits
from schema.compliance.record_download import OrderRecordDownload
from schema.compliance.record_exports import DOWNLOAD_PATH
from schema.schema import operation_costs, schema, subscription_requirements, ways_in

GRAPHQL_PATH: Final = "/graphql"
STATIC: Final = Path(__file__).with_name("static")
CHECK_TIMEOUT_S: Final = 2.0
KEEP_ALIVE_S: Final = 75
GRACE_S: Final = 1
BACKLOG: Final = 2048
SWITCH_S: Final = 0.0005
_log = logging.getLogger("oms.web")


class CannotListenError(OmsError):
    """The address that the settings name cannot be listened on."""

    code = "HTTP_ADDRESS_UNUSABLE"


class Web:
    """The ASGI application: /graphql is answered at once, everything else is routed."""

    def __init__(self, over_http: ASGIApp, over_socket: ASGIApp, rest: ASGIApp) -> None:
        self._over_http = over_http
        self._over_socket = over_socket
        self._rest = rest

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hands a request to who answers it."""
        if scope["path"] != GRAPHQL_PATH:
            await self._rest(scope, receive, send)
        elif scope["type"] == "http":
            await self._over_http(scope, receive, send)
        else:
            await self._over_socket(scope, receive, send)


def create_app(desk: Desk, settings: Settings, elsewhere: Elsewhere | None = None) -> ASGIApp:
    """The web application over a desk that is open; `elsewhere` is where it looks at long documents."""
    engine = GraphQLEngine(
        schema._schema,
        subscription_requirements(),
        introspection=settings.shows_schema_to,
        known_as=known_as,
        costs=operation_costs(),
        ways_in=ways_in(),
        persisted=_persisted(settings),
        elsewhere=elsewhere,
    )
    doorway = Doorway(
        desk, Origins(origins_of(settings.public_origins)).is_ours, known_as, headers=API, headers_over_tls=TLS_ONLY
    )
    limits = SocketLimits(per_address=settings.sockets_per_address, per_credential=settings.sockets_per_credential)
    routes: list[BaseRoute] = [
        Route("/health/live", _live, methods=["GET"]),
        Route("/health/ready", _ready_check(desk), methods=["GET"]),
        Route(DOWNLOAD_PATH, OrderRecordDownload(doorway), methods=["GET"]),
        *dashboard_routes(STATIC, settings.shows_graphiql_to),
    ]
    web = Web(
        over_http=GraphQLOverHTTP(doorway, engine),
        over_socket=GraphQLOverSocket(doorway, engine, schema, limits=limits),
        rest=SecureHeaders(Starlette(routes=routes)),
    )
    networks = networks_of(settings.trusted_proxies)
    return TrustedProxies(web, networks, settings.forwarded_header) if networks else web


def run(settings: Settings) -> None:
    """Serve until the process is asked to end.

    Raises CannotListenError, UnavailableError.
    """
    # What a thread does must not keep the loop from whoever waits for an answer.
    sys.setswitchinterval(SWITCH_S)
    work = partial(prepare, schema._schema, has_suggestions=settings.shows_schema_to == "all")
    with (
        working_beside(work) as elsewhere,
        asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
    ):
        runner.run(_serve(settings, elsewhere))


@asynccontextmanager
async def serving(
    app: ASGIApp, listener: socket.socket, settings: Settings | None = None
) -> AsyncIterator[uvicorn.Server]:
    """A server of the application on the listener, serving; it stops when the block ends.

    Raises TlsUnusableError when the settings name a certificate or a key that cannot be used.
    """
    server = _Server(config_of(app, settings))
    task = asyncio.create_task(server.serve(sockets=[listener]), name="http server")
    try:
        while not server.started:
            if task.done():
                task.result()
            await asyncio.sleep(0.005)
        yield server
    finally:
        server.should_exit = True
        await task


def config_of(app: ASGIApp, settings: Settings | None = None) -> uvicorn.Config:
    """How the application is served; over TLS where the settings name a certificate."""
    return uvicorn.Config(
        app,
        loop="none",
        http=HTTP,
        ws="websockets-sansio",
        ws_max_size=BODY_BYTES_MAX,
        ws_ping_interval=20,
        ws_ping_timeout=20,
        ws_per_message_deflate=False,
        lifespan="off",
        log_config=None,
        access_log=False,
        # Whom to believe about addresses is ours to decide, from the right end of what proxies tell.
        proxy_headers=False,
        ssl_context_factory=None if settings is None else context_factory(settings),
        server_header=False,
        date_header=False,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=GRACE_S,
        backlog=BACKLOG,
    )


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        # Signals are this module's: uvicorn would raise them again before the desk is closed.
        yield


async def _serve(settings: Settings, elsewhere: Elsewhere) -> None:
    listener = _listen(settings)
    asked_to_end = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, asked_to_end.set)
    with contextlib.closing(listener):
        async with (
            open_desk(settings) as desk,
            serving(create_app(desk, settings, elsewhere), listener, settings) as server,
        ):
            notify_ready()
            _log.info("serving on %s port %s", settings.http_host, settings.http_port)
            while not (asked_to_end.is_set() or server.should_exit):
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(asked_to_end.wait(), CHECK_TIMEOUT_S)


def _listen(settings: Settings) -> socket.socket:
    with contextlib.ExitStack() as kept:
        try:
            found = socket.getaddrinfo(settings.http_host, settings.http_port, type=socket.SOCK_STREAM)
            family, kind, protocol, _, address = found[0]
            listener = kept.enter_context(socket.socket(family, kind, protocol))
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
        except OSError as error:
            raise CannotListenError(
                f"cannot listen on {settings.http_host}:{settings.http_port} ({error.strerror}): set "
                f"{variable('http_port')} or {variable('http_host')}"
            ) from error
        listener.setblocking(False)
        kept.pop_all()
    return listener


def _persisted(settings: Settings) -> PersistedDocuments:
    listed = dashboard_documents(STATIC)
    if settings.document_list is not None:
        listed |= read_list(settings.document_list)
    return PersistedDocuments(settings.persisted_documents, listed)


async def _live(_: Request) -> Response:
    return JSONResponse({"status": "ok"})


def _ready_check(desk: Desk) -> Callable[[Request], Awaitable[Response]]:
    async def ping_database() -> None:
        async with desk.database.acquire() as connection:
            await connection.execute("SELECT 1")

    async def stands(ping: Callable[[], Awaitable[None]]) -> str:
        try:
            async with asyncio.timeout(CHECK_TIMEOUT_S):
                await ping()
        except Exception as error:
            if known_as(error) is None:
                raise
            return "away"
        return "ok"

    async def ready(_: Request) -> Response:
        database, redis = await asyncio.gather(stands(ping_database), stands(desk.redis.ping))
        is_ready = database == redis == "ok"
        return JSONResponse(
            {"status": "ok" if is_ready else "unavailable", "postgresql": database, "redis": redis},
            status_code=200 if is_ready else 503,
            headers={"Cache-Control": "no-store"},
        )

    return ready
