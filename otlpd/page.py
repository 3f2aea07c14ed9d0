"""The web page at `/`: its files as the build left them, with headers that let it ask this server and nothing else.

`/` is the page for browsers (Accept: text/html) and a small JSON for everybody else. The files are some hundred kB together;
they are read and compressed once. Where the page was not built, both say how to get it.
"""

from __future__ import annotations

import asyncio
import zlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import orjson
from aiohttp import hdrs, web

from otlpd import __version__
from query.answers import takes_gzip

STATIC = Path(__file__).parent / "static"
INDEX = "index.html"
FILES_PATH = "/page/{file}"
CONTENT_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
}
HOW_TO_BUILD = "install otlpd again where the npm registry can be reached: `make run` in a checkout, else `pip install`"
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
_LASTING = "public, max-age=31536000, immutable"  # a file's name holds the digest of its content
_MISSING = f"""<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>otlpd</title></head>
<body>
<h1>otlpd {__version__} is running</h1>
<p>Its web page was not built. To get it, {HOW_TO_BUILD}.</p>
<p>Everything else works: <a href="/docs">the API</a>, <a href="/health">its health</a>, <a href="/metrics">its figures</a>.</p>
</body>
</html>
"""


@dataclass(frozen=True, slots=True)
class _File:
    content_type: str
    plain: bytes
    compressed: bytes


def add_routes(app: web.Application) -> None:
    app.router.add_get("/", _show_front, allow_head=True)
    app.router.add_get(FILES_PATH, _show_file, allow_head=True)


async def _show_front(request: web.Request) -> web.Response:
    files = await asyncio.to_thread(_files)
    if "text/html" not in request.headers.get(hdrs.ACCEPT, ""):
        body = orjson.dumps(_front(built=INDEX in files))
        return web.Response(body=body, content_type="application/json", headers={hdrs.VARY: hdrs.ACCEPT})
    if INDEX not in files:
        return web.Response(text=_MISSING, content_type="text/html", headers=HEADERS)
    return _answer(request, files[INDEX], "no-cache")


async def _show_file(request: web.Request) -> web.Response:
    files = await asyncio.to_thread(_files)
    file = files.get(request.match_info["file"])
    if file is None:
        return web.Response(status=404, text="The page has no such file; load it anew.", headers=HEADERS)
    return _answer(request, file, _LASTING)


def _front(*, built: bool) -> dict[str, object]:
    return {
        "name": "otlpd",
        "version": __version__,
        # What clients of the servers that otlpd stands in for look for here.
        "status": "healthy",
        "service": "otlpd",
        "endpoints": {"ingest": "/ingest", "health": "/healthz", "telemetry": "/api/v1/telemetry", "runs": "/api/v1/runs"},
        "page": None if built else f"The web page was not built. To get it, {HOW_TO_BUILD}.",
        "links": {"api": "/openapi.json", "docs": "/docs", "redoc": "/redoc", "health": "/health", "metrics": "/metrics"},
    }


def _answer(request: web.Request, file: _File, lifetime: str) -> web.Response:
    vary = f"{hdrs.ACCEPT}, {hdrs.ACCEPT_ENCODING}"
    headers = {**HEADERS, hdrs.CONTENT_TYPE: file.content_type, hdrs.CACHE_CONTROL: lifetime, hdrs.VARY: vary}
    if takes_gzip(request.headers.get(hdrs.ACCEPT_ENCODING, "")):
        return web.Response(body=file.compressed, headers={**headers, hdrs.CONTENT_ENCODING: "gzip"})
    return web.Response(body=file.plain, headers=headers)


@cache
def _files() -> dict[str, _File]:
    """By name; empty where the page was not built."""
    found = sorted(STATIC.iterdir()) if STATIC.is_dir() else []
    return {path.name: _file(path) for path in found if path.suffix in CONTENT_TYPES}


def _file(path: Path) -> _File:
    content = path.read_bytes()
    return _File(CONTENT_TYPES[path.suffix], content, zlib.compress(content, 9, 31))
