"""Telemetry that the contract tests write, told in a few words: what is stored and what a plain search over a list must find."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

from storage.rows import batch_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from google.protobuf.message import Message

    from storage.contract import Store

SECOND = 1_000_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
NOW = 1_790_000_040 * SECOND  # a whole minute
Attribute = str | bool | int | float | bytes | None


def key_values(attributes: dict[str, Attribute]) -> list[KeyValue]:
    return [KeyValue(key=key, value=any_value(value)) for key, value in attributes.items()]


def any_value(value: Attribute) -> AnyValue:
    match value:
        case bool():
            return AnyValue(bool_value=value)
        case int():
            return AnyValue(int_value=value)
        case float():
            return AnyValue(double_value=value)
        case str():
            return AnyValue(string_value=value)
        case bytes():
            return AnyValue(bytes_value=value)
    return AnyValue()


@dataclass(frozen=True)
class Span:
    trace: int
    id: int
    name: str = "work"
    start: int = NOW
    duration: int = SECOND
    service: str | None = "shop"
    parent: int | None = None
    status: int | None = None
    status_message: str = ""
    kind: int = 1
    attributes: dict[str, Attribute] = field(default_factory=dict)
    resource: dict[str, Attribute] = field(default_factory=dict)

    @property
    def trace_id(self) -> str:
        return f"{self.trace:032x}"

    @property
    def span_id(self) -> str:
        return f"{self.id:016x}"


@dataclass(frozen=True)
class Log:
    time: int = NOW
    body: str = "hello"
    service: str | None = "shop"
    severity: int = 0
    severity_text: str = ""
    event: str = ""
    trace: int | None = None
    attributes: dict[str, Attribute] = field(default_factory=dict)


async def write(store: Store, signal: str, request: Message, received: int = NOW) -> None:
    batch = batch_of(signal, request.SerializeToString(), received)
    assert batch.rejected == 0, batch.reasons
    await store.write(batch)


async def write_spans(store: Store, spans: Iterable[Span], per_request: int = 500) -> None:
    spans = list(spans)
    for first in range(0, len(spans), per_request):
        request = ExportTraceServiceRequest()
        for span in spans[first : first + per_request]:
            _add_span(request, span)
        await write(store, "traces", request)


def _add_span(request: ExportTraceServiceRequest, span: Span) -> None:
    group = request.resource_spans.add()
    group.resource.attributes.extend(key_values(_resource(span.service) | span.resource))
    made = group.scope_spans.add().spans.add(
        trace_id=span.trace.to_bytes(16),
        span_id=span.id.to_bytes(8),
        parent_span_id=b"" if span.parent is None else span.parent.to_bytes(8),
        name=span.name,
        kind=span.kind,
        start_time_unix_nano=span.start,
        end_time_unix_nano=span.start + span.duration,
        attributes=key_values(span.attributes),
    )
    if span.status is not None:
        made.status.code = span.status  # type: ignore[assignment]
        made.status.message = span.status_message


async def write_logs(store: Store, logs: Iterable[Log], per_request: int = 500) -> None:
    logs = list(logs)
    for first in range(0, len(logs), per_request):
        request = ExportLogsServiceRequest()
        for log in logs[first : first + per_request]:
            group = request.resource_logs.add()
            group.resource.attributes.extend(key_values(_resource(log.service)))
            group.scope_logs.add().log_records.add(
                time_unix_nano=log.time,
                severity_number=log.severity,
                severity_text=log.severity_text,
                body=any_value(log.body),
                event_name=log.event,
                trace_id=b"" if log.trace is None else log.trace.to_bytes(16),
                attributes=key_values(log.attributes),
            )
        await write(store, "logs", request)


def _resource(service: str | None) -> dict[str, Attribute]:
    return {} if service is None else {"service.name": service}


def number_metric(
    name: str, points: Sequence[tuple[int, int, float | int | None]], attributes: dict[str, Attribute], **options: Any
) -> ExportMetricsServiceRequest:
    """`points` are (start, time, value); None is a gap. `options`: service, unit, and for a sum temporality and monotonic."""
    request = ExportMetricsServiceRequest()
    group = request.resource_metrics.add()
    group.resource.attributes.extend(key_values(_resource(options.get("service", "shop"))))
    metric = group.scope_metrics.add().metrics.add(name=name, unit=options.get("unit", ""))
    if "temporality" in options:
        metric.sum.aggregation_temporality = options["temporality"]
        metric.sum.is_monotonic = options.get("monotonic", True)
    data = metric.sum if "temporality" in options else metric.gauge
    for start, time, value in points:
        point = data.data_points.add(start_time_unix_nano=start, time_unix_nano=time, attributes=key_values(attributes))
        if value is None:
            point.flags = 1
        elif isinstance(value, int):
            point.as_int = value
        else:
            point.as_double = value
    return request


def histogram_metric(
    name: str, points: Sequence[tuple[int, int, Sequence[int]]], attributes: dict[str, Attribute], temporality: int
) -> ExportMetricsServiceRequest:
    """Bounds 10, 20, 50; the sum is ten a value."""
    request = ExportMetricsServiceRequest()
    group = request.resource_metrics.add()
    group.resource.attributes.extend(key_values(_resource("shop")))
    metric = group.scope_metrics.add().metrics.add(name=name, unit="ms")
    metric.histogram.aggregation_temporality = temporality  # type: ignore[assignment]
    for start, time, counts in points:
        metric.histogram.data_points.add(
            start_time_unix_nano=start,
            time_unix_nano=time,
            attributes=key_values(attributes),
            explicit_bounds=[10, 20, 50],
            bucket_counts=counts,
            count=sum(counts),
            sum=10.0 * sum(counts),
        )
    return request


def many_spans(count: int, seed: int = 7) -> list[Span]:
    """Traces of 1 to 6 spans over three hours, arriving out of order: some spans late, some traces long."""
    source = random.Random(seed)
    spans: list[Span] = []
    while len(spans) < count:
        trace = source.getrandbits(100) + 1
        start = NOW - source.randrange(3 * HOUR)
        size = source.randint(1, 6)
        for place in range(size):
            items: Attribute = source.choice((1, 2, 5, 5.0, "5"))
            status = source.choice([None, None, 0, 1, 2]) if place % 3 == 0 else None
            spans.append(
                Span(
                    trace=trace,
                    id=len(spans) + 1,
                    name=source.choice(["GET /cart", "POST /order", "chat", "query"]),
                    start=start
                    if place == 0
                    else start + source.randrange(40 * MINUTE if source.random() < 0.02 else 20 * SECOND),
                    duration=source.randrange(1, 5 * SECOND),
                    service=source.choice(["shop", "shop", "bank", "mail"]),
                    parent=None if place == 0 else len(spans) - place + 1,
                    status=status,
                    status_message="Zeitüberschreitung" if place == 3 and status is not None else "",
                    kind=source.randint(1, 5),
                    attributes={
                        "customer": f"c{source.randrange(300)}",
                        "items": items,
                        "vip": source.random() < 0.01,
                    },
                )
            )
    spans.sort(
        key=lambda span: span.start + (source.randrange(30 * MINUTE) if source.random() < 0.1 else source.randrange(SECOND))
    )
    return spans


def reads_as(value: Attribute, text: str) -> bool:
    """What AttributeFilter promises, written down a second time."""
    if isinstance(value, bool):
        return text == str(value).lower()
    if isinstance(value, int | float):
        try:
            return value == float(text)
        except ValueError:
            return False
    return value == text
