"""Serving of the built dashboard: pages with their content security policy, and hashed, precompressed assets."""

import json
import mimetypes
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Match, Route
from starlette.types import Scope

GraphiqlAudience = Literal["off", "admins", "all"]

CLIENT_ROUTES: Final = ("/", "/sign-in", "/forgot-password", "/verify-email", "/reset-password", "/accept-invitation")
NONCE_MARKER: Final = "OMS_CSP_NONCE"
AUDIENCE_MARKER: Final = "OMS_GRAPHIQL_AUDIENCE"
NOT_PAGES: Final = ("graphql", "graphiql", "health", "exports", "assets")
"""What begins the paths of the API and its like: an address below one of them is never a page."""
NOT_BUILT: Final = "the dashboard was not built: run make run\n"

_COMMON_POLICY: Final = (
    "default-src 'none'; script-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; "
    "worker-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
# The rest of what keeps a page to itself comes with every answer: see web_headers.
_PAGE_HEADERS: Final = {"Cache-Control": "no-store"}
_ASSET_HEADERS: Final = {
    "Cache-Control": "public, max-age=31536000, immutable",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Vary": "Accept-Encoding",
}
_ENCODINGS: Final = (("br", ".br"), ("gzip", ".gz"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Asset:
    """A file under /assets with the encodings it lies ready in, best first."""

    path: Path
    media_type: str
    encoded: tuple[tuple[str, Path], ...]


class NoSuchPage(Route):
    """Matches whatever a browser goes to as a page; all else that has no route keeps the router's answer."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """A full match for a page that somebody looks for, else none."""
        if scope["type"] != "http" or scope["method"] not in ("GET", "HEAD"):
            return Match.NONE, {}
        path = scope["path"]
        # With its slash taken away it may be a page, which the router looks for where nothing matches.
        if path.endswith("/") or path.split("/")[1] in NOT_PAGES:
            return Match.NONE, {}
        wants_page = "text/html" in Headers(scope=scope).get("accept", "").lower()
        return super().matches(scope) if wants_page else (Match.NONE, {})


def dashboard_routes(static_dir: Path, graphiql: GraphiqlAudience) -> list[BaseRoute]:
    """Routes of the dashboard and of GraphiQL, to be mounted beside /graphql.

    `graphiql` says who may open the explorer: nobody (the route does not exist), people who administer the tenant
    (the page asks the API who is signed in), or everybody. It guards the page alone; the API authorises each operation.
    The last route answers a browser that looks for a page which is not there, with the dashboard and 404; it comes
    after all others. Without a build in `static_dir` every page answers 503 in plain text.
    """
    pages = CLIENT_ROUTES if graphiql == "off" else (*CLIENT_ROUTES, "/graphiql")
    if not (static_dir / "index.html").is_file():
        return [Route(path, _not_built, methods=["GET"]) for path in pages]

    index, explorer = (
        (static_dir / name).read_text(encoding="utf-8").replace(AUDIENCE_MARKER, graphiql)
        for name in ("index.html", "graphiql.html")
    )
    assets = _find_assets(static_dir / "assets")

    async def serve_index(_: Request) -> Response:
        nonce = secrets.token_urlsafe(16)
        return _page(index, nonce, f"style-src 'self' 'nonce-{nonce}'; require-trusted-types-for 'script'")

    async def serve_missing(request: Request) -> Response:
        response = await serve_index(request)
        response.status_code = 404
        return response

    async def serve_graphiql(_: Request) -> Response:
        # Monaco writes style elements of its own and loads scripts lazily through plain strings.
        return _page(explorer, secrets.token_urlsafe(16), "style-src 'self' 'unsafe-inline'")

    async def serve_asset(request: Request) -> Response:
        asset = assets.get(request.path_params["name"])
        if asset is None:
            return PlainTextResponse("not found\n", status_code=404, headers={"Cache-Control": "no-store"})
        return _asset_response(asset, request.headers.get("accept-encoding", ""))

    paths = dict.fromkeys((*CLIENT_ROUTES, *_room_paths(static_dir)))
    routes: list[BaseRoute] = [Route(path, serve_index, methods=["GET"]) for path in paths]
    if graphiql != "off":
        routes.append(Route("/graphiql", serve_graphiql, methods=["GET"]))
    routes.append(Route("/assets/{name}", serve_asset, methods=["GET"]))
    routes.append(NoSuchPage("/{path:path}", serve_missing, methods=["GET"]))
    return routes


def _room_paths(static_dir: Path) -> list[str]:
    path = static_dir / "rooms.json"
    listed: list[str] = json.loads(path.read_bytes()) if path.is_file() else []
    return listed


def dashboard_documents(static_dir: Path) -> dict[str, str]:
    """The documents that the built dashboard sends, by their ids; none without a build."""
    path = static_dir / "documents.json"
    listed: dict[str, str] = json.loads(path.read_bytes()) if path.is_file() else {}
    return listed


async def _not_built(_: Request) -> Response:
    return PlainTextResponse(NOT_BUILT, status_code=503, headers={"Cache-Control": "no-store"})


def _page(template: str, nonce: str, policy: str) -> Response:
    headers = _PAGE_HEADERS | {"Content-Security-Policy": f"{_COMMON_POLICY}; {policy}"}
    return HTMLResponse(template.replace(NONCE_MARKER, nonce), headers=headers)


def _find_assets(folder: Path) -> Mapping[str, Asset]:
    suffixes = tuple(suffix for _, suffix in _ENCODINGS)
    found: dict[str, Asset] = {}
    for path in folder.iterdir():
        if path.name.endswith(suffixes):
            continue
        variants = [(name, path.with_name(path.name + suffix)) for name, suffix in _ENCODINGS]
        found[path.name] = Asset(
            path=path,
            media_type=_media_type(path),
            encoded=tuple((name, variant) for name, variant in variants if variant.is_file()),
        )
    return found


def _media_type(path: Path) -> str:
    # The system's table may call JavaScript text/plain, which no browser runs under nosniff.
    known = {".js": "text/javascript", ".woff2": "font/woff2", ".ttf": "font/ttf"}
    return known.get(path.suffix) or mimetypes.guess_type(path.name)[0] or "application/octet-stream"


def _asset_response(asset: Asset, accept_encoding: str) -> Response:
    accepted = _accepted(accept_encoding)
    for name, variant in asset.encoded:
        if name in accepted:
            headers = _ASSET_HEADERS | {"Content-Encoding": name}
            return FileResponse(variant, media_type=asset.media_type, headers=headers)
    return FileResponse(asset.path, media_type=asset.media_type, headers=dict(_ASSET_HEADERS))


def _accepted(accept_encoding: str) -> frozenset[str]:
    names: set[str] = set()
    for part in accept_encoding.split(","):
        name, _, parameters = part.strip().partition(";")
        if parameters.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000"):
            names.add(name.strip().lower())
    return frozenset(names)
