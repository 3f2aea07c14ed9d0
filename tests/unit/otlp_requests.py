"""What tests of the row kernels share: making any OTLP request valid, sending it through rows and back, comparing requests."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from google.protobuf.descriptor import FieldDescriptor
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from storage.batch import Batch
from storage.rows import batch_of
from storage.rows.records import log_records, point_records, span_records
from storage.rows.to_otlp import logs_request, traces_request
from storage.rows.to_otlp_metrics import metrics_request

if TYPE_CHECKING:
    from collections.abc import Iterator

    from google.protobuf.message import Message

NOW = 1_790_000_000_000_000_000
TRACE_ID = bytes.fromhex("5b8efff798038103d269b633813fc60c")
SPAN_ID = bytes.fromhex("eee19b7ec3c1b174")
REQUESTS: dict[str, type[Message]] = {
    "traces": ExportTraceServiceRequest,
    "logs": ExportLogsServiceRequest,
    "metrics": ExportMetricsServiceRequest,
}

# Fields that have no place, with the reason.
WITHOUT_A_PLACE = {
    "string_value_strindex": "indexes the string table of a profiles request; elsewhere it means no value",
    "key_strindex": "indexes the string table of a profiles request; elsewhere it means no key",
}


def round_trip(signal: str, request: Message) -> Message:
    """Request → rows → bytes as between processes → rows → records → request; nothing may be refused."""
    batch = Batch.load(batch_of(signal, request.SerializeToString(), NOW).dump())
    assert batch.rejected == 0, batch.reasons
    if signal == "traces":
        return traces_request(span_records(batch))
    if signal == "logs":
        return logs_request(log_records(batch))
    return metrics_request(point_records(batch))


def contents(request: Any) -> Counter[tuple[bytes | str, ...]]:
    """Every item with all that it belongs to. Grouping and the order of attributes of a metric stream tell nothing."""
    return Counter(_items(request))


def _items(request: Any) -> Iterator[tuple[bytes | str, ...]]:
    for by_resource in request.ListFields()[0][1] if request.ListFields() else ():
        for by_scope in _only_group(by_resource):
            owner = (
                str(by_resource.HasField("resource")),
                by_resource.resource.SerializeToString(),
                by_resource.schema_url,
                str(by_scope.HasField("scope")),
                by_scope.scope.SerializeToString(),
                by_scope.schema_url,
            )
            for item in _only_group(by_scope):
                yield from (((*owner, *part)) for part in _parts(item))


def _only_group(owner: Any) -> Any:
    """The scopes of a resource, the items of a scope: the one field that is a repeated message."""
    return next(getattr(owner, field.name) for field in owner.DESCRIPTOR.fields if field.is_repeated)


def _parts(item: Any) -> Iterator[tuple[bytes, ...]]:
    """The item itself; of a metric, each of its points with the metric they are of."""
    if item.DESCRIPTOR.name != "Metric":
        yield (item.SerializeToString(),)
        return
    kind = item.WhichOneof("data")
    if kind is None:
        return
    frame = type(item)()
    frame.CopyFrom(item)
    getattr(frame, kind).ClearField("data_points")
    for point in getattr(item, kind).data_points:
        attributes = sorted(point.attributes, key=lambda pair: pair.key)
        alone = type(point)()
        alone.CopyFrom(point)
        alone.ClearField("attributes")
        alone.attributes.extend(attributes)
        yield frame.SerializeToString(), alone.SerializeToString()


def complete(message: Any) -> Any:
    """Adds to a message, in place, what OTLP demands: ids, times, values, an item for each resource, metric and scope."""
    _complete(message)
    for field, value in message.ListFields():
        if field.type == FieldDescriptor.TYPE_MESSAGE:
            for part in value if field.is_repeated else (value,):
                complete(part)
    return message


def _complete(message: Any) -> None:
    name = message.DESCRIPTOR.name
    if name.startswith(("Export", "Resource", "Scope")) and name != "Resource" and not len(_only_group(message)):
        _only_group(message).add()
    if name.endswith("DataPoint"):
        _complete_point(message)
    match name:
        case "KeyValue":
            message.value.SetInParent()
        case "Span":
            message.trace_id = message.trace_id or TRACE_ID
            message.span_id = message.span_id or SPAN_ID
        case "Link":
            message.trace_id = message.trace_id or TRACE_ID
            message.span_id = message.span_id or SPAN_ID
        case "LogRecord" | "Exemplar" if message.span_id:
            message.trace_id = message.trace_id or TRACE_ID
        case "Metric" if not message.WhichOneof("data"):
            message.gauge.data_points.add()
        case "Gauge" | "Sum" | "Histogram" | "ExponentialHistogram" | "Summary" if not message.data_points:
            message.data_points.add()
    if name == "Exemplar" and not message.WhichOneof("value"):
        message.as_int = 3


def _complete_point(point: Any) -> None:
    point.time_unix_nano = point.time_unix_nano or NOW
    match point.DESCRIPTOR.name:
        case "NumberDataPoint" if not point.WhichOneof("value") and not point.flags & 1:
            point.as_double = 0.5
        case "HistogramDataPoint":
            bounds = sorted({bound for bound in point.explicit_bounds if bound == bound})  # noqa: PLR0124  NaN has no order
            counts = [*point.bucket_counts, *[1] * (len(bounds) + 1)][: len(bounds) + 1] if bounds else point.bucket_counts[:1]
            point.explicit_bounds[:] = bounds
            point.bucket_counts[:] = counts
