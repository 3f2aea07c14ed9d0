"""A logs request becomes rows: times, bodies, event names, associations, identity, and what the block index is told.

Proves cases 203-212 and 251-253 of the OTLP rules on the row kernel, each by its number.
"""

from __future__ import annotations

from array import array
from typing import Any

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue, KeyValueList
from opentelemetry.proto.logs.v1.logs_pb2 import SEVERITY_NUMBER_INFO, LogRecord

from storage.batch import LOG_COLUMNS, Batch
from storage.rows import Undecodable
from storage.rows.hashes import EVENT, SERVICE, search_hash
from storage.rows.logs import logs_batch
from tests.unit.otlp_requests import NOW, SPAN_ID, TRACE_ID

MUCH_LATER = 2**63


def request_of(*records: LogRecord, service: str = "shop") -> ExportLogsServiceRequest:
    request = ExportLogsServiceRequest()
    resource_logs = request.resource_logs.add()
    resource_logs.resource.attributes.append(text_attribute("service.name", service))
    scope_logs = resource_logs.scope_logs.add()
    scope_logs.scope.name = "logger"
    scope_logs.log_records.extend(records)
    return request


def text_attribute(key: str, text: str) -> KeyValue:
    return KeyValue(key=key, value=AnyValue(string_value=text))


def batch_of(*records: LogRecord) -> Batch:
    return logs_batch(request_of(*records).SerializeToString(), NOW)


def row_of(record: LogRecord) -> dict[str, Any]:
    batch = batch_of(record)
    assert (batch.rejected, len(batch.rows)) == (0, 1)
    return dict(zip(LOG_COLUMNS, batch.rows[0], strict=True))


def test_a_record_whole() -> None:
    record = LogRecord(
        time_unix_nano=5,
        observed_time_unix_nano=6,
        severity_number=SEVERITY_NUMBER_INFO,
        severity_text="INFO",
        body=AnyValue(string_value="hello"),
        attributes=[text_attribute("k", "v")],
        dropped_attributes_count=2**32 - 1,
        flags=0xFFFFFF01,
        trace_id=TRACE_ID,
        span_id=SPAN_ID,
        event_name="greeting",
    )
    assert row_of(record) == {
        "resource_id": 0,
        "scope_id": 0,
        "time": 5,
        "time_unix_nano": 5,
        "observed_time_unix_nano": 6,
        "severity_number": 9,
        "severity_text": "INFO",
        "body": "hello",
        "body_type": "string",
        "event_name": "greeting",
        "trace_id": TRACE_ID.hex(),
        "span_id": SPAN_ID.hex(),
        "flags": 0xFFFFFF01,
        "attributes": '{"k":"v"}',
        "dropped_attributes_count": 2**32 - 1,
        "record_uid": None,
    }


@pytest.mark.parametrize(
    ("body", "text", "body_type"),
    [
        (AnyValue(string_value="[1]"), "[1]", "string"),
        (AnyValue(string_value=""), "", "string"),
        (AnyValue(bool_value=False), "false", "bool"),
        (AnyValue(int_value=0), "0", "int"),
        (AnyValue(double_value=5), "5.0", "double"),
        (AnyValue(bytes_value=b"\xff"), '{"$bytes":"/w=="}', "bytes"),
        (AnyValue(array_value=ArrayValue(values=[AnyValue(int_value=1)])), "[1]", "array"),
        (AnyValue(kvlist_value=KeyValueList(values=[text_attribute("a", "b")])), '{"a":"b"}', "kvlist"),
        (AnyValue(), "null", "empty"),
        (AnyValue(string_value_strindex=1), "null", "empty"),
        (None, None, None),
    ],
)
def test_a_body_of_each_type(body: AnyValue | None, text: str | None, body_type: str | None) -> None:
    """Case 203."""
    row = row_of(LogRecord(body=body))
    assert (row["body"], row["body_type"]) == (text, body_type)


@pytest.mark.parametrize(("time", "observed", "expected"), [(5, 6, 5), (0, 6, 6), (5, 0, 5), (0, 0, NOW)])
def test_the_first_known_time_orders(time: int, observed: int, expected: int) -> None:
    """Cases 204 and 205: never 1970, and what was absent stays absent."""
    row = row_of(LogRecord(time_unix_nano=time, observed_time_unix_nano=observed))
    assert (row["time"], row["time_unix_nano"], row["observed_time_unix_nano"]) == (expected, time, observed)


@pytest.mark.parametrize("record", [LogRecord(time_unix_nano=MUCH_LATER), LogRecord(observed_time_unix_nano=2**64 - 1)])
def test_a_time_beyond_63_bits_refuses_the_record_only(record: LogRecord) -> None:
    """Case 194."""
    record.event_name = "broken clock"
    batch = batch_of(record, LogRecord(time_unix_nano=MUCH_LATER - 1))
    assert (batch.rejected, len(batch.rows)) == (1, 1)
    assert batch.reasons == ["log record 'broken clock': times must be nanoseconds since 1970 below 2^63"]


def test_reasons_are_few() -> None:
    batch = batch_of(*[LogRecord(time_unix_nano=MUCH_LATER)] * 50)
    assert (batch.rejected, len(batch.rows), len(batch.reasons), batch.digest) == (50, 0, 3, "")


@pytest.mark.parametrize(("number", "text"), [(0, ""), (24, "FATAL4"), (99, "odd"), (-1, ""), (0, "WARN"), (9, "ERROR")])
def test_severity_is_kept_as_sent(number: int, text: str) -> None:
    """Case 206: number and text, also where they contradict or lie beyond 24."""
    record = LogRecord(severity_text=text)
    setattr(record, "severity_number", number)  # noqa: B010  the type knows named numbers only
    row = row_of(record)
    assert (row["severity_number"], row["severity_text"]) == (number, text or None)


@pytest.mark.parametrize(
    ("field", "attributes", "expected"),
    [
        ("sent", [], "sent"),
        ("", [text_attribute("event.name", "attribute")], "attribute"),
        ("sent", [text_attribute("event.name", "attribute")], "sent"),
        ("", [text_attribute("event.name", "a"), text_attribute("event.name", "b")], "b"),
        ("", [text_attribute("event.name", "")], None),
        ("", [KeyValue(key="event.name", value=AnyValue(int_value=5))], None),
        ("", [text_attribute("note", '"event.name":"x"')], None),
        ("", [KeyValue(key="k", value=AnyValue(kvlist_value=KeyValueList(values=[text_attribute("event.name", "in")])))], None),
        ("", [text_attribute("event.name", "long " * 200)], "long " * 200),
    ],
)
def test_the_name_of_an_event(field: str, attributes: list[KeyValue], expected: str | None) -> None:
    """Case 207: the field, else the attribute that came before there was a field."""
    assert row_of(LogRecord(event_name=field, attributes=attributes))["event_name"] == expected


def test_name_in_field_and_attribute_is_noted() -> None:
    """So that both come back; where only the attribute was sent, there is no note."""
    both = row_of(LogRecord(event_name="e", attributes=[text_attribute("event.name", "e")]))
    assert both["attributes"] == '{"event.name":"e","$event_name":true}'
    assert row_of(LogRecord(attributes=[text_attribute("event.name", "e")]))["attributes"] == '{"event.name":"e"}'


@pytest.mark.parametrize(
    ("trace_id", "span_id", "expected"),
    [
        (TRACE_ID, SPAN_ID, (TRACE_ID.hex(), SPAN_ID.hex())),
        (TRACE_ID, b"", (TRACE_ID.hex(), None)),
        (TRACE_ID, bytes(8), (TRACE_ID.hex(), None)),
        (TRACE_ID, b"short", (TRACE_ID.hex(), None)),
        (b"", SPAN_ID, (None, None)),
        (bytes(16), SPAN_ID, (None, None)),
        (b"short", SPAN_ID, (None, None)),
    ],
)
def test_invalid_ids_cost_the_association_only(trace_id: bytes, span_id: bytes, expected: tuple[str | None, str | None]) -> None:
    """Cases 208 and 209."""
    row = row_of(LogRecord(trace_id=trace_id, span_id=span_id))
    assert (row["trace_id"], row["span_id"]) == expected


def test_equal_records_of_one_request_are_both_kept() -> None:
    """Cases 211 and 253."""
    batch = batch_of(*[LogRecord(time_unix_nano=5, body=AnyValue(string_value="same"))] * 2)
    assert len(batch.rows) == 2
    assert batch.rows[0] == batch.rows[1]


def test_the_identity_that_a_sender_gives() -> None:
    uid = "01JABCDEF"
    assert row_of(LogRecord(attributes=[text_attribute("log.record.uid", uid)]))["record_uid"] == uid
    assert row_of(LogRecord(attributes=[KeyValue(key="log.record.uid", value=AnyValue(int_value=5))]))["record_uid"] is None
    long = row_of(LogRecord(attributes=[text_attribute("log.record.uid", "x" * 100_000)]))["record_uid"]
    other = row_of(LogRecord(attributes=[text_attribute("log.record.uid", "x" * 100_001)]))["record_uid"]
    assert len(long) == 64
    assert long != other


def test_the_digest_is_of_what_was_said_not_of_how_it_was_written() -> None:
    """Case 251: fields in another order, as another encoder may write them, are the same request; other times are not (252)."""
    record = LogRecord(time_unix_nano=5, severity_text="INFO")
    time, severity = LogRecord(time_unix_nano=5).SerializeToString(), LogRecord(severity_text="INFO").SerializeToString()
    frames = []
    for body in (time + severity, severity + time):
        scope_logs = b"\x12" + bytes([len(body)]) + body
        resource_logs = b"\x12" + bytes([len(scope_logs)]) + scope_logs
        frames.append(b"\x0a" + bytes([len(resource_logs)]) + resource_logs)
    assert ExportLogsServiceRequest.FromString(frames[1]).resource_logs[0].scope_logs[0].log_records[0] == record
    digests = [logs_batch(frame, NOW + number).digest for number, frame in enumerate(frames)]
    assert digests[0] == digests[1]
    assert len(digests[0]) == 32
    assert batch_of(record).digest != batch_of(LogRecord(time_unix_nano=6, severity_text="INFO")).digest


def test_segments_tell_what_a_search_can_find() -> None:
    records = [
        LogRecord(time_unix_nano=1_000 + number, attributes=[text_attribute("part", str(number // 512))])
        for number in range(1100)
    ]
    records[600].event_name = "rare"
    batch = batch_of(*records)
    assert [(count, first, last) for count, first, last, _ in batch.segments] == [
        (512, 1000, 1511),
        (512, 1512, 2023),
        (76, 2024, 2099),
    ]
    hashes = []
    for *_, packed in batch.segments:
        found = array("I")
        found.frombytes(packed)
        assert list(found) == sorted(set(found))
        hashes.append(set(found))
    service = search_hash(SERVICE, "shop")
    assert hashes[0] == {service, search_hash("part", "0")}
    assert hashes[1] == {service, search_hash("part", "1"), search_hash(EVENT, "rare")}
    assert hashes[2] == {service, search_hash("part", "2")}


@pytest.mark.parametrize(
    "body",
    [
        b"\xff\xff",
        b"\x0a\x7f",
        # A record whose body is cut, one whose body is not UTF-8, and an attribute that is no message.
        b"\x0a\x08\x12\x06\x12\x04\x2a\x02\x0a\x05",
        b"\x0a\x09\x12\x07\x12\x05\x2a\x03\x0a\x01\xff",
        b"\x0a\x07\x12\x05\x12\x03\x32\x01\xff",
    ],
)
def test_what_is_no_request_is_refused_whole(body: bytes) -> None:
    with pytest.raises(Undecodable):
        logs_batch(body, NOW)


def test_an_empty_request_is_an_empty_batch() -> None:
    batch = logs_batch(b"", NOW)
    assert (batch.rows, batch.segments, batch.digest, batch.rejected) == ([], [], "", 0)
