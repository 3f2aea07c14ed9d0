"""OTLP/JSON in and out lose nothing, and no input whatever makes the decoder fail in an unforeseen way.

Messages are generated from the protobuf descriptors, so every field of every message takes part, also those that a newer
opentelemetry-proto brings.
"""

from __future__ import annotations

import json
import math
import re
from typing import TYPE_CHECKING, Any

import pytest
from google.protobuf.descriptor import FieldDescriptor
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from receiver.errors import RefusedRequest
from receiver.otlp_json import parse
from storage.rows.otlp_json_text import to_json

if TYPE_CHECKING:
    from google.protobuf.message import Message

REQUESTS: dict[str, type[Message]] = {
    "traces": ExportTraceServiceRequest,
    "metrics": ExportMetricsServiceRequest,
    "logs": ExportLogsServiceRequest,
}
MAX_LEVELS = 14

SCALARS: dict[int, st.SearchStrategy[Any]] = {
    FieldDescriptor.CPPTYPE_STRING: st.text(max_size=8),
    FieldDescriptor.CPPTYPE_BOOL: st.booleans(),
    # Of all that are not a number only the usual one: JSON says "NaN", not which.
    FieldDescriptor.CPPTYPE_DOUBLE: st.floats().map(lambda number: math.nan if math.isnan(number) else number),
    FieldDescriptor.CPPTYPE_INT32: st.integers(-(2**31), 2**31 - 1),
    FieldDescriptor.CPPTYPE_INT64: st.integers(-(2**63), 2**63 - 1),
    FieldDescriptor.CPPTYPE_UINT32: st.integers(0, 2**32 - 1),
    FieldDescriptor.CPPTYPE_UINT64: st.integers(0, 2**64 - 1),
    FieldDescriptor.CPPTYPE_ENUM: st.integers(-(2**31), 2**31 - 1) | st.integers(0, 3),
}


def scalar_strategy(field: FieldDescriptor) -> st.SearchStrategy[Any]:
    if field.type == FieldDescriptor.TYPE_BYTES:
        return st.binary(max_size=20) | st.binary(min_size=8, max_size=8) | st.binary(min_size=16, max_size=16)
    return SCALARS[field.cpp_type]


def fill_at_random(draw: st.DrawFn, message: Any, level: int) -> None:
    """Give some fields of the message a value; of the alternatives of a oneof the last drawn stays."""
    fields = list(message.DESCRIPTOR.fields)
    chosen = draw(st.lists(st.sampled_from(fields), max_size=4, unique_by=lambda field: str(field.name)))
    for field in chosen:
        held = getattr(message, field.name)
        count = draw(st.integers(0, 2)) if field.is_repeated else 1
        if field.message_type is None:
            if field.is_repeated:
                held.extend([draw(scalar_strategy(field)) for _ in range(count)])
            else:
                setattr(message, field.name, draw(scalar_strategy(field)))
        elif level < MAX_LEVELS:
            for _ in range(count):
                inner = held.add() if field.is_repeated else held
                inner.SetInParent()
                fill_at_random(draw, inner, level + 1)


@st.composite
def requests(draw: st.DrawFn, signal_name: str) -> Message:
    message = REQUESTS[signal_name]()
    fill_at_random(draw, message, 0)
    return message


def exact(message: Message) -> bytes:
    """Bytes to compare by: unlike messages, they are equal also when they hold NaN, and tell 0.0 from -0.0."""
    return message.SerializeToString(deterministic=True)


@pytest.mark.parametrize("signal_name", REQUESTS)
def test_174_what_is_written_is_read_back_exactly(signal_name: str) -> None:
    @settings(suppress_health_check=[HealthCheck.too_slow], deadline=None, max_examples=300)
    @given(message=requests(signal_name))
    def check(message: Message) -> None:
        decoded = parse(to_json(message), signal_name)
        assert (decoded.rejected, decoded.reasons) == (0, [])
        assert exact(decoded.message) == exact(message)

    check()


def test_every_field_of_every_message_is_written_and_read() -> None:
    """No field is forgotten: each one, alone in its message, comes back."""
    for signal_name, request in REQUESTS.items():
        for path in field_paths(request.DESCRIPTOR, ()):
            message = request()
            set_path(message, path)
            decoded = parse(to_json(message), signal_name)
            assert exact(decoded.message) == exact(message), [field.name for field in path]
            assert decoded.message.ByteSize() > 0


def field_paths(descriptor: Any, path: tuple[Any, ...]) -> list[tuple[Any, ...]]:
    """List the ways to each field, through each message type once."""
    if descriptor in [field.containing_type for field in path]:
        return [path]
    return [
        found
        for field in descriptor.fields
        for found in (field_paths(field.message_type, (*path, field)) if field.message_type else [(*path, field)])
    ]


def set_path(message: Any, path: tuple[Any, ...]) -> None:
    for field in path:
        held = getattr(message, field.name)
        if field.message_type:
            message = held.add() if field.is_repeated else held
            message.SetInParent()
            continue
        sample: object = {FieldDescriptor.CPPTYPE_STRING: "x", FieldDescriptor.CPPTYPE_BOOL: True}.get(field.cpp_type, 1)
        sample = b"\x01\xff" if field.type == FieldDescriptor.TYPE_BYTES else sample
        if field.is_repeated:
            held.append(sample)
        else:
            setattr(message, field.name, sample)


def test_140_the_text_is_what_the_specification_says() -> None:
    span = Span(
        trace_id=bytes.fromhex("5b8efff798038103d269b633813fc60c"),
        span_id=bytes.fromhex("eee19b7ec3c1b174"),
        kind=Span.SPAN_KIND_SERVER,
        start_time_unix_nano=1544712660300000001,
        flags=257,
        attributes=[
            KeyValue(key="int", value=AnyValue(int_value=5)),
            KeyValue(key="double", value=AnyValue(double_value=5.0)),
            KeyValue(key="nan", value=AnyValue(double_value=float("nan"))),
            KeyValue(key="-inf", value=AnyValue(double_value=float("-inf"))),
            KeyValue(key="bytes", value=AnyValue(bytes_value=b"\xfb\xff")),
            KeyValue(key="empty", value=AnyValue()),
        ],
        status=Status(),
    )
    assert json.loads(to_json(span)) == {
        "traceId": "5b8efff798038103d269b633813fc60c",
        "spanId": "eee19b7ec3c1b174",
        "kind": 2,
        "startTimeUnixNano": "1544712660300000001",
        "flags": 257,
        "attributes": [
            {"key": "int", "value": {"intValue": "5"}},
            {"key": "double", "value": {"doubleValue": 5.0}},
            {"key": "nan", "value": {"doubleValue": "NaN"}},
            {"key": "-inf", "value": {"doubleValue": "-Infinity"}},
            {"key": "bytes", "value": {"bytesValue": "+/8="}},
            {"key": "empty", "value": {}},
        ],
        "status": {},
    }


def test_137_the_deepest_message_that_protobuf_reads_is_written() -> None:
    value = AnyValue(string_value="x")
    for _ in range(33):
        outer = AnyValue()
        outer.kvlist_value.values.add(key="k").value.CopyFrom(value)
        value = outer
    assert AnyValue.FromString(value.SerializeToString()) == value
    assert to_json(value).count(b"kvlistValue") == 33


def allowed(body: bytes, signal_name: str) -> None:
    """Decode or refuse: anything else raises here. What was decoded can be sent on."""
    try:
        decoded = parse(body, signal_name)
    except RefusedRequest:
        return
    message = REQUESTS[signal_name].FromString(decoded.message.SerializeToString())
    assert parse(to_json(message), signal_name).rejected == 0


@given(body=st.binary(max_size=200), signal_name=st.sampled_from(sorted(REQUESTS)))
def test_33_any_bytes_are_decoded_or_refused(body: bytes, signal_name: str) -> None:
    allowed(body, signal_name)


KEYS = sorted(
    {
        key
        for request in REQUESTS.values()
        for path in field_paths(request.DESCRIPTOR, ())
        for field in path
        for key in (field.json_name, field.name)
    }
)
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats()
    | st.text(max_size=5)
    | st.sampled_from(["", "NaN", "5", "-1", "1e5", "ab" * 16, "W47/95gDgQPSabYzgT/GDA==", "\ud800", "SPAN_KIND_SERVER"])
)
JUNK = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS) | st.text(max_size=3), inner, max_size=4),
    max_leaves=12,
)


@given(value=st.dictionaries(st.sampled_from(KEYS), JUNK, max_size=3), signal_name=st.sampled_from(sorted(REQUESTS)))
def test_33_any_json_is_decoded_or_refused(value: object, signal_name: str) -> None:
    allowed(json.dumps(value).encode(), signal_name)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None, max_examples=300)
@given(data=st.data(), signal_name=st.sampled_from(sorted(REQUESTS)))
def test_33_a_request_with_values_replaced_is_decoded_or_refused(data: st.DataObject, signal_name: str) -> None:
    """True requests of which some values, deep inside, are junk: the commonest way for input to be wrong."""
    tree = json.loads(to_json(data.draw(requests(signal_name))))
    for _ in range(data.draw(st.integers(1, 3))):
        node: Any = tree
        while node:
            key = data.draw(st.sampled_from(sorted(node) if isinstance(node, dict) else range(len(node))))
            if not isinstance(node[key], dict | list) or data.draw(st.integers(0, 4)) == 0:
                node[key] = data.draw(JUNK)
                break
            node = node[key]
    allowed(json.dumps(tree).encode(), signal_name)


@given(data=st.data())
def test_128_snake_case_text_is_read_as_the_same_message(data: st.DataObject) -> None:
    signal_name = data.draw(st.sampled_from(sorted(REQUESTS)))
    message = data.draw(requests(signal_name))
    names = {field.json_name: field.name for path in field_paths(message.DESCRIPTOR, ()) for field in path}

    def snake_case(value: Any) -> Any:
        if isinstance(value, dict):
            return {names[key]: snake_case(inner) for key, inner in value.items()}
        return [snake_case(element) for element in value] if isinstance(value, list) else value

    text = json.dumps(snake_case(json.loads(to_json(message))))
    assert not re.search(r'"[a-z]+[A-Z]\w*":', text)
    assert exact(parse(text.encode(), signal_name).message) == exact(message)
