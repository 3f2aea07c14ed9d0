"""Every path answers every kind of error in one shape, with the right status, and says which parameter it was.

The store here is a double of the contract that refuses, or waits, as told: what is proved is what the API makes of it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, cast

import pytest
from aiohttp import web

from query import faults
from query.application import add_routes
from query.parameters import is_in_path
from query.question import Limits, QueryContext, Route
from query.routes import ROUTES
from storage import errors

if TYPE_CHECKING:
    from aiohttp.test_utils import TestClient
    from pytest_aiohttp import AiohttpClient

    from storage.contract import Store

API = [route for route in ROUTES if route.schema is not None]
# /api/exporters tells what the daemon knows of its own exporters; it asks no store.
ASKING = [route for route in API if route.bounded and route.path != "/api/exporters"]
GUARDED = [route for route in API if not route.open]
STORE_ERRORS = [error for error in vars(errors).values() if isinstance(error, type) and issubclass(error, errors.StoreError)]

Api = Callable[..., Awaitable["TestClient[web.Request, web.Application]"]]


class TellingStore:
    """Whatever is asked, `answer` is called: it raises, or waits."""

    def __init__(self, answer: Callable[[], Awaitable[Any]]) -> None:
        self._answer = answer

    def __getattr__(self, name: str) -> Callable[..., Awaitable[Any]]:
        return lambda *_: self._answer()

    async def listen(self) -> AsyncIterator[Any]:
        yield await self._answer()


async def never_asked() -> None:
    raise AssertionError("the store was asked although the question is bad")


def raising(error: Exception) -> Callable[[], Awaitable[Any]]:
    async def answer() -> None:
        raise error

    return answer


def address(route: Route, **given: str) -> tuple[str, dict[str, str]]:
    """The path and the parameters of a question that nothing is wrong with, but for `given`."""
    path = route.path
    query = {parameter.name: parameter.example for parameter in route.parameters if parameter.required} | given
    for parameter in route.parameters:
        if is_in_path(route, parameter):
            path = path.replace(f"{{{parameter.name}}}", query.pop(parameter.name))
    return path, query


def named(route: Route) -> str:
    return route.path


@pytest.fixture
def api(aiohttp_client: AiohttpClient) -> Api:
    async def start(
        answer: Callable[[], Awaitable[Any]] = never_asked, **settings: Any
    ) -> TestClient[web.Request, web.Application]:
        store = cast("Store", TellingStore(answer))
        app = web.Application()
        add_routes(
            app, QueryContext(store=store, clock=lambda: 1_700_000_000_000_000_000, counters=list, version="1.2.3", **settings)
        )
        return await aiohttp_client(app)

    return start


async def error_of(response: Any, status: int, code: str) -> dict[str, Any]:
    """The error of an answer, after proof that it has the one shape."""
    assert response.status == status, await response.text()
    assert response.content_type == "application/json"
    body = await response.json()
    assert list(body) == ["error"]
    error: dict[str, Any] = body["error"]
    assert list(error) == ["code", "message", "details"]
    assert error["code"] == code
    assert isinstance(error["message"], str)
    assert error["message"]
    assert isinstance(error["details"], dict)
    return error


@pytest.mark.parametrize("route", API, ids=named)
async def test_an_unknown_parameter(api: Api, route: Route) -> None:
    path, query = address(route, serivce="shop")
    error = await error_of(await (await api()).get(path, params=query), 400, "unknown_parameter")
    assert error["details"]["parameter"] == "serivce"
    if any(parameter.name == "service" for parameter in route.parameters):
        assert error["details"]["suggestion"] == "service"


def bad_values() -> Iterator[tuple[Route, str, str]]:
    """For every parameter what it cannot be read from; a name may be any text but empty."""
    for route in API:
        for parameter in route.parameters:
            yield route, parameter.name, "\0"
            if not is_in_path(route, parameter):
                yield route, parameter.name, ""
            if {"type": "string", "minLength": 1} not in (parameter.kind.schema, parameter.kind.schema.get("items")):
                yield route, parameter.name, "~no such thing~" * 4


@pytest.mark.parametrize(
    ("route", "name", "value"), list(bad_values()), ids=lambda value: getattr(value, "path", repr(value)[1:20])
)
async def test_a_parameter_that_cannot_be_read(api: Api, route: Route, name: str, value: str) -> None:
    path, query = address(route, **{name: value})
    error = await error_of(await (await api()).get(path, params=query), 400, "bad_parameter")
    assert error["details"]["parameter"] == name
    assert error["details"]["value"] == value
    assert error["message"].startswith(name)


@pytest.mark.parametrize("route", [route for route in API if any(entry.required for entry in route.parameters)], ids=named)
async def test_a_missing_parameter(api: Api, route: Route) -> None:
    for missing in (entry.name for entry in route.parameters if entry.required and not is_in_path(route, entry)):
        path, query = address(route)
        del query[missing]
        error = await error_of(await (await api()).get(path, params=query), 400, "bad_parameter")
        assert error["details"]["parameter"] == missing


@pytest.mark.parametrize("route", API, ids=named)
async def test_a_query_string_that_is_too_long(api: Api, route: Route) -> None:
    path, query = address(route, service="x" * 4096)
    await error_of(await (await api()).get(path, params=query), 414, "query_too_long")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
@pytest.mark.parametrize("route", API, ids=named)
async def test_a_method_that_is_not_answered(api: Api, route: Route, method: str) -> None:
    response = await (await api()).request(method, address(route)[0])
    error = await error_of(response, 405, "method_not_allowed")
    assert response.headers["Allow"] == "GET,HEAD"
    assert "GET or HEAD" in error["message"]


@pytest.mark.parametrize("path", ["/api", "/api/", "/api/nothing", "/api/traces/a/b", "/docs/nothing", "/api/%00%ff"])
async def test_a_path_where_nothing_is(api: Api, path: str) -> None:
    await error_of(await (await api()).get(path), 404, "not_found")


async def test_paths_of_others_are_left_to_them(api: Api) -> None:
    """The API shares its port: what is not its own keeps its own errors."""
    response = await (await api()).get("/v1/traces")
    assert response.status == 404
    assert response.content_type == "text/plain"


class Refused(Exception):
    def __init__(self, http_status: int, retry_after: int | None = None) -> None:
        super().__init__("that key will not do")
        self.http_status = http_status
        if retry_after is not None:
            self.retry_after = retry_after


@pytest.mark.parametrize(
    ("refused", "code", "header"),
    [
        (Refused(401), "unauthorized", ("WWW-Authenticate", 'Bearer realm="otlpd"')),
        (Refused(403), "forbidden", None),
        (Refused(429, retry_after=3), "too_many_requests", ("Retry-After", "3")),
    ],
    ids=["401", "403", "429"],
)
@pytest.mark.parametrize("route", GUARDED, ids=named)
async def test_a_key_that_will_not_do(
    api: Api, route: Route, refused: Refused, code: str, header: tuple[str, str] | None
) -> None:
    def authorize(headers: Mapping[str, str], scope: str) -> None:
        assert headers["x-api-key"] == "k"
        assert scope == "query"
        raise refused

    path, query = address(route, nonsense="read only by those who may ask")
    response = await (await api(authorize=authorize)).get(path, params=query, headers={"x-api-key": "k"})
    error = await error_of(response, refused.http_status, code)
    assert error["message"] == "that key will not do"
    if header:
        assert response.headers[header[0]] == header[1]


@pytest.mark.parametrize("path", ["/docs", "/redoc", "/openapi.json", "/docs/static/start-redoc.js"])
async def test_the_pages_need_no_key(api: Api, path: str) -> None:
    def authorize(_headers: Mapping[str, str], _scope: str) -> None:
        raise Refused(401)

    assert (await (await api(authorize=authorize)).get(path)).status == 200


def made(kind: type[errors.StoreError]) -> errors.StoreError:
    return (
        errors.BadQuestion("aggregate", "a gauge has no p95")
        if kind is errors.BadQuestion
        else kind("what happened and what to do")
    )


STATUSES = {
    "StoreError": 500, "TemporaryError": 503, "StoreBusy": 503, "StoreFull": 503, "StoreClosed": 503, "StoreUnwritable": 500,
    "StoreInUse": 500, "NotAStore": 500, "SchemaTooNew": 500, "QueryTimeout": 504, "BadQuestion": 400,
}  # fmt: skip


def test_every_error_of_a_store_has_its_own_entry() -> None:
    assert set(STORE_ERRORS) <= set(faults.FAULTS)
    assert {error.__name__ for error in STORE_ERRORS} == set(STATUSES)
    codes = [fault.code for fault in faults.FAULTS.values()]
    assert len(codes) == len(set(codes))


@pytest.mark.parametrize("kind", STORE_ERRORS, ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("route", ASKING, ids=named)
async def test_a_store_that_refuses(api: Api, route: Route, kind: type[errors.StoreError]) -> None:
    path, query = address(route)
    response = await (await api(raising(made(kind)))).get(path, params=query)
    error = await error_of(response, STATUSES[kind.__name__], faults.FAULTS[kind].code)
    assert error["message"] == str(made(kind))
    assert ("Retry-After" in response.headers) == issubclass(kind, errors.TemporaryError)
    if kind is errors.BadQuestion:
        assert error["details"]["parameter"] == "aggregate"
    if kind is errors.QueryTimeout and any(entry.narrows for entry in route.parameters):
        assert error["details"]["parameter"] == error["details"]["narrow"][0]
        assert set(error["details"]["narrow"]) <= {entry.name for entry in route.parameters}


async def test_an_error_that_is_derived_from_a_known_one_is_answered_like_it(api: Api) -> None:
    class DiskSlow(errors.StoreBusy):
        pass

    response = await (await api(raising(DiskSlow("later", retry_after=4)))).get("/api/stats")
    await error_of(response, 503, "store_busy")
    assert response.headers["Retry-After"] == "4"


@pytest.mark.parametrize("route", ASKING, ids=named)
async def test_a_defect_is_logged_and_not_told(api: Api, route: Route, caplog: pytest.LogCaptureFixture) -> None:
    path, query = address(route)
    with caplog.at_level(logging.ERROR):
        response = await (await api(raising(RuntimeError("secret words")))).get(path, params=query)
    error = await error_of(response, 500, "internal_error")
    assert "secret" not in str(error)
    assert "secret words" in caplog.text


@pytest.mark.parametrize("route", ASKING, ids=named)
async def test_one_question_too_many(api: Api, route: Route) -> None:
    """With as many running as may, the next is refused at once; when they end, questions are answered again."""
    go_on, all_wait = asyncio.Event(), asyncio.Barrier(3)

    async def answer() -> Any:
        if not go_on.is_set():
            await all_wait.wait()
        await go_on.wait()
        raise errors.StoreBusy("enough")

    client = await api(answer, limits=Limits(running_questions=2))
    path, query = address(route)
    running = [asyncio.create_task(client.get(path, params=query)) for _ in range(2)]
    await all_wait.wait()
    response = await client.get(path, params=query)
    await error_of(response, 503, "too_many_questions")
    assert response.headers["Retry-After"] == "1"
    go_on.set()
    for task in running:
        await error_of(await task, 503, "store_busy")
    await error_of(await client.get(path, params=query), 503, "store_busy")


@pytest.mark.parametrize("path", ["/health", "/healthz"])
async def test_health_says_why_it_is_not_ready(api: Api, path: str) -> None:
    """Even with all questions taken and keys in use, and in the words of the store."""

    def authorize(_headers: Mapping[str, str], _scope: str) -> None:
        raise Refused(401)

    client = await api(raising(errors.StoreFull("the disk is full")), authorize=authorize, limits=Limits(running_questions=0))
    response = await client.get(path)
    assert response.status == 503
    told = await response.json()
    assert {"status": "unavailable", "version": "1.2.3", "reason": "the disk is full"}.items() <= told.items()


async def test_metrics_of_a_store_that_refuses(api: Api) -> None:
    await error_of(await (await api(raising(errors.StoreClosed("closing")))).get("/metrics"), 503, "store_closed")


async def test_a_head_request_gets_the_status_of_an_error_without_a_body(api: Api) -> None:
    response = await (await api()).head("/api/traces", params={"limit": "0"})
    assert response.status == 400
    assert await response.read() == b""
