"""Proves that the list of services has everyone who sent spans, logs or metrics, with when they were first and last seen.

What is noted of logs and metrics is kept in the transaction that stores them, is exact for each service of a request, and goes
with the data when that grows too old.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.resource.v1.resource_pb2 import Resource

from storage.contract import ServiceSummary, TimeRange
from storage.rows import batch_of
from storage.sqlite.connect import connect_writer
from storage.sqlite.upkeep.retention import DAY_NS, Retention, RetentionSettings
from tests.integration.api_harness import NOW, SECOND, START, resource, serve, traces, value

if TYPE_CHECKING:
    from google.protobuf.message import Message
    from pytest_aiohttp import AiohttpClient

    from storage.sqlite.store import SqliteStore


def logs_of(**seconds: list[int]) -> ExportLogsServiceRequest:
    """One request: by service, when its records were written; "nobody" has no service name."""
    request = ExportLogsServiceRequest()
    for service, times in seconds.items():
        owner = Resource() if service == "nobody" else resource(service)
        records = request.resource_logs.add(resource=owner).scope_logs.add().log_records
        for time in times:
            records.add(time_unix_nano=START + time * SECOND, body=value(f"{service} {time}"))
    return request


def metrics_of(**seconds: list[int]) -> ExportMetricsServiceRequest:
    request = ExportMetricsServiceRequest()
    for service, times in seconds.items():
        metric = request.resource_metrics.add(resource=resource(service)).scope_metrics.add().metrics.add(name="load")
        for time in times:
            metric.gauge.data_points.add(time_unix_nano=START + time * SECOND, as_double=0.5)
    return request


async def write(store: SqliteStore, signal: str, *requests: Message) -> None:
    for request in requests:
        await store.write(batch_of(signal, request.SerializeToString(), NOW))


async def seen(store: SqliteStore, time_range: TimeRange | None = None) -> dict[str | None, tuple[float, float]]:
    """By service: first and last seen, in seconds since START."""
    found = await store.services(time_range or TimeRange())
    return {one.name: ((one.first_seen - START) / SECOND, (one.last_seen - START) / SECOND) for one in found}


async def test_a_service_that_sends_no_spans_is_listed(store: SqliteStore) -> None:
    await write(store, "traces", traces())
    await write(store, "logs", logs_of(mailer=[5]))
    await write(store, "metrics", metrics_of(meter=[7, 9]))
    found = {one.name: one for one in await store.services(TimeRange())}
    assert list(found) == ["bank", "mailer", "meter", "shop"]
    assert found["mailer"] == ServiceSummary("mailer", 0, 0, START + 5 * SECOND, START + 5 * SECOND)
    assert found["meter"] == ServiceSummary("meter", 0, 0, START + 7 * SECOND, START + 9 * SECOND)


async def test_first_and_last_seen_are_of_all_signals_whatever_their_order(store: SqliteStore) -> None:
    await write(store, "logs", logs_of(shop=[500, 400]), logs_of(shop=[450]), logs_of(shop=[600]))
    await write(store, "traces", traces())
    await write(store, "metrics", metrics_of(shop=[-30]), metrics_of(shop=[20]))
    assert (await seen(store))["shop"] == (-30, 600)


async def test_services_of_one_request_are_told_apart(store: SqliteStore) -> None:
    await write(store, "logs", logs_of(mailer=[1, 4], printer=[2], nobody=[3]))
    await write(store, "metrics", metrics_of(mailer=[9], meter=[8, 7]))
    assert await seen(store) == {None: (3, 3), "mailer": (1, 9), "meter": (7, 8), "printer": (2, 2)}


async def test_only_what_lies_in_the_range_counts(store: SqliteStore) -> None:
    await write(store, "logs", logs_of(early=[0, 10], late=[100], long=[0, 100]))
    asked = TimeRange(START + 20 * SECOND, START + 100 * SECOND)
    assert await seen(store, asked) == {"long": (20, 100 - 1 / SECOND)}
    assert await seen(store, TimeRange(START + 10 * SECOND)) == {"early": (10, 10), "late": (100, 100), "long": (10, 100)}


async def test_what_is_refused_or_sent_again_leaves_no_note(store: SqliteStore) -> None:
    refused = metrics_of(meter=[1])
    refused.resource_metrics[0].scope_metrics[0].metrics[0].gauge.data_points[0].time_unix_nano = 0
    await write(store, "metrics", refused)
    assert await seen(store) == {}
    await write(store, "logs", logs_of(mailer=[5]), logs_of(mailer=[5]))
    assert await seen(store) == {"mailer": (5, 5)}


@pytest.mark.parametrize(("age", "kept"), [(29, True), (31, False)])
async def test_a_note_goes_with_the_data(store: SqliteStore, age: int, kept: bool) -> None:
    await write(store, "logs", logs_of(mailer=[5]))
    work = Retention(RetentionSettings(max_age_days=30)).work(NOW + age * DAY_NS)
    connection = connect_writer(store.path)
    try:
        while not work(connection):
            pass
    finally:
        connection.close()
    assert list(await seen(store)) == (["mailer"] if kept else [])


async def test_the_api_lists_them(aiohttp_client: AiohttpClient, store: SqliteStore) -> None:
    client = await serve(aiohttp_client, store)
    await write(store, "logs", logs_of(mailer=[5, 6]))
    answer: list[dict[str, Any]] = await (await client.get("/api/services")).json()
    assert answer == [
        {
            "name": "mailer",
            "span_count": 0,
            "error_count": 0,
            "error_rate": 0.0,
            "first_seen": "2025-10-09T08:53:25.000000000Z",
            "last_seen": "2025-10-09T08:53:26.000000000Z",
        }
    ]
