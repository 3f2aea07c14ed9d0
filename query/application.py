"""Puts the table of routes into an aiohttp application, and around every handler what all of them need.

In this order: the key is checked, the query string is read, a place among the running questions is taken, the handler asks
and answers. Whatever goes wrong on the way becomes JSON in one place.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeAlias

import orjson
from aiohttp import web

from query import faults, parameters
from query.faults import QuestionTooLong, TooManyQuestions
from query.legacy.agent_events import EVENT_COUNTS, EventCounts
from query.openapi import document
from query.pages import DOCUMENT
from query.question import QUERY_SCOPE, QueryContext, Question, Route
from query.routes import ROUTES
from query.stream import BROADCAST, Broadcast

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aiohttp.typedefs import Middleware

_Handler: TypeAlias = Callable[[web.Request], Awaitable[web.StreamResponse]]


def add_routes(app: web.Application, context: QueryContext, routes: Sequence[Route] = ROUTES) -> None:
    """The whole query API, for an application that may serve other paths as well."""
    app[DOCUMENT] = orjson.dumps(document(routes, context.version))
    running = _Running(context.limits.running_questions)
    broadcast = Broadcast(context.store)
    app[BROADCAST] = broadcast
    app.on_shutdown.append(broadcast.close)
    counts = EventCounts(context.store)
    app[EVENT_COUNTS] = counts
    app.on_shutdown.append(counts.close)
    by_path = {path: route for route in routes for path in _forms(route.path)}
    for path, route in by_path.items():
        app.router.add_get(path, _handler(route, context, running), allow_head=True)
    app.middlewares.append(_answer_errors(by_path))


def _forms(path: str) -> Sequence[str]:
    """With and without a slash at the end: a redirect to the other form is more than some clients follow."""
    return (path, f"{path}/") if path.startswith("/api/") else (path,)


class _Running:
    """Counts the questions under way. One too many is refused at once: a queue would only hide that they are too slow."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._number = 0

    def __enter__(self) -> None:
        if self._number >= self._limit:
            raise TooManyQuestions("questions", self._limit)
        self._number += 1

    def __exit__(self, *_: object) -> None:
        self._number -= 1


def _handler(route: Route, context: QueryContext, running: _Running) -> _Handler:
    async def handle(request: web.Request) -> web.StreamResponse:
        if context.authorize is not None and not route.open:
            context.authorize(request.headers, QUERY_SCOPE)
        question = _question(route, context, request)
        if not route.bounded:
            return await route.handler(question)
        with running:
            return await route.handler(question)

    return handle


def _question(route: Route, context: QueryContext, request: web.Request) -> Question:
    if len(request.rel_url.raw_query_string) > context.limits.query_characters:
        raise QuestionTooLong(context.limits.query_characters)
    now = context.clock()
    values = parameters.read(route, request.query.items(), request.match_info, now)
    return Question(request, context, route, values, now)


def _answer_errors(routes: dict[str, Route]) -> Middleware:
    @web.middleware
    async def answer_errors(request: web.Request, handler: _Handler) -> web.StreamResponse:
        resource = request.match_info.route.resource
        route = routes.get(resource.canonical) if resource is not None else None
        if route is None and not _is_unknown_here(request, routes):
            return await handler(request)
        try:
            return await handler(request)
        except (asyncio.CancelledError, ConnectionResetError):
            raise
        except Exception as error:  # noqa: BLE001  this is where every error ends
            return faults.answer(error, request, route)

    return answer_errors


def _is_unknown_here(request: web.Request, routes: dict[str, Route]) -> bool:
    """Whether aiohttp found nothing for a path that is the API's to refuse."""
    if request.match_info.http_exception is None:
        return False
    return request.path == "/api" or request.path.startswith(("/api/", "/docs/")) or request.path in routes
