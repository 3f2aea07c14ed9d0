"""Builds OTLP requests from small literals, for the fixtures that are written by hand.

Times are seconds after ``EPOCH``; ids are derived from words, so that a fixture is the same each time it is written.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

from proto_fixtures import parse

if TYPE_CHECKING:
    from collections.abc import Sequence

    from proto_fixtures import Encoding, Signal

EPOCH = 1_795_165_200_000_000_000  # 2026-11-20T09:00:00Z
DELTA, CUMULATIVE = 1, 2
INTERNAL, SERVER, CLIENT = 1, 2, 3

Attributes: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True)
class Request:
    """A body to write: ``encoding`` json keeps the JSON text, with whatever is lenient in it."""

    signal: Signal
    body: bytes
    encoding: Encoding = "protobuf"


@dataclass(frozen=True)
class Source:
    """Who speaks: the resource and the scope of what follows."""

    resource: Attributes
    scope: str = ""
    scope_version: str = ""


@dataclass(frozen=True)
class Span:
    """``name`` also makes the id unless ``id`` does; ``parent`` is the id or name of the parent."""

    name: str
    attributes: Attributes
    parent: str = ""
    trace: str = "trace"
    at: float = 0.0
    took: float = 1.0
    kind: int = INTERNAL
    error: str | None = None  # status ERROR with this message
    events: Sequence[tuple[str, Attributes]] = ()
    links: Sequence[tuple[str, str]] = ()
    id: str = ""


@dataclass(frozen=True)
class Log:
    """``event`` is the LogRecord field; many clients put it elsewhere."""

    attributes: Attributes
    body: Any = None
    event: str = ""
    at: float = 0.0
    severity: int = 9
    trace: str = ""
    span: str = ""


@dataclass(frozen=True)
class Sum:
    """A monotonic sum: its points are (attributes, value)."""

    name: str
    points: Sequence[tuple[Attributes, float]]
    unit: str = ""
    temporality: int = CUMULATIVE
    at: float = 60.0
    since: float = 0.0


@dataclass(frozen=True)
class Histogram:
    """Points are (attributes, count, sum); one bucket, for only sum and count matter here."""

    name: str
    points: Sequence[tuple[Attributes, int, float]]
    unit: str = ""
    temporality: int = CUMULATIVE
    at: float = 60.0
    since: float = 0.0


@dataclass(frozen=True)
class Fixture:
    """``after`` says whose documentation it follows; ``expected`` goes into expected.json as it is."""

    name: str
    after: str
    requests: Sequence[Request]
    expected: dict[str, Any] = field(default_factory=dict)


def trace_id(word: str) -> str:
    return hashlib.sha256(f"trace {word}".encode()).hexdigest()[:32]


def span_id(trace: str, word: str) -> str:
    return hashlib.sha256(f"span {trace} {word}".encode()).hexdigest()[:16]


def nanos(seconds: float) -> str:
    return str(EPOCH + round(seconds * 1e9))


def value(content: Any) -> dict[str, Any]:
    """A Python value as AnyValue in OTLP/JSON; int stays int and float double."""
    if isinstance(content, Mapping):
        return {"kvlistValue": {"values": pairs(content)}}
    if isinstance(content, list | tuple):
        return {"arrayValue": {"values": [value(item) for item in content]}}
    if isinstance(content, int) and not isinstance(content, bool):
        return {"intValue": str(content)}
    kinds: dict[type, str] = {bool: "boolValue", float: "doubleValue", str: "stringValue"}
    return {} if content is None else {kinds[type(content)]: content}


def pairs(attributes: Attributes) -> list[dict[str, Any]]:
    return [{"key": key, "value": value(content)} for key, content in attributes.items()]


def spans(source: Source, *content: Span) -> Request:
    told = [_span(span) for span in content]
    tree = {"resourceSpans": [{**_resource(source), "scopeSpans": [{**_scope(source), "spans": told}]}]}
    return _request("traces", tree)


def logs(source: Source, *content: Log) -> Request:
    return _request("logs", logs_tree(source, *content))


def logs_tree(source: Source, *content: Log) -> dict[str, Any]:
    told = [_log(record) for record in content]
    return {"resourceLogs": [{**_resource(source), "scopeLogs": [{**_scope(source), "logRecords": told}]}]}


def metrics(source: Source, *content: Sum | Histogram) -> Request:
    told = [_metric(metric) for metric in content]
    tree = {"resourceMetrics": [{**_resource(source), "scopeMetrics": [{**_scope(source), "metrics": told}]}]}
    return _request("metrics", tree)


def _resource(source: Source) -> dict[str, Any]:
    return {"resource": {"attributes": pairs(source.resource)}}


def _scope(source: Source) -> dict[str, Any]:
    return {"scope": {"name": source.scope, "version": source.scope_version}}


def _span(span: Span) -> dict[str, Any]:
    told: dict[str, Any] = {
        "traceId": trace_id(span.trace),
        "spanId": span_id(span.trace, span.id or span.name),
        "name": span.name,
        "kind": span.kind,
        "startTimeUnixNano": nanos(span.at),
        "endTimeUnixNano": nanos(span.at + span.took),
        "attributes": pairs(span.attributes),
        "events": [
            {"timeUnixNano": nanos(span.at + span.took / 2), "name": name, "attributes": pairs(content)}
            for name, content in span.events
        ],
        "links": [{"traceId": trace_id(trace), "spanId": span_id(trace, word)} for trace, word in span.links],
        "status": {} if span.error is None else {"code": 2, "message": span.error},
    }
    if span.parent:
        told["parentSpanId"] = span_id(span.trace, span.parent)
    return told


def _log(record: Log) -> dict[str, Any]:
    told: dict[str, Any] = {
        "timeUnixNano": nanos(record.at),
        "observedTimeUnixNano": nanos(record.at + 0.001),
        "severityNumber": record.severity,
        "attributes": pairs(record.attributes),
        "eventName": record.event,
    }
    if record.body is not None:
        told["body"] = value(record.body)
    if record.trace:
        told["traceId"] = trace_id(record.trace)
        told["spanId"] = span_id(record.trace, record.span)
    return told


def _metric(metric: Sum | Histogram) -> dict[str, Any]:
    times = {"startTimeUnixNano": nanos(metric.since), "timeUnixNano": nanos(metric.at)}
    if isinstance(metric, Sum):
        points = [{**times, "attributes": pairs(attributes), **_number(amount)} for attributes, amount in metric.points]
        data: dict[str, Any] = {"aggregationTemporality": metric.temporality, "isMonotonic": True, "dataPoints": points}
        return {"name": metric.name, "unit": metric.unit, "sum": data}
    buckets = [
        {**times, "attributes": pairs(attributes), "count": str(count), "sum": total, "bucketCounts": [str(count)]}
        for attributes, count, total in metric.points
    ]
    return {
        "name": metric.name,
        "unit": metric.unit,
        "histogram": {"aggregationTemporality": metric.temporality, "dataPoints": buckets},
    }


def _number(amount: float) -> dict[str, Any]:
    return {"asInt": str(amount)} if isinstance(amount, int) else {"asDouble": amount}


def _request(signal: Signal, tree: dict[str, Any]) -> Request:
    return Request(signal, parse(signal, "json", json.dumps(tree).encode()).SerializeToString(deterministic=True))
