"""The application of the API port: the query API, OTLP and vendors' JSON as well, and around them the rules for browsers.

Host is checked and CORS answered here for everything but the OTLP paths, which do the same by themselves on every port.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import hdrs, web

from otlpd import page
from query import faults
from query.application import add_routes
from query.legacy import add_legacy_routes
from receiver.cors import Cors
from receiver.errors import HostNotAllowed
from receiver.hosts import HostCheck
from receiver.signals import SIGNALS

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from aiohttp.typedefs import Handler, Middleware

    from query.question import QueryContext
    from receiver.http import OtlpHttp
    from receiver.settings import ReceiverSettings
    from receiver.vendor_http import VendorHttp

_METHODS = "GET, HEAD, POST, PUT, PATCH, OPTIONS"
_EXPOSED = "Link, Retry-After"


def api_application(otlp: OtlpHttp, vendors: VendorHttp, context: QueryContext, settings: ReceiverSettings) -> web.Application:
    cors = Cors(settings.allowed_origins)
    app = web.Application(middlewares=[_guard(settings, cors)])
    app.on_response_prepare.append(_add_cors_headers(cors))
    otlp.add_routes(app)
    vendors.add_routes(app)
    add_routes(app, context)
    add_legacy_routes(app, context)
    page.add_routes(app)
    return app


def _guard(settings: ReceiverSettings, cors: Cors) -> Middleware:
    hosts = HostCheck(settings.allowed_hosts)
    otlp_paths = tuple(f"{prefix.rstrip('/')}{signal.path}" for prefix in ("", *settings.path_prefixes) for signal in SIGNALS)

    @web.middleware
    async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.path.rstrip("/") in otlp_paths:
            return await handler(request)
        host = request.headers.get(hdrs.HOST, "")
        if settings.check_host and not hosts.allows(host):
            refusal = HostNotAllowed(f"Host {host[:100]!r} is not this machine; add it to allowed_hosts if it is meant to be")
            return faults.answer(refusal, request, None)
        if request.method == hdrs.METH_OPTIONS and hdrs.ORIGIN in request.headers:
            headers = dict(cors.preflight(request.headers))
            if hdrs.ACCESS_CONTROL_ALLOW_METHODS in headers:
                headers[hdrs.ACCESS_CONTROL_ALLOW_METHODS] = _METHODS
            return web.Response(status=204, headers=headers)
        try:
            return await handler(request)
        except web.HTTPException as error:
            if error is not request.match_info.http_exception:
                raise
            # A path or method that nobody here knows.
            return faults.answer(error, request, None)

    return guard


def _add_cors_headers(cors: Cors) -> Callable[[web.Request, web.StreamResponse], Awaitable[None]]:
    """Before the head of any answer is sent: a stream has sent its own long before its handler returns."""

    async def add(request: web.Request, response: web.StreamResponse) -> None:
        origin = request.headers.get(hdrs.ORIGIN)
        if origin is None:
            return
        headers = cors.headers(origin)
        response.headers.update(headers)
        if hdrs.ACCESS_CONTROL_EXPOSE_HEADERS in headers:
            response.headers[hdrs.ACCESS_CONTROL_EXPOSE_HEADERS] = _EXPOSED

    return add
