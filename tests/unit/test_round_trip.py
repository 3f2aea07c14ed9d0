"""What comes in goes out: `to_otlp(to_rows(x)) == x` for any valid request of the three signals.

Proves promise 5 on items and whole requests, made by hypothesis from the descriptors: every kind of value in every place,
numbers at their limits, several resources, scopes and items. Requests are compared by content: items of the same resource and
scope may be gathered into one group, and the attributes of one metric stream come back in the order in which they came first.
"""

from __future__ import annotations

from functools import cache
from itertools import count
from math import inf, isnan, nan
from typing import TYPE_CHECKING, Any

import pytest
from google.protobuf import message_factory
from google.protobuf.descriptor import FieldDescriptor
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tests.unit.otlp_requests import NOW, REQUESTS, WITHOUT_A_PLACE, complete, contents, round_trip

if TYPE_CHECKING:
    from google.protobuf.message import Message
    from hypothesis.strategies import SearchStrategy

LATEST = 2**63 - 1
SOME = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
# Single items are small: more of them, and deeper, fit into the same time.
MANY = settings(SOME, max_examples=200)


def integers(low: int, high: int) -> SearchStrategy[int]:
    """Numbers of a width, and its limits far more often than chance would have them."""
    return st.one_of(st.integers(low, high), st.sampled_from((low, high, 0, 1, 2)))


doubles = st.one_of(st.floats(), st.sampled_from((5.0, 1e16, -0.0, inf, -inf, nan))).map(
    lambda number: nan if isnan(number) else number  # of the many bit patterns of NaN one is kept
)
KEYS = ("", "$", "$list", "$event_name", "$bytes", "event.name", "log.record.uid", "a", "b")
texts = st.one_of(st.sampled_from(KEYS), st.text(max_size=8))
times = st.one_of(st.just(NOW), st.integers(1, LATEST))
SCALARS: dict[int, SearchStrategy[Any]] = {
    FieldDescriptor.TYPE_DOUBLE: doubles,
    FieldDescriptor.TYPE_STRING: texts,
    FieldDescriptor.TYPE_BYTES: st.binary(max_size=8),
    FieldDescriptor.TYPE_BOOL: st.booleans(),
    FieldDescriptor.TYPE_ENUM: integers(-(2**31), 2**31 - 1),
    FieldDescriptor.TYPE_UINT32: integers(0, 2**32 - 1),
    FieldDescriptor.TYPE_FIXED32: integers(0, 2**32 - 1),
    FieldDescriptor.TYPE_INT32: integers(-(2**31), 2**31 - 1),
    FieldDescriptor.TYPE_SINT32: integers(-(2**31), 2**31 - 1),
    FieldDescriptor.TYPE_INT64: integers(-(2**63), LATEST),
    FieldDescriptor.TYPE_SFIXED64: integers(-(2**63), LATEST),
    FieldDescriptor.TYPE_UINT64: integers(0, 2**64 - 1),
    FieldDescriptor.TYPE_FIXED64: integers(0, 2**64 - 1),
}
IDS = {"trace_id": 16, "span_id": 8, "parent_span_id": 8}
DEEPEST = 3
# Absent often enough to be seen absent, present often enough that what lies deep is reached.
present = st.sampled_from((True, True, True, False))


def scalars(field: Any) -> SearchStrategy[Any]:
    if size := IDS.get(field.name):
        return st.binary(min_size=size, max_size=size).map(lambda identifier: identifier if any(identifier) else b"\1" * size)
    # Those of events and exemplars may be any number; those by which a row is ordered may not (their own tests say so).
    if field.name.endswith("time_unix_nano") and field.containing_type.name not in {"Event", "Exemplar"}:
        return times
    return SCALARS[field.type]


@cache
def messages(descriptor: Any, depth: int = 0) -> SearchStrategy[Any]:
    """Any message of a type: each field absent or present, one of each oneof, values within values to a bound."""
    kind = message_factory.GetMessageClass(descriptor)
    choices: dict[str, SearchStrategy[Any]] = {}
    for field in descriptor.fields:
        if field.name in WITHOUT_A_PLACE:
            continue
        inner = field.message_type
        if inner is None:
            single = scalars(field)
        elif inner.name in {"ArrayValue", "KeyValueList"} and depth >= DEEPEST:
            continue
        else:
            single = messages(inner, depth + inner.name.endswith("Value"))
        choices[field.name] = st.lists(single, max_size=2) if field.is_repeated else single
    oneofs = [[field.name for field in group.fields if field.name in choices] for group in descriptor.oneofs]
    exclusive = [names for names in oneofs if len(names) > 1]

    @st.composite
    def build(draw: st.DrawFn) -> Message:
        names = {name for name in choices if draw(present)}
        for group in exclusive:
            chosen = draw(st.sampled_from(group))
            names -= set(group) - {chosen}
        return kind(**{name: draw(choices[name]) for name in sorted(names)})

    return build()


def requests(signal: str) -> SearchStrategy[Any]:
    return messages(REQUESTS[signal].DESCRIPTOR).map(complete)


def assert_comes_back(signal: str, request: Any) -> None:
    assert contents(round_trip(signal, request)) == contents(request)


@MANY
@given(messages(Span.DESCRIPTOR))
def test_a_span_comes_back(span: Any) -> None:
    request = ExportTraceServiceRequest()
    request.resource_spans.add().scope_spans.add().spans.append(span)
    assert_comes_back("traces", complete(request))


@MANY
@given(messages(LogRecord.DESCRIPTOR))
def test_a_log_record_comes_back(record: Any) -> None:
    request = ExportLogsServiceRequest()
    request.resource_logs.add().scope_logs.add().log_records.append(record)
    assert_comes_back("logs", complete(request))


@pytest.mark.parametrize("kind", ["gauge", "sum", "histogram", "exponential_histogram", "summary"])
@MANY
@given(data=st.data())
def test_a_metric_comes_back(kind: str, data: st.DataObject) -> None:
    request = ExportMetricsServiceRequest()
    field = Metric.DESCRIPTOR.fields_by_name[kind]
    metric: Any = Metric(name="m", **{kind: data.draw(messages(field.message_type))})
    request.resource_metrics.add().scope_metrics.add().metrics.append(metric)
    assert_comes_back("metrics", complete(request))


@SOME
@given(requests("traces"))
def test_a_traces_request_comes_back(request: Any) -> None:
    numbers = count(1)
    for resource_spans in request.resource_spans:
        for scope_spans in resource_spans.scope_spans:
            for span in scope_spans.spans:
                # A span sent twice is stored once: here each is another one.
                span.span_id = next(numbers).to_bytes(8, "big")
    assert_comes_back("traces", request)


@SOME
@given(requests("logs"))
def test_a_logs_request_comes_back(request: Any) -> None:
    assert_comes_back("logs", request)


@SOME
@given(requests("metrics"))
def test_a_metrics_request_comes_back(request: Any) -> None:
    numbers = count(1)
    for resource_metrics in request.resource_metrics:
        for scope_metrics in resource_metrics.scope_metrics:
            for metric in scope_metrics.metrics:
                # The same metric with another description is the same series: here each is another metric.
                metric.name = f"{metric.name}{next(numbers)}"
    assert_comes_back("metrics", request)
