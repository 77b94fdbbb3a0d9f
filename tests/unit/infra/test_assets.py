"""The dashboard's pages and assets as the web process serves them."""

from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette

from app.infra.assets import GraphiqlAudience, dashboard_documents, dashboard_routes
from app.infra.web_headers import SecureHeaders

PAGE = """<meta name="oms-graphiql" content="OMS_GRAPHIQL_AUDIENCE" />
<meta property="csp-nonce" nonce="OMS_CSP_NONCE">{name}"""


@pytest.fixture
def static_dir(tmp_path: Path) -> Path:
    assets = tmp_path / "assets"
    assets.mkdir()
    for name in ("index", "graphiql"):
        (tmp_path / f"{name}.html").write_text(PAGE.replace("{name}", name))
    (assets / "index-a1.js").write_bytes(b"plain")
    (assets / "index-a1.js.gz").write_bytes(b"gzipped")
    (assets / "index-a1.js.br").write_bytes(b"brotli")
    (assets / "plex-b2.woff2").write_bytes(b"font")
    (tmp_path / "secret.txt").write_text("outside /assets")
    return tmp_path


def client_of(static_dir: Path, graphiql: GraphiqlAudience = "all") -> httpx.AsyncClient:
    app = SecureHeaders(Starlette(routes=dashboard_routes(static_dir, graphiql)))
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://oms.test")


async def raw(client: httpx.AsyncClient, url: str, accept_encoding: str) -> tuple[httpx.Response, bytes]:
    async with client.stream("GET", url, headers={"accept-encoding": accept_encoding}) as response:
        return response, b"".join([chunk async for chunk in response.aiter_raw()])


async def test_a_page_is_never_stored_and_carries_its_policy_with_a_fresh_nonce(static_dir: Path) -> None:
    client = client_of(static_dir)

    first, second = await client.get("/"), await client.get("/sign-in")

    assert first.headers["cache-control"] == "no-store"
    assert first.headers["x-content-type-options"] == "nosniff"
    assert first.headers["referrer-policy"] == "no-referrer"
    assert first.headers["x-frame-options"] == "DENY"
    assert first.headers["cross-origin-opener-policy"] == "same-origin"
    assert first.headers["cross-origin-resource-policy"] == "same-origin"
    assert "camera=()" in first.headers["permissions-policy"]
    assert "strict-transport-security" not in first.headers
    nonces = [response.text.split('nonce="')[1].split('"')[0] for response in (first, second)]
    assert nonces[0] != nonces[1]
    assert len(nonces[0]) >= 16
    policy = first.headers["content-security-policy"]
    assert f"style-src 'self' 'nonce-{nonces[0]}'" in policy
    assert "require-trusted-types-for 'script'" in policy
    assert "script-src 'self';" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy


async def test_the_paths_that_the_build_lists_are_pages_too(static_dir: Path) -> None:
    (static_dir / "rooms.json").write_text('["/", "/orders"]')
    client = client_of(static_dir)

    orders, gone = await client.get("/orders"), await client.get("/orders/gone")

    assert orders.text.endswith("index")
    assert "require-trusted-types-for 'script'" in orders.headers["content-security-policy"]
    assert gone.status_code == 404


async def test_graphiql_alone_may_write_style_elements(static_dir: Path) -> None:
    response = await client_of(static_dir).get("/graphiql")

    policy = response.headers["content-security-policy"]
    assert response.text.endswith("graphiql")
    assert "style-src 'self' 'unsafe-inline'" in policy
    assert "script-src 'self';" in policy
    assert "require-trusted-types-for" not in policy


@pytest.mark.parametrize("audience", ["off", "admins", "all"])
async def test_both_pages_know_who_may_use_graphiql(static_dir: Path, audience: GraphiqlAudience) -> None:
    client = client_of(static_dir, audience)

    index, explorer = await client.get("/"), await client.get("/graphiql")

    assert f'content="{audience}"' in index.text
    assert explorer.status_code == (404 if audience == "off" else 200)


@pytest.mark.parametrize(
    ("accept_encoding", "encoding", "body"),
    [
        ("gzip, deflate, br, zstd", "br", b"brotli"),
        ("gzip, br;q=0", "gzip", b"gzipped"),
        ("deflate", None, b"plain"),
    ],
)
async def test_an_asset_comes_in_the_best_encoding_that_the_client_takes(
    static_dir: Path, accept_encoding: str, encoding: str | None, body: bytes
) -> None:
    response, content = await raw(client_of(static_dir), "/assets/index-a1.js", accept_encoding)

    assert content == body
    assert response.headers.get("content-encoding") == encoding
    assert response.headers["content-type"].startswith("text/javascript")
    assert response.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert response.headers["vary"] == "Accept-Encoding"


async def test_an_asset_without_a_smaller_form_comes_plain(static_dir: Path) -> None:
    response, content = await raw(client_of(static_dir), "/assets/plex-b2.woff2", "br")

    assert content == b"font"
    assert "content-encoding" not in response.headers
    assert response.headers["content-type"] == "font/woff2"


@pytest.mark.parametrize("path", ["/assets/gone.js", "/assets/..%2Fsecret.txt", "/assets/index-a1.js.br", "/nowhere"])
async def test_what_is_not_an_asset_is_not_found(static_dir: Path, path: str) -> None:
    response = await client_of(static_dir).get(path)

    assert response.status_code == 404
    assert "outside" not in response.text


async def test_without_a_build_every_page_says_what_to_do(tmp_path: Path) -> None:
    client = client_of(tmp_path)

    for path in ("/", "/sign-in", "/graphiql"):
        response = await client.get(path)
        assert response.status_code == 503
        assert response.text == "the dashboard was not built: run make run\n"
        assert response.headers["content-type"].startswith("text/plain")


async def test_over_tls_browsers_are_held_to_it(static_dir: Path) -> None:
    app = SecureHeaders(Starlette(routes=dashboard_routes(static_dir, "all")))
    client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="https://oms.test")

    response = await client.get("/")

    assert response.headers["strict-transport-security"] == "max-age=31536000"


async def test_what_is_no_page_loads_nothing(static_dir: Path) -> None:
    response = await client_of(static_dir).get("/nowhere")

    assert response.headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"


BROWSER = {"accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}


@pytest.mark.parametrize("path", ["/nothing-here", "/orders/gone", "/%3Cscript%3E", "//elsewhere.example/x"])
async def test_a_browser_that_looks_for_a_page_that_is_none_gets_the_dashboard_and_404(
    static_dir: Path, path: str
) -> None:
    response = await client_of(static_dir).get(f"http://oms.test{path}", headers=BROWSER)

    assert response.status_code == 404
    assert response.text.endswith("index")
    assert response.headers["content-type"].startswith("text/html")
    assert response.headers["cache-control"] == "no-store"
    nonce = response.text.split('nonce="')[1].split('"')[0]
    assert f"style-src 'self' 'nonce-{nonce}'" in response.headers["content-security-policy"]


@pytest.mark.parametrize(
    "path",
    ["/graphql/x", "/health/x", "/health", "/exports/order-records/x/y", "/exports", "/assets/gone.js", "/graphiql"],
)
async def test_what_is_no_page_by_its_path_keeps_its_own_answer(static_dir: Path, path: str) -> None:
    response = await client_of(static_dir, "off").get(path, headers=BROWSER)

    assert response.status_code == 404
    assert response.text.lower().strip() == "not found"


@pytest.mark.parametrize("accept", ["*/*", "application/json", "image/avif,image/webp,*/*;q=0.8", ""])
async def test_what_asks_for_no_page_gets_none(static_dir: Path, accept: str) -> None:
    response = await client_of(static_dir).get("/nothing-here", headers={"accept": accept})

    assert (response.status_code, response.text) == (404, "Not Found")


async def test_only_looking_finds_the_page_that_is_none(static_dir: Path) -> None:
    client = client_of(static_dir)

    assert (await client.head("/nothing-here", headers=BROWSER)).status_code == 404
    told = await client.post("/nothing-here", headers=BROWSER)
    assert (told.status_code, told.text) == (404, "Not Found")
    assert (await client.post("/sign-in", headers=BROWSER)).status_code == 405


async def test_a_slash_too_many_still_leads_to_the_page(static_dir: Path) -> None:
    response = await client_of(static_dir).get("/sign-in/", headers=BROWSER)

    assert response.status_code == 307
    assert response.headers["location"] == "http://oms.test/sign-in"


def test_the_documents_of_the_dashboard_are_listed_by_its_build(static_dir: Path) -> None:
    assert dashboard_documents(static_dir) == {}

    (static_dir / "documents.json").write_text('{"sha256:00": "{ a }"}')

    assert dashboard_documents(static_dir) == {"sha256:00": "{ a }"}
