"""The API described for people: /openapi.json, Swagger UI at /docs and ReDoc at /redoc, with nothing from another host.

The files of both pages lie in query/static, put there when the package is built (docs/adr/0003-api-pages.md). The content
security policy lets a page load its own files and ask this server, and nothing else; both need inline styles, and ReDoc
searches in a worker made from a blob.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

from aiohttp import web

from query import answers
from query.faults import NotFound

if TYPE_CHECKING:
    from query.question import Question

STATIC = Path(__file__).parent / "static"
CONTENT_TYPES = {
    "swagger-ui.css": "text/css",
    "swagger-ui-bundle.js": "text/javascript",
    "redoc.standalone.js": "text/javascript",
    "favicon-32x32.png": "image/png",
}
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self' data:; "
    "connect-src 'self'; worker-src 'self' blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}
_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>otlpd API</title>
<link rel="icon" type="image/png" href="/docs/static/favicon-32x32.png">
{styles}
</head>
<body>
<div id="page"></div>
<script src="/docs/static/{library}"></script>
<script src="/docs/static/{start}"></script>
</body>
</html>
"""
_SWAGGER = _PAGE.format(
    styles='<link rel="stylesheet" href="/docs/static/swagger-ui.css">', library="swagger-ui-bundle.js", start="start-swagger.js"
)
_REDOC = _PAGE.format(styles="<style>body { margin: 0 }</style>", library="redoc.standalone.js", start="start-redoc.js")
_SCRIPTS = {
    "start-swagger.js": 'SwaggerUIBundle({url: "/openapi.json", dom_id: "#page", deepLinking: true, validatorUrl: null});\n',
    "start-redoc.js": 'Redoc.init("/openapi.json", {disableGoogleFont: true}, document.getElementById("page"));\n',
}


DOCUMENT = web.AppKey("openapi_document", bytes)


async def show_document(question: Question) -> web.Response:
    return await answers.compressed(question.request, question.request.app[DOCUMENT])


async def show_swagger(question: Question) -> web.Response:
    return await _page(question, _SWAGGER, "text/html")


async def show_redoc(question: Question) -> web.Response:
    return await _page(question, _REDOC, "text/html")


async def show_static(question: Question) -> web.Response:
    name = question.values["file"]
    if name in _SCRIPTS:
        return await _page(question, _SCRIPTS[name], "text/javascript")
    if name not in CONTENT_TYPES:
        raise NotFound("file", "the pages have no file of this name")
    try:
        body = await asyncio.to_thread((STATIC / name).read_bytes)
    except FileNotFoundError as error:
        raise NotFound(
            "file", f"{name} is missing: this otlpd runs from sources that were not built; `make` builds them"
        ) from error
    response = await answers.compressed(question.request, body, CONTENT_TYPES[name])
    response.headers.update(_HEADERS | {"Cache-Control": "max-age=3600"})
    return response


async def _page(question: Question, text: str, content_type: str) -> web.Response:
    response = await answers.compressed(question.request, text.encode(), content_type, "utf-8")
    response.headers.update(_HEADERS)
    return response
