"""Gathers translated records into OTLP export requests: one group per resource and instrumentation scope.

Attribute names follow version 1.41.0 of the semantic conventions, the last whose registry holds the `gen_ai.*` names.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import InstrumentationScope
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord, ResourceLogs, ScopeLogs, SeverityNumber
from opentelemetry.proto.metrics.v1.metrics_pb2 import (
    AggregationTemporality,
    Metric,
    NumberDataPoint,
    ResourceMetrics,
    ScopeMetrics,
)
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span

from receiver.vendors.json_text import canonical_text
from receiver.vendors.values import (
    MAX_INT64,
    MIN_INT64,
    attributes,
    clean_text,
    encoded_attributes,
    encoded_messages,
    encoded_value,
    finite_number,
    severity_number,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from receiver.vendors.dialect import ExportRequest, Json, JsonObject, Signal

# Field tags of LogRecord.body, LogRecord.attributes, ScopeLogs.log_records and Span.attributes. Protobuf reads messages put
# behind each other as one, so a part may be added as bytes.
_RECORD_BODY, _RECORD_ATTRIBUTE, _SCOPE_RECORD, _SPAN_ATTRIBUTE = b"\x2a", b"\x32", b"\x12", b"\x4a"
SCHEMA_URL = "https://opentelemetry.io/schemas/1.41.0"


_OwnerKey: TypeAlias = "str | tuple[tuple[str, Json], ...]"


class Scope(NamedTuple):
    """Instrumentation scope of a dialect: tells where a record came from."""

    name: str
    version: str


@dataclass(frozen=True, slots=True)
class LogEntry:
    """A log record before it is protobuf. `original` is the exact text of the client's record, for primary records."""

    uid: str
    time_ns: int
    observed_time_ns: int
    body: Json
    attributes: JsonObject
    event_name: str = ""
    level: str = ""
    original: str | None = None
    trace_id: bytes = b""
    span_id: bytes = b""

    def encoded(self) -> bytes:
        """The log record as protobuf's bytes: its two large parts are never built as messages."""
        values = dict(self.attributes)
        values["log.record.uid"] = self.uid
        if self.original is not None:
            values["log.record.original"] = self.original
        record = LogRecord(
            time_unix_nano=self.time_ns,
            observed_time_unix_nano=self.observed_time_ns,
            severity_number=SeverityNumber.ValueType(severity_number(self.level)),
            severity_text=clean_text(self.level),
            event_name=clean_text(self.event_name),
            trace_id=self.trace_id,
            span_id=self.span_id,
        )
        return record.SerializeToString() + encoded_value(self.body, _RECORD_BODY) + encoded_attributes(values, _RECORD_ATTRIBUTE)


@dataclass(frozen=True, slots=True)
class Point:
    """One number of a metric: a gauge, or a sum that may fall."""

    name: str
    unit: str
    value: float
    time_ns: int
    attributes: JsonObject = field(default_factory=dict)
    description: str = ""
    kind: Literal["gauge", "sum"] = "gauge"

    def data_point(self) -> NumberDataPoint:
        point = NumberDataPoint(time_unix_nano=self.time_ns, attributes=attributes(self.attributes))
        if isinstance(self.value, int) and MIN_INT64 <= self.value <= MAX_INT64:
            point.as_int = self.value
        else:
            point.as_double = float(self.value)
        return point


class Exports:
    """Collects records of one request; every list keeps the order of arrival."""

    def __init__(self) -> None:
        self._spans: dict[tuple[Scope, _OwnerKey], tuple[JsonObject, list[Span]]] = {}
        self._points: dict[tuple[Scope, _OwnerKey], tuple[JsonObject, list[Point]]] = {}
        self._logs: dict[tuple[Scope, _OwnerKey], tuple[JsonObject, list[bytes]]] = {}

    def add_log(self, scope: Scope, resource: JsonObject, entry: LogEntry) -> None:
        self._logs.setdefault((scope, _owner_key(resource)), (resource, []))[1].append(entry.encoded())

    def add_span(self, scope: Scope, resource: JsonObject, span: Span) -> None:
        self._spans.setdefault((scope, _owner_key(resource)), (resource, []))[1].append(span)

    def add_point(self, scope: Scope, resource: JsonObject, point: Point) -> None:
        if finite_number(point.value) is None:
            return  # an integer beyond the range of doubles: only its text, in the log record, can say it
        self._points.setdefault((scope, _owner_key(resource)), (resource, []))[1].append(point)

    def requests(self) -> tuple[tuple[Signal, ExportRequest], ...]:
        """The messages, logs first: they are the primary records, the others can be derived from them."""
        found: list[tuple[Signal, ExportRequest]] = []
        if self._logs:
            found.append(("logs", self._logs_request()))
        if self._spans:
            found.append(("traces", self._spans_request()))
        if self._points:
            found.append(("metrics", self._metrics_request()))
        return tuple(found)

    def _logs_request(self) -> ExportLogsServiceRequest:
        return ExportLogsServiceRequest(
            resource_logs=[
                ResourceLogs(
                    resource=Resource(attributes=attributes(resource)),
                    scope_logs=[_scope_logs(scope, records)],
                    schema_url=SCHEMA_URL,
                )
                for (scope, _), (resource, records) in self._logs.items()
            ]
        )

    def _spans_request(self) -> ExportTraceServiceRequest:
        return ExportTraceServiceRequest(
            resource_spans=[
                ResourceSpans(
                    resource=Resource(attributes=attributes(resource)),
                    scope_spans=[ScopeSpans(scope=_scope(scope), spans=spans, schema_url=SCHEMA_URL)],
                    schema_url=SCHEMA_URL,
                )
                for (scope, _), (resource, spans) in self._spans.items()
            ]
        )

    def _metrics_request(self) -> ExportMetricsServiceRequest:
        return ExportMetricsServiceRequest(
            resource_metrics=[
                ResourceMetrics(
                    resource=Resource(attributes=attributes(resource)),
                    scope_metrics=[ScopeMetrics(scope=_scope(scope), metrics=_metrics(points), schema_url=SCHEMA_URL)],
                    schema_url=SCHEMA_URL,
                )
                for (scope, _), (resource, points) in self._points.items()
            ]
        )


def _owner_key(resource: JsonObject) -> _OwnerKey:
    """Equal for equal resources. 1, 1.0 and true are not equal, so only texts may stand for themselves."""
    if all(type(value) is str for value in resource.values()):
        return tuple(resource.items())
    return canonical_text(resource)


def add_attributes(span: Span, values: JsonObject) -> None:
    span.MergeFromString(encoded_attributes(values, _SPAN_ATTRIBUTE))


def _scope_logs(scope: Scope, records: Sequence[bytes]) -> ScopeLogs:
    owner = ScopeLogs(scope=_scope(scope), schema_url=SCHEMA_URL)
    return ScopeLogs.FromString(owner.SerializeToString() + encoded_messages(records, _SCOPE_RECORD))


def _scope(scope: Scope) -> InstrumentationScope:
    return InstrumentationScope(name=scope.name, version=scope.version)


def _metrics(points: Sequence[Point]) -> list[Metric]:
    metrics: dict[str, Metric] = {}
    for point in points:
        name = clean_text(point.name)
        metric = metrics.setdefault(name, Metric(name=name, unit=point.unit, description=clean_text(point.description)))
        if point.kind == "sum":
            metric.sum.aggregation_temporality = AggregationTemporality.AGGREGATION_TEMPORALITY_CUMULATIVE
            metric.sum.data_points.append(point.data_point())
        else:
            metric.gauge.data_points.append(point.data_point())
    return list(metrics.values())
