"""Which pages may ask."""

import pytest

from app.infra.origins import Origins, origin_of, origins_of


@pytest.mark.parametrize(
    ("text", "origin"),
    [
        ("https://OMS.example.com", "https://oms.example.com:443"),
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000"),
        ("http://[::1]:8000", "http://[::1]:8000"),
        ("null", None),
        ("", None),
        ("https://oms.example.com/", None),
        ("https://oms.example.com/path", None),
        ("https://user@oms.example.com", None),
        ("https://oms.example.com\n", None),
        ("https://oms.example.com https://evil.example", None),
        ("file://", None),
        ("HTTPS://oms.example.com", None),
        ("https://" + "a" * 400, None),
    ],
)
def test_an_origin_has_one_notation(text: str, origin: str | None) -> None:
    assert origin_of(text) == origin


@pytest.mark.parametrize(
    ("origin", "scheme", "host", "is_ours"),
    [
        ("http://127.0.0.1:8000", "http", "127.0.0.1:8000", True),
        ("http://127.0.0.1:8000", "ws", "127.0.0.1:8000", True),
        ("https://oms.example.com", "https", "oms.example.com", True),
        ("https://oms.example.com", "wss", "OMS.example.com:443", True),
        ("http://oms.example.com", "https", "oms.example.com", False),
        ("https://oms.example.com:8443", "https", "oms.example.com", False),
        ("https://oms.example.com.evil.example", "https", "oms.example.com", False),
        ("https://evil.example", "https", "oms.example.com", False),
        ("null", "https", "oms.example.com", False),
        ("https://oms.example.com", "https", "", False),
        ("https://a@oms.example.com", "https", "a@oms.example.com", False),
    ],
)
def test_a_page_of_the_host_that_is_asked_is_ours(origin: str, scheme: str, host: str, is_ours: bool) -> None:
    assert Origins().is_ours(origin, scheme, host) is is_ours


def test_where_our_origins_are_named_the_host_that_is_asked_says_nothing() -> None:
    origins = Origins(origins_of("https://oms.example.com, http://localhost:8000"))

    assert origins.is_ours("https://oms.example.com", "http", "10.0.0.3:8000")
    assert origins.is_ours("http://localhost:8000", "http", "localhost:8000")
    # As a name that was bound anew would have it: the page and the host agree, and are nobody of ours.
    assert not origins.is_ours("http://rebound.example", "http", "rebound.example")


@pytest.mark.parametrize(
    "text", ["oms.example.com", "https://oms.example.com/app", "*", "null", "https://*.example.com"]
)
def test_what_is_no_origin_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="needs origins such as"):
        origins_of(text)
