"""What the tests of the receiver share: a receiver on real sockets before a real store, requests for it, and raw HTTP."""

from __future__ import annotations

import asyncio
import io
import json
import secrets
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from receiver.signals import LOGS, TRACES

if TYPE_CHECKING:
    import aiohttp
    import grpc
    from google.protobuf.message import Message

    from receiver.grpc import GrpcServer
    from receiver.http_server import HttpServer
    from receiver.ingest import Ingest
    from receiver.signals import Signal
    from storage.sqlite.store import SqliteStore

PROTOBUF = "application/x-protobuf"
JSON = "application/json"


def traces(spans: int = 1, *, name: str = "work", attribute_bytes: int = 0) -> ExportTraceServiceRequest:
    request = ExportTraceServiceRequest()
    for _ in range(spans):
        add_span(request, name=name, attribute_bytes=attribute_bytes)
    return request


def add_span(
    request: ExportTraceServiceRequest, *, name: str = "work", trace_id: bytes | None = None, attribute_bytes: int = 0
) -> None:
    if not request.resource_spans:
        scope_spans = request.resource_spans.add().scope_spans.add()
        scope_spans.scope.name = "tests"
    now = time.time_ns()
    span = (
        request.resource_spans[0]
        .scope_spans[0]
        .spans.add(
            trace_id=secrets.token_bytes(16) if trace_id is None else trace_id,
            span_id=secrets.token_bytes(8),
            name=name,
            start_time_unix_nano=now,
            end_time_unix_nano=now + 1_000_000,
        )
    )
    if attribute_bytes:
        span.attributes.add(key="filler").value.string_value = "x" * attribute_bytes


def logs(records: int = 1) -> ExportLogsServiceRequest:
    request = ExportLogsServiceRequest()
    scope_logs = request.resource_logs.add().scope_logs.add()
    for _ in range(records):
        record = scope_logs.log_records.add(time_unix_nano=time.time_ns(), severity_number=9)
        record.body.string_value = f"said {secrets.token_hex(8)}"
    return request


def metrics(points: int = 1) -> ExportMetricsServiceRequest:
    request = ExportMetricsServiceRequest()
    metric = request.resource_metrics.add().scope_metrics.add().metrics.add(name=f"gauge.{secrets.token_hex(8)}")
    for _ in range(points):
        metric.gauge.data_points.add(time_unix_nano=time.time_ns(), as_double=1.5)
    return request


def one_item(signal: Signal) -> Message:
    if signal is TRACES:
        return traces()
    return logs() if signal is LOGS else metrics()


def span_json(**changes: Any) -> dict[str, Any]:
    """A traces request in OTLP/JSON with one span."""
    now = time.time_ns()
    span = {
        "traceId": secrets.token_hex(16),
        "spanId": secrets.token_hex(8),
        "name": "work",
        "startTimeUnixNano": str(now),
        "endTimeUnixNano": str(now + 1_000_000),
    }
    return {"resourceSpans": [{"scopeSpans": [{"spans": [span | changes]}]}]}


def one_item_json(signal: Signal) -> dict[str, Any]:
    now = str(time.time_ns())
    if signal is TRACES:
        return span_json()
    if signal is LOGS:
        return {"resourceLogs": [{"scopeLogs": [{"logRecords": [{"timeUnixNano": now, "body": {"stringValue": "said"}}]}]}]}
    gauge = {"dataPoints": [{"timeUnixNano": now, "asDouble": 1.5}]}
    return {"resourceMetrics": [{"scopeMetrics": [{"metrics": [{"name": "gauge", "gauge": gauge}]}]}]}


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def content_type(self) -> str:
        return self.headers["content-type"]

    def error(self) -> Status:
        """The body as google.rpc.Status, in the encoding that the answer says it has."""
        if self.content_type != JSON:
            return Status.FromString(self.body)
        given = json.loads(self.body)
        assert set(given) <= {"code", "message", "details"}
        return Status(code=given["code"], message=given["message"])


@dataclass
class Receiver:
    """A running receiver. `session` is a plain HTTP client that adds no Content-Type of its own."""

    store: SqliteStore
    ingest: Ingest
    http: HttpServer
    grpc: GrpcServer
    session: aiohttp.ClientSession

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.http.port}"

    @property
    def grpc_target(self) -> str:
        return f"127.0.0.1:{self.grpc.port}"

    async def request(self, method: str, path: str, body: bytes | None = None, /, **headers: str) -> Answer:
        """Send; keywords are headers with `_` for `-`."""
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        data = None if body is None else io.BytesIO(body)  # the client warns of large bytes
        async with self.session.request(method, f"{self.url}{path}", data=data, headers=names, allow_redirects=False) as response:
            found = {name.lower(): value for name, value in response.headers.items()}
            return Answer(response.status, found, await response.read())

    async def post(self, path: str, body: bytes, content_type: str = PROTOBUF, **headers: str) -> Answer:
        return await self.request("POST", path, body, Content_Type=content_type, **headers)

    async def post_json(self, path: str, body: object, **headers: str) -> Answer:
        return await self.post(path, json.dumps(body).encode(), JSON, **headers)

    async def stored(self) -> dict[str, int]:
        statistics = await self.store.statistics()
        return {"traces": statistics.spans, "logs": statistics.logs, "metrics": statistics.metric_points}


def export_method(channel: grpc.aio.Channel, signal: Signal = TRACES) -> Any:
    """Export of one signal, bytes in and bytes out."""
    return channel.unary_unary(f"/{signal.service}/Export", request_serializer=bytes, response_deserializer=bytes)


async def raw(port: int, sent: bytes, *, then_close: bool = False) -> bytes:
    """Send bytes as they are; everything that comes back until the server closes, or falls silent for a moment."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(sent)
        await writer.drain()
        if then_close:
            return b""
        received = b""
        try:
            async with asyncio.timeout(5):
                while chunk := await asyncio.wait_for(reader.read(65536), 0.5):
                    received += chunk
        except TimeoutError:
            pass
        return received
    finally:
        writer.close()


def http_request(path: str, body: bytes, *headers: str, version: str = "1.1") -> bytes:
    head = [f"POST {path} HTTP/{version}", "Host: localhost", f"Content-Type: {PROTOBUF}", *headers]
    if not any(header.lower().startswith(("content-length", "transfer-encoding")) for header in headers):
        head.append(f"Content-Length: {len(body)}")
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body


def chunked(*chunks: bytes) -> bytes:
    return b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks) + b"0\r\n\r\n"
