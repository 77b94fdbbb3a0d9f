"""GraphQL over WebSocket: graphql-transport-ws, authenticated by its first message."""

import asyncio
import logging
from contextlib import aclosing, suppress
from datetime import timedelta
from typing import Any, Final

import orjson
from starlette.requests import Request
from starlette.responses import Response
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
from app.flows.desk import Desk
from app.identity.domain import Client, Principal
from schema.base.context import RequestContext
from schema.base.door import admit, client_of, headers_of
from schema.base.errors import coded
from schema.base.execution import GraphQLEngine, refusal
from schema.base.http import asked_from

INIT_TIMEOUT: Final = timedelta(seconds=10)
OPERATIONS_MAX: Final = 50
OPERATION_ID_LENGTH_MAX: Final = 128
CLOSE_REASON_BYTES_MAX: Final = 120
_log = logging.getLogger("oms.graphql")


class Visit:
    """One socket: where it comes from, and whom its first message admitted."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.connection_params: dict[str, Any] | None = None
        self.principal: Principal | None = None


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

    async def handle_message(self, message: Message) -> None:
        given: Any = message
        if not isinstance(given, dict) or not isinstance(given.get("type"), str):
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
        elif len(self.operations) >= OPERATIONS_MAX:
            error = coded("OPERATIONS_TOO_MANY", f"A socket has at most {OPERATIONS_MAX} operations at once.")
            await self._send_error(message["id"], [error])
        else:
            await self._start(message["id"], message["payload"])

    async def _start(self, operation_id: str, payload: dict[str, Any]) -> None:
        try:
            asked = asked_from(payload)
        except OmsError as error:
            await self._send_error(operation_id, refusal(error)["errors"])
            return
        operation: Operation[Visit, None] = Operation(
            self, operation_id, asked.document, dict(asked.variables or {}), asked.operation_name
        )
        operation.task = asyncio.create_task(self.run_operation(operation))
        operation.task.add_done_callback(self._task_done)
        self.operations[operation_id] = operation

    async def run_operation(self, operation: Operation[Visit, None]) -> None:
        asked = asked_from(
            {
                "query": operation.query,
                "variables": operation.variables,
                "operationName": operation.operation_name,
            }
        )
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
                await self._send_error(operation.id, [_internal(visit.client.request_id)])

    async def _send_error(self, operation_id: str, errors: list[Any]) -> None:
        message: Any = {"id": operation_id, "type": "error", "payload": errors}
        await self.send_message(message)


class GraphQLOverSocket(GraphQL[Visit, None]):
    """The ASGI application of the socket at /graphql. The legacy protocol is not spoken."""

    websocket_adapter_class = _Adapter
    graphql_transport_ws_handler_class = _Handler

    def __init__(
        self, desk: Desk, engine: GraphQLEngine, schema: BaseSchema, init_timeout: timedelta = INIT_TIMEOUT
    ) -> None:
        super().__init__(
            schema,
            graphql_ide=None,
            allow_queries_via_get=False,
            subscription_protocols=(GRAPHQL_TRANSPORT_WS_PROTOCOL,),
            connection_init_wait_timeout=init_timeout,
            max_subscriptions_per_connection=OPERATIONS_MAX,
        )
        self._desk = desk
        self.engine = engine

    async def get_context(self, request: Request | WebSocket, response: Response | WebSocket) -> Visit:
        """The visit of a socket."""
        return Visit(client_of(self._desk, request.scope, headers_of(request.scope)))

    async def on_ws_connect(self, context: Visit) -> UnsetType:
        """Admits the visit by the credential in its first message, or refuses it: the socket is closed with 4403."""
        admitted = await admit(self._desk, (context.connection_params or {}).get("authorization"), context.client)
        if not isinstance(admitted, Principal):
            raise ConnectionRejectionError
        context.principal = admitted
        nothing: UnsetType = UNSET
        return nothing

    async def context_of(self, visit: Visit) -> RequestContext:
        """What an operation of the visit works with: with the power that its credential has now."""
        return RequestContext(self._desk, visit.client, await self._standing_of(visit))

    async def _standing_of(self, visit: Visit) -> Principal | OmsError | None:
        if visit.principal is None:
            return None
        try:
            return await self._desk.door.authenticator.recheck(visit.principal)
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


def _internal(request_id: str) -> dict[str, Any]:
    return coded("INTERNAL", "The server failed; the request id finds the cause in its log.", requestId=request_id)
