"""Makes the batches that tests of facts derive from: real OTLP requests, decoded as the receiver decodes them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue, KeyValueList

from storage.facts.derive import Deriver
from storage.facts.fact import Content, Fact, Facts, Identity, Usage
from storage.rows import batch_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from opentelemetry.proto.resource.v1.resource_pb2 import Resource

NOON = 1_795_348_800_000_000_000
SECOND = 1_000_000_000
TRACE = bytes(range(1, 17))
DERIVER = Deriver()


def any_value(value: Any) -> AnyValue:
    if isinstance(value, list):
        return AnyValue(array_value=ArrayValue(values=[any_value(entry) for entry in value]))
    if isinstance(value, dict):
        return AnyValue(kvlist_value=KeyValueList(values=key_values(value)))
    if value is None:
        return AnyValue()
    name = {bool: "bool_value", str: "string_value", int: "int_value", float: "double_value", bytes: "bytes_value"}[type(value)]
    return AnyValue(**{name: value})


def key_values(entries: Mapping[str, Any]) -> list[KeyValue]:
    return [KeyValue(key=key, value=any_value(value)) for key, value in entries.items()]


def set_resource(resource: Resource, entries: Mapping[str, Any] | None) -> None:
    resource.attributes.extend(key_values({"service.name": "shop"} if entries is None else entries))


def derived(signal: str, body: bytes, deriver: Deriver | None = None) -> Facts:
    return (deriver or DERIVER).derive(batch_of(signal, body, NOON))


def span_facts(
    *spans: Mapping[str, Any], resource: Mapping[str, Any] | None = None, scope: str = "test", deriver: Deriver | None = None
) -> Facts:
    """`spans`: attributes, and in "" what else the span has: name, kind, parent, events, status, start, end."""
    request = ExportTraceServiceRequest()
    resource_spans = request.resource_spans.add()
    set_resource(resource_spans.resource, resource)
    scope_spans = resource_spans.scope_spans.add()
    scope_spans.scope.name = scope
    for number, entry in enumerate(spans):
        more = entry.get("", {})
        start = more.get("start", NOON)
        span = scope_spans.spans.add(
            trace_id=TRACE,
            span_id=more.get("id", (number + 1).to_bytes(8, "big")),
            parent_span_id=more.get("parent", b""),
            name=more.get("name", "work"),
            kind=more.get("kind", 1),
            start_time_unix_nano=start,
            end_time_unix_nano=more.get("end", start + SECOND),
            attributes=key_values({key: value for key, value in entry.items() if key}),
        )
        if "status" in more:
            span.status.code = more["status"]
            span.status.message = more.get("status_message", "")
        for offset, (name, attributes) in enumerate(more.get("events", ())):
            span.events.add(time_unix_nano=start + (offset + 1) * 1_000_000, name=name, attributes=key_values(attributes))
    return derived("traces", request.SerializeToString(), deriver)


def span_fact(attributes: Mapping[str, Any], **more: Any) -> Fact:
    """The one fact of one span; `more`: name, kind, parent …, resource and scope."""
    resource, scope = more.pop("resource", None), more.pop("scope", "test")
    facts = span_facts({**attributes, "": more}, resource=resource, scope=scope)
    [row] = facts.facts
    return Fact._make(row)


def log_facts(*records: Mapping[str, Any], resource: Mapping[str, Any] | None = None, scope: str = "test") -> Facts:
    """`records`: attributes, and in "" what else the record has: event, body, time, trace, span."""
    request = ExportLogsServiceRequest()
    resource_logs = request.resource_logs.add()
    set_resource(resource_logs.resource, resource)
    scope_logs = resource_logs.scope_logs.add()
    scope_logs.scope.name = scope
    for entry in records:
        more = entry.get("", {})
        record = scope_logs.log_records.add(
            time_unix_nano=more.get("time", NOON),
            event_name=more.get("event", ""),
            trace_id=more.get("trace", b""),
            span_id=more.get("span", b""),
            attributes=key_values({key: value for key, value in entry.items() if key}),
        )
        if "body" in more:
            record.body.CopyFrom(any_value(more["body"]))
    return derived("logs", request.SerializeToString())


def log_fact(attributes: Mapping[str, Any], **more: Any) -> Fact:
    """The one fact of one log record."""
    resource, scope = more.pop("resource", None), more.pop("scope", "test")
    facts = log_facts({**attributes, "": more}, resource=resource, scope=scope)
    [row] = facts.facts
    return Fact._make(row)


def contents(facts: Facts) -> list[Content]:
    return [Content._make(row) for row in facts.contents]


def said(facts: Facts) -> list[tuple[str, str | None, str, str]]:
    """(direction, role, kind, text) of all content, in order."""
    return [(row.direction, row.role, row.kind, row.text) for row in contents(facts)]


def identities(facts: Facts) -> list[Identity]:
    return [Identity._make(row) for row in facts.identities]


def usages(
    name: str, points: Sequence[tuple[Mapping[str, Any], float]], temporality: int = 1, histogram: bool = False, **more: Any
) -> list[Usage]:
    """The usage rows of one metric: a sum, or a histogram of one value a point."""
    request = ExportMetricsServiceRequest()
    resource_metrics = request.resource_metrics.add()
    set_resource(resource_metrics.resource, more.get("resource"))
    metric = resource_metrics.scope_metrics.add().metrics.add(name=name)
    for attributes, value in points:
        if histogram:
            metric.histogram.aggregation_temporality = temporality  # type: ignore[assignment]
            metric.histogram.data_points.add(
                time_unix_nano=NOON, start_time_unix_nano=NOON - SECOND, count=1, sum=value, attributes=key_values(attributes)
            )
        else:
            metric.sum.aggregation_temporality = temporality  # type: ignore[assignment]
            metric.sum.is_monotonic = True
            metric.sum.data_points.add(
                time_unix_nano=NOON, start_time_unix_nano=NOON - SECOND, as_double=value, attributes=key_values(attributes)
            )
    return [Usage._make(row) for row in derived("metrics", request.SerializeToString()).usages]
