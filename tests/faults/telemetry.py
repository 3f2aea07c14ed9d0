"""Requests for tests of what a store writes, in few words: spans, log records and points → the batches of a receiver."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import TYPE_CHECKING, Any

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from storage.rows import batch_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from storage.batch import Batch

SECOND = 1_000_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR
# A whole hour, so that tests can place spans within minutes and hours.
NOW = 1_790_000_000 // 3600 * HOUR


@dataclass(frozen=True, slots=True)
class Span:
    """`trace`, `span` and `parent` are small numbers that become ids; `start` is in ns after NOW."""

    trace: int
    span: int
    parent: int | None = None
    name: str = "work"
    service: str = "shop"
    kind: int = 1
    start: int = 0
    duration: int = SECOND
    failed: bool = False
    ended: bool = True
    attributes: Mapping[str, str | int] = field(default_factory=dict)

    def but(self, **changes: Any) -> Span:
        return replace(self, **changes)


@dataclass(frozen=True, slots=True)
class Log:
    """`uid` is the sender's own identity for the record; `time` is in ns after NOW."""

    body: str = "hello"
    time: int = 0
    service: str = "shop"
    uid: str | None = None
    event: str = ""
    trace: int | None = None
    attributes: Mapping[str, str | int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Point:
    """A point of a gauge; `time` is in ns after NOW."""

    metric: str = "load"
    value: float = 1.0
    time: int = 0
    service: str = "shop"
    description: str = ""
    attributes: Mapping[str, str | int] = field(default_factory=dict)


def trace_id(number: int) -> str:
    return f"{0xACE:016x}{number:016x}"


def span_id(number: int) -> str:
    return f"{0x5EED:08x}{number:08x}"


def traces_body(spans: Iterable[Span]) -> bytes:
    """An ExportTraceServiceRequest; neighbours of one service share a resource."""
    request = ExportTraceServiceRequest()
    for service, group in groupby(spans, lambda span: span.service):
        of_resource = request.resource_spans.add()
        _set(of_resource.resource.attributes, {"service.name": service})
        of_scope = of_resource.scope_spans.add()
        of_scope.scope.name = "tests"
        for one in group:
            start = NOW + one.start
            sent = of_scope.spans.add(
                trace_id=bytes.fromhex(trace_id(one.trace)),
                span_id=bytes.fromhex(span_id(one.span)),
                parent_span_id=b"" if one.parent is None else bytes.fromhex(span_id(one.parent)),
                name=one.name,
                kind=one.kind,
                start_time_unix_nano=start,
                end_time_unix_nano=start + one.duration if one.ended else 0,
            )
            if one.failed:
                sent.status.code = 2  # type: ignore[assignment]  # protobuf takes the number of an enum
            _set(sent.attributes, one.attributes)
    return request.SerializeToString()


def logs_body(records: Iterable[Log]) -> bytes:
    """An ExportLogsServiceRequest."""
    request = ExportLogsServiceRequest()
    for service, group in groupby(records, lambda record: record.service):
        of_resource = request.resource_logs.add()
        _set(of_resource.resource.attributes, {"service.name": service})
        of_scope = of_resource.scope_logs.add()
        for one in group:
            sent = of_scope.log_records.add(time_unix_nano=NOW + one.time, event_name=one.event)
            sent.body.string_value = one.body
            if one.trace is not None:
                sent.trace_id = bytes.fromhex(trace_id(one.trace))
            _set(sent.attributes, {**one.attributes, **({} if one.uid is None else {"log.record.uid": one.uid})})
    return request.SerializeToString()


def metrics_body(points: Iterable[Point]) -> bytes:
    """An ExportMetricsServiceRequest."""
    request = ExportMetricsServiceRequest()
    for service, group in groupby(points, lambda point: point.service):
        of_resource = request.resource_metrics.add()
        _set(of_resource.resource.attributes, {"service.name": service})
        of_scope = of_resource.scope_metrics.add()
        for one in group:
            metric = of_scope.metrics.add(name=one.metric, description=one.description)
            sent = metric.gauge.data_points.add(time_unix_nano=NOW + one.time, as_double=one.value)
            _set(sent.attributes, one.attributes)
    return request.SerializeToString()


def spans_batch(spans: Iterable[Span], received: int = NOW) -> Batch:
    return batch_of("traces", traces_body(spans), received)


def logs_batch(records: Iterable[Log], received: int = NOW) -> Batch:
    return batch_of("logs", logs_body(records), received)


def metrics_batch(points: Iterable[Point], received: int = NOW) -> Batch:
    return batch_of("metrics", metrics_body(points), received)


def _set(attributes: Any, values: Mapping[str, str | int]) -> None:
    for key, value in values.items():
        pair = attributes.add(key=key)
        if isinstance(value, int):
            pair.value.int_value = value
        else:
            pair.value.string_value = value
