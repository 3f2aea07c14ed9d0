"""Figures of one moment as an OTLP request for metrics: gauges, sums and histograms, gathered by resource and scope."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, InstrumentationScope, KeyValue
from opentelemetry.proto.metrics.v1.metrics_pb2 import (
    AggregationTemporality,
    HistogramDataPoint,
    Metric,
    NumberDataPoint,
    SummaryDataPoint,
)
from opentelemetry.proto.resource.v1.resource_pb2 import Resource

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

Kind = Literal["gauge", "counter", "updown"]
_MAX_INT64 = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Figure:
    """One number. A counter grows from `start_time` on; an updown sum may fall."""

    name: str
    value: float
    unit: str = ""
    kind: Kind = "gauge"
    attributes: Mapping[str, str | int] = field(default_factory=dict)
    description: str = ""


@dataclass(frozen=True, slots=True)
class Distribution:
    """A histogram with counts per bucket, one more than bounds, or a summary with quantiles."""

    name: str
    count: int
    sum: float
    attributes: Mapping[str, str | int] = field(default_factory=dict)
    description: str = ""
    unit: str = ""
    bounds: Sequence[float] = ()
    counts: Sequence[int] = ()
    quantiles: Sequence[tuple[float, float]] = ()


class Scrape:
    """What was read at one time; `start_time` is when the counters began, 0 where nobody knows."""

    def __init__(self, time: int, scope: str, version: str) -> None:
        self._time = time
        self._scope = InstrumentationScope(name=scope, version=version)
        self.request = ExportMetricsServiceRequest()

    def add(self, resource: Mapping[str, str | int], figures: Iterable[Figure | Distribution], start_time: int = 0) -> None:
        metrics: dict[tuple[str, str], Metric] = {}
        for figure in figures:
            kind = figure.kind if isinstance(figure, Figure) else "summary" if figure.quantiles else "histogram"
            metric = metrics.get((figure.name, kind))
            if metric is None:
                metric = Metric(name=figure.name, unit=figure.unit, description=figure.description)
                metrics[figure.name, kind] = metric
            if isinstance(figure, Figure):
                self._add_number(metric, figure, start_time)
            else:
                self._add_distribution(metric, figure, start_time)
        if metrics:
            resource_metrics = self.request.resource_metrics.add(resource=Resource(attributes=_pairs(resource)))
            resource_metrics.scope_metrics.add(scope=self._scope, metrics=metrics.values())

    def _add_number(self, metric: Metric, figure: Figure, start_time: int) -> None:
        point = NumberDataPoint(time_unix_nano=self._time, attributes=_pairs(figure.attributes))
        if isinstance(figure.value, int) and abs(figure.value) <= _MAX_INT64:
            point.as_int = figure.value
        else:
            point.as_double = float(figure.value)
        if figure.kind == "gauge":
            metric.gauge.data_points.append(point)
            return
        point.start_time_unix_nano = start_time
        metric.sum.is_monotonic = figure.kind == "counter"
        metric.sum.aggregation_temporality = AggregationTemporality.AGGREGATION_TEMPORALITY_CUMULATIVE
        metric.sum.data_points.append(point)

    def _add_distribution(self, metric: Metric, figure: Distribution, start_time: int) -> None:
        common = {"time_unix_nano": self._time, "start_time_unix_nano": start_time, "count": figure.count, "sum": figure.sum}
        attributes = _pairs(figure.attributes)
        if figure.quantiles:
            summary = SummaryDataPoint(attributes=attributes, **common)  # type: ignore[arg-type]  # the names are the fields'
            for share, value in figure.quantiles:
                summary.quantile_values.add(quantile=share, value=value)
            metric.summary.data_points.append(summary)
            return
        point = HistogramDataPoint(attributes=attributes, **common)  # type: ignore[arg-type]
        point.explicit_bounds.extend(figure.bounds)
        point.bucket_counts.extend(figure.counts)
        metric.histogram.aggregation_temporality = AggregationTemporality.AGGREGATION_TEMPORALITY_CUMULATIVE
        metric.histogram.data_points.append(point)


def _pairs(values: Mapping[str, str | int]) -> list[KeyValue]:
    return [KeyValue(key=key, value=_value(value)) for key, value in values.items()]


def _value(value: str | int) -> AnyValue:
    return AnyValue(int_value=value) if isinstance(value, int) else AnyValue(string_value=value)
