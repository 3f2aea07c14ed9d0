"""Walking a list by its Link headers gives every item exactly once, newest first, whatever the page size and the times."""

from __future__ import annotations

import random
import re
from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.integration.api_harness import NOW, START, pairs, resource, serve, value, write

if TYPE_CHECKING:
    from aiohttp import web
    from aiohttp.test_utils import TestClient
    from pytest_aiohttp import AiohttpClient

    from storage.sqlite.store import SqliteStore

COUNT = 137
KEYS = {"/api/traces": "trace_id", "/api/spans": "span_id", "/api/logs": "body"}


def batches() -> list[tuple[str, Any]]:
    """COUNT spans, each its own trace, and COUNT logs, in no order and many at the very same time, over several requests."""
    rng = random.Random(5)
    times = [START + rng.randrange(9) * 10**9 for _ in range(COUNT)]
    requests: list[tuple[str, Any]] = []
    for first in range(0, COUNT, 40):
        spans, logs = ExportTraceServiceRequest(), ExportLogsServiceRequest()
        span_list = spans.resource_spans.add(resource=resource("shop")).scope_spans.add().spans
        log_list = logs.resource_logs.add(resource=resource("shop")).scope_logs.add().log_records
        for number in range(first, min(first + 40, COUNT)):
            span = span_list.add(name="work", trace_id=(number + 1).to_bytes(16, "big"), span_id=(number + 1).to_bytes(8, "big"))
            span.start_time_unix_nano, span.end_time_unix_nano = times[number], times[number] + 1000
            span.attributes.extend(pairs({"half": "even" if number % 2 == 0 else "odd"}))
            log_list.add(time_unix_nano=times[number], body=value(f"line {number}"), attributes=pairs({"number": number}))
        requests += [("traces", spans), ("logs", logs)]
    return requests


@pytest.fixture
async def client(aiohttp_client: AiohttpClient, store: SqliteStore) -> TestClient[web.Request, web.Application]:
    for signal, request in batches():
        await write(store, signal, request)
    return await serve(aiohttp_client, store)


async def walk(client: TestClient[web.Request, web.Application], address: str) -> list[list[dict[str, Any]]]:
    pages = []
    following: str | None = address
    while following:
        response = await client.get(following)
        assert response.status == 200, await response.text()
        pages.append(await response.json())
        assert len(pages) <= COUNT + 1
        link = response.headers.get("Link")
        match = re.fullmatch(r'<(/[^>]*)>; rel="next"', link) if link else None
        assert link is None or match
        following = match[1] if match else None
    return pages


@pytest.mark.parametrize("limit", [1, 7, 50, COUNT, 1000])
@pytest.mark.parametrize("path", KEYS)
async def test_every_item_comes_exactly_once(client: TestClient[web.Request, web.Application], path: str, limit: int) -> None:
    pages = await walk(client, f"{path}?limit={limit}")
    assert all(len(page) == limit for page in pages[:-1])
    items = [item for page in pages for item in page]
    assert len(items) == len({item[KEYS[path]] for item in items}) == COUNT
    times = [item.get("start_time") or item["time"] for item in items]
    assert times == sorted(times, reverse=True)


@pytest.mark.parametrize("path", KEYS)
async def test_the_pages_keep_the_filters(client: TestClient[web.Request, web.Application], path: str) -> None:
    wanted = {"attr.half": "odd"} if path != "/api/logs" else {"q": "line"}
    question = "&".join(f"{name}={text}" for name, text in wanted.items())
    items = [item for page in await walk(client, f"{path}?service=shop&start=-1h&limit=10&{question}") for item in page]
    assert len({item[KEYS[path]] for item in items}) == len(items) == (COUNT // 2 if path != "/api/logs" else COUNT)


async def test_a_walk_is_not_disturbed_by_what_arrives_meanwhile(aiohttp_client: AiohttpClient, store: SqliteStore) -> None:
    """Newer spans stand before the first page; what was there when the walk began is seen once."""
    requests = [request for signal, request in batches() if signal == "traces"]
    await write(store, "traces", requests[0])
    client = await serve(aiohttp_client, store)
    first = await client.get("/api/spans", params={"limit": "15"})
    seen = [span["span_id"] for span in await first.json()]
    newer = ExportTraceServiceRequest()
    span = (
        newer.resource_spans.add(resource=resource("shop"))
        .scope_spans.add()
        .spans.add(name="new", trace_id=b"n" * 16, span_id=b"n" * 8)
    )
    span.start_time_unix_nano = span.end_time_unix_nano = NOW
    await write(store, "traces", newer)
    rest = await walk(client, first.headers["Link"].split(">")[0][1:])
    seen += [span["span_id"] for page in rest for span in page]
    assert sorted(seen) == [f"{number:016x}" for number in range(1, 41)]


async def test_the_next_page_of_a_relative_time_looks_at_the_same_range(client: TestClient[web.Request, web.Application]) -> None:
    response = await client.get("/api/spans", params={"start": "-1h", "limit": "1"})
    assert f"start={NOW - 3600 * 10**9}&" in response.headers["Link"]


@pytest.mark.parametrize("cursor", ["x", "A" * 22 + "=", "_" * 22, "AAAA AAAAAAAAAAAAAAAAA", "é" * 22])
async def test_a_cursor_that_was_not_given_out_is_refused(client: TestClient[web.Request, web.Application], cursor: str) -> None:
    response = await client.get("/api/logs", params={"cursor": cursor})
    error = (await response.json())["error"]
    assert (response.status, error["details"]["parameter"]) == (400, "cursor")
