"""Cylestio's local server moves in: envelopes, errors and event numbers as its clients know them.

Proves which faults cost a request and which only an event, how ids are kept, and that spans follow the client's own span
ids unless it repeats one for a whole session.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from receiver.vendors import Answer, Stored, Translation, VendorRequestError
from receiver.vendors.cylestio_local import answer, translate

if TYPE_CHECKING:
    from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord, ResourceLogs

    from receiver.vendors.dialect import JsonObject

RECEIVED = 1_795_338_005_000_000_000
TRACE, SPAN, OTHER_SPAN = "5f2c8a1e9b7d4c03a6e1f0d9c8b7a655", "a1b2c3d4e5f60718", "b7c8d9e0f1a2b3c4"


def event(name: str, second: int = 0, **more: Any) -> dict[str, Any]:
    return {
        "schema_version": "1.0",
        "timestamp": f"2026-11-22T09:00:{second:02d}Z",
        "trace_id": TRACE,
        "span_id": SPAN,
        "parent_span_id": None,
        "name": name,
        "level": "INFO",
        "agent_id": "support-bot",
        "attributes": {},
        **more,
    }


def sent(document: object) -> Translation:
    return translate(json.dumps(document).encode(), {}, RECEIVED)


def refusal(document: object) -> Answer:
    with pytest.raises(VendorRequestError) as refused:
        sent(document)
    return refused.value.answer


def resources(translation: Translation) -> list[ResourceLogs]:
    return [
        resource
        for _, request in translation.requests
        if isinstance(request, ExportLogsServiceRequest)
        for resource in request.resource_logs
    ]


def log_records(translation: Translation) -> list[LogRecord]:
    return [record for resource in resources(translation) for scope in resource.scope_logs for record in scope.log_records]


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


def test_the_event_number_is_the_stores_and_a_duplicate_has_the_same() -> None:
    translation = sent(event("monitoring.start"))
    [key] = translation.keys
    expected: JsonObject = {"success": True, "event_id": "7", "error": None, "id": "7", "status": "success"}
    for is_new in (True, False):
        assert answer(translation, {key: Stored(7, is_new)}) == Answer(201, expected)


def test_a_batch_with_a_failed_event_is_201_and_keeps_the_others() -> None:
    unknown_version = event("x", schema_version="3.0")
    translation = sent({"events": [event("a"), unknown_version, event("b")]})
    assert answer(translation, {}).body == {
        "success": False,
        "total": 3,
        "processed": 2,
        "failed": 1,
        "details": [{"index": 1, "error": "Unsupported schema version: 3.0 (this server reads 1.0)", "event_name": "x"}],
    }
    assert [record.event_name for record in log_records(translation)] == ["a", "b"]


def test_a_malformed_event_refuses_its_batch() -> None:
    refused = refusal({"events": [event("a"), {"name": 5}]})
    assert refused.status == 400
    error = refused.body["error"]
    assert isinstance(error, dict)
    assert error["code"] == "VALIDATION_ERROR"
    details = error["details"]
    assert isinstance(details, dict)
    assert (details["field"], details["reason"]) == ("events.1.timestamp", "Field required")
    assert details["errors"] == refused.body["detail"]


def test_more_than_a_thousand_events_are_refused() -> None:
    assert refusal({"events": [event("a")] * 1001}).status == 400
    assert len(sent({"events": [event("a")] * 1000}).elements) == 1000


@pytest.mark.parametrize(
    "document",
    [
        {"schema_version": "2.0"},
        {"name": "security.content.dangerous", "attributes": {"security.severity": "high"}},
    ],
)
def test_faults_of_meaning_have_the_business_error(document: dict[str, Any]) -> None:
    refused = refusal({**event("x"), **document})
    assert refused.status == 400
    detail = refused.body["detail"]
    assert isinstance(detail, dict)
    assert detail["success"] is False


def test_a_missing_trace_id_is_refused_and_null_is_not_a_trace() -> None:
    without = event("llm.call.start")
    del without["trace_id"]
    assert refusal(without).status == 400
    for trace in (None, "null-trace"):
        early = [event("llm.call.start", trace_id=trace), event("llm.call.finish", 1, trace_id=trace)]
        translation = sent(early)
        assert not spans(translation)
        assert {record.trace_id for record in log_records(translation)} == {b""}


def test_ids_that_are_none_are_hashed_and_kept() -> None:
    [record] = log_records(sent(event("x", trace_id="trace-123456", span_id="0" * 16, parent_span_id="p")))
    assert len(record.trace_id) == 16
    assert len(record.span_id) == 8
    assert any(record.span_id)
    kept = texts(record)
    assert kept["cylestio.trace_id"] == "trace-123456"
    assert kept["cylestio.span_id"] == "0" * 16
    assert kept["cylestio.parent_span_id"] == "p"
    [record] = log_records(sent(event("x", trace_id="5F2C8A1E-9B7D-4C03-A6E1-F0D9C8B7A655")))
    assert record.trace_id.hex() == TRACE


def test_a_span_has_the_clients_ids() -> None:
    call = [event("tool.execution", 1, parent_span_id=OTHER_SPAN), event("tool.error", 3, level="ERROR")]
    [span] = spans(sent({"events": call}))
    assert (span.trace_id.hex(), span.span_id.hex(), span.parent_span_id.hex()) == (TRACE, SPAN, OTHER_SPAN)
    assert span.end_time_unix_nano - span.start_time_unix_nano == 2 * 10**9
    assert texts(span)["error.type"] == "_OTHER"
    assert span.kind == Span.SPAN_KIND_INTERNAL


def test_halves_in_two_requests_share_ids_and_key() -> None:
    [start], [finish] = log_records(sent(event("llm.call.start"))), log_records(sent(event("llm.call.end", 2)))
    assert (start.trace_id, start.span_id) == (finish.trace_id, finish.span_id)
    assert texts(start)["cylestio.pair.key"] == texts(finish)["cylestio.pair.key"]


def test_two_operations_in_one_client_span_are_two_spans() -> None:
    first = [event("llm.call.start", 1), event("llm.call.finish", 2)]
    second = [event("tool.execution", 3), event("tool.result", 4)]
    outer, inner = spans(sent(first + second))
    assert outer.span_id.hex() == SPAN
    assert inner.parent_span_id == outer.span_id
    assert inner.span_id != outer.span_id


def test_a_session_that_repeats_one_span_id_gives_a_span_per_call() -> None:
    ids = {"trace_id": "0" * 31 + "1", "span_id": "0" * 31 + "1", "session_id": "s"}
    names = ["llm.call.start", "llm.call.finish"] * 3
    calls = spans(sent([event(name, second, **ids) for second, name in enumerate(names)]))
    assert len({span.span_id for span in calls}) == 3
    assert all(span.end_time_unix_nano - span.start_time_unix_nano == 10**9 for span in calls)


def test_names_of_the_conventions_are_added_and_the_clients_kept() -> None:
    attributes = {
        "llm.vendor": "OpenAI",
        "llm.model": "gpt-4o",
        "llm.response.id": "r-1",
        "llm.response.stop_reason": "stop",
        "llm.response.usage.input_tokens": 5,
        "gen_ai.request.model": "the client's own",
        "log.record.uid": "forged",
        "host.name": "laptop",
        "error.message": "m",
    }
    translation = sent(event("llm.response", attributes=attributes))
    [record] = log_records(translation)
    kept = texts(record)
    assert kept["llm.vendor"] == "OpenAI"
    assert kept["gen_ai.provider.name"] == "openai"
    assert kept["gen_ai.request.model"] == "the client's own"
    assert kept["gen_ai.response.id"] == "r-1"
    assert kept["exception.message"] == "m"
    assert kept["log.record.uid"] == translation.keys[0]
    values = {item.key: item.value for item in record.attributes}
    assert values["gen_ai.usage.input_tokens"].int_value == 5
    assert [value.string_value for value in values["gen_ai.response.finish_reasons"].array_value.values] == ["stop"]
    [resource] = resources(translation)
    assert {item.key: item.value.string_value for item in resource.resource.attributes}["host.name"] == "laptop"


@pytest.mark.parametrize(
    ("document", "agent"),
    [
        ({"agent_id": "a"}, "a"),
        ({"agent_id": None, "attributes": {"agent.id": "b", "agent.name": "c"}}, "b"),
        ({"agent_id": None, "attributes": {"application.name": "d", "host.name": "e"}}, "d"),
        ({"agent_id": None, "attributes": {"host.name": "localhost"}}, "unknown-agent"),
    ],
)
def test_the_agent_falls_back_along_the_chain(document: dict[str, Any], agent: str) -> None:
    [resource] = resources(sent({**event("x"), **document}))
    assert {item.key: item.value.string_value for item in resource.resource.attributes}["service.name"] == agent


def test_mcp_connection_numbers_are_no_call_ids() -> None:
    [mcp] = log_records(sent(event("tool.result", attributes={"tool.id": "140", "framework.name": "mcp"})))
    [other] = log_records(sent(event("tool.result", attributes={"tool.id": "call_1"})))
    assert "gen_ai.tool.call.id" not in texts(mcp)
    assert texts(other)["gen_ai.tool.call.id"] == "call_1"


def test_flat_events_are_taken_here_too_with_the_same_identity() -> None:
    flat = {"timestamp": "2025-03-25T10:00:00", "agent_id": "weather-agent", "event_type": "model_request"}
    [record] = log_records(sent(flat))
    assert record.event_name == "cylestio.model_request"
