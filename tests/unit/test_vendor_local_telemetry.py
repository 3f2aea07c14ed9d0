"""Runs of batch jobs move in: created once, duplicates told, nothing lost of what the shipped client really sends.

Proves idempotency by event id, the span of an ended run, leniency, and that one bad run never blocks a buffer file.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from receiver.vendors import Answer, Stored, Translation, VendorRequestError
from receiver.vendors.local_telemetry import answer, answer_batch, translate, translate_batch

if TYPE_CHECKING:
    from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord

RECEIVED = 1_795_338_005_000_000_000
RUN = {
    "event_id": "test-1",
    "run_id": "test-run-001",
    "start_time": "2025-12-22T09:00:00Z",
    "agent_name": "test-agent",
    "job_type": "verification",
}


def sent(**changes: Any) -> Translation:
    return translate(json.dumps({**RUN, **changes}).encode(), {}, RECEIVED)


def batch(*documents: object) -> Translation:
    return translate_batch(json.dumps(documents).encode(), {}, RECEIVED)


def stored(translation: Translation, *old: str) -> dict[str, Stored]:
    return {key: Stored(1, key not in old) for key in translation.keys}


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


def refusal(**changes: Any) -> Answer:
    with pytest.raises(VendorRequestError) as refused:
        sent(**changes)
    return refused.value.answer


def test_a_new_run_is_created_and_a_known_one_is_a_duplicate() -> None:
    translation = sent()
    created = {"status": "created", "event_id": "test-1", "run_id": "test-run-001"}
    duplicate = {"status": "duplicate", "event_id": "test-1", "message": "Event already exists (idempotent)"}
    assert answer(translation, stored(translation)) == Answer(201, {**created})
    assert answer(translation, stored(translation, *translation.keys)) == Answer(201, {**duplicate})


def test_another_document_of_a_run_has_its_key_but_its_own_record() -> None:
    running, final = sent(status="running"), sent(status="success", duration_ms=10)
    assert running.keys == final.keys
    [first], [second] = log_records(running), log_records(final)
    assert texts(first)["log.record.uid"] != texts(second)["log.record.uid"]
    assert all(texts(record)["log.record.uid"].startswith(running.keys[0]) for record in (first, second))
    assert (first.trace_id, first.span_id) == (second.trace_id, second.span_id)


@pytest.mark.parametrize(("one", "other"), [("a", "a#"), ("a#b", "a"), ("a%23", "a#"), ("", "#")])
def test_no_event_id_is_the_beginning_of_another_ones_key(one: str, other: str) -> None:
    [first], [second] = sent(event_id=one).keys, sent(event_id=other).keys
    assert not first.startswith(second)
    assert not second.startswith(first)


def test_a_batch_counts_new_repeated_and_faulty_runs() -> None:
    known = sent(event_id="known")
    translation = batch(RUN, RUN, {**RUN, "event_id": "known"}, {**RUN, "event_id": "bad", "status": "odd"}, {"event_id": "x"}, 5)
    answered = answer_batch(translation, stored(translation, *known.keys))
    assert answered.status == 200
    assert (answered.body["inserted"], answered.body["duplicates"], answered.body["total"]) == (1, 2, 6)
    errors = answered.body["errors"]
    assert isinstance(errors, list)
    assert [str(error).partition(":")[0] for error in errors] == ["bad", "x", "element 5"]


def test_an_empty_batch_is_zeros_and_an_object_is_422() -> None:
    assert answer_batch(batch(), {}).body == {"inserted": 0, "duplicates": 0, "errors": [], "total": 0}
    with pytest.raises(VendorRequestError) as refused:
        translate_batch(b"{}", {}, RECEIVED)
    assert refused.value.answer.status == 422


@pytest.mark.parametrize("changes", [{"event_id": None}, {"run_id": 7}, {"items_failed": "many"}, {"items_failed": 1.5}])
def test_fields_of_the_wrong_type_are_422(changes: dict[str, Any]) -> None:
    refused = refusal(**changes)
    assert refused.status == 422
    detail = refused.body["detail"]
    assert isinstance(detail, list)
    assert isinstance(detail[0], dict)
    assert detail[0]["loc"] == ["body", next(iter(changes))]


@pytest.mark.parametrize("changes", [{"status": "done"}, {"items_failed": -1}, {"duration_ms": -5}])
def test_what_the_database_refused_is_400(changes: dict[str, Any]) -> None:
    refused = refusal(**changes)
    assert refused.status == 400
    assert str(refused.body["detail"]).startswith("Database integrity error: ")


def test_the_shipped_clients_records_are_accepted() -> None:
    translation = sent(status="failed", duration_ms=None, metrics_json='{"tokens": 12}', context_json="no json", agent_owner="x")
    values = {item.key: item.value for item in log_records(translation)[0].attributes}
    assert values["telemetry.status"].string_value == "failure"
    assert values["telemetry.duration_ms"].int_value == 0
    assert values["telemetry.metrics"].kvlist_value.values[0].key == "tokens"
    assert values["telemetry.context"].string_value == "no json"
    assert values["telemetry.agent_owner"].string_value == "x"


@pytest.mark.parametrize(
    ("status", "code", "error_type"),
    [
        ("success", Status.STATUS_CODE_OK, None),
        ("completed", Status.STATUS_CODE_OK, None),
        ("failure", Status.STATUS_CODE_ERROR, "_OTHER"),
        ("timeout", Status.STATUS_CODE_ERROR, "timeout"),
        ("partial", Status.STATUS_CODE_UNSET, None),
        ("canceled", Status.STATUS_CODE_UNSET, None),
    ],
)
def test_an_ended_run_is_a_span(status: str, code: int, error_type: str | None) -> None:
    [span] = spans(sent(status=status, duration_ms=1500, error_summary="why", error_details="where"))
    assert span.name == "verification"
    assert span.end_time_unix_nano - span.start_time_unix_nano == 1_500_000_000
    assert span.status.code == code
    assert texts(span).get("error.type") == error_type
    assert [item.value.string_value for item in span.events[0].attributes] == ["why", "where"]


def test_a_running_run_is_no_span_unless_it_has_an_end() -> None:
    assert not spans(sent())
    assert spans(sent(end_time="2025-12-22T09:01:00Z"))


def test_a_start_that_is_no_time_is_accepted() -> None:
    [span] = spans(sent(start_time="whenever", status="success"))
    assert span.start_time_unix_nano == span.end_time_unix_nano == RECEIVED


def test_a_child_is_in_its_parents_trace() -> None:
    parent = {**RUN, "status": "success"}
    child = {**RUN, "event_id": "c", "run_id": "child", "parent_run_id": RUN["run_id"], "status": "success"}
    together, [alone] = spans(batch(child, parent)), spans(batch(child))
    assert together[0].trace_id == together[1].trace_id == alone.trace_id
    assert together[0].parent_span_id == together[1].span_id
    assert together[0].span_id == alone.span_id
