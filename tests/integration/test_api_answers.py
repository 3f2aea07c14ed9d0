"""The API answers rightly, from a real store, about a small story that was sent as OTLP; every answer fits its schema."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING, Any

import jsonschema_rs
import orjson
import pytest
from google.protobuf import json_format
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from query.question import Limits
from query.routes import ROUTES
from query.schemas import SCHEMAS
from receiver.otlp_json import parse
from storage.rows import batch_of
from tests.integration import api_harness as story
from tests.integration.api_harness import CHECKOUT, HEALTH, PAYMENT, PROBE, ROOT, serve, write_story

if TYPE_CHECKING:
    from aiohttp import web
    from aiohttp.test_utils import TestClient
    from pytest_aiohttp import AiohttpClient

    from storage.sqlite.store import SqliteStore


SHOP_RESOURCE = {
    "service": "shop",
    "attributes": {"service.name": "shop", "service.version": "2.1"},
    "schema_url": "https://example.test/schema",
    "dropped_attributes_count": 0,
}
CHECKOUT_SUMMARY = {
    "trace_id": CHECKOUT,
    "root_name": "POST /checkout",
    "service": "shop",
    "services": ["bank", "shop"],
    "start_time": "2025-10-09T08:53:20.000000001Z",
    "end_time": "2025-10-09T08:53:20.250000001Z",
    "duration_ms": 250.0,
    "span_count": 2,
    "error_count": 1,
}
ROOT_SPAN: dict[str, Any] = {
    "trace_id": CHECKOUT,
    "span_id": ROOT,
    "parent_span_id": None,
    "name": "POST /checkout",
    "kind": "server",
    "service": "shop",
    "start_time": "2025-10-09T08:53:20.000000001Z",
    "end_time": "2025-10-09T08:53:20.250000001Z",
    "duration_ms": 250.0,
    "status": {"code": "unset", "message": ""},
    "attributes": {
        "http.route": "/checkout", "items": 5, "price": 5.0, "gift": True, "blob": "AP8=", "nothing": None,
        "odd": "NaN", "tags": ["a", 1], "user": {"id": "u1", "$ref": 1}, "money": "$5",
    },
    "events": [
        {
            "time": "2025-10-09T08:53:20.000000002Z",
            "name": "charged",
            "attributes": {"amount": 9.5, "key": "aw=="},
            "dropped_attributes_count": 1,
        }
    ],
    "links": [
        {
            "trace_id": HEALTH,
            "span_id": PROBE,
            "trace_state": "c=d",
            "flags": 1,
            "attributes": {"why": "retry"},
            "dropped_attributes_count": 0,
        }
    ],
    "trace_state": "a=b",
    "flags": 257,
    "dropped_attributes_count": 0,
    "dropped_events_count": 0,
    "dropped_links_count": 3,
    "resource": SHOP_RESOURCE,
    "scope": {"name": "cart", "version": "0.9", "attributes": {}, "schema_url": None, "dropped_attributes_count": 0},
}  # fmt: skip


class Api:
    """Asks, and holds every answer against the schema of its path."""

    def __init__(self, client: TestClient[web.Request, web.Application]) -> None:
        self.client = client

    async def ask(self, path: str, **parameters: str) -> Any:
        response = await self.client.get(path, params={name.replace("__", "."): text for name, text in parameters.items()})
        body = await response.json()
        assert response.status == 200, body
        template = "/api/traces/{trace_id}" if path.startswith("/api/traces/") else path
        schema = next(route.schema for route in ROUTES if route.path == template)
        assert schema is not None
        jsonschema_rs.validate({**schema, "components": {"schemas": SCHEMAS}}, body)
        return body

    async def names(self, path: str, key: str, **parameters: str) -> list[Any]:
        return [item[key] for item in await self.ask(path, **parameters)]


@pytest.fixture
async def api(aiohttp_client: AiohttpClient, store: SqliteStore) -> Api:
    await write_story(store)
    return Api(await serve(aiohttp_client, store))


async def test_services(api: Api) -> None:
    services = {service["name"]: service for service in await api.ask("/api/services")}
    assert list(services) == sorted(services)
    assert (services["bank"]["span_count"], services["bank"]["error_count"], services["bank"]["error_rate"]) == (1, 1, 1.0)
    assert (services["shop"]["span_count"], services["shop"]["error_rate"]) == (2, 0.0)


async def test_operations(api: Api) -> None:
    found = {(item["service"], item["name"], item["kind"], item["error_count"]) for item in await api.ask("/api/operations")}
    assert found == {
        ("bank", "pay", "client", 1),
        ("shop", "POST /checkout", "server", 0),
        ("shop", "GET /health", "internal", 0),
    }
    assert await api.names("/api/operations", "name", service="bank") == ["pay"]


async def test_traces_come_newest_first(api: Api) -> None:
    found = await api.ask("/api/traces")
    assert [trace["trace_id"] for trace in found] == [HEALTH, CHECKOUT]
    assert found[1] == CHECKOUT_SUMMARY


@pytest.mark.parametrize(
    ("parameters", "found"),
    [
        ({"service": "bank"}, [CHECKOUT]),
        ({"operation": "pay"}, [CHECKOUT]),
        ({"status": "error"}, [CHECKOUT]),
        ({"status": "ok"}, [HEALTH]),
        ({"min_duration_ms": "250"}, [CHECKOUT]),
        ({"max_duration_ms": "249.9"}, [HEALTH]),
        ({"attr.http.route": "/checkout"}, [CHECKOUT]),
        ({"attr.items": "5", "attr.gift": "true"}, [CHECKOUT]),
        ({"attr.items": "6"}, []),
        ({"q": "DECLINED"}, [CHECKOUT]),
        ({"start": "2025-10-09T08:54:00Z"}, [HEALTH]),
        ({"end": "2025-10-09T08:54:00Z"}, [CHECKOUT]),
        ({"start": "-10m", "end": "-9m"}, [CHECKOUT]),
        ({"limit": "1"}, [HEALTH]),
    ],
    ids=lambda value: "&".join(value) if isinstance(value, dict) else "",
)
async def test_traces_by(api: Api, parameters: dict[str, str], found: list[str]) -> None:
    assert await api.names("/api/traces", "trace_id", **parameters) == found


async def test_a_trace_whole(api: Api) -> None:
    trace = await api.ask(f"/api/traces/{CHECKOUT.upper()}")
    assert {key: trace[key] for key in CHECKOUT_SUMMARY} == CHECKOUT_SUMMARY
    assert trace["truncated"] is False
    assert trace["spans"][0] == ROOT_SPAN
    payment = trace["spans"][1]
    assert (payment["span_id"], payment["parent_span_id"], payment["kind"]) == (PAYMENT, ROOT, "client")
    assert payment["status"] == {"code": "error", "message": "card declined"}
    assert [log["body"] for log in trace["logs"]] == ["payment declined by the bank"]


async def test_a_trace_as_otlp_json_is_what_was_sent(api: Api) -> None:
    """It can be sent on: read again, it makes the same spans."""
    response = await api.client.get(f"/api/traces/{CHECKOUT}", params={"format": "otlp"})
    assert response.content_type == "application/json"
    request = parse(await response.read(), "traces").message
    sent = story.traces()
    del sent.resource_spans[0].scope_spans[0].spans[1]  # of the other trace
    assert json_format.MessageToDict(request) == json_format.MessageToDict(sent)


async def test_a_trace_that_is_not_there(api: Api) -> None:
    response = await api.client.get(f"/api/traces/{'f' * 32}")
    error = (await response.json())["error"]
    assert (response.status, error["code"], error["details"]) == (404, "not_found", {"parameter": "trace_id"})


async def test_spans(api: Api) -> None:
    assert await api.names("/api/spans", "span_id") == [PROBE, PAYMENT, ROOT]
    assert await api.ask("/api/spans", kind="server") == [ROOT_SPAN]


@pytest.mark.parametrize(
    ("parameters", "found"),
    [
        ({"service": "bank"}, [PAYMENT]),
        ({"operation": "GET /health"}, [PROBE]),
        ({"status": "error"}, [PAYMENT]),
        ({"kind": "3"}, [PAYMENT]),
        ({"trace_id": CHECKOUT}, [PAYMENT, ROOT]),
        ({"min_duration_ms": "100", "max_duration_ms": "100"}, [PAYMENT]),
        ({"attr.price": "5.0"}, [ROOT]),
        ({"q": "declined"}, [PAYMENT]),
        ({"limit": "2"}, [PROBE, PAYMENT]),
    ],
    ids=lambda value: "&".join(value) if isinstance(value, dict) else "",
)
async def test_spans_by(api: Api, parameters: dict[str, str], found: list[str]) -> None:
    assert await api.names("/api/spans", "span_id", **parameters) == found


async def test_logs(api: Api) -> None:
    emptied, declined = await api.ask("/api/logs")
    assert (emptied["event_name"], emptied["body"], emptied["severity"]) == ("cart.emptied", {"items": 5, "raw": "AQ=="}, "info")
    assert (emptied["trace_id"], emptied["observed_time"]) == (None, None)
    assert (declined["severity"], declined["severity_number"], declined["severity_text"]) == ("error2", 18, "ERR")
    assert (declined["time"], declined["observed_time"]) == ("2025-10-09T08:53:20.000000005Z", "2025-10-09T08:53:20.000000006Z")
    assert (declined["trace_id"], declined["span_id"], declined["attributes"]) == (CHECKOUT, ROOT, {"attempt": 2})


@pytest.mark.parametrize(
    ("parameters", "found"),
    [
        ({"severity": "warn"}, [18]),
        ({"severity": "18"}, [18]),
        ({"severity": "fatal"}, []),
        ({"q": "declined bank"}, [18]),
        ({"q": '"payment declined"'}, [18]),
        ({"q": '"declined payment"'}, []),
        ({"trace_id": CHECKOUT}, [18]),
        ({"span_id": ROOT}, [18]),
        ({"event": "cart.emptied"}, [9]),
        ({"service": "shop"}, [9, 18]),
        ({"service": "bank"}, []),
        ({"attr.attempt": "2"}, [18]),
        ({"start": "2025-10-09T08:54:00Z"}, [9]),
    ],
    ids=lambda value: "&".join(value) if isinstance(value, dict) else "",
)
async def test_logs_by(api: Api, parameters: dict[str, str], found: list[int]) -> None:
    assert await api.names("/api/logs", "severity_number", **parameters) == found


async def test_metrics(api: Api) -> None:
    found = {metric["name"]: metric for metric in await api.ask("/api/metrics")}
    assert found["orders"] == {
        "name": "orders", "type": "sum", "unit": "{order}", "description": "Orders taken", "services": ["shop"],
        "series_count": 2, "temporalities": ["delta"], "monotonic": True,
    }  # fmt: skip
    assert {name: metric["type"] for name, metric in found.items()} == {
        "orders": "sum",
        "load": "gauge",
        "checkout.duration": "histogram",
    }
    assert await api.names("/api/metrics", "name", q="dura") == ["checkout.duration"]
    assert await api.ask("/api/metrics", service="bank") == []


async def test_the_values_of_a_metric(api: Api) -> None:
    by_country = await api.ask("/api/metrics/query", name="orders", aggregate="sum", group_by="country", start="-1h")
    assert {series["group"]["country"]: series["points"][0]["value"] for series in by_country} == {"de": 10, "fr": 20}
    whole = await api.ask("/api/metrics/query", name="orders", aggregate="sum")
    assert [(series["group"], series["points"][0]["value"]) for series in whole] == [({}, 30)]
    filtered = await api.ask("/api/metrics/query", name="orders", aggregate="sum", **{"attr.country": "fr"})
    assert filtered[0]["points"][0]["value"] == 20
    by_minute = await api.ask("/api/metrics/query", name="load", aggregate="avg", interval="5m", start="-10m")
    assert 0.5 in [point["value"] for point in by_minute[0]["points"]]


async def test_a_question_that_a_metric_has_no_answer_to(api: Api) -> None:
    response = await api.client.get("/api/metrics/query", params={"name": "load", "aggregate": "p95"})
    error = (await response.json())["error"]
    assert (response.status, error["code"], error["details"]["parameter"]) == (400, "bad_question", "aggregate")


async def test_latency(api: Api) -> None:
    by_service = {group["group"]: group for group in await api.ask("/api/latency", group_by="service")}
    bank = by_service["bank"]
    assert (bank["count"], bank["error_count"], bank["error_rate"]) == (1, 1, 1.0)
    assert (bank["mean_ms"], bank["min_ms"], bank["max_ms"], bank["interval_start"]) == (100.0, 100.0, 100.0, None)
    assert all(abs(bank[f"p{quantile}_ms"] - 100) <= 2.5 for quantile in (50, 90, 95, 99))
    assert by_service["shop"]["count"] == 2
    assert set(await api.names("/api/latency", "group")) == {"pay", "POST /checkout", "GET /health"}
    assert await api.names("/api/latency", "count", operation="pay") == [1]
    routes = {group["group"]: group["count"] for group in await api.ask("/api/latency", group_by="http.route")}
    assert routes == {"/checkout": 1, None: 2}


async def test_latency_over_time(api: Api) -> None:
    found = await api.ask("/api/latency", group_by="service", service="shop", interval="1m")
    assert sum(part["count"] for part in found) == 2
    assert {part["interval_start"] for part in found} == {"2025-10-09T08:53:00.000000000Z", "2025-10-09T08:54:00.000000000Z"}


async def test_statistics(api: Api) -> None:
    found = await api.ask("/api/stats")
    assert (found["spans"], found["logs"], found["metric_points"], found["traces"]) == (3, 2, 4, 2)
    assert found["size_bytes"] > 0
    assert found["commits"] >= 3


@pytest.mark.parametrize("path", ["/health", "/healthz"])
async def test_health(api: Api, path: str) -> None:
    health = await api.ask(path)
    assert {key: health[key] for key in ("status", "version", "reason")} == {"status": "ok", "version": "1.2.3", "reason": None}
    assert health["server_time"] == health["timestamp"] == "2025-10-09T09:03:20.000000Z"


async def test_a_store_that_was_closed_is_not_ready(api: Api, store: SqliteStore) -> None:
    await store.aclose()
    response = await api.client.get("/health")
    assert response.status == 503
    assert (await response.json())["reason"]


async def test_own_figures_as_json(api: Api) -> None:
    metrics = (await api.ask("/metrics"))["metrics"]
    assert metrics["otlpd_received_items_total"]["samples"] == [
        {"labels": {"signal": "traces"}, "value": 3},
        {"labels": {"signal": "logs"}, "value": 2},
    ]
    assert metrics["otlpd_stored_spans"]["samples"] == [{"labels": {}, "value": 3}]


@pytest.mark.parametrize("accept", ["text/plain; version=0.0.4", "application/openmetrics-text; version=1.0.0, text/plain;q=0.5"])
async def test_own_figures_for_prometheus(api: Api, accept: str) -> None:
    response = await api.client.get("/metrics", headers={"Accept": accept})
    text = await response.text()
    assert response.headers["Content-Type"].startswith(accept.split(";", maxsplit=1)[0])
    assert 'otlpd_received_items_total{signal="traces"} 3.0' in text
    assert "# TYPE otlpd_uptime_seconds gauge" in text
    assert "otlpd_stored_traces 2.0" in text
    assert "process_resident_memory_bytes" in text


async def test_a_long_answer_is_compressed_when_asked(api: Api) -> None:
    headers = {"Accept-Encoding": "br, gzip;q=0.8"}
    response = await api.client.get("/api/spans", headers=headers, auto_decompress=False)
    assert response.headers["Content-Encoding"] == "gzip"
    assert response.headers["Vary"] == "Accept-Encoding"
    assert orjson.loads(gzip.decompress(await response.read())) == await api.ask("/api/spans")


@pytest.mark.parametrize("accept", ["", "identity", "gzip;q=0", "br"])
async def test_an_answer_is_not_compressed_unasked(api: Api, accept: str) -> None:
    response = await api.client.get("/api/spans", headers={"Accept-Encoding": accept})
    assert "Content-Encoding" not in response.headers


@pytest.mark.parametrize(
    "path",
    [route.path for route in ROUTES if "{" not in route.path and not any(one.required for one in route.parameters)],
)
async def test_head_is_answered_like_get_without_a_body(api: Api, path: str) -> None:
    response = await api.client.head(path)
    assert response.status == 200
    assert await response.read() == b""


async def test_an_answer_has_a_bound(aiohttp_client: AiohttpClient, store: SqliteStore) -> None:
    await write_story(store)
    client = await serve(aiohttp_client, store, limits=Limits(answer_bytes=1500))
    for path, code in (("/api/spans", 400), ("/api/spans?limit=1", 200), (f"/api/traces/{CHECKOUT}", 400)):
        response = await client.get(path)
        assert response.status == code, path
        if code == 400:
            error = (await response.json())["error"]
            assert (error["code"], error["details"]) == ("answer_too_large", {"parameter": "limit", "limit_bytes": 1500})


async def test_a_trace_of_thirty_thousand_spans(aiohttp_client: AiohttpClient, store: SqliteStore) -> None:
    """Every span arrives, each resource with it, in an answer that is compressed."""
    request = ExportTraceServiceRequest()
    spans = request.resource_spans.add(resource=story.resource("shop")).scope_spans.add().spans
    for number in range(30_000):
        span = spans.add(name=f"step {number % 100}", trace_id=bytes.fromhex(CHECKOUT), span_id=(number + 1).to_bytes(8, "big"))
        span.start_time_unix_nano = span.end_time_unix_nano = story.START + number
    await store.write(batch_of("traces", request.SerializeToString(), story.NOW))
    client = await serve(aiohttp_client, store)
    trace = await (await client.get(f"/api/traces/{CHECKOUT}", headers={"Accept-Encoding": "gzip"})).json()
    assert trace["span_count"] == 30_000
    assert len(trace["spans"]) == 30_000 or trace["truncated"]
    assert {span["resource"]["service"] for span in trace["spans"]} == {"shop"}
