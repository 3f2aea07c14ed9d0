"""What the read endpoints of all systems share: one request with its parameters read, one table of paths, errors by style.

Both slash forms are answered directly. Unknown parameters are ignored, as the originals ignored them; values that cannot be
what they should be are refused with the parameter's name.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import orjson
from aiohttp import hdrs, web

from query.faults import AnswerTooLarge
from query.legacy.times import TimeFormatError, parse_time
from query.question import QUERY_SCOPE
from storage.contract import TimeRange
from storage.errors import BadQuestion, QueryTimeout, TemporaryError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from query.question import QueryContext
    from storage.contract import Store

SECOND = 10**9
HOUR, DAY = 3600 * SECOND, 86_400 * SECOND
MOST_OFFSET = 1_000_000
_log = logging.getLogger(__name__)


class Refusal(Exception):
    """Answered with this status in the style of the system; `detail` stands in for the message where it is no text."""

    def __init__(self, status: int, message: str, *, field: str = "", detail: Any = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.field = field
        self.detail = message if detail is None else detail


Style = Callable[[Refusal], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Ask:
    """One request of a reader."""

    request: web.Request
    context: QueryContext
    now: int

    @property
    def store(self) -> Store:
        return self.context.store

    def path(self, name: str) -> str:
        return self.request.match_info[name]

    def text(self, name: str) -> str | None:
        """The value, or None where it is absent or empty."""
        return self.request.query.get(name) or None

    def texts(self, name: str) -> list[str]:
        """Values given several times, or separated by commas."""
        given = [*self.request.query.getall(name, []), *self.request.query.getall(f"{name}[]", [])]
        return [part.strip() for value in given for part in value.split(",") if part.strip()]

    def integer(self, name: str, default: int, lowest: int = 0, highest: int = MOST_OFFSET) -> int:
        text = self.text(name)
        if text is None:
            return default
        try:
            number = int(text)
        except ValueError:
            raise Refusal(400, f"{name}: must be a whole number", field=name) from None
        if not lowest <= number <= highest:
            raise Refusal(400, f"{name}: must lie between {lowest} and {highest}", field=name)
        return number

    def number(self, name: str) -> float | None:
        text = self.text(name)
        try:
            return None if text is None else float(text)
        except ValueError:
            raise Refusal(400, f"{name}: must be a number", field=name) from None

    def time(self, name: str) -> int | None:
        text = self.text(name)
        try:
            return None if text is None else parse_time(text)
        except TimeFormatError:
            raise Refusal(400, f"{name}: must be an ISO 8601 time", field=name) from None

    def choice(self, name: str, default: str, known: Iterable[str]) -> str:
        value = self.text(name) or default
        if value not in set(known):
            raise Refusal(400, f"{name}: must be one of {', '.join(known)}", field=name)
        return value

    def range(self, start: str = "from_time", end: str = "to_time", default: int | None = None) -> TimeRange:
        """Both ends inclusive, as the originals had them; `default` (ns) is how far back it goes where no start is given."""
        first, last = self.time(start), self.time(end)
        if first is None and default is not None:
            first = (self.now if last is None else last) - default
        return TimeRange(first, None if last is None else last + 1)


Answerer = Callable[[Ask], Awaitable[Any]]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One path. The handler gives what is answered as JSON, or a whole response."""

    path: str
    answer: Answerer
    open: bool = False
    method: str = "GET"


def plain_style(refusal: Refusal) -> dict[str, Any]:
    return {"detail": refusal.detail}


def error_style(refusal: Refusal) -> dict[str, Any]:
    return {"error": refusal.message}


_CODES = {
    400: "VALIDATION_ERROR",
    401: "AUTHENTICATION_ERROR",
    403: "AUTHORIZATION_ERROR",
    404: "NOT_FOUND",
    503: "DATABASE_ERROR",
}


def envelope_style(refusal: Refusal) -> dict[str, Any]:
    """The envelope that the design of the local server states, and `detail` for clients of its framework."""
    code = _CODES.get(refusal.status, "PROCESSING_ERROR" if refusal.status < 500 else "SYSTEM_ERROR")
    details = {"field": refusal.field, "reason": refusal.message} if refusal.field else {}
    return {"error": {"code": code, "message": refusal.message, "details": details}, "detail": refusal.detail}


def add_routes(app: web.Application, context: QueryContext, endpoints: Iterable[Endpoint], style: Style) -> None:
    for endpoint in endpoints:
        handler = partial(_handle, endpoint, style, context)
        for path in (endpoint.path, f"{endpoint.path}/"):
            if endpoint.method == "GET":
                app.router.add_get(path, handler, allow_head=True)
            else:
                app.router.add_route(endpoint.method, path, handler)


async def _handle(endpoint: Endpoint, style: Style, context: QueryContext, request: web.Request) -> web.StreamResponse:
    try:
        if context.authorize is not None and not endpoint.open:
            context.authorize(request.headers, QUERY_SCOPE)
        answer = await endpoint.answer(Ask(request, context, context.clock()))
        if isinstance(answer, web.StreamResponse):
            return answer
        body = _encode(answer, context.limits.answer_bytes)
    except (asyncio.CancelledError, ConnectionResetError, web.HTTPException):
        raise
    except Exception as error:  # noqa: BLE001  every error is answered in the style of the system
        return _refused(error, style, request)
    return web.Response(body=body, content_type="application/json", headers={hdrs.CACHE_CONTROL: "no-store"})


def _encode(answer: Any, limit: int) -> bytes:
    body = orjson.dumps(answer, option=orjson.OPT_NON_STR_KEYS)
    if len(body) > limit:
        raise AnswerTooLarge(limit)
    return body


def _refused(error: Exception, style: Style, request: web.Request) -> web.Response:
    refusal = _refusal(error)
    if refusal.status == 500:
        _log.error("%s %s failed", request.method, request.path, exc_info=error)
    headers = {hdrs.CACHE_CONTROL: "no-store"}
    if (retry_after := getattr(error, "retry_after", None)) is not None:
        headers[hdrs.RETRY_AFTER] = str(retry_after)
    if refusal.status == 401:
        headers[hdrs.WWW_AUTHENTICATE] = 'Bearer realm="otlpd"'
    body = orjson.dumps(style(refusal))
    return web.Response(status=refusal.status, body=body, content_type="application/json", headers=headers)


def _refusal(error: Exception) -> Refusal:
    if isinstance(error, Refusal):
        return error
    statuses = ((BadQuestion, 400), (AnswerTooLarge, 400), (QueryTimeout, 504), (TemporaryError, 503))
    for kind, status in statuses:
        if isinstance(error, kind):
            return Refusal(status, str(error))
    known = getattr(error, "http_status", None)
    if isinstance(known, int) and 400 <= known < 500:
        return Refusal(known, str(error))
    return Refusal(500, "internal error; the log of otlpd says more")
