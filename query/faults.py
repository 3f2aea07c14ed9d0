"""Every error as JSON in one shape: {"error": {"code", "message", "details"}}, its kind looked up along the class's bases.

`code` is for programs and stable, `message` for people, `details` names what was meant: the parameter, or what to narrow.
What is not in the table is a defect of ours: it is logged whole and answered as internal_error without its words.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import orjson
from aiohttp import web

from query.parameters import BadParameter, UnknownParameter
from storage import errors

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from query.question import Route

Details: TypeAlias = dict[str, Any]

_log = logging.getLogger(__name__)


class AnswerTooLarge(Exception):
    """The answer would be larger than `limit` bytes."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"the answer is larger than {limit:,} bytes; ask for less")
        self.limit = limit


class TooManyQuestions(Exception):
    """As many questions (or streams) as the limit allows are under way; `retry_after` is in whole seconds."""

    def __init__(self, what: str, limit: int) -> None:
        super().__init__(f"{limit} {what} are under way, which is the limit; try again in a moment")
        self.retry_after = 1


class QuestionTooLong(Exception):
    """The query string is longer than `limit` characters."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"the query string is longer than {limit:,} characters; give fewer or shorter parameters")


class NotFound(Exception):
    """What the path names is not in the store."""

    def __init__(self, parameter: str, message: str) -> None:
        super().__init__(message)
        self.parameter = parameter


def _no_details(_error: Any) -> Details:
    return {}


def _of_parameter(error: BadParameter) -> Details:
    details: Details = {"parameter": error.name, "value": error.value, "reason": error.why}
    return {**details, "suggestion": error.suggestion} if error.suggestion else details


def _names_parameter(error: Any) -> Details:
    return {"parameter": error.parameter}


@dataclass(frozen=True, slots=True)
class Fault:
    status: int
    code: str
    details: Callable[[Any], Details] = _no_details


FAULTS: Mapping[type[BaseException], Fault] = {
    BadParameter: Fault(400, "bad_parameter", _of_parameter),
    UnknownParameter: Fault(400, "unknown_parameter", _of_parameter),
    errors.BadQuestion: Fault(400, "bad_question", _names_parameter),
    AnswerTooLarge: Fault(400, "answer_too_large", lambda error: {"parameter": "limit", "limit_bytes": error.limit}),
    NotFound: Fault(404, "not_found", _names_parameter),
    QuestionTooLong: Fault(414, "query_too_long"),
    TooManyQuestions: Fault(503, "too_many_questions"),
    errors.QueryTimeout: Fault(504, "query_timeout"),
    errors.TemporaryError: Fault(503, "store_unavailable"),
    errors.StoreBusy: Fault(503, "store_busy"),
    errors.StoreFull: Fault(503, "store_full"),
    errors.StoreClosed: Fault(503, "store_closed"),
    errors.StoreError: Fault(500, "store_error"),
    errors.StoreUnwritable: Fault(500, "store_unwritable"),
    errors.StoreInUse: Fault(500, "store_in_use"),
    errors.NotAStore: Fault(500, "not_a_store"),
    errors.SchemaTooNew: Fault(500, "schema_too_new"),
}
_CODES_BY_STATUS = {
    400: "bad_request", 401: "unauthorized", 403: "forbidden", 404: "not_found", 405: "method_not_allowed",
    408: "request_timeout", 413: "request_too_large", 414: "query_too_long", 429: "too_many_requests",
}  # fmt: skip


def answer(error: BaseException, request: web.Request, route: Route | None) -> web.Response:
    for base in type(error).__mro__:
        if base in FAULTS:
            fault = FAULTS[base]
            details = fault.details(error) | (_narrowing(route) if base is errors.QueryTimeout else {})
            return _response(fault.status, fault.code, str(error), details, _retry_header(error))
    if isinstance(error, web.HTTPException):
        return _of_aiohttp(error, request)
    status = getattr(error, "http_status", None)
    if isinstance(status, int) and 400 <= status < 500:
        return _response(status, _CODES_BY_STATUS.get(status, "refused"), str(error), {}, _refusal_headers(status, error))
    _log.error("%s %s failed", request.method, request.path, exc_info=error)
    return _response(500, "internal_error", "internal error; the log of otlpd says more", {}, {})


def _of_aiohttp(error: web.HTTPException, request: web.Request) -> web.Response:
    """Unknown paths and methods, which aiohttp itself refuses."""
    code = _CODES_BY_STATUS.get(error.status, "refused" if error.status < 500 else "internal_error")
    if error.status == 404:
        return _response(404, code, f"nothing is at {request.path[:200]}; /openapi.json lists what is", {}, {})
    if error.status == 405:
        allowed = error.headers.get("Allow", "")
        message = f"{request.method[:20]} is not answered at {request.path[:200]}; use {allowed.replace(',', ' or ')}"
        return _response(405, code, message, {}, {"Allow": allowed})
    return _response(error.status, code, error.reason, {}, {})


def _narrowing(route: Route | None) -> Details:
    """The parameters of this path that make a question cheaper, the best first."""
    names = [parameter.name for parameter in route.parameters if parameter.narrows] if route else []
    return {"parameter": names[0], "narrow": names} if names else {}


def _retry_header(error: BaseException) -> dict[str, str]:
    retry_after = getattr(error, "retry_after", None)
    return {} if retry_after is None else {"Retry-After": str(retry_after)}


def _refusal_headers(status: int, error: BaseException) -> dict[str, str]:
    return {"WWW-Authenticate": 'Bearer realm="otlpd"'} if status == 401 else _retry_header(error)


def _response(status: int, code: str, message: str, details: Details, headers: Mapping[str, str]) -> web.Response:
    body = orjson.dumps({"error": {"code": code, "message": message, "details": details}})
    return web.Response(
        body=body, status=status, content_type="application/json", headers={**headers, "Cache-Control": "no-store"}
    )
