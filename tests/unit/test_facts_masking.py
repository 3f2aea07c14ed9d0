"""What the policy at the door leaves of content and secrets: nowhere in the rows is what it takes out, and it is counted."""

from __future__ import annotations

import time
from typing import Any

import orjson
import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from storage.facts.derive import Deriver
from storage.facts.fact import Fact
from storage.facts.masking import REMOVED, ContentCounts, ContentDoor, ContentPolicy
from storage.facts.masks import Masks
from storage.rows import batch_of
from tests.unit.facts_records import NOON, TRACE, any_value, key_values, said

CHAT = {"gen_ai.operation.name": "chat", "gen_ai.usage.input_tokens": 5}
MESSAGES = '[{"role":"user","parts":[{"type":"text","content":"My password: hunter22, mail jo@example.com"}]}]'


def span_batch(attributes: dict[str, Any], events: list[tuple[str, dict[str, Any]]] | None = None, status: str = "") -> Any:
    request = ExportTraceServiceRequest()
    span = request.resource_spans.add().scope_spans.add().spans.add(trace_id=TRACE, span_id=b"12345678", end_time_unix_nano=9)
    span.attributes.extend(key_values(attributes))
    span.status.message = status
    for name, entries in events or []:
        span.events.add(name=name, attributes=key_values(entries))
    return batch_of("traces", request.SerializeToString(), NOON)


def log_batch(attributes: dict[str, Any], event: str, body: Any = None) -> Any:
    request = ExportLogsServiceRequest()
    record = (
        request.resource_logs.add()
        .scope_logs.add()
        .log_records.add(event_name=event, trace_id=TRACE, span_id=b"12345678", attributes=key_values(attributes))
    )
    if body is not None:
        record.body.CopyFrom(any_value(body))
    return batch_of("logs", request.SerializeToString(), NOON)


def test_full_changes_nothing() -> None:
    batch = span_batch({**CHAT, "gen_ai.input.messages": MESSAGES})
    before = list(batch.rows)
    assert ContentDoor(ContentPolicy()).apply(batch) == ContentCounts()
    assert batch.rows == before


@pytest.mark.parametrize(
    "attributes",
    [
        {"gen_ai.input.messages": MESSAGES},
        {"gen_ai.input.messages": [{"role": "user", "content": "hunter22"}]},
        {"llm.input_messages.0.message.content": "hunter22"},
        {"gen_ai.prompt.0.content": "hunter22"},
        {"input.value": "hunter22", "openinference.span.kind": "LLM"},
        {"gen_ai.tool.call.arguments": "hunter22", "gen_ai.tool.name": "t"},
        {"gen_ai.tool.call.result": {"a": ["hunter22"]}, "gen_ai.tool.name": "t"},
        {"traceloop.entity.output": "hunter22"},
        {"gen_ai.system_instructions": "hunter22"},
    ],
)
def test_off_leaves_no_content_anywhere(attributes: dict[str, Any]) -> None:
    batch = span_batch({**CHAT, **attributes}, [("gen_ai.user.message", {"content": "hunter22"})])
    counts = ContentDoor(ContentPolicy("off")).apply(batch)
    facts = Deriver().derive(batch)
    assert counts == ContentCounts(removed=2)
    assert b"hunter22" not in orjson.dumps([batch.rows, [list(map(str, row)) for row in facts.facts]])
    assert facts.contents == []
    assert Fact._make(facts.facts[0]).input_tokens == 5


@pytest.mark.parametrize(
    ("event", "attributes", "body"),
    [
        ("claude_code.user_prompt", {"session.id": "s", "prompt": "hunter22"}, None),
        ("claude_code.tool_result", {"tool_use_id": "t", "tool_input": '{"a":"hunter22"}'}, None),
        ("codex.tool_result", {"conversation.id": "c", "output": "hunter22", "arguments": "hunter22"}, None),
        ("gen_ai.user.message", {"gen_ai.system": "openai"}, {"content": "hunter22"}),
        ("gen_ai.choice", {"gen_ai.system": "openai"}, {"message": {"content": "hunter22"}}),
        ("gen_ai.client.inference.operation.details", {"gen_ai.output.messages": [{"content": "hunter22"}]}, None),
    ],
)
def test_off_reaches_log_records(event: str, attributes: dict[str, Any], body: Any) -> None:
    batch = log_batch(attributes, event, body)
    counts = ContentDoor(ContentPolicy("off")).apply(batch)
    facts = Deriver().derive(batch)
    assert counts.removed >= 1
    assert b"hunter22" not in orjson.dumps(batch.rows)
    assert facts.contents == []
    assert len(facts.facts) == 1


def test_off_leaves_other_telemetry_alone() -> None:
    batch = span_batch({"output": "a.txt", "body": "x", "http.route": "/"})
    before = list(batch.rows)
    ContentDoor(ContentPolicy("off")).apply(batch)
    assert batch.rows == before
    logs = log_batch({"output": "a.txt"}, "job.done", "all is well")
    before = list(logs.rows)
    ContentDoor(ContentPolicy("off")).apply(logs)
    assert logs.rows == before


def test_a_cut_leaves_the_structure() -> None:
    messages = '[{"role":"user","parts":[{"type":"text","content":"' + "x" * 50 + '"}]},{"role":"assistant","content":"short"}]'
    batch = span_batch({**CHAT, "gen_ai.input.messages": messages})
    counts = ContentDoor(ContentPolicy("truncate", length=10)).apply(batch)
    assert counts == ContentCounts(cut=1)
    assert said(Deriver().derive(batch)) == [
        ("input", "user", "text", "xxxxxxxxxx… [cut 40 characters]"), ("input", "assistant", "text", "short"),
    ]  # fmt: skip


SECRETS = [
    "sk-abcdefghijklmnopqrstuv", "sk-ant-api03-abcdefghijklmnop", "AKIAABCDEFGHIJKLMNOP", "ghp_" + "a1" * 18,
    "github_pat_" + "A1" * 20, "glpat-abcdefghij1234567890", "xoxb-1234567890-abcdef", "AIza" + "B" * 35,
    "sk_live_abcdefghij1234567", "hf_" + "c" * 34, "npm_" + "d" * 36, "pypi-" + "e" * 60,
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.abc-def_1",
    "-----BEGIN RSA PRIVATE KEY-----\nMIIEow\nIBAAK\n-----END RSA PRIVATE KEY-----",
]  # fmt: skip


@pytest.mark.parametrize("secret", SECRETS, ids=lambda secret: secret[:10])
def test_secrets_are_masked_wherever_they_stand(secret: str) -> None:
    inner = orjson.dumps({"text": f"use\n{secret} now"}).decode()
    batch = span_batch(
        {**CHAT, "gen_ai.input.messages": f"key {secret}.", "note": inner, "list": [f"a {secret}"]},
        [("log", {"message": f"failed with {secret}"})], status=f"bad key {secret}",
    )  # fmt: skip
    counts = ContentDoor(ContentPolicy(masks=True)).apply(batch)
    assert counts == ContentCounts(masked=5)
    kept = orjson.dumps(batch.rows).decode()
    assert secret[5:] not in kept
    assert orjson.dumps(secret[5:]).decode()[1:-1] not in kept
    assert kept.count("[secret]") == 5


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("Authorization: Bearer abcdefghijklmnop1234", "Authorization: Bearer [secret]"),
        ("postgres://app:s3cr3t@db:5432/shop", "postgres://app:[secret]@db:5432/shop"),
        ("password = hunter22!", "password = [secret]"),
        ("export API_KEY=abcdef123456 && run", "export API_KEY=[secret] && run"),
        ("mail jo.bloggs+x@mail.example.co.uk today", "mail [e-mail] today"),
        ("max_tokens: 123456", "max_tokens: 123456"),
        ("the password is needed", "the password is needed"),
        ("see https://example.com/a@b", "see https://example.com/a@b"),
        ("task-force and risk-averse", "task-force and risk-averse"),
        ("no secrets here", "no secrets here"),
    ],
)
def test_what_is_named_a_secret(text: str, masked: str) -> None:
    masks = Masks(secrets=True)
    assert masks.text(text) == masked
    assert masks.count == (text != masked)


def test_values_under_secret_names_are_masked() -> None:
    batch = span_batch({"http.request.header.authorization": "whatever", "db.password": "x", "args": {"api_key": "k"}})
    ContentDoor(ContentPolicy(masks=True)).apply(batch)
    kept = {"http.request.header.authorization": "[secret]", "db.password": "[secret]", "args": {"api_key": "[secret]"}}
    assert orjson.loads(batch.rows[0][14]) == kept


def test_a_user_stays_the_same_user() -> None:
    door = ContentDoor(ContentPolicy(masks=True))
    users = []
    for address in ("jo@example.com", "Jo@Example.com", "al@example.com"):
        batch = log_batch({"session.id": "s", "user.email": address, "prompt": f"I am {address}"}, "claude_code.user_prompt")
        door.apply(batch)
        [fact] = map(Fact._make, Deriver().derive(batch).facts)
        users.append(fact.user_id)
        assert "@" not in str(batch.rows)
    assert users[0] == users[1] != users[2]
    assert str(users[0]).startswith("[e-mail ")
    assert door.counts == ContentCounts(masked=6)


def test_own_patterns() -> None:
    batch = span_batch({**CHAT, "note": "customer C-12345 called"})
    assert ContentDoor(ContentPolicy(patterns=(r"C-\d{5}",))).apply(batch) == ContentCounts(masked=1)
    assert "customer [masked] called" in batch.rows[0][14]
    with pytest.raises(ValueError, match=r"the mask '\(' is not a regular expression"):
        ContentDoor(ContentPolicy(patterns=("(",)))


def test_repeated_keys_are_taken_out_as_well() -> None:
    request = ExportTraceServiceRequest()
    span = request.resource_spans.add().scope_spans.add().spans.add(trace_id=TRACE, span_id=b"12345678")
    for _ in range(2):
        span.attributes.extend(key_values({"gen_ai.prompt": "hunter22", "user.email": "jo@example.com"}))
    batch = batch_of("traces", request.SerializeToString(), NOON)
    ContentDoor(ContentPolicy("off", masks=True)).apply(batch)
    assert "hunter22" not in batch.rows[0][14]
    assert "jo@" not in batch.rows[0][14]
    assert REMOVED in batch.rows[0][14]


HOSTILE = {
    "mail": "a@" * 200_000,
    "pem": "-----BEGIN PRIVATE KEY-----" * 200,
    "password": "password=" * 50_000,
    "url": "://a:" * 99_999,
    "dots": "a." * 99_999 + "@",
    "key": "sk-" * 99_999,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_text_is_masked_in_time(name: str) -> None:
    started = time.process_time()
    Masks(secrets=True).text(HOSTILE[name])
    assert time.process_time() - started < 5


def test_masks_reach_scopes_series_and_exemplars() -> None:
    request = ExportMetricsServiceRequest()
    scope = request.resource_metrics.add().scope_metrics.add()
    scope.scope.attributes.extend(key_values({"owner": "jo@example.com"}))
    point = scope.metrics.add(name="work").sum.data_points.add(as_int=1, time_unix_nano=9)
    point.attributes.extend(key_values({"user": "jo@example.com"}))
    point.exemplars.add(as_int=1, time_unix_nano=9, filtered_attributes=key_values({"who": "jo@example.com"}))
    batch = batch_of("metrics", request.SerializeToString(), NOON)

    counts = ContentDoor(ContentPolicy(masks=True)).apply(batch)

    assert counts.masked == 3
    assert "example.com" not in str((batch.rows, batch.streams, batch.scopes))
