"""OTLP/JSON is read as senders write it: what the specification says, and what exporters do besides.

Proves cases 26-33, 35 and 110-139 of the receiver's table, as far as they are about whole requests and values; which items
are rejected is in `test_otlp_json_items.py`. The number in a test's name is the number of the case.
"""

from __future__ import annotations

import gzip
import json
import math
from typing import TYPE_CHECKING, Any

import pytest
from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from receiver.errors import Malformed, TooLarge
from receiver.otlp_json import Decoded, parse
from receiver.otlp_json.text import MAX_CONTAINERS

if TYPE_CHECKING:
    from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric

TRACE_ID = "5b8efff798038103d269b633813fc60c"
SPAN_ID = "eee19b7ec3c1b174"


def traces(span: str) -> bytes:
    return f'{{"resourceSpans":[{{"scopeSpans":[{{"spans":[{span}]}}]}}]}}'.encode()


def decoded_span(fields: str) -> tuple[Span, Decoded]:
    """Decode a span of which only the members of its JSON object are given."""
    decoded = parse(traces(f"{{{fields}}}"), "traces")
    message = decoded.message
    assert isinstance(message, ExportTraceServiceRequest)
    return message.resource_spans[0].scope_spans[0].spans[0], decoded


def span_of(fields: str) -> Span:
    """Decode a span that must be taken without a remark."""
    span, decoded = decoded_span(fields)
    assert (decoded.rejected, decoded.reasons, decoded.warnings) == (0, [], [])
    return span


def value_of(text: str) -> AnyValue:
    return span_of(f'"attributes":[{{"key":"k","value":{text}}}]').attributes[0].value


def log_of(fields: str) -> tuple[LogRecord, Decoded]:
    decoded = parse(f'{{"resourceLogs":[{{"scopeLogs":[{{"logRecords":[{{{fields}}}]}}]}}]}}'.encode(), "logs")
    assert isinstance(decoded.message, ExportLogsServiceRequest)
    return decoded.message.resource_logs[0].scope_logs[0].log_records[0], decoded


def metric_of(fields: str) -> tuple[Metric, Decoded]:
    decoded = parse(f'{{"resourceMetrics":[{{"scopeMetrics":[{{"metrics":[{{{fields}}}]}}]}}]}}'.encode(), "metrics")
    assert isinstance(decoded.message, ExportMetricsServiceRequest)
    return decoded.message.resource_metrics[0].scope_metrics[0].metrics[0], decoded


@pytest.mark.parametrize("body", [b"{}", b'{"resourceSpans":[]}', b'{"resourceSpans":null}', b' {"resourceSpans" : [] } \n'])
def test_27_an_empty_request_is_empty(body: bytes) -> None:
    assert parse(body, "traces") == Decoded(ExportTraceServiceRequest(), 0, [], [])


@pytest.mark.parametrize("body", [b"", b" \n"])
def test_28_no_bytes_are_not_an_empty_request(body: bytes) -> None:
    with pytest.raises(Malformed, match="the body is empty"):
        parse(body, "traces")


def test_29_envelopes_without_items_are_kept_empty() -> None:
    decoded = parse(b'{"resourceSpans":[{"resource":{}},{"scopeSpans":[{}]}]}', "traces")
    assert decoded.rejected == 0
    assert decoded.warnings == []


@pytest.mark.parametrize("body", [b"1234", b'"x"', b"[]", b"null", b"true", b"NaN", b"[{}]"])
def test_30_only_an_object_is_a_request(body: bytes) -> None:
    with pytest.raises(Malformed, match="must be a JSON object"):
        parse(body, "traces")


@pytest.mark.parametrize("body", [b"{} x", b'{"resourceSpans":[', b"{'a':1}", b"{,}", b"<html>", b'{"a":1,}', b"resourceSpans"])
def test_30_what_is_no_json_is_refused(body: bytes) -> None:
    with pytest.raises(Malformed, match=r"not valid JSON: .*line 1 column"):
        parse(body, "traces")


def test_31_a_byte_order_mark_is_passed_over() -> None:
    decoded = parse(b"\xef\xbb\xbf" + traces('{"name":"x"}'), "traces")
    assert b"x" in decoded.message.SerializeToString()


@pytest.mark.parametrize("text", [b"\xff", b"\xc3\x28", b"\xed\xa0\x80"])
def test_32_invalid_utf8_is_refused(text: bytes) -> None:
    with pytest.raises(Malformed, match="is not UTF-8"):
        parse(b'{"resourceSpans":[{"schemaUrl":"' + text + b'"}]}', "traces")


def test_33_protobuf_and_gzip_sent_as_json_get_a_hint() -> None:
    protobuf = ExportTraceServiceRequest()
    protobuf.resource_spans.add().scope_spans.add().spans.add().trace_id = bytes.fromhex(TRACE_ID)
    with pytest.raises(Malformed, match="application/x-protobuf"):
        parse(protobuf.SerializeToString(), "traces")
    with pytest.raises(Malformed, match="Content-Encoding: gzip"):
        parse(gzip.compress(b"{}"), "traces")


@pytest.mark.parametrize("key", ["resourceLogs", "resource_logs"])
def test_35_a_body_of_another_signal_is_refused_with_its_path(key: str) -> None:
    with pytest.raises(Malformed, match="post them to /v1/logs"):
        parse(f'{{"{key}":[]}}'.encode(), "traces")


@pytest.mark.parametrize("text", [TRACE_ID, TRACE_ID.upper(), TRACE_ID[:10] + TRACE_ID[10:].upper()])
def test_111_hexadecimal_ids_in_either_case(text: str) -> None:
    assert span_of(f'"traceId":"{text}"').trace_id.hex() == TRACE_ID


def test_112_base64_ids_are_converted_and_remarked() -> None:
    span, decoded = decoded_span('"traceId":"W47/95gDgQPSabYzgT/GDA==","spanId":"7uGbfsPBsXQ=","parentSpanId":"7uGbfsPBsXQ="')
    assert (span.trace_id.hex(), span.span_id.hex(), span.parent_span_id.hex()) == (TRACE_ID, SPAN_ID, SPAN_ID)
    assert decoded.rejected == 0
    assert decoded.warnings == ["ids in base64 are accepted, but OTLP/JSON writes ids in hexadecimal"]


def test_113_the_length_of_an_id_is_left_to_the_rules_of_the_data() -> None:
    """Hexadecimal of a wrong length is put into the message: protobuf can hold it too, and one rule judges both."""
    assert span_of('"traceId":"abcd","spanId":"0102030405060708090a"').trace_id == b"\xab\xcd"


@pytest.mark.parametrize("field", ['"parentSpanId":""', '"parentSpanId":null', "", '"traceId":""'])
def test_114_115_an_empty_id_is_an_unset_id(field: str) -> None:
    assert span_of(field) == Span()


def test_116_a_log_without_ids_is_kept() -> None:
    log, decoded = log_of('"traceId":"","spanId":"","eventName":"e"')
    assert log == LogRecord(event_name="e")
    assert decoded.warnings == []


@pytest.mark.parametrize("text", ["not hex", "zz" * 16, "0x" + TRACE_ID, " " + TRACE_ID, "00 11"])
def test_208_a_log_with_an_unreadable_id_is_kept_without_it(text: str) -> None:
    log, decoded = log_of(f'"traceId":"{text}","body":{{"stringValue":"kept"}}')
    assert log == LogRecord(body=AnyValue(string_value="kept"))
    assert decoded.rejected == 0
    assert "LogRecord without its trace_id" in decoded.warnings[0]


@pytest.mark.parametrize(
    "text", ['"1544712660300000001"', "1544712660300000001", "18446744073709551615", '"18446744073709551615"']
)
def test_117_times_are_exact_as_number_and_as_string(text: str) -> None:
    assert span_of(f'"startTimeUnixNano":{text}').start_time_unix_nano == int(text.strip('"'))


@pytest.mark.parametrize(
    ("text", "number"),
    [("1.5e18", 1_500_000_000_000_000_000), ("5.0", 5), ('"1.5e18"', 1_500_000_000_000_000_000), ('"5.0"', 5), ("-0.0", 0)],
)
def test_118_an_integral_number_is_an_integer(text: str, number: int) -> None:
    assert span_of(f'"endTimeUnixNano":{text}').end_time_unix_nano == number


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("1e+21", 1e21),
        ("9223372036854775808", 2.0**63),
        ('"9223372036854775808"', 2.0**63),
        ("1" * 30, float("1" * 30)),
        ("1.5", 1.5),
        ("-1e300", -1e300),
    ],
)
def test_119_an_integer_beyond_64_bits_is_kept_as_a_double(text: str, number: float) -> None:
    assert value_of(f'{{"intValue":{text}}}') == AnyValue(double_value=number)
    metric, _ = metric_of(f'"gauge":{{"dataPoints":[{{"asInt":{text}}}]}}')
    assert metric.gauge.data_points[0].as_double == number


@pytest.mark.parametrize(
    "text", ["9223372036854775807", '"9223372036854775807"', "-9223372036854775808", '"-9223372036854775808"']
)
def test_119_the_limits_of_64_bits_are_integers(text: str) -> None:
    assert value_of(f'{{"intValue":{text}}}') == AnyValue(int_value=int(text.strip('"')))


@pytest.mark.parametrize(
    "fields",
    [
        '"name":null',
        '"attributes":null',
        '"status":null',
        '"kind":null',
        '"events":null',
        '"startTimeUnixNano":null',
        '"flags":null',
    ],
)
def test_121_null_is_unset(fields: str) -> None:
    assert span_of(fields) == Span()


@pytest.mark.parametrize(
    "key", ["stringValue", "boolValue", "intValue", "doubleValue", "arrayValue", "kvlistValue", "bytesValue"]
)
def test_121_a_value_of_null_is_the_empty_value(key: str) -> None:
    assert value_of(f'{{"{key}":null}}') == AnyValue()


def test_121_a_point_of_null_has_no_value() -> None:
    metric, decoded = metric_of('"gauge":{"dataPoints":[{"timeUnixNano":"5","asDouble":null}]}')
    assert metric.gauge.data_points[0].WhichOneof("value") is None
    assert decoded.rejected == 0


def test_122_null_in_an_array_is_passed_over() -> None:
    assert span_of('"attributes":[null,{"key":"a"},null],"links":[null]') == Span(attributes=[KeyValue(key="a")])
    decoded = parse(b'{"resourceSpans":[null,{"scopeSpans":[null,{"spans":[null]}]}]}', "traces")
    assert decoded.rejected == 0
    metric, _ = metric_of('"histogram":{"dataPoints":[{"bucketCounts":["1",null,2]}]}')
    assert list(metric.histogram.data_points[0].bucket_counts) == [1, 2]


@pytest.mark.parametrize("text", ['"Infinity"', "Infinity", "1e999", '"1e999"'])
def test_123_124_infinity_as_string_and_as_token(text: str) -> None:
    assert value_of(f'{{"doubleValue":{text}}}').double_value == math.inf


@pytest.mark.parametrize("text", ['"-Infinity"', "-Infinity"])
def test_123_124_negative_infinity(text: str) -> None:
    assert value_of(f'{{"doubleValue":{text}}}').double_value == -math.inf


@pytest.mark.parametrize("text", ['"NaN"', "NaN"])
def test_123_124_not_a_number(text: str) -> None:
    assert math.isnan(value_of(f'{{"doubleValue":{text}}}').double_value)


@pytest.mark.parametrize(("text", "number"), [("5", 5.0), ('"5"', 5.0), ('"-1.5e3"', -1500.0), ("0.1", 0.1), ('"0.1"', 0.1)])
def test_123_doubles_as_number_and_as_string(text: str, number: float) -> None:
    assert value_of(f'{{"doubleValue":{text}}}') == AnyValue(double_value=number)


@pytest.mark.parametrize("text", ["2", '"SPAN_KIND_SERVER"', '"2"', "2.0"])
def test_125_a_kind_by_number_and_by_name(text: str) -> None:
    assert span_of(f'"kind":{text}').kind == Span.SPAN_KIND_SERVER


def test_125_an_unknown_name_is_zero_with_a_warning() -> None:
    span, decoded = decoded_span('"kind":"SPAN_KIND_NEW","name":"kept"')
    assert span == Span(name="kept")
    assert decoded.warnings == ["unknown SpanKind names are read as 0"]


def test_126_numbers_of_open_enums_are_kept() -> None:
    assert span_of('"kind":99,"status":{"code":7}').kind == 99
    assert log_of('"severityNumber":42')[0].severity_number == 42


def test_127_omitted_fields_have_their_defaults() -> None:
    span = span_of('"name":"x"')
    assert (span.kind, span.flags, span.HasField("status")) == (0, 0, False)


SNAKE_CASE = {
    "resource_spans": [
        {
            "resource": {
                "attributes": [{"key": "service.name", "value": {"string_value": "cpp"}}],
                "dropped_attributes_count": 1,
            },
            "schema_url": "https://example.com/schema",
            "scope_spans": [
                {"spans": [{"trace_id": TRACE_ID, "span_id": SPAN_ID, "start_time_unix_nano": 5, "trace_state": "a=b"}]}
            ],
        }
    ]
}


def test_128_snake_case_keys_mean_the_same() -> None:
    camel_case: Any = {
        "resourceSpans": [
            {
                "resource": {
                    "attributes": [{"key": "service.name", "value": {"stringValue": "cpp"}}],
                    "droppedAttributesCount": 1,
                },
                "schemaUrl": "https://example.com/schema",
                "scopeSpans": [
                    {"spans": [{"traceId": TRACE_ID, "spanId": SPAN_ID, "startTimeUnixNano": 5, "traceState": "a=b"}]}
                ],
            }
        ]
    }
    assert parse(json.dumps(SNAKE_CASE).encode(), "traces") == parse(json.dumps(camel_case).encode(), "traces")


@pytest.mark.parametrize(
    "fields",
    [
        '"trace_state":"snake","traceState":"camel"',
        '"traceState":"camel","trace_state":"snake"',
        '"traceState":"camel","trace_state":5',
    ],
)
def test_128_lower_camel_case_wins(fields: str) -> None:
    assert span_of(fields).trace_state == "camel"


def test_128_a_null_does_not_win() -> None:
    assert span_of('"traceState":null,"trace_state":"snake"').trace_state == "snake"


def test_129_keys_in_another_case_are_unknown() -> None:
    assert span_of('"Name":"x","STARTTIMEUNIXNANO":5') == Span()
    decoded = parse(b'{"ResourceSpans":[{}]}', "traces")
    assert decoded.warnings == ["nothing was found: the top level has no key 'resourceSpans'"]


def test_130_unknown_keys_are_passed_over_at_every_level() -> None:
    body = json.loads(traces('{"name":"x","attributes":[{"key":"k","value":{"stringValue":"v"}}],"status":{"code":1}}'))
    expected = parse(json.dumps(body).encode(), "traces")

    def with_unknown_keys(value: Any) -> Any:
        if isinstance(value, list):
            return [with_unknown_keys(element) for element in value]
        if isinstance(value, dict):
            known = {key: with_unknown_keys(inner) for key, inner in value.items()}
            return {"new": {"deep": [[1]]}} | known | {"": None, "é": "x"}
        return value

    assert parse(json.dumps(with_unknown_keys(body)).encode(), "traces") == expected


@pytest.mark.parametrize("text", ["+/8=", "-_8=", "+/8", "-_8"])
def test_131_base64_in_both_alphabets_with_and_without_padding(text: str) -> None:
    assert value_of(f'{{"bytesValue":"{text}"}}') == AnyValue(bytes_value=b"\xfb\xff")


def test_133_the_last_of_several_alternatives_is_kept() -> None:
    span, decoded = decoded_span('"attributes":[{"key":"k","value":{"stringValue":"a","intValue":"5","new":1}}]')
    assert span.attributes[0].value == AnyValue(int_value=5)
    assert decoded.rejected == 0
    assert decoded.warnings == ["AnyValue has several alternatives (stringValue, intValue): the last one is kept"]


def test_133_a_null_alternative_is_none() -> None:
    assert value_of('{"stringValue":"a","intValue":null}') == AnyValue(string_value="a")


@pytest.mark.parametrize("text", ["{}", "null"])
def test_134_the_empty_value_is_kept(text: str) -> None:
    span = span_of(f'"attributes":[{{"key":"k","value":{text}}}]')
    assert span.attributes[0].key == "k"
    assert span.attributes[0].value.WhichOneof("value") is None
    assert span_of('"attributes":[{"key":"k"}]') == Span(attributes=[KeyValue(key="k")])


def test_135_of_duplicated_keys_the_last_wins() -> None:
    assert span_of('"name":"first","name":"last"').name == "last"
    assert span_of('"name":"first","flags":NaN,"flags":1,"name":"last"').name == "last"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (r"\ud800", "�"),
        (r"\uDC00x", "�x"),
        (r"a\ud83d\ude00b\ud83d", "a😀b�"),
        (r"\ude00\ud83d", "��"),
        (r"\ud800\\ud800", "�\\ud800"),
        (r"\\\ud800\"", '\\�"'),
        (r"\ud800\ud83d\ude00", "�😀"),
    ],
)
def test_136_half_of_a_surrogate_pair_is_replaced(text: str, expected: str) -> None:
    assert span_of(f'"name":"{text}"').name == expected


def nested(levels: int) -> str:
    return '{"arrayValue":{"values":[' * levels + '{"stringValue":"x"}' + "]}}" * levels


def test_137_nesting_is_bounded_where_protobuf_bounds_it() -> None:
    """47 arrays within each other are read and can be read back from protobuf; 48 are refused in both encodings."""
    decoded = parse(traces(f'{{"attributes":[{{"key":"k","value":{nested(47)}}}]}}'), "traces")
    message = decoded.message
    assert isinstance(message, ExportTraceServiceRequest)
    assert ExportTraceServiceRequest.FromString(message.SerializeToString()) == message
    with pytest.raises(Malformed, match="more than 100 messages within each other") as refused:
        parse(traces(f'{{"attributes":[{{"key":"k","value":{nested(48)}}}]}}'), "traces")
    assert refused.value.message.startswith("resourceSpans[0].scopeSpans[0].spans[0].attributes[0].value.arrayValue")
    value = message.resource_spans[0].scope_spans[0].spans[0].attributes[0].value
    value.CopyFrom(AnyValue(array_value=ArrayValue(values=[value])))
    with pytest.raises(DecodeError):
        ExportTraceServiceRequest.FromString(message.SerializeToString())


@pytest.mark.parametrize("levels", [200, 330, 1000, 5000, 100_000])
def test_137_deep_nesting_is_refused_whatever_its_depth(levels: int) -> None:
    with pytest.raises(Malformed):
        parse(traces(f'{{"attributes":[{{"key":"k","value":{nested(levels)}}}]}}'), "traces")
    with pytest.raises(Malformed):
        parse(b'{"resourceSpans":' + b"[" * levels + b"NaN" + b"]" * levels + b"}", "traces")


@pytest.mark.parametrize("element", [b"{}", b"[]"])
def test_54_a_body_of_countless_empty_objects_is_too_large(element: bytes) -> None:
    """6 MB of text would become 500 MB of objects: it is refused before it is parsed."""
    with pytest.raises(TooLarge, match="send smaller batches"):
        parse(b'{"new":[' + b",".join([element] * MAX_CONTAINERS) + b"]}", "traces")
    assert parse(b'{"resourceSpans":[],"new":[' + b",".join([element] * 1000) + b"]}", "traces").warnings == []


@pytest.mark.parametrize(
    ("body", "where"),
    [
        (b'{"resourceSpans":5}', "resourceSpans"),
        (b'{"resourceSpans":{}}', "resourceSpans"),
        (b'{"resourceSpans":["x"]}', "resourceSpans[0]"),
        (b'{"resourceSpans":[{},{"scopeSpans":"x"}]}', "resourceSpans[1].scopeSpans"),
        (b'{"resourceSpans":[{"scopeSpans":[{},7]}]}', "resourceSpans[0].scopeSpans[1]"),
        (b'{"resourceSpans":[{"scopeSpans":[{"spans":true}]}]}', "resourceSpans[0].scopeSpans[0].spans"),
    ],
)
def test_138_an_unreadable_envelope_is_refused_by_name(body: bytes, where: str) -> None:
    with pytest.raises(Malformed) as refused:
        parse(body, "traces")
    assert refused.value.message.startswith(f"{where}: expected an ")


def test_139_keys_of_before_2022_are_read() -> None:
    old = (
        b'{"resourceSpans":[{"instrumentationLibrarySpans":[{"instrumentationLibrary":{"name":"old"},"spans":[{"name":"x"}]}]}]}'
    )
    new = b'{"resourceSpans":[{"scopeSpans":[{"scope":{"name":"old"},"spans":[{"name":"x"}]}]}]}'
    assert parse(old, "traces") == parse(new, "traces")
    both = (
        b'{"resourceSpans":[{"scopeSpans":[{"spans":[{"name":"x"}]}],"instrumentationLibrarySpans":[{"spans":[{"name":"x"}]}]}]}'
    )
    assert parse(both, "traces") == parse(traces('{"name":"x"}'), "traces")
    assert parse(b'{"resourceLogs":[{"instrumentationLibraryLogs":[{"schemaUrl":"s"}]}]}', "logs").message.ByteSize() > 5
    assert parse(b'{"resourceMetrics":[{"instrumentationLibraryMetrics":[{"schemaUrl":"s"}]}]}', "metrics").message.ByteSize() > 5


def test_224_zero_and_absent_stay_apart() -> None:
    metric, _ = metric_of('"histogram":{"dataPoints":[{"sum":0,"count":"0","min":0}]}')
    point = metric.histogram.data_points[0]
    assert (point.HasField("sum"), point.HasField("min"), point.HasField("max")) == (True, True, False)
