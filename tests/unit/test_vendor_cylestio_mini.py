"""Cylestio's mini server moves in: its clients get the answers that they know, its events become GenAI telemetry.

Proves what each event shape turns into, when a start and a finish become one span, and that one faulty event refuses
its batch whole, as this system promises.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from receiver.vendors import Answer, Translation, VendorRequestError
from receiver.vendors.cylestio_mini import answer, translate

if TYPE_CHECKING:
    from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord

    from receiver.vendors.dialect import JsonObject

RECEIVED = 1_795_338_005_000_000_000
EVENT = {"timestamp": "2025-03-18T18:57:11.620036Z", "agent_id": "weather-agent", "event_type": "LLM_call_start"}


def sent(document: object) -> Translation:
    return translate(json.dumps(document).encode(), {}, RECEIVED)


def refusal(body: bytes) -> Answer:
    with pytest.raises(VendorRequestError) as refused:
        translate(body, {}, RECEIVED)
    return refused.value.answer


def log_records(translation: Translation) -> list[LogRecord]:
    return [
        record
        for _, request in translation.requests
        if isinstance(request, ExportLogsServiceRequest)
        for resource in request.resource_logs
        for scope in resource.scope_logs
        for record in scope.log_records
    ]


def spans(translation: Translation) -> list[Span]:
    return [
        span
        for _, request in translation.requests
        if isinstance(request, ExportTraceServiceRequest)
        for resource in request.resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    ]


def texts(record: LogRecord | Span) -> dict[str, str]:
    return {item.key: item.value.string_value for item in record.attributes}


def numbers(record: LogRecord | Span) -> dict[str, int]:
    return {item.key: item.value.int_value for item in record.attributes}


def model_call(second: int, kind: str, **more: Any) -> dict[str, Any]:
    return {
        "timestamp": f"2025-03-18T18:57:{second:02d}Z",
        "agent_id": "weather-agent",
        "event_type": f"LLM_call_{kind}",
        "session_id": "s-1",
        **more,
    }


def test_one_event_is_accepted() -> None:
    assert answer(sent(EVENT), {}) == Answer(202, {"status": "accepted", "message": "Event queued for processing"})


def test_a_batch_says_how_many() -> None:
    expected: JsonObject = {"status": "accepted", "message": "2 events queued for processing"}
    assert answer(sent([EVENT, EVENT]), {}) == Answer(202, expected)
    assert answer(sent({"events": [EVENT, EVENT]}), {}) == Answer(202, expected)


def test_missing_fields_are_named_in_order() -> None:
    assert refusal(b"{}") == Answer(
        400,
        {
            "detail": {
                "errors": [
                    "Missing required field: timestamp",
                    "Missing required field: agent_id",
                    "Missing required field: event_type",
                ]
            }
        },
    )


def test_one_faulty_event_refuses_the_batch_and_is_named_by_index() -> None:
    assert refusal(json.dumps([EVENT, {"timestamp": "x", "agent_id": "a"}]).encode()) == Answer(
        400,
        {
            "detail": {
                "errors": [
                    {
                        "index": 1,
                        "errors": ["Missing required field: event_type", "Invalid timestamp: not an ISO 8601 time"],
                    }
                ]
            }
        },
    )


def test_an_empty_batch_is_refused() -> None:
    assert refusal(b"[]") == Answer(400, {"detail": {"errors": ["No events provided"]}})


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"[1]", b"7", b'{"a":1}x', b"[" * 5000, b"9" * 5000])
def test_what_is_no_event_is_refused_with_422(body: bytes) -> None:
    answered = refusal(body)
    assert answered.status == 422
    detail = answered.body["detail"]
    assert isinstance(detail, list)
    assert isinstance(detail[0], dict)
    assert {"type", "loc", "msg", "input"} <= detail[0].keys()


@pytest.mark.parametrize(
    ("text", "nanoseconds"),
    [
        ("2025-03-18T18:57:11.620036Z", 1_742_324_231_620_036_000),
        ("2025-03-18T20:57:11.620036+02:00", 1_742_324_231_620_036_000),
        ("2025-03-18 13:57:11.620036789-0500", 1_742_324_231_620_036_789),
        ("2025-03-18T18:57:11.620036", 1_742_324_231_620_036_000),
        ("2025-03-18", 1_742_256_000_000_000_000),
        ("0001-01-01T00:00:00Z", 0),
        ("9999-12-31T23:59:59Z", 0),
    ],
)
def test_times_are_utc_nanoseconds(text: str, nanoseconds: int) -> None:
    [record] = log_records(sent({**EVENT, "timestamp": text}))
    assert record.time_unix_nano == nanoseconds
    assert record.observed_time_unix_nano == RECEIVED


@pytest.mark.parametrize("timestamp", ["2025-02-30", "2025-03-18T25:00:00Z", "", 1742324231, None, "2025-03-18T18:57:11+99:00"])
def test_what_is_no_time_is_refused(timestamp: object) -> None:
    assert refusal(json.dumps({**EVENT, "timestamp": timestamp}).encode()).status == 400


def test_the_exact_text_of_each_event_is_kept() -> None:
    first = '{ "timestamp":"2025-03-18T18:57:11Z", "agent_id": "a",\t"event_type" : "x", "n": 1.0, "n": 1, "u": "\\u00e9é" }'
    second = '{"timestamp":"2025-03-18T18:57:12Z","agent_id":"b","event_type":"y"}'
    translation = translate(f" [ {first} ,\n{second}]\n".encode(), {}, RECEIVED)
    assert [texts(record)["log.record.original"] for record in log_records(translation)] == [first, second]


def test_a_start_and_its_finish_in_one_request_are_one_span() -> None:
    finish = {"data": {"model": "gpt-4o", "LLM_provider": "OpenAI", "usage": {"prompt_tokens": 12, "completion_tokens": "9"}}}
    translation = sent([model_call(13, "finish", **finish), model_call(11, "start", data={"model": "gpt-4o"})])
    [span] = spans(translation)
    assert span.name == "chat gpt-4o"
    assert span.kind == Span.SPAN_KIND_CLIENT
    assert span.end_time_unix_nano - span.start_time_unix_nano == 2_000_000_000
    assert numbers(span)["gen_ai.usage.input_tokens"] == 12
    assert numbers(span)["gen_ai.usage.output_tokens"] == 9
    assert texts(span)["gen_ai.provider.name"] == "openai"
    assert texts(span)["session.id"] == "s-1"
    assert {(record.trace_id, record.span_id) for record in log_records(translation)} == {(span.trace_id, span.span_id)}


def test_halves_in_two_requests_name_each_other() -> None:
    """The start's record already has the ids of the span; the finish has the trace and the same pair key."""
    together = sent([model_call(11, "start"), model_call(13, "finish")])
    [start], [finish] = log_records(sent(model_call(11, "start"))), log_records(sent(model_call(13, "finish")))
    [span] = spans(together)
    assert (start.trace_id, start.span_id) == (span.trace_id, span.span_id)
    assert (finish.trace_id, finish.span_id) == (span.trace_id, b"")
    assert texts(start)["cylestio.pair.role"] == "start"
    assert texts(finish)["cylestio.pair.role"] == "finish"
    assert texts(start)["cylestio.pair.key"] == texts(finish)["cylestio.pair.key"]


def test_a_finish_takes_the_latest_open_start_before_it() -> None:
    translation = sent(
        [
            model_call(1, "start"),
            model_call(2, "start"),
            model_call(3, "finish"),
            model_call(9, "finish"),
            model_call(10, "start"),
        ]
    )
    assert [span.end_time_unix_nano - span.start_time_unix_nano for span in spans(translation)] == [8 * 10**9, 10**9]
    assert len({span.span_id for span in spans(translation)}) == 2


def test_agents_and_sessions_are_not_mixed() -> None:
    assert not spans(sent([model_call(1, "start"), model_call(2, "finish", session_id="s-2")]))
    assert not spans(sent([model_call(1, "start"), model_call(2, "finish", agent_id="other")]))


def test_a_blocked_call_is_an_error() -> None:
    [span] = spans(sent([model_call(1, "start"), model_call(2, "blocked", data={"reason": "drop table"})]))
    assert texts(span)["error.type"] == "blocked"
    assert span.status.message == "drop table"


def test_an_event_that_is_there_twice_is_one_event() -> None:
    translation = sent([model_call(1, "start"), model_call(2, "finish")] * 2)
    assert len(log_records(translation)) == 2
    assert len(spans(translation)) == 1
    assert len(translation.keys) == 2
    assert answer(translation, {}).body["message"] == "4 events queued for processing"


def test_spaces_and_order_of_keys_do_not_make_another_event() -> None:
    reordered = dict(reversed(EVENT.items()))
    assert sent(EVENT).keys == translate(json.dumps(reordered, indent=4).encode(), {}, RECEIVED + 1).keys
    assert sent(EVENT).keys != sent({**EVENT, "data": {"n": 5}}).keys
    assert sent({**EVENT, "data": {"n": 5.0}}).keys != sent({**EVENT, "data": {"n": 5}}).keys
