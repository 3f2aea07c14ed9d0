"""Deriving never fails, is bounded, and does not depend on what else a batch holds or what was derived before."""

from __future__ import annotations

import random
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.telemetry import log_request, trace_request
from storage.batch import Batch
from storage.facts.content_keys import ALL_KEYS
from storage.facts.derive import Deriver, derive
from storage.facts.fact import (
    CONTENT_COLUMNS,
    FACT_COLUMNS,
    FACT_KINDS,
    FAMILIES,
    IDENTITY_COLUMNS,
    RESOURCE_IDENTITY_COLUMNS,
    USAGE_COLUMNS,
    Content,
    Fact,
    Facts,
    Identity,
    Usage,
)
from storage.facts.fields import FIELDS, METADATA, TAGS
from storage.facts.kinds import KIND_SOURCES
from storage.rows import batch_of
from tests.unit.facts_records import NOON, SECOND, contents, identities, log_facts, span_fact, span_facts

KEYS = sorted({
    *(source.key for sources in FIELDS.values() for source in sources), *(key for key, _ in KIND_SOURCES), *ALL_KEYS, *METADATA,
    *TAGS, "metadata", "llm.input_messages.0.message.role", "gen_ai.prompt.0.content", "gen_ai.completion.x", "$list",
    "logfire.pending_parent_id", "event.name", "event.kind", "phase", "user.email", "cylestio.pair.role",
})  # fmt: skip
VALUES = [
    *(value for _, table in KIND_SOURCES for value in table), "", "429", "true", "[1]", "{", "2026-01-01T00:00:00Z", "start",
]  # fmt: skip
LEAVES = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**63), 2**64), st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=30), st.sampled_from(VALUES),
)  # fmt: skip
PART_KEYS = st.sampled_from(
    ["role", "parts", "content", "type", "text", "tool_calls", "function", "id", "message", "messages", "total"]
)
TREES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(PART_KEYS, inner, max_size=3), max_leaves=6
)
ATTRIBUTES = st.dictionaries(
    st.sampled_from(KEYS), TREES | TREES.map(lambda value: orjson.dumps(_small(value)).decode()), max_size=8
)
NAMES = st.sampled_from([
    None, "", "claude_code.api_request", "codex.sse_event", "gemini_cli.api_response", "x.tool_result", "gen_ai.choice",
    "gen_ai.client.inference.operation.details", "gen_ai.evaluation.result", "gen_ai.client.operation.exception", "security.x",
])  # fmt: skip
TIMES = st.sampled_from([0, 1, NOON, NOON + SECOND, 2**63 - 1])


def _small(value: Any) -> Any:
    """orjson writes integers up to 64 bits."""
    if isinstance(value, list):
        return [_small(entry) for entry in value]
    if isinstance(value, dict):
        return {key: _small(entry) for key, entry in value.items()}
    return value if not isinstance(value, int) or -(2**63) <= value < 2**64 else 0


def span_row(attributes: str, start: int, end: int, events: str | None = None, name: str = "chat x") -> tuple[Any, ...]:
    return (0, 0, 0, "a" * 32, "b" * 16, None, name, 3, start, end, None, None, None, 0, attributes, events, None, 0, 0, 0)


def batch(signal: str, rows: list[tuple[Any, ...]], service: str | None = "claude-code") -> Batch:
    resource = ("h", service, None, None, None, None, None, "{}", 0, None, None)
    return Batch(signal, NOON, [resource], [("h", "scope", None, None, 0, None)], rows, traces=["a" * 32])


def check(facts: Facts) -> None:
    """What the store relies on: the widths, the types that SQLite binds, the references; and that nothing went wrong."""
    assert facts.faults == []
    for row in facts.facts:
        assert len(row) == len(FACT_COLUMNS)
        assert row[FACT_COLUMNS.index("fact")] in FACT_KINDS
        assert all(value is None or type(value) in {str, int, float} for value in row)
        assert all(abs(value) < 2**63 for value in row if isinstance(value, int))
    for content in contents(facts):
        assert 0 <= content.fact < len(facts.facts)
        assert len(content.hash) == 16
        assert type(content.text) is str
    for identity in identities(facts):
        assert any(value is not None for value in identity[8:])
    loaded = Batch.load(Batch("traces", rows=facts.facts, segments=facts.contents, traces=[]).dump())
    assert (loaded.rows, loaded.segments) == (facts.facts, facts.contents)


def test_the_layouts_and_their_names_agree() -> None:
    assert Fact._fields == FACT_COLUMNS
    assert Content._fields == CONTENT_COLUMNS
    assert Identity._fields == IDENTITY_COLUMNS
    assert Usage._fields == USAGE_COLUMNS
    assert len(FAMILIES) == 3


@given(st.lists(st.tuples(ATTRIBUTES, TIMES, TIMES), max_size=4), st.sampled_from(["claude-code", "shop", None]))
@settings(max_examples=150, deadline=None)
def test_any_attributes_of_spans(entries: list[tuple[dict[str, Any], int, int]], service: str | None) -> None:
    rows = [span_row(orjson.dumps(_small(attributes)).decode(), start, end) for attributes, start, end in entries]
    check(derive(batch("traces", rows, service)))


@given(TREES, st.lists(st.tuples(st.sampled_from(["gen_ai.choice", "exception", "gen_ai.user.message", "x"]), TREES), max_size=3))
@settings(max_examples=100, deadline=None)
def test_any_events_of_spans(strange: Any, events: list[tuple[str, Any]]) -> None:
    text = orjson.dumps([_small(strange), *({"name": name, "attributes": _small(value), "time": 5} for name, value in events)])
    attributes = '{"gen_ai.operation.name":"chat","content":1}'
    check(derive(batch("traces", [span_row(attributes, 5, 9, text.decode() + " ")])))


@given(st.lists(st.tuples(ATTRIBUTES, NAMES, TREES, TIMES), max_size=4), st.sampled_from(["claude-code", "codex_exec", "shop"]))
@settings(max_examples=150, deadline=None)
def test_any_log_record(entries: list[tuple[dict[str, Any], str | None, Any, int]], service: str) -> None:
    rows = []
    for attributes, name, body, time in entries:
        text = body if isinstance(body, str) else orjson.dumps(_small(body)).decode()
        kind = "string" if isinstance(body, str) else "kvlist"
        stored = orjson.dumps(_small(attributes)).decode()
        rows.append((0, 0, time, time, 0, 9, None, text, kind, name, "a" * 32, None, 0, stored, 0, None))
    check(derive(batch("logs", rows, service)))


@pytest.mark.parametrize("value", ["x" * 5_000_000, '[{"role":"user","content":"' + "x" * 3_000_000 + '"}]', "[" * 100_000])
def test_absurd_sizes_are_bounded(value: str) -> None:
    for key in sorted({*KEYS} - ALL_KEYS)[::7]:
        if key in {"$list", "event.name"}:
            continue
        fact = span_fact({"gen_ai.operation.name": "chat", key: value})
        assert all(len(entry) <= 64 * 1024 for entry in fact if isinstance(entry, str)), key


def test_long_names_stay_apart() -> None:
    first, second = (span_fact({"gen_ai.operation.name": "chat", "session.id": "s" * 600 + end}).session_id for end in "ab")
    assert first is not None
    assert second is not None
    assert first != second
    assert len(first) <= 512


def test_thousands_of_attributes() -> None:
    attributes = {f"gen_ai.prompt.{number}.content": "x" for number in range(5_000)}
    facts = span_facts({"gen_ai.operation.name": "chat", **attributes, "session.id": "s"})
    assert (len(facts.facts), len(facts.contents)) == (1, 2_000)


def test_a_fact_does_not_depend_on_its_batch() -> None:
    body = trace_request(random.Random(3), 200, NOON)
    whole = batch_of("traces", body, NOON)
    deriver = Deriver()
    facts = [Fact._make(row)._replace(row=0) for row in deriver.derive(whole).facts]
    assert len(facts) == 200
    for number in (0, 1, 9, 57, 199):
        one = Batch("traces", 1, whole.resources, whole.scopes, [whole.rows[number]], traces=whole.traces)
        [alone] = Deriver().derive(one).facts
        assert Fact._make(alone) == facts[number]
    assert [Fact._make(row)._replace(row=0) for row in deriver.derive(whole).facts] == facts


def test_what_is_remembered_is_bounded_and_changes_nothing() -> None:
    deriver = Deriver()
    for number in range(9_000):
        attributes = f'{{"gen_ai.operation.name":"chat","key.{number}":1,"gen_ai.request.model":"model-{number}"}}'
        [row] = deriver.derive(batch("traces", [span_row(attributes, 5, 9)], f"service-{number}")).facts
        assert Fact._make(row).model == f"model-{number}"
    assert len(deriver._plain) <= 4_096
    assert len(deriver._resources) <= 2_000


def test_telemetry_of_no_agent_leaves_nothing() -> None:
    facts = Deriver().derive(batch_of("logs", log_request(random.Random(1), 50, NOON), NOON))
    assert facts == Facts()
    web = {
        "http.request.method": "GET",
        "url.path": "/",
        "http.response.status_code": 500,
        "error.type": "500",
        "service.version": "1",
    }
    assert span_facts(web, {}, {"thread.id": 5, "code.function.name": "x"}) == Facts()


def test_spans_that_only_say_who_are_identity_rows() -> None:
    facts = span_facts({"session.id": "s", "enduser.id": "u"}, {"gen_ai.conversation.id": "c", "http.route": "/"})
    assert [(row.session_id, row.user_id, row.span_id) for row in identities(facts)] == [
        ("s", "u", "0000000000000001"), ("c", None, "0000000000000002"),
    ]  # fmt: skip
    assert facts.facts == []


def test_resources_say_what_holds_otherwise() -> None:
    resource = {
        "service.name": "shop", "service.namespace": "eu", "service.version": "3", "deployment.environment.name": "prod",
        "session.id": "r", "user.id": "u", "gen_ai.agent.name": "clerk",
    }  # fmt: skip
    facts = span_facts({"gen_ai.operation.name": "chat"}, resource=resource)
    expected = (0, None, "clerk", "3", "r", "u", "shop", "prod", "eu")
    assert facts.resource_identities == [expected]
    assert len(expected) == len(RESOURCE_IDENTITY_COLUMNS)
    phoenix = span_facts({"gen_ai.operation.name": "chat"}, resource={"openinference.project.name": "demo"})
    assert phoenix.resource_identities == [(0, None, None, None, None, None, None, None, "demo")]
    logs = log_facts({"session.id": "s", "": {"event": "claude_code.user_prompt"}}, resource={"service.name": "claude-code"})
    assert logs.resource_identities[0][1:3] == ("claude-code", "claude-code")


@pytest.mark.parametrize(
    ("attributes", "events", "waited"),
    [
        ({"langfuse.observation.completion_start_time": '"2026-11-22T12:00:00.500Z"'}, [], 0.5),
        ({"langfuse.observation.completion_start_time": "2026-11-22T12:00:00.250+00:00"}, [], 0.25),
        ({"langfuse.observation.completion_start_time": "soon"}, [], None),
        ({"langfuse.observation.completion_start_time": "1999-01-01T00:00:00Z"}, [], None),
        ({}, [("ai.stream.firstChunk", {"x": 1})], 0.001),
        ({}, [("First Token Stream Event", {})], 0.001),
        ({}, [("other", {}), ("gen_ai.content.completion.chunk", {})], 0.002),
    ],
)
def test_time_to_first_token(attributes: dict[str, Any], events: list[tuple[str, dict[str, Any]]], waited: float | None) -> None:
    fact = span_fact({"gen_ai.operation.name": "chat", **attributes}, events=events)
    assert fact.time_to_first_token == (None if waited is None else pytest.approx(waited))
