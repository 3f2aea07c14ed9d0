"""Forwarding from one real store to another, over HTTP and gRPC: all fields arrive, nothing is lost, nothing is doubled.

The upstream is otlpd itself, or a server that answers as a script says where a certain answer is wanted.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from typing import TYPE_CHECKING, Any

import pytest
import trustme
from aiohttp import web
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest, ExportLogsServiceResponse
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest

from exporter.exporter import Exporter
from exporter.outcomes import Backoff, Outcome
from exporter.senders import sender_to
from exporter.settings import BadUpstream, Pace, Upstream
from receiver.settings import TlsSettings
from storage.contract import LogQuery, SpanQuery
from storage.rows import batch_of
from storage.rows.to_otlp import logs_request, traces_request
from storage.rows.to_otlp_metrics import metrics_request
from storage.sqlite.store import SqliteSettings, SqliteStore, open_store
from storage.sqlite.upkeep.retention import RetentionSettings
from tests.integration import api_harness

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from pathlib import Path

    from pytest_aiohttp import AiohttpServer

    from storage.contract import Signal
    from storage.export_contract import ExportPosition
    from tests.integration.conftest import StartReceiver
    from tests.integration.otlp_harness import Receiver

FAST = Pace(rows=100, first_wait_seconds=0.02, longest_wait_seconds=0.1, idle_seconds=0.05)
NOW = api_harness.NOW


@pytest.fixture
async def source(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    """The store that is forwarded, with its exporter registered."""
    opened = await open_store(SqliteSettings(tmp_path / "source.db"))
    await opened.register_exporter("test")
    yield opened
    await opened.aclose()


@contextlib.asynccontextmanager
async def running(source: SqliteStore, upstream: Upstream, pace: Pace = FAST) -> AsyncIterator[Exporter]:
    exporter = Exporter("test", source, upstream, pace)
    task = asyncio.create_task(exporter.run())
    try:
        yield exporter
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        await exporter.aclose()


async def positions(source: SqliteStore) -> dict[str, ExportPosition]:
    return {position.queue: position for position in await source.export_positions()}


async def until(condition: Callable[[], Awaitable[bool]], seconds: float = 20.0) -> None:
    async with asyncio.timeout(seconds):
        while not await condition():  # noqa: ASYNC110  what is waited for lies in a file
            await asyncio.sleep(0.02)


async def drained(source: SqliteStore) -> None:
    async def nothing_waits() -> bool:
        return all(position.pending == 0 for position in await source.export_positions())

    await until(nothing_waits)


def log_lines(first: int, count: int) -> bytes:
    """Records without any identity of their own."""
    request = ExportLogsServiceRequest()
    records = request.resource_logs.add(resource=api_harness.resource("shop")).scope_logs.add().log_records
    for number in range(first, first + count):
        records.add(time_unix_nano=NOW + number).body.string_value = f"line {number}"
    return request.SerializeToString()


async def write_lines(store: SqliteStore, first: int, count: int) -> None:
    await store.write(batch_of("logs", log_lines(first, count), NOW + first))


async def write_gauges(store: SqliteStore, times: list[int]) -> None:
    request = ExportMetricsServiceRequest()
    gauge = request.resource_metrics.add(resource=api_harness.resource("shop")).scope_metrics.add().metrics.add(name="g").gauge
    for moment in times:
        gauge.data_points.add(time_unix_nano=moment, as_double=1.5)
    await store.write(batch_of("metrics", request.SerializeToString(), time.time_ns()))


async def line_count(store: SqliteStore) -> int:
    return (await store.statistics()).logs


async def everything(store: SqliteStore) -> dict[str, Any]:
    """What a store holds, as OTLP."""
    spans = (await store.find_spans(SpanQuery(limit=1000))).items
    logs = (await store.find_logs(LogQuery(limit=1000))).items
    points = await store.export_batch("points", 0, 10_000)
    assert points is not None
    return {
        "traces": sorted(map(str, traces_request(spans).resource_spans)),
        "logs": sorted(map(str, logs_request(logs).resource_logs)),
        "metrics": sorted(map(str, metrics_request(points.records).resource_metrics)),  # type: ignore[arg-type]
    }


@pytest.mark.parametrize("protocol", ["http", "grpc"])
@pytest.mark.parametrize("compress", [True, False])
async def test_all_signals_arrive_unchanged(
    source: SqliteStore, store: SqliteStore, receiver: Receiver, protocol: str, compress: bool
) -> None:
    await store.register_exporter("so that points are noted")
    url = f"http://127.0.0.1:{receiver.http.port}" if protocol == "http" else f"grpc://127.0.0.1:{receiver.grpc.port}"
    await api_harness.write_story(source)
    sent = await everything(source)
    async with running(source, Upstream(url, compress=compress)):
        await drained(source)
    assert await everything(store) == sent
    found = await positions(source)
    assert {queue: position.sent for queue, position in found.items()} == {"spans": 3, "logs": 2, "points": 4, "changes": 0}
    assert all(position.rejected == position.lost == 0 for position in found.values())


async def test_what_was_there_before_is_not_sent(tmp_path: Path, store: SqliteStore, receiver: Receiver) -> None:
    """An exporter begins with what arrives after it was made known, for every signal alike."""
    source = await open_store(SqliteSettings(tmp_path / "old.db"))
    await api_harness.write_story(source)
    await source.register_exporter("test")
    async with running(source, Upstream(f"http://127.0.0.1:{receiver.http.port}")):
        await drained(source)
        await write_lines(source, 0, 3)
        await drained(source)
    await source.aclose()
    statistics = await store.statistics()
    assert (statistics.spans, statistics.logs, statistics.metric_points) == (0, 3, 0)


async def test_rows_that_came_while_it_was_off_are_sent(tmp_path: Path, store: SqliteStore, receiver: Receiver) -> None:
    """Points too, and across a restart of the source: being registered is what counts."""
    path = tmp_path / "restarted.db"
    source = await open_store(SqliteSettings(path))
    await source.register_exporter("test")
    await source.aclose()
    source = await open_store(SqliteSettings(path))
    await api_harness.write_story(source)
    await source.aclose()
    source = await open_store(SqliteSettings(path))
    async with running(source, Upstream(f"http://127.0.0.1:{receiver.http.port}")):
        await drained(source)
    await source.aclose()
    statistics = await store.statistics()
    assert (statistics.spans, statistics.logs, statistics.metric_points) == (3, 2, 4)


async def test_upstream_that_is_down_for_a_while(
    source: SqliteStore, store: SqliteStore, start_receiver: StartReceiver, unused_tcp_port: int
) -> None:
    async with running(source, Upstream(f"http://127.0.0.1:{unused_tcp_port}")) as exporter:
        await write_lines(source, 0, 250)

        async def retried() -> bool:
            return exporter.progress.retries > 2

        await until(retried)
        state = await exporter.state()
        assert (state["state"], state["queues"]["logs"]["pending"]) == ("retrying", 250)
        assert "refused" in state["last_error"].lower() or "connect" in state["last_error"].lower()
        await start_receiver(http_port=unused_tcp_port)
        await drained(source)
        assert (await exporter.state())["state"] == "idle"
    assert await line_count(store) == 250


async def test_changed_span_is_sent_again(source: SqliteStore, store: SqliteStore, receiver: Receiver) -> None:
    """A span that was told without its end, and then with it."""
    request = api_harness.traces()
    root = request.resource_spans[0].scope_spans[0].spans[0]
    end, root.end_time_unix_nano = root.end_time_unix_nano, 0
    async with running(source, Upstream(f"http://127.0.0.1:{receiver.http.port}")):
        await source.write(batch_of("traces", request.SerializeToString(), NOW))
        await drained(source)
        root.end_time_unix_nano = end
        await source.write(batch_of("traces", request.SerializeToString(), NOW + 1))
        await drained(source)
    [span] = [span for span in (await store.find_spans(SpanQuery())).items if span.span_id == api_harness.ROOT]
    assert span.end_time == end


class _DiesAfterSending:
    """Reaches the real upstream; then the exporter is gone before it can note that."""

    def __init__(self, upstream: Upstream) -> None:
        self._sender = sender_to(upstream)
        self.sent = 0

    async def send(self, signal: Signal, body: bytes) -> Outcome:
        outcome = await self._sender.send(signal, body)
        assert outcome.kind == "accepted"
        self.sent += 1
        await asyncio.Event().wait()
        return outcome

    async def aclose(self) -> None:
        await self._sender.aclose()


@pytest.mark.parametrize("protocol", ["http", "grpc"])
async def test_crash_between_answer_and_note_doubles_nothing(
    source: SqliteStore, store: SqliteStore, receiver: Receiver, protocol: str
) -> None:
    """Records have no identity, and more of them have come meanwhile: the announced request is sent again as it was."""
    url = f"http://127.0.0.1:{receiver.http.port}" if protocol == "http" else f"grpc://127.0.0.1:{receiver.grpc.port}"
    upstream = Upstream(url)
    await write_lines(source, 0, 40)
    dying = _DiesAfterSending(upstream)
    exporter = Exporter("test", source, upstream, FAST, sender=dying)
    task = asyncio.create_task(exporter.run())

    async def sent() -> bool:
        return dying.sent == 1

    await until(sent)
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    await exporter.aclose()
    await write_lines(source, 40, 30)
    async with running(source, upstream):
        await drained(source)
    assert await line_count(store) == 70


def scripted(answers: list[web.Response], bodies: list[bytes]) -> web.Application:
    """Gives the answers in turn, and then accepts."""

    async def answer(request: web.Request) -> web.Response:
        bodies.append(await request.read())
        return answers.pop(0) if answers else web.Response()

    app = web.Application(client_max_size=2**26)
    app.router.add_post("/base/v1/logs", answer)
    return app


async def test_retry_after_is_kept(source: SqliteStore, aiohttp_server: AiohttpServer) -> None:
    bodies: list[bytes] = []
    server = await aiohttp_server(scripted([web.Response(status=503, headers={"Retry-After": "0.5"})], bodies))
    await write_lines(source, 0, 1)
    started = asyncio.get_running_loop().time()
    async with running(source, Upstream(str(server.make_url("/base/")), compress=False)):
        await drained(source)
    assert asyncio.get_running_loop().time() - started >= 0.5
    assert len(bodies) == 2
    assert bodies[0] == bodies[1]


async def test_refused_request_is_counted_and_does_not_stop_the_rest(source: SqliteStore, aiohttp_server: AiohttpServer) -> None:
    bodies: list[bytes] = []
    server = await aiohttp_server(scripted([web.Response(status=400, text="no such thing")], bodies))
    async with running(source, Upstream(str(server.make_url("/base")))) as exporter:
        await write_lines(source, 0, 2)
        await drained(source)
        await write_lines(source, 2, 3)
        await drained(source)
        state = await exporter.state()
    assert state["last_error"] == "HTTP 400: no such thing"
    assert state["queues"]["logs"] == {"sent": 3, "pending": 0, "rejected": 2, "lost": 0}


@pytest.mark.parametrize("status", [401, 403, 404, 500])
async def test_what_a_person_can_cure_is_tried_again(source: SqliteStore, aiohttp_server: AiohttpServer, status: int) -> None:
    server = await aiohttp_server(scripted([web.Response(status=status) for _ in range(3)], []))
    await write_lines(source, 0, 2)
    async with running(source, Upstream(str(server.make_url("/base")))):
        await drained(source)
    assert (await positions(source))["logs"].sent == 2


async def test_too_large_a_request_goes_in_halves(source: SqliteStore, aiohttp_server: AiohttpServer) -> None:
    bodies: list[bytes] = []
    server = await aiohttp_server(scripted([web.Response(status=413) for _ in range(2)], bodies))
    await write_lines(source, 0, 80)
    async with running(source, Upstream(str(server.make_url("/base")), compress=False)):
        await drained(source)
    sent = [len(ExportLogsServiceRequest.FromString(body).resource_logs[0].scope_logs[0].log_records) for body in bodies]
    assert sent[:3] == [80, 40, 20]
    assert sum(sent[2:]) == 80
    assert (await positions(source))["logs"].sent == 80


async def test_partial_success_is_counted(source: SqliteStore, aiohttp_server: AiohttpServer) -> None:
    partial = ExportLogsServiceResponse()
    partial.partial_success.rejected_log_records, partial.partial_success.error_message = 1, "one is bad"
    server = await aiohttp_server(scripted([web.Response(body=partial.SerializeToString())], []))
    await write_lines(source, 0, 5)
    async with running(source, Upstream(str(server.make_url("/base")))):
        await drained(source)
    position = (await positions(source))["logs"]
    assert (position.sent, position.rejected) == (4, 1)


async def test_requests_stay_below_their_size(source: SqliteStore, aiohttp_server: AiohttpServer) -> None:
    bodies: list[bytes] = []
    server = await aiohttp_server(scripted([], bodies))
    await write_lines(source, 0, 300)
    pace = Pace(rows=300, request_bytes=2000, first_wait_seconds=0.02, idle_seconds=0.05)
    async with running(source, Upstream(str(server.make_url("/base")), compress=False), pace):
        await drained(source)
    assert max(map(len, bodies)) <= 2000
    assert (await positions(source))["logs"].sent == 300


async def test_rows_removed_before_they_were_sent_are_counted(tmp_path: Path) -> None:
    """Retention by size does not wait for an upstream, but says what that cost; what was sent is no loss."""
    settings = SqliteSettings(
        tmp_path / "bounded.db", retention=RetentionSettings(max_age_days=None, max_size_bytes=3 * 2**20), upkeep_seconds=0.1
    )
    source = await open_store(settings)
    await source.register_exporter("test")
    for number in range(40):
        await write_lines(source, number * 1000, 1000)

    async def some_lost() -> bool:
        position = (await positions(source))["logs"]
        return position.lost > 0 and position.lost + await line_count(source) == 40_000

    await until(some_lost, 40.0)
    await source.aclose()


async def test_points_removed_before_they_were_sent_are_counted(tmp_path: Path, store: SqliteStore, receiver: Receiver) -> None:
    """Each point of the past either arrives or is counted as lost."""
    settings = SqliteSettings(tmp_path / "short.db", retention=RetentionSettings(max_age_days=1), upkeep_seconds=0.1)
    source = await open_store(settings)
    await source.register_exporter("test")
    await write_gauges(source, [time.time_ns() - 2 * 86_400 * 10**9 + number for number in range(30)])
    await write_gauges(source, [time.time_ns() + number for number in range(20)])

    async def old_ones_are_gone() -> bool:
        return (await source.statistics()).metric_points == 20

    await until(old_ones_are_gone)
    async with running(source, Upstream(f"http://127.0.0.1:{receiver.http.port}")):
        await drained(source)
    position = (await positions(source))["points"]
    assert (position.sent, position.lost) == (20, 30)
    assert (await store.statistics()).metric_points == 20
    await source.aclose()


async def test_headers_and_tls(source: SqliteStore, store: SqliteStore, start_receiver: StartReceiver, tmp_path: Path) -> None:
    """A private authority, a client's certificate, and a key that every request carries; over both protocols."""
    authority = trustme.CA()
    files = {name: tmp_path / f"{name}.pem" for name in ("ca", "cert", "key")}
    authority.cert_pem.write_to_path(str(files["ca"]))
    certificate = authority.issue_cert("localhost", "127.0.0.1")
    certificate.cert_chain_pems[0].write_to_path(str(files["cert"]))
    certificate.private_key_pem.write_to_path(str(files["key"]))
    seen: list[str | None] = []

    def authorize(headers: Any, _scope: str) -> None:
        seen.append(headers.get("x-api-key"))

    tls = TlsSettings(files["cert"], files["key"], files["ca"])
    receiver = await start_receiver(tls=tls, authorize=authorize)
    for number, url in enumerate((f"https://localhost:{receiver.http.port}", f"grpcs://localhost:{receiver.grpc.port}")):
        await write_lines(source, number, 1)
        upstream = Upstream(url, headers={"X-Api-Key": "k"}, ca_file=files["ca"], cert_file=files["cert"], key_file=files["key"])
        async with running(source, upstream):
            await drained(source)
    assert await line_count(store) == 2
    assert seen == ["k", "k"]


def test_waits_double_and_are_bounded() -> None:
    backoff = Backoff(Pace(first_wait_seconds=1, longest_wait_seconds=8), random.Random(1))
    waits = [backoff.next_wait(None) for _ in range(6)]
    for wait, whole in zip(waits, (1, 2, 4, 8, 8, 8), strict=True):
        assert whole / 2 <= wait <= whole
    assert len(set(waits)) == 6
    assert backoff.next_wait(100) == 100
    assert backoff.next_wait(10**6) == 300


@pytest.mark.parametrize("url", ["localhost:4317", "ftp://host", "http://", "http://host/?a=1"])
def test_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(BadUpstream):
        Upstream(url)


def test_password_in_an_address_is_not_shown() -> None:
    upstream = Upstream("http://me:secret@host/base", headers={"authorization": "secret"})
    assert "secret" not in upstream.shown
    assert "secret" not in repr(upstream.headers) or "secret" not in repr(upstream).replace(upstream.url, "")
    assert upstream.base == "http://host:4318/base"
