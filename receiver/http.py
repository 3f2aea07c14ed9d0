"""OTLP over HTTP: POST /v1/<signal>, protobuf or JSON, answered in the encoding that was asked in.

Requests are judged in this order, all before any byte of the body is read: Host, method, key, Content-Type, size. There are
no middlewares, which would cost every request: what all answers have in common is written out once.
"""

from __future__ import annotations

import logging
from functools import partial
from typing import TYPE_CHECKING

from aiohttp import hdrs, web
from google.protobuf.json_format import MessageToJson

from receiver.authorizer import INGEST_SCOPE, allow_all
from receiver.bodies import BodyReader, SenderLeft, expect_later
from receiver.cors import Cors
from receiver.errors import BodyTimeout, HostNotAllowed, MethodNotAllowed, TooLarge, UnknownPath
from receiver.hosts import HostCheck
from receiver.ingest import FULL_SUCCESS, response_message
from receiver.media import JSON, media_of, refuse_media
from receiver.notices import Notices
from receiver.paths import explain_path, plain_path
from receiver.signals import SIGNALS
from receiver.status import body_json, body_protobuf, classify, is_ours

if TYPE_CHECKING:
    from collections.abc import Mapping

    from receiver.authorizer import Authorizer
    from receiver.ingest import Accepted, Ingest
    from receiver.media import Media
    from receiver.settings import ReceiverSettings
    from receiver.signals import Signal
    from receiver.status import Refusal

_SERVER = "otlpd"
_METHODS = "POST, OPTIONS"

_HEALTH_TEXT = """otlpd receives OTLP over HTTP here: POST protobuf or JSON to /v1/traces, /v1/logs or /v1/metrics.
Point a sender here with OTEL_EXPORTER_OTLP_ENDPOINT (this address, no path) and OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf.
"""

_logger = logging.getLogger(__name__)


class OtlpHttp:
    """The handlers. One object may serve several applications: the OTLP port and the API port."""

    def __init__(self, ingest: Ingest, settings: ReceiverSettings, authorize: Authorizer = allow_all) -> None:
        self._ingest = ingest
        self._settings = settings
        self._authorize = authorize
        self._bodies = BodyReader(settings)
        self._cors = Cors(settings.allowed_origins)
        self._hosts = HostCheck(settings.allowed_hosts)
        self._notices = Notices(_logger)
        self._signals = {
            f"{prefix.rstrip('/')}{signal.path}": signal for prefix in ("", *settings.path_prefixes) for signal in SIGNALS
        }

    def add_routes(self, app: web.Application) -> None:
        """The signals' paths, with and without a trailing slash: a redirect would count as success with some senders."""
        for path, signal in self._signals.items():
            for spelling in (path, f"{path}/"):
                app.router.add_route("*", spelling, partial(self._export, signal), expect_handler=expect_later)

    def add_fallback(self, app: web.Application) -> None:
        """Everything else on a port that only receives: a word for people, and hints for senders that are a little off."""
        app.router.add_route("*", "/{path:.*}", self._answer_other, expect_handler=expect_later)

    async def _answer_other(self, request: web.Request) -> web.Response:
        path = plain_path(request.path)
        signal = self._signals.get(path)
        if signal is not None:
            return await self._export(signal, request)
        if request.method in ("GET", "HEAD") and path in ("/", "/healthz"):
            return web.Response(text=_HEALTH_TEXT, headers={hdrs.SERVER: _SERVER})
        return self._refuse(UnknownPath(explain_path(request.path)), request, None)

    async def _export(self, signal: Signal, request: web.Request) -> web.Response:
        headers = request.headers
        try:
            self._judge_host(headers)
            if request.method == hdrs.METH_OPTIONS:
                return self._preflight(headers)
            media = self._judge_head(request, headers)
            with self._ingest.pending.reserve(request.content_length or 0) as reservation:
                body = await self._bodies.read(request, reservation)
                accepted = await self._ingest.accept(signal, body, media.encoding)
        except SenderLeft:
            return web.Response(status=400)  # nobody will read it
        except Exception as error:  # noqa: BLE001  every error is answered, none with its own words unless it is ours
            return self._refuse(error, request, signal)
        answer: dict[str, str] = {hdrs.CONTENT_TYPE: media.content_type, hdrs.SERVER: _SERVER}
        if hdrs.ORIGIN in headers:
            answer.update(self._cors.headers(headers[hdrs.ORIGIN]))
        return web.Response(body=_success_body(signal, accepted, media), headers=answer)

    def _preflight(self, headers: Mapping[str, str]) -> web.Response:
        answer = {hdrs.ALLOW: _METHODS, hdrs.SERVER: _SERVER, **self._cors.preflight(headers)}
        return web.Response(status=204, headers=answer)

    def _judge_host(self, headers: Mapping[str, str]) -> None:
        if self._settings.check_host and not self._hosts.allows(headers.get(hdrs.HOST)):
            name = headers.get(hdrs.HOST, "")[:100]
            raise HostNotAllowed(
                f"Host {name!r} is not a name of this machine; if it is meant to be one, add it to allowed_hosts"
            )

    def _judge_head(self, request: web.Request, headers: Mapping[str, str]) -> Media:
        if request.method != hdrs.METH_POST:
            raise MethodNotAllowed(f"{request.method[:20]} is not allowed here; OTLP is POSTed")
        self._authorize(headers, INGEST_SCOPE)
        content_type = headers.get(hdrs.CONTENT_TYPE)
        media = media_of(content_type)
        if media is None:
            raise refuse_media(content_type)
        self._bodies.judge_length(request.content_length)
        return media

    def _refuse(self, error: Exception, request: web.Request, signal: Signal | None) -> web.Response:
        refusal = classify(error)
        self._note(error, refusal, signal)
        headers = request.headers
        media = media_of(headers.get(hdrs.CONTENT_TYPE)) or JSON
        answer = {hdrs.CONTENT_TYPE: media.content_type, hdrs.SERVER: _SERVER, **_extra_headers(refusal)}
        if hdrs.ORIGIN in headers:
            answer.update(self._cors.headers(headers[hdrs.ORIGIN]))
        body = body_json(refusal) if media.encoding == "json" else body_protobuf(refusal)
        response = web.Response(status=refusal.http_status, body=body, headers=answer)
        if isinstance(error, TooLarge | BodyTimeout):
            response.force_close()  # the rest of the body is not worth waiting for
        return response

    def _note(self, error: Exception, refusal: Refusal, signal: Signal | None) -> None:
        counters = self._ingest.counters
        if signal is None:
            counters.refuse_unrouted(refusal.reason)
        else:
            counters.of(signal, "http").refuse(refusal.reason)
        if is_ours(error):
            name = signal.name if signal else "a request"
            self._notices.warn(f"{name} {refusal.reason}", "refused %s over HTTP: %s", name, refusal.message)
        else:
            _logger.error("a request over HTTP failed", exc_info=error)


def _success_body(signal: Signal, accepted: Accepted, media: Media) -> bytes:
    if accepted is FULL_SUCCESS:
        return b"{}" if media.encoding == "json" else b""
    message = response_message(signal, accepted)
    return MessageToJson(message, indent=None).encode() if media.encoding == "json" else message.SerializeToString()


def _extra_headers(refusal: Refusal) -> dict[str, str]:
    if refusal.retry_after is not None:
        return {hdrs.RETRY_AFTER: str(refusal.retry_after)}
    if refusal.http_status == 401:
        return {hdrs.WWW_AUTHENTICATE: "Bearer"}
    if refusal.http_status == 405:
        return {hdrs.ALLOW: _METHODS}
    return {}
