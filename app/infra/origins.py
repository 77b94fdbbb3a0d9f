"""Which pages may ask: those of our own origins, told by what browsers say of themselves."""

import re
from typing import Final
from urllib.parse import urlsplit

ORIGIN_LENGTH_MAX: Final = 300
_ORIGIN: Final = re.compile(r"(https?)://([A-Za-z0-9.-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::(\d{1,5}))?", re.ASCII)
_PORTS: Final = {"http": "80", "https": "443"}


def origin_of(text: str) -> str | None:
    """The origin in one notation: small letters, with its port; None for what is none, "null" among it."""
    found = _ORIGIN.fullmatch(text) if len(text) <= ORIGIN_LENGTH_MAX else None
    if found is None:
        return None
    scheme, host, port = found.groups()
    return f"{scheme}://{host.lower()}:{port or _PORTS[scheme]}"


def origins_of(text: str) -> frozenset[str]:
    """The origins of OMS_PUBLIC_ORIGINS. Raises ValueError for what is none."""
    found: set[str] = set()
    for part in filter(None, (one.strip() for one in text.split(","))):
        origin = origin_of(part)
        if origin is None or urlsplit(part).path:
            raise ValueError(f"needs origins such as https://oms.example.com, parted by commas, not {part}")
        found.add(origin)
    return frozenset(found)


class Origins:
    """The origins whose pages may ask."""

    def __init__(self, public: frozenset[str] = frozenset()) -> None:
        """Without public ones, the host that a request asks for is the one."""
        self._public = public

    def is_ours(self, origin: str, scheme: str, host: str) -> bool:
        """True when a page of the origin may ask for the host, over http or https, or the scheme of a socket."""
        given = origin_of(origin)
        if given is None:
            return False
        if self._public:
            return given in self._public
        secure = "https" if scheme in ("https", "wss") else "http"
        return given == origin_of(f"{secure}://{host}")
