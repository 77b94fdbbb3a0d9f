"""Whom a request comes from when trusted proxies stand before us: read from the right, as far as we trust."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any, Final

from starlette.types import ASGIApp, Receive, Scope, Send

HOPS_MAX: Final = 20
HEADER_BYTES_MAX: Final = 2_048
X_FORWARDED: Final = "x-forwarded-for"
FORWARDED: Final = "forwarded"
_PROTOCOLS: Final = frozenset({"http", "https"})
_SOCKET_SCHEME: Final = {"http": "ws", "https": "wss"}

Network = IPv4Network | IPv6Network
Address = IPv4Address | IPv6Address


def networks_of(text: str) -> tuple[Network, ...]:
    """The networks of OMS_TRUSTED_PROXIES: addresses and CIDRs parted by commas. Raises ValueError for what is none."""
    try:
        return tuple(ip_network(part.strip()) for part in text.split(",") if part.strip())
    except ValueError as error:
        raise ValueError(f"needs addresses or CIDRs such as 10.0.0.0/8, parted by commas: {error}") from None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Hop:
    address: str
    protocol: str | None


class TrustedProxies:
    """The ASGI layer that puts the client's own address and scheme in place of those of our proxies.

    Only what a trusted proxy wrote counts: the header is read from its right end, and the first address that is not a
    proxy of ours is the client. Whatever stands to the left of it the client may have made up. One header is read,
    named by the setting, for a proxy that writes one of them hands on the other as it came.
    """

    def __init__(self, app: ASGIApp, networks: Sequence[Network], header: str = X_FORWARDED) -> None:
        self._app = app
        self._networks = tuple(networks)
        self._header = header.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hands the request on as its client sent it."""
        peer = scope.get("client")
        if self._networks and peer is not None and self._is_trusted(peer[0]):
            hops = self._hops(scope["headers"])
            client, protocol = self._seen(peer[0], hops)
            scope = dict(scope)
            if client != peer[0]:
                scope["client"] = (client, 0)
            if protocol is not None:
                scope["scheme"] = protocol if scope["type"] == "http" else _SOCKET_SCHEME[protocol]
        await self._app(scope, receive, send)

    def _seen(self, peer: str, hops: Sequence[_Hop]) -> tuple[str, str | None]:
        client, protocol = peer, None
        for hop in reversed(hops[-HOPS_MAX:]):
            protocol = hop.protocol or protocol
            address = _address(hop.address)
            if address is None:
                # A name or nonsense: nobody beyond it can be believed.
                break
            client = str(address)
            if not self._is_trusted(client):
                break
        return client, protocol

    def _is_trusted(self, text: str) -> bool:
        address = _address(text)
        return address is not None and any(address in network for network in self._networks)

    def _hops(self, headers: Iterable[tuple[bytes, bytes]]) -> list[_Hop]:
        given: list[tuple[bytes, bytes]] = [(name.lower(), value) for name, value in headers]
        lines = b",".join(value for name, value in given if name == self._header)
        text = lines[-HEADER_BYTES_MAX:].decode("latin-1")
        if self._header == FORWARDED.encode():
            return [_element(part) for part in text.split(",") if part.strip()]
        addresses = [part.strip() for part in text.split(",") if part.strip()]
        told = b",".join(value for name, value in given if name == b"x-forwarded-proto")[-HEADER_BYTES_MAX:]
        protocols = [_protocol(part) for part in told.decode("latin-1").split(",")]
        # One word tells of the whole way; of several each belongs to its hop, counted from the right.
        matched = protocols * len(addresses)
        if len(protocols) > 1:
            padding: list[str | None] = [None] * (len(addresses) - len(protocols))
            matched = padding + protocols[-len(addresses) :]
        return [_Hop(address=one, protocol=how) for one, how in zip(addresses, matched, strict=False)]


def _element(part: str) -> _Hop:
    # Source: RFC 7239, section 4: pairs of token=value, the value quoted where it holds a colon or brackets.
    pairs: dict[str, str] = {}
    for pair in part.split(";"):
        name, _, value = pair.strip().partition("=")
        pairs[name.strip().lower()] = value.strip().strip('"')
    return _Hop(address=pairs.get("for", ""), protocol=_protocol(pairs.get("proto", "")))


def _protocol(text: str) -> str | None:
    word = text.strip().lower()
    return word if word in _PROTOCOLS else None


def _address(text: Any) -> Address | None:
    bare = str(text)
    if bare.startswith("["):
        bare = bare[1:].partition("]")[0]
    elif bare.count(":") == 1:
        bare = bare.partition(":")[0]
    try:
        address = ip_address(bare)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address
