"""GraphQL over WebSocket: graphql-transport-ws, authenticated by its first message."""

import asyncio
import logging
import time
from collections.abc import Iterable
from contextlib import aclosing, suppress
from datetime import timedelta
from typing import Any, Final

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket, WebSocketState
from strawberry.asgi import ASGIWebSocketAdapter, GraphQL
from strawberry.exceptions import ConnectionRejectionError
from strawberry.http.exceptions import NonJsonMessageReceived, NonTextMessageReceived, WebSocketDisconnected
from strawberry.schema import BaseSchema
from strawberry.subscriptions import GRAPHQL_TRANSPORT_WS_PROTOCOL
from strawberry.subscriptions.protocols.graphql_transport_ws.handlers import BaseGraphQLTransportWSHandler, Operation
from strawberry.subscriptions.protocols.graphql_transport_ws.types import Message
from strawberry.types.unset import UNSET, UnsetType

from app.core.errors import OmsError
from app.identity.domain import Client, Principal
from schema.base.context import RequestContext
from schema.base.cookies import SessionCookies
from schema.base.door import Doorway, OriginRefusedError, client_of, headers_of
from schema.base.errors import masked
from schema.base.execution import Asked, GraphQLEngine, refusal
from schema.base.http import asked_from
from schema.base.socket_limits import (
    IDLE,
    NO_POWER,
    TOO_MANY_MESSAGES,
    TOO_MANY_SOCKETS,
    OperationsTooManyError,
    Pace,
    Places,
    SocketLimits,
    SocketsTooManyError,
    credential_of,
)

OPERATION_ID_LENGTH_MAX: Final = 128
CLOSE_REASON_BYTES_MAX: Final = 120
_log = logging.getLogger("oms.graphql")


class Visit:
    """One socket: where it comes from, what its cookies say, and whom its first message admitted."""

    def __init__(self, client: Client, cookies: SessionCookies | None = None) -> None:
        self.client = client
        self.cookies = cookies
        self.connection_params: dict[str, Any] | None = None
        self.principal: Principal | None = None
        self.is_refused_for: SocketsTooManyError | None = None


class _Adapter(ASGIWebSocketAdapter):
    async def iter_json(self, *, ignore_parsing_errors: bool = False) -> Any:
        while self.ws.application_state != WebSocketState.DISCONNECTED:
            message = await self.ws.receive()
            if message["type"] == "websocket.disconnect":
                return
            text = message.get("text")
            if text is None:
                raise NonTextMessageReceived
            try:
                yield orjson.loads(text)
            except orjson.JSONDecodeError as error:
                raise NonJsonMessageReceived from error

    async def send_json(self, message: Any) -> None:
        try:
            await self.ws.send_text(orjson.dumps(message).decode())
        except (RuntimeError, OSError) as error:
            # The socket closed while an answer was on its way.
            raise WebSocketDisconnected from error

    async def close(self, code: int, reason: str) -> None:
        cut = reason.encode()[:CLOSE_REASON_BYTES_MAX].decode(errors="ignore")
        with suppress(RuntimeError):
            await self.ws.close(code=code, reason=cut)


class _Handler(BaseGraphQLTransportWSHandler[Visit, None]):
    view: "GraphQLOverSocket"
    _pace: Pace
    busy_at: float

    async def handle(self) -> None:
        limits = self.view.limits
        self._pace = Pace(limits.messages_per_second, limits.messages_burst)
        self.busy_at = time.monotonic()
        self.view.enter(self)
        try:
            await super().handle()
        finally:
            self.view.leave(self)

    @property
    def visit(self) -> Visit:
        return self.context

    async def end(self, code: int, reason: str) -> None:
        await self.websocket.close(code=code, reason=reason)

    async def handle_connection_init(self, message: Any) -> None:
        try:
            await super().handle_connection_init(message)
        except SocketsTooManyError as error:
            await self.end(TOO_MANY_SOCKETS, error.message)

    async def handle_message(self, message: Message) -> None:
        given: Any = message
        if not self._pace.allows():
            await self.end(TOO_MANY_MESSAGES, "Too many messages")
        elif not isinstance(given, dict) or not isinstance(given.get("type"), str):
            await self.handle_invalid_message("A message is a JSON object with a type")
        elif given["type"] in ("subscribe", "complete") and not _is_operation_id(given.get("id")):
            await self.handle_invalid_message("An operation has an id of 1 to 128 characters")
        elif given["type"] == "subscribe" and not isinstance(given.get("payload"), dict):
            await self.handle_invalid_message("An operation has a payload")
        else:
            await super().handle_message(message)

    async def handle_subscribe(self, message: Any) -> None:
        if not self.connection_acknowledged:
            await self.websocket.close(code=4401, reason="Unauthorized")
        elif message["id"] in self.operations:
            await self.websocket.close(code=4409, reason=f"Subscriber for {message['id']} already exists")
        elif len(self.operations) >= self.view.limits.operations:
            await self._send_error(
                message["id"], refusal(OperationsTooManyError(self.view.limits.operations))["errors"]
            )
        else:
            await self._start(message["id"], message["payload"])

    async def _start(self, operation_id: str, payload: dict[str, Any]) -> None:
        try:
            asked = asked_from(payload)
        except OmsError as error:
            await self._send_error(operation_id, refusal(error)["errors"])
            return
        operation: _Operation = _Operation(
            self, operation_id, asked.document or "", dict(asked.variables or {}), asked.operation_name
        )
        operation.asked = asked
        operation.task = asyncio.create_task(self.run_operation(operation))
        operation.task.add_done_callback(self._task_done)
        self.operations[operation_id] = operation

    async def run_operation(self, operation: Operation[Visit, None]) -> None:
        assert isinstance(operation, _Operation), "every operation is started here"
        asked = operation.asked
        visit = self.context
        try:
            context = await self.view.context_of(visit)
            async with aclosing(self.view.engine.stream(asked, context)) as answers:
                async for answer in answers:
                    if "data" not in answer:
                        await _tell(operation, {"type": "error", "payload": answer["errors"]})
                        return
                    await _tell(operation, {"type": "next", "payload": answer})
            await _tell(operation, {"type": "complete"})
        except WebSocketDisconnected:
            self.operations.pop(operation.id, None)
        except Exception as error:
            _log.error("request %s failed on a socket", visit.client.request_id, exc_info=error)
            self.operations.pop(operation.id, None)
            with suppress(WebSocketDisconnected):
                await self._send_error(operation.id, [masked(visit.client.request_id)])
        finally:
            self.busy_at = time.monotonic()

    async def _send_error(self, operation_id: str, errors: list[Any]) -> None:
        message: Any = {"id": operation_id, "type": "error", "payload": errors}
        await self.send_message(message)


class _Operation(Operation[Visit, None]):
    asked: Asked


class GraphQLOverSocket(GraphQL[Visit, None]):
    """The ASGI application of the socket at /graphql. The legacy protocol is not spoken."""

    websocket_adapter_class = _Adapter
    graphql_transport_ws_handler_class = _Handler

    def __init__(
        self, doorway: Doorway, engine: GraphQLEngine, schema: BaseSchema, limits: SocketLimits | None = None
    ) -> None:
        self.limits = limits or SocketLimits()
        super().__init__(
            schema,
            graphql_ide=None,
            allow_queries_via_get=False,
            subscription_protocols=(GRAPHQL_TRANSPORT_WS_PROTOCOL,),
            connection_init_wait_timeout=timedelta(seconds=self.limits.init_timeout_s),
            max_subscriptions_per_connection=self.limits.operations,
            # Which pages may come was decided before this is asked.
            allowed_origins=("*",),
        )
        self._doorway = doorway
        self.engine = engine
        self._by_address = Places(self.limits.per_address)
        self._by_credential = Places(self.limits.per_credential)
        self._open: set[_Handler] = set()
        self._watch: asyncio.Task[None] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves a socket, unless a page of another origin or one too many asks for it."""
        address = (scope.get("client") or ("",))[0]
        try:
            self._doorway.is_our_page(scope, headers_of(scope))
            self._by_address.take(address)
        except OmsError as error:
            await _deny(receive, send, _status_of(error), self._doorway.headers_for(scope))
            return
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._by_address.give_back(address)

    async def get_context(self, request: Request | WebSocket, response: Response | WebSocket) -> Visit:
        """The visit of a socket. Cookies are those of a page of ours: a browser says which page opens a socket."""
        scope, headers = request.scope, headers_of(request.scope)
        is_our_page = b"origin" in headers and self._doorway.is_our_page(scope, headers)
        cookies = SessionCookies(scope["scheme"], headers) if is_our_page else None
        return Visit(client_of(self._doorway.desk, scope, headers), cookies)

    async def on_ws_connect(self, context: Visit) -> UnsetType:
        """Admits the visit by the credential in its first message, else by its cookies.

        Without one that holds the socket is closed with 4403. Raises SocketsTooManyError.
        """
        credential = (context.connection_params or {}).get("authorization")
        if credential is None and context.cookies is not None and context.cookies.access is not None:
            credential = f"Bearer {context.cookies.access}"
        admitted = await self._doorway.admit(credential, context.client)
        if not isinstance(admitted, Principal):
            raise ConnectionRejectionError
        self._by_credential.take(credential_of(admitted))
        context.principal = admitted
        nothing: UnsetType = UNSET
        return nothing

    def enter(self, handler: _Handler) -> None:
        """Looks after a socket from now on."""
        self._open.add(handler)
        if self._watch is None or self._watch.done():
            self._watch = asyncio.create_task(self._watch_all(), name="sockets")

    def leave(self, handler: _Handler) -> None:
        """Looks after it no more."""
        self._open.discard(handler)
        if handler.visit.principal is not None:
            self._by_credential.give_back(credential_of(handler.visit.principal))

    async def _watch_all(self) -> None:
        # One look at all sockets; what a credential may is remembered for seconds, whoever asks.
        while self._open:
            await asyncio.sleep(self.limits.watch_every_s)
            for handler in list(self._open):
                try:
                    await self._look_after(handler)
                except Exception as error:
                    _log.error(
                        "request %s: a socket was not looked after", handler.visit.client.request_id, exc_info=error
                    )

    async def _look_after(self, handler: _Handler) -> None:
        if handler.visit.principal is None:
            return
        standing = await self._standing_of(handler.visit)
        if isinstance(standing, OmsError) and not standing.is_retryable:
            # What is still on its way says UNAUTHENTICATED first.
            await handler.end(NO_POWER, "Forbidden")
        elif not handler.operations and time.monotonic() - handler.busy_at > self.limits.idle_s:
            await handler.end(IDLE, "Idle")

    async def context_of(self, visit: Visit) -> RequestContext:
        """What an operation of the visit works with: with the power that its credential has now."""
        return RequestContext(self._doorway.desk, visit.client, await self._standing_of(visit))

    async def _standing_of(self, visit: Visit) -> Principal | OmsError | None:
        if visit.principal is None:
            return None
        try:
            return await self._doorway.desk.door.authenticator.recheck(visit.principal)
        except OmsError as error:
            return error
        except Exception as error:
            known = self.engine.known_as(error)
            if known is None:
                raise
            return known


async def _tell(operation: Operation[Visit, None], message: Any) -> None:
    message["id"] = operation.id
    await operation.send_operation_message(message)


def _is_operation_id(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= OPERATION_ID_LENGTH_MAX


def _status_of(error: OmsError) -> int:
    if isinstance(error, OriginRefusedError):
        return 403
    return 429 if isinstance(error, SocketsTooManyError) else 400


async def _deny(receive: Receive, send: Send, status: int, headers: Iterable[tuple[bytes, bytes]]) -> None:
    await receive()
    length = (b"content-length", b"0")
    await send({"type": "websocket.http.response.start", "status": status, "headers": [*headers, length]})
    await send({"type": "websocket.http.response.body", "body": b""})
