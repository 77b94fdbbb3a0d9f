"""GraphQL over HTTP: one POST, one JSON document, one answer."""

import asyncio
from typing import Any, Final

import orjson
from starlette.types import Receive, Scope, Send

from app.core.errors import InputError, OmsError
from app.flows.desk import Desk
from schema.base.context import RequestContext
from schema.base.door import admit, client_of, headers_of
from schema.base.errors import KnownAs
from schema.base.execution import Asked, GraphQLEngine, refusal
from schema.base.sharing import Answer

BODY_BYTES_MAX: Final = 1024 * 1024
BODY_TIMEOUT_S: Final = 15.0
DRAIN_BYTES_MAX: Final = 8 * 1024 * 1024


class BodyTooLargeError(OmsError):
    """The request has more bytes than one may have."""

    code = "BODY_TOO_LARGE"

    def __init__(self) -> None:
        super().__init__(f"A request has at most {BODY_BYTES_MAX} bytes.", limit=BODY_BYTES_MAX)


class BodyTimeoutError(OmsError):
    """The request did not arrive in time."""

    code = "BODY_TIMEOUT"
    is_retryable = True

    def __init__(self) -> None:
        super().__init__(f"A request arrives within {BODY_TIMEOUT_S:.0f} seconds.")


class MediaTypeError(OmsError):
    """The body is of another kind than JSON."""

    code = "MEDIA_TYPE_UNSUPPORTED"

    def __init__(self) -> None:
        super().__init__("Send the request as application/json.")


class MethodError(OmsError):
    """GraphQL is asked by POST alone: what a link can do must not trade."""

    code = "METHOD_NOT_ALLOWED"

    def __init__(self) -> None:
        super().__init__("Send the request by POST.")


class _Gone(Exception):
    """The client went away before it had asked."""


class GraphQLOverHTTP:
    """The ASGI application of POST /graphql."""

    def __init__(self, desk: Desk, engine: GraphQLEngine, known_as: KnownAs) -> None:
        self._desk = desk
        self._engine = engine
        self._known_as = known_as

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        headers = headers_of(scope)
        client = client_of(self._desk, scope, headers)
        request_id = client.request_id.encode()
        if scope["method"] != "POST":
            await _respond(send, 405, refusal(MethodError()), request_id, (b"allow", b"POST"))
            return
        if headers.get(b"content-type", b"").partition(b";")[0].strip().lower() != b"application/json":
            await _respond(send, 415, refusal(MediaTypeError()), request_id)
            return
        try:
            async with asyncio.timeout(BODY_TIMEOUT_S):
                body = await _body(receive)
            asked = asked_of(body)
        except _Gone:
            return
        except TimeoutError:
            await _respond(send, 408, refusal(BodyTimeoutError()), request_id, (b"connection", b"close"))
            return
        except BodyTooLargeError as error:
            await _respond(send, 413, refusal(error), request_id, (b"connection", b"close"))
            return
        except OmsError as error:
            await _respond(send, 400, refusal(error), request_id)
            return
        credential = headers.get(b"authorization")
        admitted = await self._admit(None if credential is None else credential.decode("latin-1"), client)
        answer = await self._engine.answer(asked, RequestContext(self._desk, client, admitted))
        await _respond(send, 200, answer, request_id)

    async def _admit(self, credential: str | None, client: Any) -> Any:
        try:
            return await admit(self._desk, credential, client)
        except Exception as error:
            known = self._known_as(error)
            if known is None:
                raise
            return known


def asked_of(body: bytes) -> Asked:
    """What the body asks. Raises InputError for what is no GraphQL request."""
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise InputError("The request is not JSON.") from error
    return asked_from(document)


def asked_from(document: Any) -> Asked:
    """What a parsed request asks. Raises InputError with the path for what is no GraphQL request."""
    if not isinstance(document, dict):
        raise InputError("A request is one JSON object; several at once are not taken.")
    query, variables, name = document.get("query"), document.get("variables"), document.get("operationName")
    if not isinstance(query, str) or not query:
        raise InputError("The document is missing.", path=["query"])
    if variables is not None and not isinstance(variables, dict):
        raise InputError("Variables are a JSON object.", path=["variables"])
    if name is not None and not isinstance(name, str):
        raise InputError("The name of an operation is a text.", path=["operationName"])
    return Asked(document=query, operation_name=name or None, variables=variables)


async def _body(receive: Receive) -> bytes:
    # What is too much is read on for a while and thrown away: a client that is still sending hears no answer.
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise _Gone
        part: bytes = message.get("body", b"")
        size += len(part)
        if size <= BODY_BYTES_MAX:
            parts.append(part)
        if size > DRAIN_BYTES_MAX or (size > BODY_BYTES_MAX and not message.get("more_body", False)):
            raise BodyTooLargeError
        if not message.get("more_body", False):
            return b"".join(parts)


async def _respond(send: Send, status: int, answer: Answer, request_id: bytes, *more: tuple[bytes, bytes]) -> None:
    body = orjson.dumps(answer)
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
        (b"x-content-type-options", b"nosniff"),
        (b"x-request-id", request_id),
        *more,
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
