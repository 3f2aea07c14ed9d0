"""A reader of agent fixtures that knows nothing of agents: it counts and sums what clauses name, and no more.

A clause of ``expected["reading"]`` says what it reads (``of``: spans, logs or points), what it keeps (``where``), and what it
makes of that: how many there are, the sum of the attributes in ``sum``, or the distinct values of the attribute ``distinct``.
``last`` reads the last body of the signal alone. ``where`` matches attributes as text: one value, one of a list, or ``*`` for
any; ``name`` and ``name~`` (a beginning) match the name of a span or metric, ``@event`` and ``@event~`` the event name of a log
record, ``@status`` (error) and ``@kind`` a span. ``@value`` in ``sum`` is the value of a point, of a histogram its sum.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.metrics.v1.metrics_pb2 import ExponentialHistogramDataPoint, HistogramDataPoint, NumberDataPoint

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
    from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
    from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric
    from opentelemetry.proto.trace.v1.trace_pb2 import Span

    from proto_fixtures import Message, Signal
    from proto_fixtures.agents import AgentFixture

Item: TypeAlias = dict[str, Any]

SIGNALS: dict[str, Signal] = {"spans": "traces", "logs": "logs", "points": "metrics"}
KINDS = {1: "internal", 2: "server", 3: "client", 4: "producer", 5: "consumer"}
ERROR = 2


def read(fixture: AgentFixture, clause: dict[str, Any]) -> Any:
    """What a clause makes of a fixture: a count, a sum, or the sorted distinct values."""
    bodies = fixture.of(SIGNALS[clause["of"]])
    chosen = bodies[-1:] if clause.get("last") else bodies
    kept = [item for body in chosen for item in items(body.message()) if _matches(item, clause.get("where", {}))]
    if "distinct" in clause:
        return sorted({str(item[clause["distinct"]]) for item in kept if clause["distinct"] in item})
    if "sum" in clause:
        return round(sum(_number(item.get(key, 0)) for item in kept for key in clause["sum"]), 9)
    return len(kept)


def items(message: Message) -> Iterator[Item]:
    """Spans, log records or points as their attributes, with what is not an attribute under ``@`` or ``name``."""
    if isinstance(message, ExportTraceServiceRequest):
        for span_scopes in (resource.scope_spans for resource in message.resource_spans):
            yield from (_span(span) for scope in span_scopes for span in scope.spans)
    elif isinstance(message, ExportLogsServiceRequest):
        for log_scopes in (resource.scope_logs for resource in message.resource_logs):
            yield from (_log(record) for scope in log_scopes for record in scope.log_records)
    elif isinstance(message, ExportMetricsServiceRequest):
        for metric_scopes in (resource.scope_metrics for resource in message.resource_metrics):
            yield from (point for scope in metric_scopes for metric in scope.metrics for point in _points(metric))


def _span(span: Span) -> Item:
    status = "error" if span.status.code == ERROR else ""
    own = {"name": span.name, "@status": status, "@kind": KINDS.get(span.kind, "")}
    place = {"@trace": span.trace_id.hex(), "@span": span.span_id.hex(), "@root": "" if span.parent_span_id else "root"}
    return {**_attributes(span.attributes), **own, **place}


def _log(record: LogRecord) -> Item:
    return {**_attributes(record.attributes), "@event": record.event_name}


def _points(metric: Metric) -> Iterator[Item]:
    kind = metric.WhichOneof("data")
    points = getattr(metric, kind).data_points if kind else []
    for point in points:
        amount: float = 0
        if isinstance(point, HistogramDataPoint | ExponentialHistogramDataPoint):
            amount = point.sum
        elif isinstance(point, NumberDataPoint):
            amount = point.as_int if point.WhichOneof("value") == "as_int" else point.as_double
        yield {**_attributes(point.attributes), "name": metric.name, "@value": amount}


def _attributes(pairs: Iterable[KeyValue]) -> Item:
    return {pair.key: _value(pair.value) for pair in pairs}


def _value(told: AnyValue) -> Any:
    kind = told.WhichOneof("value")
    if kind == "array_value":
        return [_value(item) for item in told.array_value.values]
    if kind == "kvlist_value":
        return _attributes(told.kvlist_value.values)
    return getattr(told, kind) if kind else None


def _matches(item: Item, where: dict[str, Any]) -> bool:
    return all(_matches_one(item, key, wanted) for key, wanted in where.items())


def _matches_one(item: Item, key: str, wanted: Any) -> bool:
    if key.endswith("~"):
        return str(item.get(key[:-1], "")).startswith(wanted)
    if key not in item:
        return False
    return wanted == "*" or str(item[key]) in (wanted if isinstance(wanted, list) else [wanted])


def _number(told: Any) -> float:
    """Counts come as text too."""
    return float(told) if isinstance(told, str) else told
