"""A metrics request becomes streams and points: every type, the limits of numbers, what is refused and what identifies a stream.

Proves cases 213-232 of the OTLP rules on the row kernel, each by its number.
"""

from __future__ import annotations

import math
import time
from typing import Any

import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue
from opentelemetry.proto.metrics.v1.metrics_pb2 import (
    AGGREGATION_TEMPORALITY_CUMULATIVE,
    AGGREGATION_TEMPORALITY_DELTA,
    Exemplar,
    ExponentialHistogram,
    ExponentialHistogramDataPoint,
    Gauge,
    Histogram,
    HistogramDataPoint,
    Metric,
    NumberDataPoint,
    Sum,
    Summary,
    SummaryDataPoint,
)

from storage.batch import POINT_COLUMNS, STREAM_COLUMNS, Batch
from storage.rows import Undecodable
from storage.rows.metrics import metrics_batch
from storage.rows.values import DEEPEST_VALUE
from tests.unit.otlp_requests import NOW, SPAN_ID, TRACE_ID, round_trip

DELTA, CUMULATIVE = AGGREGATION_TEMPORALITY_DELTA, AGGREGATION_TEMPORALITY_CUMULATIVE
Buckets = ExponentialHistogramDataPoint.Buckets


def request_of(*metrics: Metric, service: str = "shop") -> ExportMetricsServiceRequest:
    request = ExportMetricsServiceRequest()
    resource_metrics = request.resource_metrics.add()
    resource_metrics.resource.attributes.append(label("service.name", service))
    resource_metrics.scope_metrics.add().metrics.extend(metrics)
    return request


def label(key: str, text: str) -> KeyValue:
    return KeyValue(key=key, value=AnyValue(string_value=text))


def batch_of(*metrics: Metric) -> Batch:
    return metrics_batch(request_of(*metrics).SerializeToString(), NOW)


def nested_in_request(point: bytes) -> bytes:
    """The bytes of a data point in a gauge in a metric in a scope in a resource."""
    for tag in (0x0A, 0x2A, 0x12, 0x12, 0x0A):
        point = bytes((tag, len(point))) + point
    return point


def gauge(*points: NumberDataPoint, description: str = "", unit: str = "") -> Metric:
    return Metric(name="g", gauge=Gauge(data_points=points), description=description, unit=unit)


def number(*labels: KeyValue, at: int = NOW, value: float = 0.5) -> NumberDataPoint:
    return NumberDataPoint(time_unix_nano=at, as_double=value, attributes=labels)


def histogram(**fields: Any) -> Metric:
    point = HistogramDataPoint(**{"time_unix_nano": NOW, **fields})
    return Metric(name="h", histogram=Histogram(data_points=[point], aggregation_temporality=DELTA))


def exponential(**fields: Any) -> Metric:
    point = ExponentialHistogramDataPoint(**{"time_unix_nano": NOW, **fields})
    return Metric(name="e", exponential_histogram=ExponentialHistogram(data_points=[point], aggregation_temporality=CUMULATIVE))


def summary(**fields: Any) -> Metric:
    return Metric(name="s", summary=Summary(data_points=[SummaryDataPoint(**{"time_unix_nano": NOW, **fields})]))


def point_of(metric: Metric) -> dict[str, Any]:
    batch = batch_of(metric)
    assert (batch.rejected, len(batch.rows)) == (0, 1), batch.reasons
    return dict(zip(POINT_COLUMNS, batch.rows[0], strict=True))


def stream_of(metric: Metric) -> dict[str, Any]:
    return dict(zip(STREAM_COLUMNS, batch_of(metric).streams[0], strict=True))


def refusal_of(metric: Metric) -> str:
    """The one reason; a good point beside the bad one is kept."""
    batch = batch_of(metric, Metric(name="good", gauge=Gauge(data_points=[number()])))
    assert (batch.rejected, len(batch.rows), len(batch.streams)) == (1, 1, 1)
    (reason,) = batch.reasons
    return reason


@pytest.mark.parametrize(
    ("metric", "kind", "temporality", "monotonic"),
    [
        (gauge(number()), "gauge", None, None),
        (Metric(sum=Sum(data_points=[number()], aggregation_temporality=DELTA, is_monotonic=True)), "sum", 1, 1),
        (Metric(sum=Sum(data_points=[number()], aggregation_temporality=CUMULATIVE)), "sum", 2, 0),
        (histogram(), "histogram", 1, None),
        (exponential(), "exponential_histogram", 2, None),
        (summary(), "summary", None, None),
    ],
)
def test_a_stream_of_each_type(metric: Metric, kind: str, temporality: int | None, monotonic: int | None) -> None:
    """Case 213."""
    stream = stream_of(metric)
    assert (stream["type"], stream["temporality"], stream["monotonic"]) == (kind, temporality, monotonic)


def test_what_describes_a_stream_is_kept() -> None:
    """Case 229."""
    metric = gauge(number(label("k", "v")), description="what", unit="By")
    metric.metadata.append(label("prometheus.type", "gauge"))
    stream = stream_of(metric)
    assert (stream["name"], stream["description"], stream["unit"]) == ("g", "what", "By")
    assert (stream["metadata"], stream["attributes"]) == ('{"prometheus.type":"gauge"}', '{"k":"v"}')


@pytest.mark.parametrize(
    "other",
    [
        gauge(number(label("a", "1"), label("b", "2")), description="other words"),
        gauge(number(label("b", "2"), label("a", "1"))),
        gauge(number(label("a", "1"), label("b", "2"), at=NOW + 1)),
    ],
)
def test_the_same_stream(other: Metric) -> None:
    """Another description, another order of attributes, another time: one series (cases 186, 229)."""
    batch = batch_of(gauge(number(label("a", "1"), label("b", "2"))), other)
    assert len(batch.streams) == 1
    assert [row[0] for row in batch.rows] == [0, 0]


@pytest.mark.parametrize(
    "other",
    [
        Metric(name="g2", gauge=Gauge(data_points=[number()])),
        gauge(number(), unit="s"),
        gauge(number(label("a", "1"))),
        gauge(NumberDataPoint(time_unix_nano=NOW, as_int=1, attributes=[KeyValue(key="a", value=AnyValue(int_value=1))])),
        Metric(name="g", sum=Sum(data_points=[number()], aggregation_temporality=DELTA)),
        Metric(name="g", sum=Sum(data_points=[number()], aggregation_temporality=CUMULATIVE)),
        Metric(name="g", sum=Sum(data_points=[number()], aggregation_temporality=DELTA, is_monotonic=True)),
        Metric(name="g", summary=Summary(data_points=[SummaryDataPoint(time_unix_nano=NOW)])),
    ],
)
def test_another_stream(other: Metric) -> None:
    """Case 215: what differs in any of these is never mixed."""
    assert batch_of(gauge(number()), other).streams[0][2] != batch_of(other).streams[0][2]


def test_streams_of_another_resource_or_scope_are_others() -> None:
    request = request_of(gauge(number()))
    request.resource_metrics.append(request_of(gauge(number()), service="other").resource_metrics[0])
    scope_metrics = request.resource_metrics[0].scope_metrics.add()
    scope_metrics.scope.name = "meter"
    scope_metrics.metrics.append(gauge(number()))
    batch = metrics_batch(request.SerializeToString(), NOW)
    assert len({stream[2] for stream in batch.streams}) == 3
    assert [stream[:2] for stream in batch.streams] == [(0, 0), (0, 1), (1, 0)]


@pytest.mark.parametrize(
    ("value", "stored"),
    [(5.0, 5.0), (math.inf, math.inf), (-math.inf, -math.inf), (math.nan, "NaN"), (5, 5), (-(2**63), -(2**63)), (2**63 - 1,) * 2],
)
def test_numbers_keep_their_type_and_limits(value: float, stored: float | str) -> None:
    """Cases 220 and 221."""
    point = NumberDataPoint(time_unix_nano=NOW)
    setattr(point, "as_int" if isinstance(value, int) else "as_double", value)
    found = point_of(gauge(point))["value"]
    assert (found, type(found)) == (stored, type(stored))


def test_counts_beyond_what_sqlite_holds_are_text() -> None:
    """Case 221: uint64 up to 2^64 - 1, exactly."""
    assert point_of(histogram(count=2**63 - 1))["count"] == 2**63 - 1
    assert point_of(histogram(count=2**64 - 1))["count"] == "18446744073709551615"
    buckets = point_of(histogram(count=2**64 - 1, bucket_counts=[2**64 - 1]))
    assert buckets["data"] == '{"bounds":[],"counts":[18446744073709551615]}'


def test_a_point_without_time_is_refused() -> None:
    """Case 216."""
    reason = refusal_of(gauge(number(at=0)))
    assert reason == "data point of metric 'g': time_unix_nano is 0; set the time of the measurement"


@pytest.mark.parametrize("point", [number(at=2**63), NumberDataPoint(time_unix_nano=1, start_time_unix_nano=2**64 - 1, as_int=1)])
def test_a_time_beyond_63_bits_is_refused(point: NumberDataPoint) -> None:
    """Case 194."""
    assert "below 2^63" in refusal_of(gauge(point))


def test_a_start_after_the_time_is_kept() -> None:
    """Case 217."""
    point = point_of(gauge(NumberDataPoint(time_unix_nano=5, start_time_unix_nano=9, as_int=1)))
    assert (point["time"], point["start_time"]) == (5, 9)


def test_a_point_without_value_is_refused_unless_it_says_so() -> None:
    """Cases 218 and 219; other flags may be set as well."""
    assert "neither as_int nor as_double" in refusal_of(gauge(NumberDataPoint(time_unix_nano=NOW, flags=2)))
    point = point_of(gauge(NumberDataPoint(time_unix_nano=NOW, flags=3)))
    assert (point["value"], point["flags"]) == (None, 3)


@pytest.mark.parametrize(
    ("bounds", "counts"),
    [([1.0, 2.0], [1, 2]), ([1.0], []), ([], [1, 2]), ([1.0], [1, 2, 3])],
)
def test_buckets_that_do_not_match_bounds_are_refused(bounds: list[float], counts: list[int]) -> None:
    """Case 222."""
    reason = refusal_of(histogram(explicit_bounds=bounds, bucket_counts=counts))
    assert reason == (
        f"data point of metric 'h': {len(bounds)} explicit_bounds need {len(bounds) + 1} bucket_counts, it has {len(counts)}"
    )


@pytest.mark.parametrize("bounds", [[1.0, 1.0], [2.0, 1.0], [math.nan], [1.0, math.nan], [math.nan, 1.0], [0.0, -0.0]])
def test_bounds_that_do_not_increase_are_refused(bounds: list[float]) -> None:
    """Case 223."""
    assert "strictly increase" in refusal_of(histogram(explicit_bounds=bounds, bucket_counts=[0] * (len(bounds) + 1)))


@pytest.mark.parametrize(
    ("bounds", "counts", "data"),
    [
        ([], [], '{"bounds":[],"counts":[]}'),
        ([], [3], '{"bounds":[],"counts":[3]}'),
        ([1.0, 2.5], [1, 2, 3], '{"bounds":[1.0,2.5],"counts":[1,2,3]}'),
        ([-math.inf, math.inf], [0, 1, 0], '{"bounds":[{"$double":"-Infinity"},{"$double":"Infinity"}],"counts":[0,1,0]}'),
    ],
)
def test_buckets_are_kept(bounds: list[float], counts: list[int], data: str) -> None:
    """Cases 213 and 222."""
    assert point_of(histogram(explicit_bounds=bounds, bucket_counts=counts, count=sum(counts)))["data"] == data


def test_bounds_of_equal_numbers_are_not_confused() -> None:
    """0.0 and -0.0 compare equal, and what is remembered of one is not given for the other."""
    for bounds, text in (([0.0], "[0.0]"), ([-0.0], "[-0.0]")):
        assert text in point_of(histogram(explicit_bounds=bounds, bucket_counts=[0, 0]))["data"]


@pytest.mark.parametrize(
    "fields", [{"sum": 0.0, "min": 0.0, "max": 0.0}, {}, {"sum": math.nan, "min": -math.inf, "max": math.inf}]
)
@pytest.mark.parametrize("make", [histogram, exponential])
def test_absent_is_not_zero(make: Any, fields: dict[str, float]) -> None:
    """Case 224."""
    point = point_of(make(**fields))
    expected = {name: "NaN" if math.isnan(value) else value for name, value in fields.items()}
    assert {name: point[name] for name in ("sum", "min", "max") if point[name] is not None} == expected


def test_an_exponential_histogram_whole() -> None:
    """Case 225; a side that is absent is not one that is empty."""
    metric = exponential(
        count=10,
        scale=-10,
        zero_count=4,
        zero_threshold=0.25,
        positive=Buckets(offset=-5, bucket_counts=[1, 2, 3]),
        negative=Buckets(),
    )
    assert point_of(metric)["data"] == (
        '{"scale":-10,"zero_count":4,"zero_threshold":0.25,'
        '"positive":{"offset":-5,"counts":[1,2,3]},"negative":{"offset":0,"counts":[]}}'
    )
    assert point_of(exponential(scale=20))["data"] == '{"scale":20,"zero_count":0,"zero_threshold":0.0}'


def test_a_summary_whole() -> None:
    """Case 226; a quantile nobody measured is NaN."""
    at = SummaryDataPoint.ValueAtQuantile
    point = point_of(summary(count=3, sum=1.5, quantile_values=[at(quantile=0, value=1), at(quantile=1, value=math.nan)]))
    assert (point["count"], point["sum"], point["data"]) == (3, 1.5, '{"quantiles":[[0.0,1.0],[1.0,{"$double":"NaN"}]]}')
    assert point_of(summary())["data"] == '{"quantiles":[]}'


def test_what_is_odd_but_valid_is_kept_with_a_word() -> None:
    """Cases 214 and 223: no temporality, and a count that is not the sum of the buckets."""
    batch = batch_of(Metric(name="t", sum=Sum(data_points=[number()])))
    assert (batch.rejected, len(batch.rows)) == (0, 1)
    assert batch.reasons == [
        "metric 't' was kept as sent, but its aggregation temporality is unspecified; set delta (1) or cumulative (2)"
    ]
    for metric in (
        histogram(count=5, bucket_counts=[4]),
        exponential(count=5, zero_count=1, positive=Buckets(bucket_counts=[3])),
    ):
        batch = batch_of(metric)
        assert (batch.rejected, len(batch.rows), len(batch.reasons)) == (0, 1, 1)
        assert "not the sum of its buckets" in batch.reasons[0]


def test_exemplars() -> None:
    """Case 227: ids that are not valid associate nothing, and without a value an exemplar says nothing."""
    exemplars = [
        Exemplar(
            time_unix_nano=2**64 - 1, as_double=5, trace_id=TRACE_ID, span_id=SPAN_ID, filtered_attributes=[label("k", "v")]
        ),
        Exemplar(time_unix_nano=7, as_int=5, trace_id=bytes(16), span_id=SPAN_ID),
        Exemplar(time_unix_nano=7, as_double=math.nan, trace_id=TRACE_ID, span_id=b"short"),
        Exemplar(time_unix_nano=7, trace_id=TRACE_ID),
    ]
    point = point_of(gauge(NumberDataPoint(time_unix_nano=NOW, as_int=1, exemplars=exemplars)))
    assert point["exemplars"] == (
        '[{"time":18446744073709551615,"value":5.0,"trace_id":"5b8efff798038103d269b633813fc60c","span_id":"eee19b7ec3c1b174",'
        '"attributes":{"k":"v"}},{"time":7,"value":5,"attributes":{}},'
        '{"time":7,"value":{"$double":"NaN"},"trace_id":"5b8efff798038103d269b633813fc60c","attributes":{}}]'
    )
    assert point_of(gauge(NumberDataPoint(time_unix_nano=NOW, as_int=1, exemplars=exemplars[3:])))["exemplars"] is None


@pytest.mark.parametrize("metric", [Metric(name="nothing"), gauge(), Metric(summary=Summary())])
def test_a_metric_without_points_is_nothing(metric: Metric) -> None:
    """Case 228: neither kept nor refused."""
    batch = batch_of(metric)
    assert (batch.rows, batch.streams, batch.rejected, batch.reasons) == ([], [], 0, [])


def test_a_metric_without_a_name_is_kept() -> None:
    """Case 230."""
    assert stream_of(Metric(gauge=Gauge(data_points=[number()])))["name"] == ""


def test_the_last_of_equal_points_comes_last() -> None:
    """Case 231: the store replaces a point of the same stream and time, in this order."""
    batch = batch_of(gauge(number(value=1.0), number(value=2.0)))
    assert [row[:2] + row[4:5] for row in batch.rows] == [(0, NOW, 1.0), (0, NOW, 2.0)]


def test_ten_thousand_points_of_as_many_streams_take_less_than_a_second() -> None:
    """Case 232, with no stream remembered from before."""
    body = request_of(gauge(*(number(label("id", f"s{position}")) for position in range(10_000)))).SerializeToString()
    started = time.thread_time()  # tests run side by side
    batch = metrics_batch(body, NOW)
    assert time.thread_time() - started < 1
    assert (len(batch.rows), len(batch.streams)) == (10_000, 10_000)


def test_the_deepest_value_fits_where_values_lie_deepest() -> None:
    """An attribute of an exemplar lies under more messages than any other; one level more is refused with what to do."""

    def request(levels: int) -> ExportMetricsServiceRequest:
        value = AnyValue(int_value=1)
        for _ in range(levels):
            value = AnyValue(array_value=ArrayValue(values=[value]))
        exemplar = Exemplar(as_int=1, filtered_attributes=[KeyValue(key="k", value=value)])
        return request_of(histogram(exemplars=[exemplar]))

    deepest = request(DEEPEST_VALUE // 2)
    back = round_trip("metrics", deepest)
    assert ExportMetricsServiceRequest.FromString(back.SerializeToString()) == deepest
    with pytest.raises(Undecodable, match="send it as a JSON string"):
        metrics_batch(request(DEEPEST_VALUE // 2 + 1).SerializeToString(), NOW)


NOT_UTF8 = b"\x3a\x03\x0a\x01\xff"


@pytest.mark.parametrize("body", [b"\xff\xff", b"\x0a\x7f", nested_in_request(number().SerializeToString() + NOT_UTF8)])
def test_what_is_no_request_is_refused_whole(body: bytes) -> None:
    """Also where the fault lies in an attribute, which is parsed later than the rest."""
    with pytest.raises(Undecodable):
        metrics_batch(body, NOW)
