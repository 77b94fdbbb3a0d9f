"""Who stands at the door: the client's address and request id, the page it comes from, and whom a credential admits."""

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from app.core.errors import ForbiddenError, InputError, OmsError
from app.flows.desk import Desk
from app.identity.domain import Client, Principal, bearer_of, visible_text
from schema.base.errors import KnownAs

_REQUEST_ID: Final = re.compile(r"[A-Za-z0-9._:-]{1,64}", re.ASCII)
# Of these two would be two opinions: a proxy may act on the one and we on the other.
_SINGLE: Final = frozenset(
    {b"authorization", b"content-type", b"content-encoding", b"content-length", b"host", b"origin", b"x-oms-session"}
)

IsOurs = Callable[[str, str, str], bool]
"""Whether a page of an origin may ask over a scheme for a host."""
Header = tuple[bytes, bytes]


class OriginRefusedError(ForbiddenError):
    """The request comes from a page of another origin."""

    code = "ORIGIN_REFUSED"

    def __init__(self) -> None:
        super().__init__("Pages of other origins may not ask here.")


class Doorway:
    """What HTTP and sockets have in common before GraphQL begins."""

    def __init__(
        self,
        desk: Desk,
        is_ours: IsOurs,
        known_as: KnownAs,
        *,
        headers: tuple[Header, ...] = (),
        headers_over_tls: Header | None = None,
    ) -> None:
        """`headers` go with every answer, `headers_over_tls` as well with those that go over TLS."""
        self.desk = desk
        self.known_as = known_as
        self.headers = headers
        self._over_tls = headers if headers_over_tls is None else (*headers, headers_over_tls)
        self._is_ours = is_ours

    def headers_for(self, scope: Mapping[str, Any]) -> tuple[Header, ...]:
        """What goes with the answer to a request."""
        return self._over_tls if scope["scheme"] in ("https", "wss") else self.headers

    def is_our_page(self, scope: Mapping[str, Any], headers: Mapping[bytes, bytes]) -> bool:
        """True when a browser says that a page of ours asks; False without a word of where it comes from.

        Raises OriginRefusedError when it says that another's does. Programs say nothing, and need not.
        """
        origin = headers.get(b"origin")
        if origin is not None:
            host = headers.get(b"host", b"").decode("latin-1")
            if not self._is_ours(origin.decode("latin-1"), scope["scheme"], host):
                raise OriginRefusedError
            return True
        site = headers.get(b"sec-fetch-site")
        if site is not None and site != b"same-origin":
            raise OriginRefusedError
        return site is not None

    async def admit(self, credential: object, client: Client) -> Principal | OmsError | None:
        """Whom the credential stands for; None without one; the error to tell for one that does not hold."""
        try:
            bearer = bearer_of(credential)
            return None if bearer is None else await self.desk.door.authenticator.authenticate(bearer, client)
        except OmsError as error:
            return error
        except Exception as error:
            known = self.known_as(error)
            if known is None:
                raise
            return known


def headers_of(scope: Mapping[str, Any]) -> dict[bytes, bytes]:
    """The headers by their name in lower case; of one that comes twice the last.

    Raises InputError when one comes twice that must not.
    """
    listed = scope["headers"]
    found = dict(listed)
    if len(found) != len(listed):
        seen: set[bytes] = set()
        for name, _ in listed:
            if name in seen and name in _SINGLE:
                raise InputError("A header comes twice that may come once.")
            seen.add(name)
    return found


def client_of(desk: Desk, scope: Mapping[str, Any], headers: Mapping[bytes, bytes]) -> Client:
    """The client as the socket and the headers tell; a request id that cannot be logged as it is gets replaced."""
    given = headers.get(b"x-request-id", b"").decode("latin-1")
    address = scope.get("client")
    return Client(
        ip_address=address[0] if address else "",
        request_id=given if _REQUEST_ID.fullmatch(given) else str(desk.ids.new()),
        user_agent=visible_text(headers.get(b"user-agent", b"").decode("latin-1")),
    )
