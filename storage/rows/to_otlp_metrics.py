"""Records of a store → an OTLP request for metrics: points gathered into the metrics that their streams belong to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import orjson
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest

from storage.rows.to_otlp import by_owner, id_of, resource_of, scope_of
from storage.rows.values import attributes_from_json, attributes_from_text, number_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from opentelemetry.proto.metrics.v1 import metrics_pb2

    from storage.contract import PointRecord, ResourceRecord, ScopeRecord, StreamRecord


class _OwnedPoint(NamedTuple):
    resource: ResourceRecord
    scope: ScopeRecord
    point: PointRecord


def metrics_request(points: Iterable[PointRecord]) -> ExportMetricsServiceRequest:
    request = ExportMetricsServiceRequest()
    owned = (_OwnedPoint(point.stream.resource, point.stream.scope, point) for point in points)
    for resource, scopes in by_owner(owned):
        resource_metrics = request.resource_metrics.add(resource=resource_of(resource), schema_url=resource.schema_url or "")
        for scope, items in scopes:
            scope_metrics = resource_metrics.scope_metrics.add(scope=scope_of(scope), schema_url=scope.schema_url or "")
            _add_metrics(scope_metrics, (item.point for item in items))
    return request


def _add_metrics(scope_metrics: metrics_pb2.ScopeMetrics, points: Iterable[PointRecord]) -> None:
    """Streams that differ in nothing but attributes are one metric."""
    metrics: dict[tuple[str | int | None, ...], metrics_pb2.Metric] = {}
    for point in points:
        stream = point.stream
        identity = (
            stream.name, stream.description, stream.unit, stream.type, stream.temporality, stream.monotonic, stream.metadata,
        )  # fmt: skip
        metric = metrics.get(identity)
        if metric is None:
            metric = metrics[identity] = _new_metric(scope_metrics, stream)
        _add_point(metric, point)


def _new_metric(scope_metrics: metrics_pb2.ScopeMetrics, stream: StreamRecord) -> metrics_pb2.Metric:
    metric = scope_metrics.metrics.add(
        name=stream.name,
        description=stream.description or "",
        unit=stream.unit or "",
        metadata=attributes_from_text(stream.metadata),
    )
    data: Any = getattr(metric, stream.type)
    if stream.temporality is not None:
        data.aggregation_temporality = stream.temporality
    if stream.monotonic is not None:
        data.is_monotonic = bool(stream.monotonic)
    return metric


def _add_point(metric: metrics_pb2.Metric, record: PointRecord) -> None:
    kind = record.stream.type
    point: Any = getattr(metric, kind).data_points.add(
        attributes=attributes_from_text(record.stream.attributes),
        time_unix_nano=record.time,
        start_time_unix_nano=record.start_time,
        flags=record.flags,
    )
    data: dict[str, Any] = orjson.loads(record.data) if record.data else {}
    if kind in {"gauge", "sum"}:
        _set_value(point, record.value)
    elif kind == "summary":
        _set_summary(point, record, data)
    elif kind == "histogram":
        _set_distribution(point, record)
        point.explicit_bounds.extend(map(number_of, data["bounds"]))
        point.bucket_counts.extend(data["counts"])
    else:
        _set_distribution(point, record)
        _set_exponential(point, data)
    for exemplar in orjson.loads(record.exemplars) if record.exemplars else ():
        _add_exemplar(point.exemplars, exemplar)


def _set_value(target: Any, value: float | str | None) -> None:
    """The value of a number point or an exemplar; an integer is `as_int`, NaN comes as text."""
    if isinstance(value, int):
        target.as_int = value
    elif value is not None:
        target.as_double = float(value)


def _set_distribution(point: Any, record: PointRecord) -> None:
    point.count = int(record.count or 0)
    for name in ("sum", "min", "max"):
        value = getattr(record, name)
        if value is not None:
            setattr(point, name, float(value))


def _set_exponential(point: metrics_pb2.ExponentialHistogramDataPoint, data: dict[str, Any]) -> None:
    point.scale = data["scale"]
    point.zero_count = data["zero_count"]
    point.zero_threshold = number_of(data["zero_threshold"])
    for name in ("positive", "negative"):
        if name in data:
            buckets = getattr(point, name)
            buckets.SetInParent()
            buckets.offset = data[name]["offset"]
            buckets.bucket_counts.extend(data[name]["counts"])


def _set_summary(point: metrics_pb2.SummaryDataPoint, record: PointRecord, data: dict[str, Any]) -> None:
    point.count = int(record.count or 0)
    if record.sum is not None:
        point.sum = float(record.sum)
    for quantile, value in data["quantiles"]:
        point.quantile_values.add(quantile=number_of(quantile), value=number_of(value))


def _add_exemplar(exemplars: Any, exemplar: dict[str, Any]) -> None:
    added = exemplars.add(
        time_unix_nano=exemplar["time"],
        trace_id=id_of(exemplar.get("trace_id")),
        span_id=id_of(exemplar.get("span_id")),
        filtered_attributes=attributes_from_json(exemplar.get("attributes")),
    )
    _set_value(added, number_of(exemplar["value"]))
