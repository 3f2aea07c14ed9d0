"""Reads a request into the form of the answer files, straight from the protobuf message.

A second, plain way to the same facts: it shares no code with the daemon and none with the story that the clients tell,
so an answer that agrees with both is right about its request.
"""

from __future__ import annotations

import base64
import json
import math
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.metrics.v1 import metrics_pb2

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from opentelemetry.proto.common.v1.common_pb2 import AnyValue, InstrumentationScope, KeyValue
    from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
    from opentelemetry.proto.resource.v1.resource_pb2 import Resource
    from opentelemetry.proto.trace.v1.trace_pb2 import Span

    from proto_fixtures import Message

KINDS = ("unspecified", "internal", "server", "client", "producer", "consumer")
STATUS_CODES = ("unset", "ok", "error")
TEMPORALITIES = (None, "delta", "cumulative")
NO_RECORDED_VALUE = 1

Facts = dict[str, Any]


def read(message: Message) -> Facts:
    if isinstance(message, ExportTraceServiceRequest):
        spans = _spans(message)
        return {"traces": traces(spans), "spans": spans}
    if isinstance(message, ExportLogsServiceRequest):
        return {"logs": _logs(message)}
    return {"metrics": _metrics(message)}


def canonical(facts: Any) -> str:
    """Write facts so that equal text means equal facts: Python alone takes 5, 5.0 and True, 1 for the same."""
    return json.dumps(facts, sort_keys=True, ensure_ascii=False)


def rfc3339(nanoseconds: int) -> str | None:
    """Write a time as the query API does; an absent time (0 in OTLP) is null."""
    if nanoseconds == 0:
        return None
    seconds, fraction = divmod(nanoseconds, 10**9)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{fraction:09}Z"


def plain(value: AnyValue) -> Any:
    """Give a value as plain JSON; what JSON has no word for is an object with one key that begins with "$"."""
    kind = value.WhichOneof("value")
    if kind is None:
        return None
    if kind == "array_value":
        return [plain(item) for item in value.array_value.values]
    if kind == "kvlist_value":
        return attributes(value.kvlist_value.values)
    if kind == "bytes_value":
        return {"$bytes": base64.b64encode(value.bytes_value).decode()}
    number_or_text = getattr(value, kind)
    return _json_number(number_or_text) if kind == "double_value" else number_or_text


def _json_number(number: float) -> float | Facts:
    if math.isfinite(number):
        return number
    return {"$double": {math.inf: "Infinity", -math.inf: "-Infinity"}.get(number, "NaN")}


def attributes(pairs: Iterable[KeyValue]) -> Facts:
    return {pair.key: plain(pair.value) for pair in pairs}


def _service(resource: Resource) -> str | None:
    name: str | None = attributes(resource.attributes).get("service.name")
    return name


def _scope(scope: InstrumentationScope) -> Facts:
    return {"name": scope.name, "version": scope.version, "attributes": attributes(scope.attributes)}


def _spans(request: ExportTraceServiceRequest) -> list[Facts]:
    found = [
        {**_span(span), **_around(group.resource, part.scope)}
        for group in request.resource_spans
        for part in group.scope_spans
        for span in part.spans
    ]
    return sorted(found, key=lambda span: (span["start_time"], span["span_id"]))


def _around(resource: Resource, scope: InstrumentationScope) -> Facts:
    return {
        "service": _service(resource),
        "resource": attributes(resource.attributes),
        "scope": _scope(scope),
    }


def _span(span: Span) -> Facts:
    return {
        "trace_id": span.trace_id.hex(),
        "span_id": span.span_id.hex(),
        "parent_span_id": span.parent_span_id.hex() or None,
        "trace_state": span.trace_state,
        "name": span.name,
        "kind": KINDS[span.kind],
        "start_time": rfc3339(span.start_time_unix_nano),
        "end_time": rfc3339(span.end_time_unix_nano),
        "duration_ms": (span.end_time_unix_nano - span.start_time_unix_nano) / 1e6,
        "status": {"code": STATUS_CODES[span.status.code], "message": span.status.message},
        "attributes": attributes(span.attributes),
        "events": [
            {"name": event.name, "time": rfc3339(event.time_unix_nano), "attributes": attributes(event.attributes)}
            for event in span.events
        ],
        "links": [
            {
                "trace_id": link.trace_id.hex(),
                "span_id": link.span_id.hex(),
                "trace_state": link.trace_state,
                "attributes": attributes(link.attributes),
            }
            for link in span.links
        ],
    }


def traces(spans: list[Facts]) -> list[Facts]:
    """Sum the spans up by trace: what the list of traces must say."""
    found = []
    for trace_id in sorted({span["trace_id"] for span in spans}):
        own = [span for span in spans if span["trace_id"] == trace_id]
        roots = [span for span in own if span["parent_span_id"] is None]
        start, end = min(span["start_time"] for span in own), max(span["end_time"] for span in own)
        found.append(
            {
                "trace_id": trace_id,
                "root_name": roots[0]["name"] if roots else None,
                "service": roots[0]["service"] if roots else None,
                "services": sorted({span["service"] for span in own if span["service"]}),
                "start_time": start,
                "duration_ms": (nanoseconds(end) - nanoseconds(start)) / 1e6,
                "span_count": len(own),
                "error_count": sum(span["status"]["code"] == "error" for span in own),
            }
        )
    return found


def nanoseconds(text: str) -> int:
    seconds, fraction = text.removesuffix("Z").split(".")
    return int(datetime.fromisoformat(f"{seconds}+00:00").timestamp()) * 10**9 + int(fraction)


def _logs(request: ExportLogsServiceRequest) -> list[Facts]:
    found = [
        {**_log(log), **_around(group.resource, part.scope)}
        for group in request.resource_logs
        for part in group.scope_logs
        for log in part.log_records
    ]
    return sorted(found, key=lambda log: log["time"] or log["observed_time"] or "")


def _log(log: LogRecord) -> Facts:
    return {
        "time": rfc3339(log.time_unix_nano),
        "observed_time": rfc3339(log.observed_time_unix_nano),
        "severity_number": int(log.severity_number),
        "severity_text": log.severity_text,
        "event_name": log.event_name or None,
        "body": plain(log.body),
        "trace_id": log.trace_id.hex() or None,
        "span_id": log.span_id.hex() or None,
        "attributes": attributes(log.attributes),
    }


def _metrics(request: Any) -> list[Facts]:
    found = [
        {**_metric(metric), **_around(group.resource, part.scope)}
        for group in request.resource_metrics
        for part in group.scope_metrics
        for metric in part.metrics
    ]
    return sorted(found, key=lambda metric: str(metric["name"]))


def _metric(metric: metrics_pb2.Metric) -> Facts:
    kind = metric.WhichOneof("data") or ""
    data: Any = getattr(metric, kind)
    points = [_point(point) for point in data.data_points]
    return {
        "name": metric.name,
        "type": kind,
        "unit": metric.unit,
        "description": metric.description,
        "temporality": TEMPORALITIES[getattr(data, "aggregation_temporality", 0)],
        "monotonic": data.is_monotonic if kind == "sum" else None,
        "points": sorted(points, key=point_order),
    }


def point_order(point: Facts) -> str:
    return json.dumps([point["attributes"], point["time"]], sort_keys=True)


def _point(point: Any) -> Facts:
    facts = {
        "attributes": attributes(point.attributes),
        "start_time": rfc3339(point.start_time_unix_nano),
        "time": rfc3339(point.time_unix_nano),
        **READERS[type(point)](point),
        "exemplars": sorted(map(_exemplar, getattr(point, "exemplars", ())), key=lambda exemplar: exemplar["value"]),
    }
    return {**facts, "no_recorded_value": True} if point.flags & NO_RECORDED_VALUE else facts


def _number(point: metrics_pb2.NumberDataPoint | metrics_pb2.Exemplar) -> Facts:
    kind = point.WhichOneof("value")
    return {"value": _json_number(getattr(point, kind)) if kind else None}


def _optional(point: Any) -> Facts:
    return {name: getattr(point, name) if point.HasField(name) else None for name in ("sum", "min", "max")}


def _histogram(point: metrics_pb2.HistogramDataPoint) -> Facts:
    return {
        "count": point.count,
        **_optional(point),
        "explicit_bounds": list(point.explicit_bounds),
        "bucket_counts": list(point.bucket_counts),
    }


def _exponential_histogram(point: metrics_pb2.ExponentialHistogramDataPoint) -> Facts:
    return {
        "count": point.count,
        **_optional(point),
        "scale": point.scale,
        "zero_count": point.zero_count,
        "zero_threshold": point.zero_threshold,
        "positive": _buckets(point.positive),
        "negative": _buckets(point.negative),
    }


def _buckets(buckets: metrics_pb2.ExponentialHistogramDataPoint.Buckets) -> dict[str, int]:
    """Name each bucket that holds something by its index: offset and leading zeros say nothing."""
    return {str(buckets.offset + place): count for place, count in enumerate(buckets.bucket_counts) if count}


def _summary(point: metrics_pb2.SummaryDataPoint) -> Facts:
    return {
        "count": point.count,
        "sum": point.sum,
        "quantiles": [{"quantile": one.quantile, "value": one.value} for one in point.quantile_values],
    }


def _exemplar(exemplar: metrics_pb2.Exemplar) -> Facts:
    return {
        **_number(exemplar),
        "trace_id": exemplar.trace_id.hex() or None,
        "span_id": exemplar.span_id.hex() or None,
        "filtered_attributes": attributes(exemplar.filtered_attributes),
    }


READERS: dict[type, Callable[[Any], Facts]] = {
    metrics_pb2.NumberDataPoint: _number,
    metrics_pb2.HistogramDataPoint: _histogram,
    metrics_pb2.ExponentialHistogramDataPoint: _exponential_histogram,
    metrics_pb2.SummaryDataPoint: _summary,
}
