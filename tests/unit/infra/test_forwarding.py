"""Whom a request comes from behind proxies, and who may not say so."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.types import Receive, Scope, Send

from app.infra.forwarding import FORWARDED, X_FORWARDED, TrustedProxies, networks_of

PROXY, CLIENT = "10.0.0.9", "203.0.113.7"
NETWORKS = networks_of("10.0.0.0/8, 2001:db8:1::/48,192.0.2.1")


async def seen(
    headers: list[tuple[str, str]], peer: str | None = PROXY, header: str = X_FORWARDED, kind: str = "http"
) -> tuple[Any, str]:
    """The client and the scheme that the application is told."""
    told: list[Scope] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        told.append(scope)

    async def nothing(*_: Any) -> Any:
        raise AssertionError("nothing is received or sent")

    scheme = "http" if kind == "http" else "ws"
    scope = {
        "type": kind,
        "scheme": scheme,
        "client": None if peer is None else (peer, 5),
        "headers": [(name.encode(), value.encode("latin-1")) for name, value in headers],
    }
    await TrustedProxies(app, NETWORKS, header)(scope, nothing, nothing)
    client = told[0]["client"]
    return (None if client is None else client[0]), told[0]["scheme"]


@pytest.mark.parametrize(
    ("value", "client"),
    [
        (CLIENT, CLIENT),
        (f"198.51.100.1, {CLIENT}", CLIENT),
        (f"127.0.0.1, {CLIENT}, 10.1.1.1, 192.0.2.1", CLIENT),
        (f"{CLIENT}:4711", CLIENT),
        ("[2001:db8::7]:443", "2001:db8::7"),
        ("2001:db8::7", "2001:db8::7"),
        ("::ffff:203.0.113.7", CLIENT),
        ("10.1.1.1, 10.1.1.2", "10.1.1.1"),
        ("nonsense", PROXY),
        (f"{CLIENT}, unknown", PROXY),
        (f"unknown, {CLIENT}", CLIENT),
        (f"unknown, {CLIENT}, 10.1.1.1", CLIENT),
        ("", PROXY),
        (",,,", PROXY),
        ("203.0.113.7\u00e9", PROXY),
        ("1" * 5_000, PROXY),
        ("127.0.0.1, " * 1_000 + CLIENT, CLIENT),
    ],
)
async def test_the_first_address_from_the_right_that_is_no_proxy_of_ours_is_the_client(value: str, client: str) -> None:
    assert await seen([("x-forwarded-for", value)]) == (client, "http")


async def test_several_lines_of_a_header_are_one_list() -> None:
    headers = [("X-Forwarded-For", "198.51.100.1"), ("x-forwarded-for", CLIENT)]

    assert await seen(headers) == (CLIENT, "http")


@pytest.mark.parametrize("peer", [CLIENT, "11.0.0.1", "::1", "", None])
async def test_whoever_is_no_proxy_of_ours_is_not_believed(peer: str | None) -> None:
    headers = [("x-forwarded-for", "127.0.0.1"), ("x-forwarded-proto", "https"), ("forwarded", "for=127.0.0.1")]

    assert await seen(headers, peer) == (peer, "http")


async def test_the_header_that_our_proxy_does_not_write_is_the_clients_own_and_ignored() -> None:
    forged = [("forwarded", "for=127.0.0.1;proto=https"), ("x-forwarded-for", CLIENT)]

    assert await seen(forged) == (CLIENT, "http")
    assert await seen([("x-forwarded-for", "127.0.0.1"), ("forwarded", f"for={CLIENT}")], header=FORWARDED) == (
        CLIENT,
        "http",
    )


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (f"for={CLIENT};proto=https", (CLIENT, "https")),
        (f'For="{CLIENT}:99"; Proto=HTTPS; host=x', (CLIENT, "https")),
        ('for="[2001:db8::7]:1"', ("2001:db8::7", "http")),
        (f"for=127.0.0.1;proto=https, for={CLIENT};proto=http, for=10.0.0.2;proto=https", (CLIENT, "http")),
        ("for=_hidden;proto=https", (PROXY, "https")),
        ("by=1", (PROXY, "http")),
    ],
)
async def test_forwarded_is_read_element_by_element(value: str, expected: tuple[str, str]) -> None:
    assert await seen([("forwarded", value)], header=FORWARDED) == expected


@pytest.mark.parametrize(
    ("addresses", "protocols", "scheme"),
    [
        (CLIENT, "https", "https"),
        (CLIENT, "HTTPS", "https"),
        (CLIENT, "javascript", "http"),
        (CLIENT, "", "http"),
        (f"{CLIENT}, 10.1.1.1", "https", "https"),
        (f"127.0.0.1, {CLIENT}", "https, http", "http"),
        (f"127.0.0.1, {CLIENT}", "http, https", "https"),
        (CLIENT, "https, http", "http"),
    ],
)
async def test_the_protocol_goes_with_its_hop(addresses: str, protocols: str, scheme: str) -> None:
    headers = [("x-forwarded-for", addresses), ("x-forwarded-proto", protocols)]

    assert await seen(headers) == (CLIENT, scheme)


async def test_a_socket_over_tls_at_the_proxy_is_one() -> None:
    headers = [("x-forwarded-for", CLIENT), ("x-forwarded-proto", "https")]

    assert await seen(headers, kind="websocket") == (CLIENT, "wss")


@given(st.text(alphabet='0123456789abcdef.:,[]; ="for', max_size=60))
async def test_whatever_is_forged_on_the_left_the_hop_of_our_proxy_counts(forged: str) -> None:
    assert (await seen([("x-forwarded-for", f"{forged},{CLIENT}")]))[0] == CLIENT
    assert (await seen([("forwarded", f"for={forged.replace(',', '')},for={CLIENT}")], header=FORWARDED))[0] == CLIENT


def test_what_is_no_network_is_refused() -> None:
    for wrong in ("10.0.0.0/33", "proxy", "10.0.0.1/8"):
        with pytest.raises(ValueError, match="needs addresses or CIDRs"):
            networks_of(wrong)
