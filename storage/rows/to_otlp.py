"""Records of a store → OTLP requests for traces and logs, grouped by resource and scope as they first appear.

The inverse of the row kernels: every field that a sender set comes back. storage/rows/to_otlp_metrics.py does the same for
metrics.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import orjson
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, InstrumentationScope
from opentelemetry.proto.logs.v1 import logs_pb2
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1 import trace_pb2

from storage.rows.values import (
    any_value,
    attributes_from_json,
    attributes_from_text,
    entity_references_from_text,
    is_event_name_sent,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from storage.contract import LogRecord, ResourceRecord, ScopeRecord, SpanRecord


class Owned(Protocol):
    """What has a resource and a scope: spans, log records, metric streams."""

    @property
    def resource(self) -> ResourceRecord: ...

    @property
    def scope(self) -> ScopeRecord: ...


Item = TypeVar("Item", bound=Owned)


def traces_request(spans: Iterable[SpanRecord]) -> ExportTraceServiceRequest:
    request = ExportTraceServiceRequest()
    for resource, scopes in by_owner(spans):
        resource_spans = request.resource_spans.add(resource=resource_of(resource), schema_url=resource.schema_url or "")
        for scope, items in scopes:
            scope_spans = resource_spans.scope_spans.add(scope=scope_of(scope), schema_url=scope.schema_url or "")
            scope_spans.spans.extend(map(span_of, items))
    return request


def logs_request(records: Iterable[LogRecord]) -> ExportLogsServiceRequest:
    request = ExportLogsServiceRequest()
    for resource, scopes in by_owner(records):
        resource_logs = request.resource_logs.add(resource=resource_of(resource), schema_url=resource.schema_url or "")
        for scope, items in scopes:
            scope_logs = resource_logs.scope_logs.add(scope=scope_of(scope), schema_url=scope.schema_url or "")
            scope_logs.log_records.extend(map(log_of, items))
    return request


def by_owner(items: Iterable[Item]) -> Iterator[tuple[ResourceRecord, Iterable[tuple[ScopeRecord, list[Item]]]]]:
    """Items in their order, gathered by resource and then by scope."""
    groups: dict[ResourceRecord, dict[ScopeRecord, list[Item]]] = {}
    for item in items:
        groups.setdefault(item.resource, {}).setdefault(item.scope, []).append(item)
    for resource, scopes in groups.items():
        yield resource, scopes.items()


def resource_of(record: ResourceRecord) -> Resource | None:
    """None where the sender sent no resource."""
    if record.attributes is None:
        return None
    return Resource(
        attributes=attributes_from_text(record.attributes),
        dropped_attributes_count=record.dropped_attributes_count,
        entity_refs=entity_references_from_text(record.entity_refs),
    )


def scope_of(record: ScopeRecord) -> InstrumentationScope | None:
    """None where the sender sent no scope."""
    if record.attributes is None:
        return None
    return InstrumentationScope(
        name=record.name or "",
        version=record.version or "",
        attributes=attributes_from_text(record.attributes),
        dropped_attributes_count=record.dropped_attributes_count,
    )


def span_of(record: SpanRecord) -> trace_pb2.Span:
    span = trace_pb2.Span(
        trace_id=id_of(record.trace_id),
        span_id=id_of(record.span_id),
        trace_state=record.trace_state or "",
        parent_span_id=id_of(record.parent_span_id),
        flags=record.flags,
        name=record.name,
        start_time_unix_nano=record.start_time,
        end_time_unix_nano=record.end_time,
        attributes=attributes_from_text(record.attributes),
        dropped_attributes_count=record.dropped_attributes_count,
        events=[_event_of(event) for event in _list(record.events)],
        dropped_events_count=record.dropped_events_count,
        links=[_link_of(link) for link in _list(record.links)],
        dropped_links_count=record.dropped_links_count,
    )
    _set_number(span, "kind", record.kind)
    if record.status_code is not None:
        span.status.SetInParent()
        span.status.message = record.status_message or ""
        _set_number(span.status, "code", record.status_code)
    return span


def _event_of(event: dict[str, Any]) -> trace_pb2.Span.Event:
    return trace_pb2.Span.Event(
        time_unix_nano=event["time"],
        name=event["name"],
        attributes=attributes_from_json(event.get("attributes")),
        dropped_attributes_count=event.get("dropped_attributes_count", 0),
    )


def _link_of(link: dict[str, Any]) -> trace_pb2.Span.Link:
    return trace_pb2.Span.Link(
        trace_id=id_of(link["trace_id"]),
        span_id=id_of(link["span_id"]),
        trace_state=link.get("trace_state", ""),
        attributes=attributes_from_json(link.get("attributes")),
        dropped_attributes_count=link.get("dropped_attributes_count", 0),
        flags=link.get("flags", 0),
    )


def log_of(record: LogRecord) -> logs_pb2.LogRecord:
    log = logs_pb2.LogRecord(
        time_unix_nano=record.time_unix_nano,
        observed_time_unix_nano=record.observed_time_unix_nano,
        severity_text=record.severity_text or "",
        body=_body_of(record),
        attributes=attributes_from_text(record.attributes),
        dropped_attributes_count=record.dropped_attributes_count,
        flags=record.flags,
        trace_id=id_of(record.trace_id),
        span_id=id_of(record.span_id),
    )
    _set_number(log, "severity_number", record.severity_number)
    if record.event_name and (is_event_name_sent(record.attributes) or not _has_event_name(log, record.event_name)):
        log.event_name = record.event_name
    return log


def _body_of(record: LogRecord) -> AnyValue | None:
    if record.body is None:
        return None
    if record.body_type == "string":
        return AnyValue(string_value=record.body)
    return any_value(orjson.loads(record.body))


def _has_event_name(log: logs_pb2.LogRecord, name: str) -> bool:
    """Whether the name of the event was read from the attribute `event.name`, the last one of this key."""
    named = [pair.value.string_value for pair in log.attributes if pair.key == "event.name"]
    return bool(named) and named[-1] == name


def id_of(hex_id: str | None) -> bytes:
    return bytes.fromhex(hex_id) if hex_id else b""


def _list(text: str | None) -> list[dict[str, Any]]:
    return orjson.loads(text) if text else []


def _set_number(message: Any, field: str, number: int) -> None:
    """Sets an enumeration to a number, which may be one that this version of OTLP has no name for."""
    setattr(message, field, number)
