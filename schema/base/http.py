"""GraphQL over HTTP: one POST, one JSON document, one answer."""

import asyncio
import logging
from collections.abc import Iterable
from typing import Any, Final

import orjson
from starlette.types import Receive, Scope, Send

from app.core.errors import InputError, OmsError
from app.flows.identity.operation_rates import refusal_of
from app.identity.domain import Client, Principal, bearer_of
from schema.base.charging import rate_headers
from schema.base.context import RequestContext
from schema.base.cookies import SessionCookies, is_asked_for
from schema.base.door import Doorway, Header, OriginRefusedError, client_of, headers_of
from schema.base.errors import masked
from schema.base.execution import Asked, GraphQLEngine, refusal
from schema.base.persisted import PREFIX
from schema.base.sharing import Answer
from schema.base.variables import check_variables

BODY_BYTES_MAX: Final = 1024 * 1024
BODY_TIMEOUT_S: Final = 15.0
DRAIN_BYTES_MAX: Final = 8 * 1024 * 1024
NAME_LENGTH_MAX: Final = 128
_CLOSE: Final[Header] = (b"connection", b"close")
_log = logging.getLogger("oms.graphql")


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


class EncodingError(OmsError):
    """The body is compressed: a few bytes of it could stand for any number."""

    code = "CONTENT_ENCODING_UNSUPPORTED"

    def __init__(self) -> None:
        super().__init__("Send the request as it is, not compressed.")


class MethodError(OmsError):
    """GraphQL is asked by POST alone: what a link can do must not trade."""

    code = "METHOD_NOT_ALLOWED"

    def __init__(self) -> None:
        super().__init__("Send the request by POST.")


class _Gone(Exception):
    """The client went away before it had asked."""


class GraphQLOverHTTP:
    """The ASGI application of POST /graphql."""

    def __init__(self, doorway: Doorway, engine: GraphQLEngine) -> None:
        self._doorway = doorway
        self._engine = engine

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        desk = self._doorway.desk
        client = client_of(desk, scope, dict(scope["headers"]))
        answering = _Answering(send, (*self._doorway.headers_for(scope), (b"x-request-id", client.request_id.encode())))
        try:
            headers = headers_of(scope)
            is_our_page = self._check(scope, headers)
            async with asyncio.timeout(BODY_TIMEOUT_S):
                body = await _body(receive)
            asked = asked_of(body)
        except _Gone:
            return
        except TimeoutError:
            await answering.refuse(BodyTimeoutError())
            return
        except OmsError as error:
            await answering.refuse(error)
            return
        cookies = SessionCookies(scope["scheme"], headers) if is_our_page and is_asked_for(headers) else None
        try:
            credential = headers.get(b"authorization")
            admitted = await self._admit(credential, cookies, client)
            context = RequestContext(desk, client, admitted, cookies)
            answer = await self._engine.answer(asked, context)
        except Exception as error:
            _log.error("request %s failed", client.request_id, exc_info=error)
            await answering.send(500, {"errors": [masked(client.request_id)]})
            return
        status = 429 if refusal_of(context.standing) else 200
        more = [*rate_headers(context.standing), *(() if cookies is None else cookies.headers)]
        await answering.send(status, answer, more)

    def _check(self, scope: Scope, headers: dict[bytes, bytes]) -> bool:
        if scope["method"] != "POST":
            raise MethodError
        is_our_page = self._doorway.is_our_page(scope, headers)
        if headers.get(b"content-type", b"").partition(b";")[0].strip().lower() != b"application/json":
            raise MediaTypeError
        if headers.get(b"content-encoding", b"identity").strip().lower() != b"identity":
            raise EncodingError
        return is_our_page

    async def _admit(
        self, credential: bytes | None, cookies: SessionCookies | None, client: Client
    ) -> Principal | OmsError | None:
        # A credential in a header is meant for this request: it goes before what a browser adds to all of them.
        if credential is None:
            access = None if cookies is None else cookies.access
            return await self._doorway.admit(None if access is None else f"Bearer {access}", client)
        given = credential.decode("latin-1")
        admitted = await self._doorway.admit(given, client)
        if cookies is not None and isinstance(admitted, Principal):
            bearer = bearer_of(given)
            assert bearer is not None, "it was admitted"
            cookies.keep_key(bearer)
        return admitted


class _Answering:
    """The way of an answer to the client."""

    def __init__(self, send: Send, headers: tuple[Header, ...]) -> None:
        self._send = send
        self._headers = headers

    async def refuse(self, error: OmsError) -> None:
        status, *more = _STATUS.get(type(error), (400,))
        await self.send(status, refusal(error), more)

    async def send(self, status: int, answer: Answer, more: Iterable[Header] = ()) -> None:
        body = orjson.dumps(answer)
        headers = [
            (b"content-type", b"application/json"),
            (b"content-length", str(len(body)).encode()),
            (b"cache-control", b"no-store"),
            *self._headers,
            *more,
        ]
        await self._send({"type": "http.response.start", "status": status, "headers": headers})
        await self._send({"type": "http.response.body", "body": body})


_STATUS: Final[dict[type[OmsError], tuple[Any, ...]]] = {
    MethodError: (405, (b"allow", b"POST")),
    OriginRefusedError: (403,),
    MediaTypeError: (415,),
    EncodingError: (415, (b"accept-encoding", b"identity")),
    BodyTimeoutError: (408, _CLOSE),
    BodyTooLargeError: (413, _CLOSE),
}


def asked_of(body: bytes) -> Asked:
    """What the body asks. Raises InputError for what is no GraphQL request."""
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise InputError("The request is not JSON.") from error
    return asked_from(document)


def asked_from(document: Any) -> Asked:
    """What a parsed request asks.

    Raises InputError with the path for what is no GraphQL request, VariablesTooLargeError.
    """
    if not isinstance(document, dict):
        raise InputError("A request is one JSON object; several at once are not taken.")
    query, variables, name = document.get("query"), document.get("variables"), document.get("operationName")
    document_id = _document_id(document)
    if query is None and document_id is not None:
        query = None
    elif not isinstance(query, str) or not query:
        raise InputError("The document is missing.", path=["query"])
    if variables is not None and not isinstance(variables, dict):
        raise InputError("Variables are a JSON object.", path=["variables"])
    if name is not None and (not isinstance(name, str) or len(name) > NAME_LENGTH_MAX):
        raise InputError("The name of an operation is a text.", path=["operationName"])
    if variables:
        check_variables(variables)
    return Asked(document=query, document_id=document_id, operation_name=name or None, variables=variables)


def _document_id(document: dict[str, Any]) -> str | None:
    given = document.get("documentId")
    if given is None:
        # Clients of automatic persisted queries: the same id by another name. Nothing is registered on the way.
        extensions = document.get("extensions")
        persisted = extensions.get("persistedQuery") if isinstance(extensions, dict) else None
        given = persisted.get("sha256Hash") if isinstance(persisted, dict) else None
    if given is not None and (not isinstance(given, str) or not 0 < len(given) <= len(PREFIX) + 64):
        raise InputError("The id of a document is sha256: and 64 digits.", path=["documentId"])
    return given


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
