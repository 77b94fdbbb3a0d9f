"""The session of a page in cookies that no script can read, for pages of ours that ask for it by a header.

The header is the first wall against requests that another site makes a browser send: a site cannot set it without our
leave, which nobody gets. The origin is the second, SameSite the third.
"""

import re
from collections.abc import Mapping
from typing import Final

from app.identity.domain import TokenPair

HEADER: Final = b"x-oms-session"
ASKED: Final = b"cookie"
ACCESS: Final = "oms-access"
REFRESH: Final = "oms-refresh"
# Readable by scripts: that there is a session, and when its access ends. It opens nothing.
MARK: Final = "oms-session"
MARK_OF_KEY: Final = "key"
# A host may only be named so by itself, over TLS: no other one under the same domain can plant such a cookie.
HOST_PREFIX: Final = "__Host-"
COOKIES_BYTES_MAX: Final = 8_192
_VALUE: Final = re.compile(r"[A-Za-z0-9._~+/=-]{1,2048}", re.ASCII)
_GONE: Final = "; Max-Age=0"


class SessionCookies:
    """The cookies of one request, and what its answer sets."""

    def __init__(self, scheme: str, headers: Mapping[bytes, bytes]) -> None:
        """`scheme` is that of the client's own connection, before any proxy."""
        self._is_secure = scheme in ("https", "wss")
        self._prefix = HOST_PREFIX if self._is_secure else ""
        given = _cookies(headers.get(b"cookie", b""))
        self.access = given.get(self._prefix + ACCESS)
        """The access token or the API key of the session; None without one."""
        self.refresh = given.get(self._prefix + REFRESH)
        """The refresh token of the session; None without one."""
        self.headers: list[tuple[bytes, bytes]] = []
        """What the answer sets, as headers."""

    def keep(self, tokens: TokenPair) -> None:
        """Gives the tokens to the browser, to be sent back by it alone."""
        self.headers = [
            self._set(ACCESS, tokens.access_token),
            self._set(REFRESH, tokens.refresh_token),
            self._set(MARK, str(int(tokens.expires_at.timestamp())), is_readable=True),
        ]

    def keep_key(self, api_key: str) -> None:
        """Gives an API key to the browser in place of a session."""
        self.headers = [
            self._set(ACCESS, api_key),
            self._set(REFRESH, "", _GONE),
            self._set(MARK, MARK_OF_KEY, is_readable=True),
        ]

    def clear(self) -> None:
        """Takes the session from the browser."""
        self.headers = [self._set(name, "", _GONE) for name in (ACCESS, REFRESH, MARK)]

    def _set(self, name: str, value: str, life: str = "", *, is_readable: bool = False) -> tuple[bytes, bytes]:
        # Without a life of its own it ends with the browser; when the session ends is the server's to say.
        flags = ("" if is_readable else "; HttpOnly") + ("; Secure" if self._is_secure else "")
        return b"set-cookie", f"{self._prefix}{name}={value}; Path=/; SameSite=Strict{flags}{life}".encode()


def is_asked_for(headers: Mapping[bytes, bytes]) -> bool:
    """True when the page asks for its session to be kept in cookies."""
    return headers.get(HEADER) == ASKED


def _cookies(header: bytes) -> dict[str, str]:
    found: dict[str, str] = {}
    twice: set[str] = set()
    if len(header) > COOKIES_BYTES_MAX:
        return found
    for part in header.decode("latin-1").split(";"):
        name, equals, value = part.strip().partition("=")
        if not equals or _VALUE.fullmatch(value) is None:
            continue
        if name in found:
            twice.add(name)
        found[name] = value
    # Of two by one name one was planted, and nobody can tell which.
    return {name: value for name, value in found.items() if name not in twice}


def tokens_kept(tokens: TokenPair) -> TokenPair:
    """The pair as an answer shows it whose cookies hold the tokens: without them."""
    return TokenPair(access_token="", refresh_token="", expires_at=tokens.expires_at, token_type=tokens.token_type)
