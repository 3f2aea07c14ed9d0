"""The live stream tells every watcher of what was stored, only what they asked for, and says what it left out."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, cast

import orjson
import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from query import stream
from query.question import Limits
from storage.errors import StoreClosed
from tests.integration.api_harness import CHECKOUT, HEALTH, NOW, START, logs, resource, serve, traces, value, write

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from aiohttp import ClientResponse, web
    from aiohttp.test_utils import TestClient
    from pytest_aiohttp import AiohttpClient

    from storage.contract import Committed, Store
    from storage.sqlite.store import SqliteStore

pytestmark = pytest.mark.timeout(20)


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "GATHER_SECONDS", 0.05)


@pytest.fixture
async def client(aiohttp_client: AiohttpClient, store: SqliteStore) -> TestClient[web.Request, web.Application]:
    return await serve(aiohttp_client, store, limits=Limits(streams=2))


async def watch(client: TestClient[web.Request, web.Application], **parameters: str) -> ClientResponse:
    response = await client.get("/api/stream", params=parameters)
    assert response.status == 200
    assert response.content_type == "text/event-stream"
    assert await response.content.readuntil(b"\n\n") == b"retry: 3000\n: connected\n\n"
    return response


async def event(response: ClientResponse) -> tuple[str, Any]:
    while True:
        text = (await response.content.readuntil(b"\n\n")).decode()
        if not text.startswith(":"):
            name, data = text.rstrip("\n").split("\n")
            return name.removeprefix("event: "), orjson.loads(data.removeprefix("data: "))


def lines(number: int, time: int) -> ExportLogsServiceRequest:
    request = ExportLogsServiceRequest()
    records = request.resource_logs.add(resource=resource("shop")).scope_logs.add().log_records
    for place in range(number):
        records.add(time_unix_nano=time + place, body=value(f"line {place}"))
    return request


def many_traces(number: int, time: int, first: int = 0) -> ExportTraceServiceRequest:
    """Traces of one span, with the ids from `first` + 1 on."""
    request = ExportTraceServiceRequest()
    spans = request.resource_spans.add(resource=resource("shop")).scope_spans.add().spans
    for trace_id in range(first + 1, first + number + 1):
        id_ = trace_id.to_bytes(16, "big")
        spans.add(trace_id=id_, span_id=id_[8:], name="tick", start_time_unix_nano=time, end_time_unix_nano=time + 1)
    return request


async def test_new_traces_and_logs_are_told_of(client: TestClient[web.Request, web.Application], store: SqliteStore) -> None:
    response = await watch(client)
    await write(store, "traces", traces())
    told = [await event(response), await event(response)]
    assert {(name, data["trace_id"], data["span_count"]) for name, data in told} == {("trace", CHECKOUT, 2), ("trace", HEALTH, 1)}
    await write(store, "logs", logs())
    told = [await event(response), await event(response)]
    assert [(name, data["severity"]) for name, data in told] == [("log", "error2"), ("log", "info")]
    assert [data for _, data in reversed(told)] == await (await client.get("/api/logs")).json()


async def test_a_watcher_gets_only_the_service_and_signals_asked_for(
    client: TestClient[web.Request, web.Application], store: SqliteStore
) -> None:
    bank, only_logs = await watch(client, service="bank"), await watch(client, signals="logs", service="shop")
    await write(store, "traces", traces())
    await write(store, "logs", logs())
    assert (await event(bank))[1]["trace_id"] == CHECKOUT
    assert [(await event(only_logs))[0] for _ in range(2)] == ["log", "log"]


async def test_more_logs_than_the_stream_carries_are_counted(
    client: TestClient[web.Request, web.Application], store: SqliteStore
) -> None:
    response = await watch(client, signals="logs")
    await write(store, "logs", lines(stream.MOST_LOGS + 23, NOW))
    assert await event(response) == ("dropped", {"logs": 23})
    assert (await event(response))[0] == "log"


async def test_what_is_told_is_what_was_stored_however_old_it_is(
    client: TestClient[web.Request, web.Application], store: SqliteStore
) -> None:
    """Traces and logs of long ago, among newer ones that were told of before."""
    await write(store, "traces", many_traces(stream.MOST_TRACES, NOW))
    await write(store, "logs", lines(stream.MOST_LOGS, NOW))
    response = await watch(client)
    await write(store, "traces", many_traces(40, START - 10**15, first=stream.MOST_TRACES))
    told = [await event(response) for _ in range(40)]
    assert [data["trace_id"] for _, data in told] == [f"{stream.MOST_TRACES + number + 1:032x}" for number in range(40)]
    await write(store, "logs", lines(40, START - 10**15))
    told = [await event(response) for _ in range(40)]
    assert [data["body"] for _, data in told] == [f"line {number}" for number in range(40)]


async def test_more_traces_than_the_stream_carries_are_counted(
    client: TestClient[web.Request, web.Application], store: SqliteStore
) -> None:
    response = await watch(client, signals="traces")
    await write(store, "traces", many_traces(stream.MOST_TRACES + 7, NOW))
    assert await event(response) == ("dropped", {"traces": 7})
    assert (await event(response))[1]["trace_id"] == f"{8:032x}"


async def test_one_watcher_too_many_is_refused_and_a_place_is_free_again_after_one_left(
    client: TestClient[web.Request, web.Application],
) -> None:
    first, _second = await watch(client), await watch(client)
    refused = await client.get("/api/stream")
    assert refused.status == 503
    assert refused.headers["Retry-After"] == "1"
    assert (await refused.json())["error"]["code"] == "too_many_questions"
    first.close()
    broadcast = client.app[stream.BROADCAST]
    async with asyncio.timeout(5):
        while broadcast.watchers == 2:  # noqa: ASYNC110  the server learns of it when it next writes or reads
            await asyncio.sleep(0.01)
    assert (await client.get("/api/stream")).status == 200


async def test_a_silent_stream_is_kept_alive(
    client: TestClient[web.Request, web.Application], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "HEARTBEAT_SECONDS", 0.05)
    response = await watch(client)
    for _ in range(3):
        assert await response.content.readuntil(b"\n\n") == b": heartbeat\n\n"


async def test_a_store_that_closes_ends_the_stream(client: TestClient[web.Request, web.Application], store: SqliteStore) -> None:
    response = await watch(client)
    await store.aclose()
    assert await response.content.read() == b""


class ClosedStore:
    """Of a store only this: that it cannot be listened to."""

    async def listen(self) -> AsyncIterator[Committed]:
        raise StoreClosed("the store is closing")
        yield  # makes this the generator that the contract asks for


async def test_a_store_that_cannot_be_listened_to_ends_the_stream(
    aiohttp_client: AiohttpClient, caplog: pytest.LogCaptureFixture
) -> None:
    client = await serve(aiohttp_client, cast("Store", ClosedStore()))
    response = await client.get("/api/stream")
    assert await response.content.read() == b"retry: 3000\n: connected\n\n"
    assert "the store is closing" in caplog.text


async def test_a_server_that_stops_does_not_wait_for_watchers(client: TestClient[web.Request, web.Application]) -> None:
    response = await watch(client)
    async with asyncio.timeout(5):
        await client.server.close()
    assert await response.content.read() == b""


async def test_a_watcher_that_reads_too_slowly_loses_the_oldest_and_is_told() -> None:
    watcher = stream.Watcher(None, frozenset(["logs"]), limit=2)
    for number in range(5):
        watcher.offer(stream.Event("logs", ("shop",), b"%d\n\n" % number))
    assert watcher.take() == b'event: dropped\ndata: {"events":3}\n\n3\n\n4\n\n'
    assert watcher.take() == b""
