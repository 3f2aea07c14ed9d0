"""One item that cannot be read costs that item and no other, and the sender learns which and why.

Proves the item-level side of cases 113, 120, 132, 133 and 138 of the receiver's table, for all three signals, and that all
that is told to the sender is bounded.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from receiver.otlp_json import Decoded, parse

GOOD: dict[str, Any] = {"name": "good", "traceId": "01" * 16, "spanId": "02" * 8}


def parse_traces(*resources: object) -> tuple[ExportTraceServiceRequest, Decoded]:
    decoded = parse(json.dumps({"resourceSpans": resources}).encode(), "traces")
    assert isinstance(decoded.message, ExportTraceServiceRequest)
    return decoded.message, decoded


def parse_spans(*spans: object) -> tuple[list[str], Decoded]:
    message, decoded = parse_traces({"scopeSpans": [{"spans": spans}]})
    return [span.name for span in message.resource_spans[0].scope_spans[0].spans], decoded


@pytest.mark.parametrize(
    ("field", "problem"),
    [
        pytest.param({"traceId": "xyz"}, "traceId: 'xyz' is not hexadecimal; an id is 32 hexadecimal digits", id="113-not-hex"),
        pytest.param({"spanId": "0"}, "spanId: '0' is not hexadecimal; an id is 16 hexadecimal digits", id="113-odd"),
        pytest.param({"traceId": "01 " * 16}, "traceId: ", id="113-spaces"),
        pytest.param({"parentSpanId": "zz" * 8}, "parentSpanId: ", id="113-parent"),
        pytest.param({"traceId": "!" * 22 + "=="}, "traceId: ", id="113-no-base64-either"),
        pytest.param({"traceId": 5}, "traceId: expected 32 hexadecimal digits, not 5", id="138-id"),
        pytest.param({"startTimeUnixNano": -1}, "startTimeUnixNano: -1 is out of range", id="120-number"),
        pytest.param({"startTimeUnixNano": "-1"}, "startTimeUnixNano: '-1' is out of range", id="120-string"),
        pytest.param({"endTimeUnixNano": 2**64}, "endTimeUnixNano: ", id="120-too-large"),
        pytest.param({"flags": 2**32}, "flags: 4294967296 is out of range", id="120-flags"),
        pytest.param({"kind": 2**31}, "kind: 2147483648 is out of range", id="126-kind"),
        pytest.param({"startTimeUnixNano": 1.5}, "startTimeUnixNano: expected an integer, not 1.5", id="118-fraction"),
        pytest.param({"startTimeUnixNano": "2024-01-01"}, "expected an integer, not '2024-01-01'", id="118-text"),
        pytest.param({"startTimeUnixNano": "1_000"}, "expected an integer, not '1_000'", id="118-underscore"),
        pytest.param({"startTimeUnixNano": "٣"}, "expected an integer", id="118-other-digits"),
        pytest.param({"startTimeUnixNano": ""}, "expected an integer, not ''", id="118-empty"),
        pytest.param({"startTimeUnixNano": True}, "expected an integer, not True", id="138-boolean-time"),
        pytest.param({"startTimeUnixNano": float("nan")}, "expected an integer, not nan", id="124-nan-time"),
        pytest.param({"name": 5}, "name: expected a string, not 5", id="138-name"),
        pytest.param({"name": ["x"]}, "name: expected a string, not an array", id="138-name-array"),
        pytest.param({"status": "OK"}, "status: expected an object (Status), not 'OK'", id="138-status"),
        pytest.param({"attributes": {}}, "attributes: expected an array, not an object", id="138-attributes"),
        pytest.param({"attributes": [5]}, "attributes[0]: expected an object (KeyValue), not 5", id="138-attribute"),
        pytest.param({"events": [{}, 5]}, "events[1]: expected an object (Event), not 5", id="138-event"),
        pytest.param({"events": [{"name": 5}]}, "events[0].name: expected a string", id="138-event-name"),
        pytest.param(
            {"attributes": [{"key": "k", "value": "bare"}]},
            """attributes[0].value: expected an object such as {"stringValue": …}, not 'bare'""",
            id="138-bare-value",
        ),
    ],
)
def test_an_unreadable_span_is_rejected_alone(field: dict[str, Any], problem: str) -> None:
    names, decoded = parse_spans(GOOD, {**GOOD, **field}, GOOD)
    assert names == ["good", "good"]
    assert decoded.rejected == 1
    assert problem in decoded.reasons[0]
    assert decoded.reasons[0].startswith("resourceSpans[0].scopeSpans[0].spans[1]")


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        pytest.param({"bytesValue": "!!!"}, "bytesValue: '!!!' is not base64", id="132-bad-base64"),
        pytest.param({"bytesValue": "abcde"}, "bytesValue: 'abcde' is not base64", id="132-bad-length"),
        pytest.param({"bytesValue": "ab\nc"}, "is not base64", id="132-newline"),
        pytest.param({"bytesValue": 5}, "bytesValue: expected base64 text, not 5", id="138-bytes"),
        pytest.param({"boolValue": "true"}, "boolValue: expected true or false, not 'true'", id="138-bool"),
        pytest.param({"boolValue": 1}, "boolValue: expected true or false, not 1", id="138-bool-number"),
        pytest.param({"intValue": True}, "intValue: expected a number, not True", id="138-int-boolean"),
        pytest.param({"intValue": "five"}, "intValue: expected a number, not 'five'", id="138-int-text"),
        pytest.param({"doubleValue": True}, "doubleValue: expected a number, not True", id="138-double-boolean"),
        pytest.param({"doubleValue": "1_0"}, "doubleValue: expected a number, not '1_0'", id="138-double-text"),
        pytest.param({"stringValue": 5}, "stringValue: expected a string, not 5", id="138-string"),
        pytest.param({"arrayValue": []}, "arrayValue: expected an object (ArrayValue), not an array", id="138-array"),
        pytest.param(
            {"kvlistValue": {"values": [{"key": "a"}, {"key": "b", "value": {"stringValue": 5}}]}},
            "kvlistValue.values[1].value.stringValue: expected a string, not 5",
            id="138-nested",
        ),
    ],
)
def test_an_unreadable_attribute_is_named_by_its_path(value: object, problem: str) -> None:
    names, decoded = parse_spans({**GOOD, "attributes": [{"key": "a"}, {"key": "k", "value": value}]}, GOOD)
    assert names == ["good"]
    assert decoded.rejected == 1
    assert decoded.reasons[0].startswith("resourceSpans[0].scopeSpans[0].spans[0].attributes[1].value.")
    assert problem in decoded.reasons[0]


@pytest.mark.parametrize("junk", [5, "x", [], True])
def test_138_an_item_that_is_no_object_is_rejected(junk: object) -> None:
    names, decoded = parse_spans(GOOD, junk, GOOD)
    assert names == ["good", "good"]
    assert decoded.rejected == 1
    assert decoded.reasons[0].startswith("resourceSpans[0].scopeSpans[0].spans[1]: expected an object (Span), not ")


@pytest.mark.parametrize(
    ("envelope", "where"),
    [
        ({"resource": {"attributes": [{"key": 5}]}}, "resourceSpans[1].resource.attributes[0].key"),
        ({"resource": "me"}, "resourceSpans[1].resource"),
        ({"schemaUrl": 5}, "resourceSpans[1].schemaUrl"),
    ],
)
@pytest.mark.parametrize("first", [True, False], ids=["before", "after"])
def test_138_an_unreadable_resource_costs_its_items(envelope: dict[str, Any], where: str, first: bool) -> None:
    """Its spans are counted once each, also the one that was already rejected before the resource was read."""
    spans = {"scopeSpans": [{"spans": [GOOD, None, {"name": 5}]}, {"spans": [GOOD]}]}
    message, decoded = parse_traces({"scopeSpans": [{"spans": [GOOD]}]}, envelope | spans if first else spans | envelope, {})
    assert decoded.rejected == 3
    assert len(message.resource_spans) == 2
    assert message.resource_spans[0].scope_spans[0].spans[0].name == "good"
    assert decoded.reasons[-1].startswith(f"{where}: expected a")


def test_138_an_unreadable_scope_costs_its_items_alone() -> None:
    message, decoded = parse_traces(
        {"scopeSpans": [{"scope": {"name": 5}, "spans": [GOOD, GOOD]}, {"scope": {"name": "s"}, "spans": [GOOD]}]},
    )
    assert decoded.rejected == 2
    assert [scope.scope.name for scope in message.resource_spans[0].scope_spans] == ["s"]
    assert decoded.reasons == ["resourceSpans[0].scopeSpans[0].scope.name: expected a string, not 5"]


def test_138_an_unreadable_resource_without_items_is_a_warning() -> None:
    _, decoded = parse_traces({"resource": 5})
    assert (decoded.rejected, decoded.reasons) == (0, [])
    assert decoded.warnings == ["resourceSpans[0].resource: expected an object (Resource), not 5"]


def parse_metrics(*metrics: object) -> tuple[ExportMetricsServiceRequest, Decoded]:
    decoded = parse(json.dumps({"resourceMetrics": [{"scopeMetrics": [{"metrics": metrics}]}]}).encode(), "metrics")
    assert isinstance(decoded.message, ExportMetricsServiceRequest)
    return decoded.message, decoded


@pytest.mark.parametrize("kind", ["gauge", "sum", "histogram", "exponentialHistogram", "summary"])
def test_120_an_unreadable_point_is_rejected_alone(kind: str) -> None:
    points = [{"timeUnixNano": "1"}, {"timeUnixNano": -1}, {"timeUnixNano": "3"}]
    message, decoded = parse_metrics({"name": "m", kind: {"dataPoints": points}})
    metric = message.resource_metrics[0].scope_metrics[0].metrics[0]
    kept = getattr(metric, metric.WhichOneof("data") or "").data_points
    assert [point.time_unix_nano for point in kept] == [1, 3]
    assert decoded.rejected == 1
    path = f"resourceMetrics[0].scopeMetrics[0].metrics[0].{kind}.dataPoints[1].timeUnixNano"
    assert decoded.reasons == [f"{path}: -1 is out of range"]


def test_138_an_unreadable_metric_costs_its_points() -> None:
    bad: list[dict[str, Any]] = [
        {"name": 5, "gauge": {"dataPoints": [{}, {}]}},
        {"name": "m", "sum": {"dataPoints": [{}, {"timeUnixNano": -1}], "isMonotonic": "yes"}},
    ]
    message, decoded = parse_metrics(*bad, {"name": "good", "gauge": {"dataPoints": [{}]}})
    assert [metric.name for metric in message.resource_metrics[0].scope_metrics[0].metrics] == ["good"]
    assert decoded.rejected == 4
    assert decoded.reasons[-1].endswith("metrics[1].sum.isMonotonic: expected true or false, not 'yes'")


def test_133_points_of_the_lost_alternative_are_counted() -> None:
    message, decoded = parse_metrics({"gauge": {"dataPoints": [{}, {}]}, "sum": {"dataPoints": [{"timeUnixNano": 7}]}})
    metric = message.resource_metrics[0].scope_metrics[0].metrics[0]
    assert metric.sum.data_points[0].time_unix_nano == 7
    assert decoded.rejected == 2
    assert "several alternatives (gauge, sum): the last one is kept" in decoded.reasons[0]


def test_227_an_exemplar_with_an_unreadable_id_is_kept_without_it() -> None:
    exemplar = {"traceId": "nonsense", "asDouble": 1.5}
    message, decoded = parse_metrics({"gauge": {"dataPoints": [{"exemplars": [exemplar]}]}})
    kept = message.resource_metrics[0].scope_metrics[0].metrics[0].gauge.data_points[0].exemplars[0]
    assert (kept.as_double, kept.trace_id) == (1.5, b"")
    assert decoded.rejected == 0
    assert "Exemplar without its trace_id" in decoded.warnings[0]


def test_201_a_link_with_an_unreadable_id_does_not_cost_the_span() -> None:
    names, decoded = parse_spans({**GOOD, "links": [{"traceId": "nonsense", "spanId": "02" * 8}]})
    assert names == ["good"]
    assert decoded.rejected == 0
    assert "Link without its trace_id" in decoded.warnings[0]


def test_138_an_unreadable_log_record_is_rejected_alone() -> None:
    records = [{"severityText": "a"}, {"severityText": 5}, {"body": "bare"}, {"severityText": "b"}]
    decoded = parse(json.dumps({"resourceLogs": [{"scopeLogs": [{"logRecords": records}]}]}).encode(), "logs")
    assert isinstance(decoded.message, ExportLogsServiceRequest)
    kept = decoded.message.resource_logs[0].scope_logs[0].log_records
    assert [record.severity_text for record in kept] == ["a", "b"]
    assert decoded.rejected == 2
    assert decoded.reasons[0] == "resourceLogs[0].scopeLogs[0].logRecords[1].severityText: expected a string, not 5"


def test_57_what_is_told_is_bounded() -> None:
    """Many long problems: all are counted, few are told, none at length."""
    bad = [{"name": 5, "traceId": "x" * 100_000} for _ in range(500)]
    names, decoded = parse_spans(*bad, *[{**GOOD, "traceId": "y" * 100_000}] * 500)
    assert names == []
    assert decoded.rejected == 1000
    assert len(decoded.reasons) == 5
    assert max(map(len, decoded.reasons)) <= 300
    logs = [{"traceId": f"no id {number} " + "z" * 10_000} for number in range(500)]
    told = parse(json.dumps({"resourceLogs": [{"scopeLogs": [{"logRecords": logs}]}]}).encode(), "logs").warnings
    assert len(told) == 5
    assert max(map(len, told)) <= 300
