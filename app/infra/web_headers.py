"""What browsers are told with every answer: what a page may do, and that nothing else may use it."""

from collections.abc import MutableMapping
from typing import Any, Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

Header = tuple[bytes, bytes]

# A year: browsers that came over TLS once come over nothing else.
TLS_ONLY: Final[Header] = (b"strict-transport-security", b"max-age=31536000")
COMMON: Final[tuple[Header, ...]] = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
)
# An answer of the API is nobody's page: it loads nothing and stands in no frame.
API: Final[tuple[Header, ...]] = (*COMMON, (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"))
_DEFAULT: Final[tuple[Header, ...]] = (
    *API,
    (b"x-frame-options", b"DENY"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (
        b"permissions-policy",
        b"accelerometer=(), browsing-topics=(), camera=(), display-capture=(), geolocation=(), gyroscope=(), hid=(), "
        b"idle-detection=(), magnetometer=(), microphone=(), midi=(), payment=(), publickey-credentials-get=(), "
        b"screen-wake-lock=(), serial=(), usb=(), xr-spatial-tracking=()",
    ),
)


class SecureHeaders:
    """The ASGI layer that adds the headers which an answer does not set itself."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers with the headers added."""
        added = (*_DEFAULT, TLS_ONLY) if scope["scheme"] in ("https", "wss") else _DEFAULT

        async def send_secured(message: Message) -> None:
            if message["type"] == "http.response.start":
                _add(message, added)
            await send(message)

        await self._app(scope, receive, send_secured)


def _add(message: MutableMapping[str, Any], added: tuple[Header, ...]) -> None:
    headers = list(message.get("headers", ()))
    given = {name.lower() for name, _ in headers}
    message["headers"] = [*headers, *(header for header in added if header[0] not in given)]
