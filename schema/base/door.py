"""Who stands at the door: the client's address and request id, and whom a credential admits."""

import re
from collections.abc import Mapping
from typing import Any, Final

from app.core.errors import OmsError
from app.flows.desk import Desk
from app.identity.domain import Client, Principal, bearer_of, visible_text

_REQUEST_ID: Final = re.compile(r"[A-Za-z0-9._:-]{1,64}", re.ASCII)


def headers_of(scope: Mapping[str, Any]) -> dict[bytes, bytes]:
    """The headers by their name in lower case; of one that comes twice the last."""
    return dict(scope["headers"])


def client_of(desk: Desk, scope: Mapping[str, Any], headers: Mapping[bytes, bytes]) -> Client:
    """The client as the socket and the headers tell; a request id that cannot be logged as it is gets replaced."""
    given = headers.get(b"x-request-id", b"").decode("latin-1")
    address = scope.get("client")
    return Client(
        ip_address=address[0] if address else "",
        request_id=given if _REQUEST_ID.fullmatch(given) else str(desk.ids.new()),
        user_agent=visible_text(headers.get(b"user-agent", b"").decode("latin-1")),
    )


async def admit(desk: Desk, credential: object, client: Client) -> Principal | OmsError | None:
    """Whom the credential stands for; None without one; the error to tell for one that does not hold."""
    try:
        bearer = bearer_of(credential)
        return None if bearer is None else await desk.door.authenticator.authenticate(bearer, client)
    except OmsError as error:
        return error
