"""Questions made at random from the OpenAPI document never break the API, and every answer is one that the document names.

The document goes through schemathesis: values that fit it and values that do not, over HTTP, before a real store that holds
the story of api_harness.
"""

from __future__ import annotations

import asyncio
import threading
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest
import schemathesis
from aiohttp import web
from hypothesis import HealthCheck, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)

from query.application import add_routes
from query.openapi import document
from query.question import QueryContext
from query.routes import ROUTES
from storage.sqlite.store import SqliteSettings, open_store
from tests.integration.api_harness import NOW, counters, write_story

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

# /api/stream never ends: test_api_stream.py asks it.
DESCRIBED = [route for route in ROUTES if route.path != "/api/stream"]
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    negative_data_rejection,
    unsupported_method,
]
# A query that is wrong may also be refused for its length.
REFUSALS = {"checks": {"negative_data_rejection": {"expected-statuses": ["4xx", "5xx"]}}}
schema = schemathesis.openapi.from_dict(document(DESCRIBED, "1.2.3"), config=schemathesis.Config.from_dict(REFUSALS))


@asynccontextmanager
async def serving(path: Path) -> AsyncIterator[str]:
    store = await open_store(SqliteSettings(path))
    await write_story(store)
    app = web.Application()
    add_routes(app, QueryContext(store=store, clock=lambda: NOW, counters=counters, version="1.2.3"))
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()
    await store.aclose()


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """An API in a thread of its own: schemathesis asks from this one, and waits."""
    started, stop = threading.Event(), asyncio.Event()
    addresses: list[str] = []
    loop = asyncio.new_event_loop()

    async def run() -> None:
        async with serving(tmp_path_factory.mktemp("api") / "telemetry.db") as base:
            addresses.append(base)
            started.set()
            await stop.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(run(),))
    thread.start()
    assert started.wait(20)
    yield addresses[0]
    loop.call_soon_threadsafe(stop.set)
    thread.join(20)
    loop.close()


@schema.parametrize()
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@pytest.mark.timeout(60)
def test_any_question_gets_an_answer_that_the_document_names(case: schemathesis.Case[Any], address: str) -> None:
    case.call_and_validate(base_url=address, checks=CHECKS, timeout=10)
