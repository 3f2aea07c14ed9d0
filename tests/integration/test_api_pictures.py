"""The heat map and the service map agree with the story: every span once, in the bucket that holds its duration."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.integration.api_harness import serve, write_story

if TYPE_CHECKING:
    from aiohttp import web
    from aiohttp.test_utils import TestClient
    from pytest_aiohttp import AiohttpClient

    from storage.sqlite.store import SqliteStore


@pytest.fixture
async def client(aiohttp_client: AiohttpClient, store: SqliteStore) -> TestClient[web.Request, web.Application]:
    await write_story(store)
    return await serve(aiohttp_client, store)


async def ask(client: TestClient[web.Request, web.Application], path: str, **question: str) -> Any:
    response = await client.get(path, params=question)
    assert response.status == 200, await response.text()
    return await response.json()


@pytest.mark.parametrize(
    "question",
    [{}, {"service": "shop"}, {"service": "bank"}, {"operation": "GET /health"}, {"attr.http.route": "/checkout"}],
    ids=str,
)
async def test_each_span_is_in_the_bucket_that_holds_its_duration(
    client: TestClient[web.Request, web.Application], question: dict[str, str]
) -> None:
    """From the roll-ups and, with an attribute, from the spans: the counts are those of the spans that fit."""
    found = await ask(client, "/api/latency/histogram", interval="5m", **question)
    spans = await ask(client, "/api/spans", start="-1h", **question)
    assert sum(part["count"] for part in found) == len(spans) > 0
    assert sum(part["error_count"] for part in found) == sum(span["status"]["code"] == "error" for span in spans)
    buckets = [bucket for part in found for bucket in part["buckets"]]
    for bucket in buckets:
        fitting = [span for span in spans if bucket["min_ms"] <= span["duration_ms"] < bucket["max_ms"]]
        assert bucket["count"] <= len(fitting)
    assert sum(bucket["count"] for bucket in buckets) == len(spans)


async def test_intervals_are_whole_minutes(client: TestClient[web.Request, web.Application]) -> None:
    response = await client.get("/api/latency/histogram", params={"interval": "30s"})
    assert response.status == 400
    assert (await response.json())["error"]["details"]["parameter"] == "interval"


async def test_the_map_has_the_call_from_the_shop_to_the_bank(client: TestClient[web.Request, web.Application]) -> None:
    """The payment is a span of the bank below one of the shop; it failed, and nothing else crosses services."""
    (payment,) = await ask(client, "/api/spans", start="-1h", service="bank")
    assert await ask(client, "/api/services/map") == [
        {
            "source": "shop",
            "target": "bank",
            "kind": "service",
            "count": 1,
            "error_count": 1,
            "error_rate": 1.0,
            "mean_ms": payment["duration_ms"],
            "max_ms": payment["duration_ms"],
        }
    ]
    assert await ask(client, "/api/services/map", end="-30m") == []
