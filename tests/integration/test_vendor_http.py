"""Vendors' requests over HTTP: every recorded payload, sent as it is, gives the answer of its system, and is on disk then.

A payload that is sent again adds nothing and is answered as its system answers that; bodies are bounded, may be compressed, and
both slash forms are answered directly.
"""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import hmac
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import hdrs

from receiver.vendors import DIALECTS, SignaturePolicy, find_endpoint
from storage.contract import LogQuery
from tests.integration.vendor_harness import NOW, serve

if TYPE_CHECKING:
    from pytest_aiohttp import AiohttpClient

    from storage.sqlite.store import SqliteStore
    from tests.integration.vendor_harness import Api

FIXTURES = Path(__file__).parents[2] / "proto_fixtures" / "vendors"
EXPECTATIONS = sorted(FIXTURES.glob("*/*.otlp.json"))
RUN = {
    "event_id": "test-1", "run_id": "run-1", "start_time": "2025-10-09T08:00:00Z", "agent_name": "hugo", "job_type": "verify",
}  # fmt: skip
EVENT = {"timestamp": "2025-10-09T08:00:00Z", "agent_id": "weather", "event_type": "LLM_call_start", "data": {}}
NAMED = {"timestamp": "2025-10-09T08:00:00Z", "name": "llm.call.start", "level": "INFO", "trace_id": None, "agent_id": "a"}
PAYLOAD: dict[str, Any] = {
    "host": "server1", "timestamp": "2025-10-09T08:00:00Z", "score": 0, "docker_events": None, "logs": None, "local_alerts": None,
    "metrics": {
        "cpu_usage": 1, "memory_usage": 2, "disk_usage": 3, "network_rx_bytes_per_sec": 4, "network_tx_bytes_per_sec": 5,
        "tcp_connections": 6,
    },
}  # fmt: skip


@pytest.fixture
async def api(aiohttp_client: AiohttpClient, store: SqliteStore) -> Api:
    return await serve(aiohttp_client, store)


async def logs_stored(store: SqliteStore) -> int:
    return (await store.statistics()).logs


def read_fixture(expectation: Path) -> tuple[Any, bytes]:
    body = expectation.with_name(expectation.name.replace(".otlp.json", ".json")).read_bytes()
    return json.loads(expectation.read_bytes()), body


def without_numbers(body: Any) -> Any:
    """Numbers of events are the store's choice."""
    return {key: value for key, value in body.items() if key not in {"id", "event_id"}} if "event_id" in body else body


@pytest.mark.parametrize("expectation", EXPECTATIONS, ids=lambda path: f"{path.parent.name}/{path.name}")
async def test_recorded_payload_gives_the_answer_of_its_system(api: Api, expectation: Path) -> None:
    """Sent twice: the second answer is the one for what is there already, and no record is added."""
    expected, body = read_fixture(expectation)
    request = expected["request"]
    api.clock.now = int(request["received_time_unix_nano"])
    for number, name in enumerate(("answer", "answer_when_sent_again")):
        answer = expected.get(name) or expected["answer"]
        async with api.client.request(
            request["method"], request["path"], data=body, headers={"Content-Type": "application/json", **request["headers"]}
        ) as response:
            assert response.status == answer["status"]
            given = await response.json()
        if request["path"].startswith("/v1/"):
            assert without_numbers(given) == without_numbers(answer["body"])
        else:
            assert given == answer["body"]
        if number == 0:
            stored = await logs_stored(api.store)
    records = sum(
        len(scope["logRecords"])
        for export in expected["exports"]
        if export["signal"] == "logs"
        for resource in export["request"]["resourceLogs"]
        for scope in resource["scopeLogs"]
    )
    assert stored == records
    assert await logs_stored(api.store) == records


async def test_exact_bytes_come_back(api: Api) -> None:
    """Spaces, order of keys and the form of numbers are kept: what was sent can be read again."""
    body = b'{ "event_type":"x",\n "timestamp": "2025-10-09T08:00:00.5Z", "agent_id":"a", "data":{"n":1.0,"b":1e2} }'
    await api.post("/api/v1/telemetry", body, 202)
    [record] = (await api.store.find_logs(LogQuery())).items
    assert json.loads(record.attributes)["log.record.original"].encode() == body


@pytest.mark.parametrize("slash", ["", "/"])
async def test_both_slash_forms_are_answered(api: Api, slash: str) -> None:
    for dialect in DIALECTS:
        for endpoint in dialect.endpoints:
            async with api.client.post(endpoint.path + slash, data=b"{", allow_redirects=False) as response:
                assert response.status in {400, 422}, endpoint.path


async def test_event_number_is_stable(api: Api) -> None:
    """The number of an event is that of its first record, however often and by whatever door it is sent."""
    first = await api.post("/v1/telemetry", NAMED, 201)
    await api.post("/v1/telemetry", {**NAMED, "name": "llm.call.finish"}, 201)
    again = await api.post("/v1/telemetry", NAMED, 201)
    assert first["success"] is True
    assert first == again
    other = await api.post("/v1/telemetry", {**NAMED, "name": "llm.call.error"}, 201)
    assert other["event_id"] != first["event_id"]


async def test_put_is_answered_like_post(api: Api) -> None:
    async with api.client.put("/v1/telemetry", json=NAMED) as response:
        assert response.status == 201


async def test_run_is_created_once(api: Api) -> None:
    """The same event_id again is a duplicate, whatever else it says, also when both come at the same moment."""
    answers = await asyncio.gather(*(api.post("/api/v1/runs", {**RUN, "status": "running"}, 201) for _ in range(8)))
    assert sorted(answer["status"] for answer in answers) == ["created"] + ["duplicate"] * 7
    ended = await api.post("/api/v1/runs", {**RUN, "status": "success", "duration_ms": 5}, 201)
    assert ended == {"status": "duplicate", "event_id": "test-1", "message": "Event already exists (idempotent)"}
    assert await logs_stored(api.store) == 2


async def test_event_id_that_begins_another_is_not_it(api: Api) -> None:
    for event_id in ("a", "a#b", "a$", "A", "a%23b"):
        assert (await api.post("/api/v1/runs", {**RUN, "event_id": event_id}, 201))["status"] == "created"


async def test_batch_counts_duplicates_inside_and_before(api: Api) -> None:
    await api.post("/api/v1/runs", RUN, 201)
    batch = [RUN, {**RUN, "event_id": "2"}, {**RUN, "event_id": "2"}, {**RUN, "event_id": "3", "items_failed": -1}, 7]
    answer = await api.post("/api/v1/runs/batch", batch, 200)
    assert {key: answer[key] for key in ("inserted", "duplicates", "total")} == {"inserted": 1, "duplicates": 2, "total": 5}
    assert len(answer["errors"]) == 2


async def test_null_lists_are_empty_lists(api: Api) -> None:
    """A Go agent writes null for a nil slice."""
    answer = await api.post("/ingest", PAYLOAD, 200)
    assert answer["message"] == "Monitoring data received from server1"


async def test_agent_replays_its_buffer(api: Api) -> None:
    """After a failure the agent sends earlier lines again beside new ones, an hour late: each is stored once."""
    line = {"container": "/web", "message": "2025-10-09T08:00:00Z GET /", "timestamp": "2025-10-09T08:00:01Z"}
    await api.post("/ingest", {**PAYLOAD, "logs": [line, line]}, 200)
    api.clock.now += 3600 * 10**9
    later = {**line, "message": "2025-10-09T09:00:00Z GET /later"}
    await api.post("/ingest", {**PAYLOAD, "timestamp": "2025-10-09T09:00:00Z", "logs": [line, line, later]}, 200)
    await api.post("/ingest", {**PAYLOAD, "logs": [line, line]}, 200)
    records = (await api.store.find_logs(LogQuery(limit=100))).items
    lines = [record.body for record in records if record.event_name is None]
    assert sorted(map(str, lines)) == [line["message"], line["message"], later["message"]]


async def test_compressed_body_is_read(api: Api) -> None:
    body = gzip.compress(json.dumps([EVENT] * 3).encode())
    async with api.client.post("/api/v1/telemetry/batch", data=body, headers={hdrs.CONTENT_ENCODING: "gzip"}) as response:
        assert response.status == 202
        assert await response.json() == {"status": "accepted", "message": "3 events queued for processing"}


async def test_large_batch_is_answered(api: Api) -> None:
    """Translated in a thread: 2,000 distinct events."""
    batch = [{**EVENT, "data": {"number": number}} for number in range(2000)]
    await api.post("/api/v1/telemetry/batch", batch, 202)
    assert await logs_stored(api.store) == 2000


async def test_too_large_a_body_is_refused_in_the_style_of_its_system(aiohttp_client: AiohttpClient, store: SqliteStore) -> None:
    api = await serve(aiohttp_client, store, max_body_bytes=1000)
    async with api.client.post("/v1/telemetry", data=b" " * 1001) as response:
        assert response.status == 413
        assert "larger than 1000 bytes" in (await response.json())["error"]["message"]
    async with api.client.post("/api/v1/aggregator/metrics", data=b" " * 1001) as response:
        assert response.status == 413
        assert "larger than 1000 bytes" in (await response.json())["error"]


async def test_closed_store_is_a_503_with_a_time_to_come_back(api: Api) -> None:
    await api.store.aclose()
    async with api.client.post("/api/v1/runs", json=RUN) as response:
        assert response.status == 503
        assert response.headers[hdrs.RETRY_AFTER] == "1"
        assert "detail" in await response.json()


@pytest.mark.parametrize("age", [0, 3600])
async def test_signed_payload(aiohttp_client: AiohttpClient, store: SqliteStore, age: int) -> None:
    """With a secret only signed payloads are taken; the signed time may be as old as the window says."""
    api = await serve(aiohttp_client, store, signatures=SignaturePolicy(b"secret", 600))
    body, signed = json.dumps(PAYLOAD).encode(), str(NOW // 10**9 - age)
    signature = hmac.new(b"secret", signed.encode() + b"." + body, hashlib.sha256).hexdigest()
    headers = {"X-Agent-Signature": f"sha256={signature}", "X-Agent-Timestamp": signed}
    async with api.client.post("/ingest", data=body, headers=headers) as response:
        assert response.status == (200 if age == 0 else 401)
    async with api.client.post("/ingest", data=body) as response:
        assert response.status == 401


def test_every_write_endpoint_is_found_in_both_forms() -> None:
    paths = {path for dialect in DIALECTS for endpoint in dialect.endpoints for path in endpoint.paths}
    assert len(paths) == 2 * 11
    assert all(find_endpoint("POST", path) for path in paths)


async def test_device_registers_once(api: Api) -> None:
    device = {"name": "pc-7", "description": "a desk"}
    assert await api.post("/api/v1/aggregator/register_device", device, 201) == {"status": "success", **device}
    assert (await api.post("/api/v1/aggregator/register_device/", device, 409))["name"] == "pc-7"
    assert "name" in (await api.post("/api/v1/aggregator/register_device", {}, 400))["error"]
    assert await logs_stored(api.store) == 1


async def test_collectors_are_told_to_stop_and_to_go_on(api: Api) -> None:
    """By server-sent events: the state at once, and every change."""
    async with api.client.get("/api/v1/aggregator/control") as stream:
        assert stream.content_type == "text/event-stream"
        assert await stream.content.readuntil(b"\n\n") == b"data: RUNNING\n\n"
        assert (await api.post("/api/v1/aggregator/control/stop", {}, 200))["status"] == "success"
        assert await stream.content.readuntil(b"\n\n") == b"data: STOPPED\n\n"
        assert (await api.post("/api/v1/aggregator/control/start/", {}, 200))["status"] == "success"
        assert await stream.content.readuntil(b"\n\n") == b"data: RUNNING\n\n"
    assert (await api.post("/api/v1/aggregator/control/jump", {}, 400))["status"] == "error"
