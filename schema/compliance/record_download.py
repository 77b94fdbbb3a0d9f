"""GET of the file of an export of order records: streamed, as an attachment, for whom may see the audit log."""

import base64
import logging
from typing import Final

from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from app.compliance.domain.record_exports import RecordExport
from app.compliance.errors import RecordExportUnfinishedError, RecordExportUnknownError
from app.core.errors import (
    ForbiddenError,
    InputError,
    NotFoundError,
    OmsError,
    RateLimitedError,
    UnauthenticatedError,
    UnavailableError,
)
from app.core.ids import RecordExportId
from app.flows.compliance.record_exports import file_of, find_export, open_file
from app.identity.domain import Client
from app.identity.domain import Scope as Scopes
from schema.base.charging import charge, rate_headers
from schema.base.context import RequestContext
from schema.base.cookies import SessionCookies
from schema.base.door import Doorway, client_of, headers_of
from schema.base.errors import masked
from schema.base.execution import refusal
from schema.base.ids import parse_id
from schema.base.permissions import Requirement

OPERATION: Final = "downloadOrderRecords"
COST: Final = 50
_REQUIREMENT: Final = Requirement(scope=Scopes.VIEW_AUDIT)
_STATUS: Final[tuple[tuple[type[OmsError], int], ...]] = (
    (UnauthenticatedError, 401),
    (ForbiddenError, 403),
    (NotFoundError, 404),
    (RecordExportUnfinishedError, 409),
    (RateLimitedError, 429),
    (UnavailableError, 503),
)
_log = logging.getLogger("oms.web")


class OrderRecordDownload:
    """The ASGI application of GET and HEAD of a file; the route names the export as `export_id`.

    The session of a page in its cookies counts without the header that GraphQL asks for, which a plain link cannot
    send: a browser must say instead that a page of ours asks. No other site gets a file that way, nor a word of it.
    """

    def __init__(self, doorway: Doorway) -> None:
        self._doorway = doorway

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        client = client_of(self._doorway.desk, scope, dict(scope["headers"]))
        try:
            response = await self._answer(scope, client)
        except Exception as error:
            known = error if isinstance(error, OmsError) else self._doorway.known_as(error)
            if known is None:
                _log.error("request %s failed", client.request_id, exc_info=error)
                response = JSONResponse({"errors": [masked(client.request_id)]}, status_code=500)
            else:
                response = _refused(known)
        response.headers["x-request-id"] = client.request_id
        response.headers["cache-control"] = "private, no-store"
        for name, value in self._doorway.headers_for(scope):
            response.headers[name.decode()] = value.decode()
        await response(scope, receive, send)

    async def _answer(self, scope: Scope, client: Client) -> Response:
        context = await self._context(scope, client)
        context.check_credential()
        await charge(context, COST)
        try:
            _REQUIREMENT.check(context.principal)
            export = await self._export(scope, context)
        except ForbiddenError as error:
            context.note_refusal(OPERATION, error)
            raise
        headers = {
            "content-length": str(export.size_bytes),
            "content-disposition": f'attachment; filename="{export.file_name}"',
            "repr-digest": f"sha-256=:{base64.b64encode(bytes.fromhex(export.sha256 or '')).decode()}:",
        }
        response: Response
        if scope["method"] == "HEAD":
            response = Response(media_type=export.media_type, headers=headers)
        else:
            content = file_of(self._doorway.desk, export)
            response = StreamingResponse(content, media_type=export.media_type, headers=headers)
        for name, value in rate_headers(context.standing):
            response.headers[name.decode()] = value.decode()
        return response

    async def _context(self, scope: Scope, client: Client) -> RequestContext:
        headers = headers_of(scope)
        is_our_page = self._doorway.is_our_page(scope, headers)
        given = headers.get(b"authorization")
        credential = None if given is None else given.decode("latin-1")
        if credential is None and is_our_page:
            access = SessionCookies(scope["scheme"], headers).access
            credential = None if access is None else f"Bearer {access}"
        return RequestContext(self._doorway.desk, client, await self._doorway.admit(credential, client))

    async def _export(self, scope: Scope, context: RequestContext) -> RecordExport:
        try:
            export_id = RecordExportId(parse_id(scope["path_params"]["export_id"]))
        except InputError as error:
            raise RecordExportUnknownError from error
        desk, principal = context.desk, context.principal
        if scope["method"] != "HEAD":
            return await open_file(desk, principal, export_id)
        export = await find_export(desk, principal, export_id)
        if not export.is_file_at(desk.clock.now()):
            raise RecordExportUnfinishedError(export.state.value)
        return export


def _refused(error: OmsError) -> Response:
    status = next((status for kind, status in _STATUS if isinstance(error, kind)), 400)
    headers = {}
    if isinstance(error, UnauthenticatedError):
        headers["www-authenticate"] = "Bearer"
    if isinstance(error, RateLimitedError):
        headers["retry-after"] = str(error.retry_after_s)
    return JSONResponse(refusal(error), status_code=status, headers=headers)
