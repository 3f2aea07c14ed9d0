"""Whatever bytes reach a vendor endpoint, translation ends in messages or in its one declared error.

Proves, for every endpoint of every dialect: no other exception; the same bytes give the same messages and identities;
every accepted record's exact text is in its log record; messages and answers can be encoded.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

from receiver.vendors import DIALECTS, Endpoint, Stored, Translation, VendorRequestError, find_endpoint
from receiver.vendors.json_text import canonical_text

if TYPE_CHECKING:
    from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord

RECEIVED = 1_795_338_005_000_000_000
ENDPOINTS = [endpoint for dialect in DIALECTS for endpoint in dialect.endpoints]

texts = st.text(st.characters(codec=None, exclude_categories=()), max_size=12) | st.sampled_from(
    [
        "2025-03-18T18:57:11.620036Z", "2025-03-18", "null-trace", "1.0", "running", "success", "LLM_call_start",
        "LLM_call_finish", "llm.call.start", "llm.call.finish", "tool.result", "security.content.x", "12", "1e999",
        "0" * 32, "a" * 32, "b" * 16, '{"messages": [{"role": "user"}]}', "[1, 2]", "{",
    ]
)  # fmt: skip
scalars = st.none() | st.booleans() | st.integers() | st.floats() | texts | st.sampled_from([2**63, 2**64 - 1, -(2**63) - 1])
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4), max_leaves=10
)
# Documents that look enough like the dialects' own to get past their first checks.
FIELDS = [
    "timestamp", "agent_id", "event_type", "level", "channel", "direction", "session_id", "conversation_id", "caller",
    "data", "schema_version", "trace_id", "span_id", "parent_span_id", "name", "attributes", "model", "device_name",
    "device_id", "metric_name", "metric_value", "value", "host", "server_id", "env", "metrics", "docker_events", "logs",
    "local_alerts", "score", "event_id", "run_id", "start_time", "end_time", "agent_name", "job_type", "status",
    "duration_ms", "metrics_json", "parent_run_id", "created_at", "error_summary", "items_failed", "events",
]  # fmt: skip
loose = st.dictionaries(st.sampled_from(FIELDS) | texts, values, max_size=8)
MINI: list[dict[str, Any]] = [
    {"timestamp": "2025-03-18T18:57:11Z", "agent_id": "a", "event_type": "LLM_call_start"},
    {"timestamp": "2025-03-18T18:57:12Z", "agent_id": "a", "event_type": "LLM_call_finish", "data": {"duration": 1}},
]
NAMED: list[dict[str, Any]] = [
    {"timestamp": "2025-03-18T18:57:11Z", "name": "llm.call.end", "level": "INFO", "trace_id": None, "attributes": {}},
    {"timestamp": "2025-03-18T18:57:11Z", "name": "tool.call", "level": "INFO", "trace_id": "a" * 32, "span_id": "b" * 16},
]
SYSTEM_METRICS = {
    "cpu_usage": 1,
    "memory_usage": 2,
    "disk_usage": 3,
    "network_rx_bytes_per_sec": 4,
    "network_tx_bytes_per_sec": 5,
    "tcp_connections": 6,
}
VALID: dict[str, list[dict[str, Any]]] = {
    "cylestio_mini": MINI + NAMED,
    "cylestio_local": NAMED + MINI,
    "device_metrics": [{"device_name": "d", "metric_name": "cpu_usage", "value": 1, "timestamp": "2025-03-18T18:57:11Z"}],
    "richardops": [{"host": "h", "timestamp": 1705754096, "score": 1, "metrics": SYSTEM_METRICS}],
    "local_telemetry": [
        {"event_id": "e", "run_id": "r", "start_time": "2025-03-18", "agent_name": "a", "job_type": "j", "status": "success"}
    ],
}
DIALECT_ENDPOINTS = [(dialect.system, endpoint) for dialect in DIALECTS for endpoint in dialect.endpoints]


def requests_for(system: str) -> st.SearchStrategy[Any]:
    """Mostly documents of the dialect with one or two strange values, alone and in batches; also anything at all."""
    valid = st.sampled_from(VALID[system])
    few = st.dictionaries(st.sampled_from(FIELDS) | texts, values, max_size=2)
    changed = st.builds(lambda document, other: {**document, **other}, valid, few)
    deeper = st.builds(lambda document, other: {**document, "data": other, "attributes": other}, valid, loose)
    documents = changed | deeper | valid
    batches = st.lists(documents | values, max_size=4)
    return documents | batches | st.builds(lambda events: {"events": events}, batches) | loose | values


def log_records(translation: Translation) -> list[LogRecord]:
    return [
        record
        for _, request in translation.requests
        if isinstance(request, ExportLogsServiceRequest)
        for resource in request.resource_logs
        for scope in resource.scope_logs
        for record in scope.log_records
    ]


def attribute(record: LogRecord, key: str) -> str | None:
    return next((item.value.string_value for item in record.attributes if item.key == key), None)


def translated(endpoint: Endpoint, body: bytes, received_time_ns: int = RECEIVED) -> Translation | None:
    """The translation, or nothing when the body was refused with a proper answer."""
    try:
        return endpoint.translate(body, {}, received_time_ns)
    except VendorRequestError as refused:
        answer = refused.answer
    assert 400 <= answer.status < 500
    assert json.loads(answer.encode())
    return None


@pytest.mark.parametrize(("system", "endpoint"), DIALECT_ENDPOINTS, ids=lambda value: getattr(value, "path", value))
@given(data=st.data())
def test_any_json_is_translated_or_refused(system: str, endpoint: Endpoint, data: st.DataObject) -> None:
    request = data.draw(requests_for(system))
    body = json.dumps(request).encode()
    translation = translated(endpoint, body)
    if translation is None:
        return
    for _, message in translation.requests:
        assert type(message).FromString(message.SerializeToString()) == message
    for is_new in (True, False):
        stored = {key: Stored(place, is_new) for place, key in enumerate(translation.keys)}
        assert json.loads(endpoint.answer(translation, stored).encode())
    again = endpoint.translate(body, {}, RECEIVED)
    assert again == translation
    uids = [element.uid for element in translation.elements if element.uid is not None]
    originals = {attribute(record, "log.record.uid"): attribute(record, "log.record.original") for record in log_records(again)}
    assert all(originals[uid] for uid in uids)
    sent = {canonical_text(item) for item in [request, *(request if isinstance(request, list) else [])]}
    if isinstance(request, dict) and isinstance(request.get("events"), list):
        sent |= {canonical_text(item) for item in request["events"]}
    kept = [text for text in originals.values() if text is not None]
    assert all(text.encode() in body for text in kept)
    assert {canonical_text(json.loads(text)) for text in kept} <= sent
    assert all(element.key is None or (element.uid or "").startswith(element.key) for element in translation.elements)


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda endpoint: endpoint.path)
@given(body=st.binary(max_size=60))
def test_any_bytes_are_translated_or_refused(endpoint: Endpoint, body: bytes) -> None:
    translated(endpoint, body)


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda endpoint: endpoint.path)
@pytest.mark.parametrize(
    "body",
    [
        b"", b"[" * 100_000, b'{"a":' * 100_000, b"[" * 70 + b"]" * 70, b"9" * 10_000, b"[1e400]", b"[NaN]", b"\xef\xbb\xbf[]",
        b'{"data":"\\ud800"}', b'["\xff"]', b"null", b"[null]", b"[[]]", b'{"events":7}', b'{"events":[],"events":[1]}',
    ],
    ids=lambda body: str(body[:12]),
)  # fmt: skip
def test_hostile_bodies_are_translated_or_refused(endpoint: Endpoint, body: bytes) -> None:
    translated(endpoint, body)


@pytest.mark.parametrize("system", VALID)
def test_identity_does_not_depend_on_the_time_of_receipt(system: str) -> None:
    for document in VALID[system]:
        body = json.dumps(document).encode()
        endpoint = next(endpoint for owner, endpoint in DIALECT_ENDPOINTS if owner == system)
        first, later = endpoint.translate(body, {}, RECEIVED), endpoint.translate(body, {}, RECEIVED + 10**12)
        assert first.keys == later.keys
        assert attribute(log_records(first)[0], "log.record.original") == body.decode()


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda endpoint: endpoint.path)
def test_both_slash_forms_find_the_endpoint(endpoint: Endpoint) -> None:
    for method in endpoint.methods:
        for path in (endpoint.path, endpoint.path + "/"):
            found = find_endpoint(method, path)
            assert found is not None
            assert found[1] is endpoint
    assert find_endpoint("GET", endpoint.path) is None


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: dialect.system)
def test_faults_of_the_http_layer_are_worded_in_the_dialect(dialect: Any) -> None:
    refused = dialect.refuse(503, "the queue is full")
    assert refused.status == 503
    assert "the queue is full" in refused.encode().decode()
