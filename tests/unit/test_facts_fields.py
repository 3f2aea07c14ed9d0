"""Every source of every canonical field is read, in the order of precedence, from spans and log records.

Each entry of storage.facts.fields is one test: the source alone must fill its column, and with the next lower source beside
it the higher one must win.
"""

from __future__ import annotations

from typing import Any

import pytest

from storage.facts.fields import FIELDS, METADATA, TAGS, Source
from tests.unit.facts_records import log_fact, span_fact, span_facts

# A value as senders give it, and what must come of it.
SAMPLES: dict[str, tuple[Any, Any]] = {
    "finish_reasons": (["stop"], '["stop"]'),
    "error_message": ("it broke", "it broke"),
}
COUNTS = {"input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens", "reasoning_tokens"}
COLUMNS = [
    "agent_name", "agent_id", "agent_version", "parent_agent", "workflow", "session_id", "turn_id", "user_id", "model",
    "request_model", "response_id", "tool_name", "tool_call_id", "tool_type", "mcp_server", "input_tokens", "output_tokens",
    "cache_read_tokens", "cache_write_tokens", "reasoning_tokens", "time_to_first_token", "finish_reasons", "reported_cost",
    "credits", "nano_units", "decision",
]  # fmt: skip
KIND_MARKS = {
    "llm": {"gen_ai.operation.name": "chat"},
    "embedding": {"gen_ai.operation.name": "embeddings"},
    "agent": {"gen_ai.operation.name": "invoke_agent"},
    "tool": {"gen_ai.operation.name": "execute_tool"},
    "workflow": {"gen_ai.operation.name": "invoke_workflow"},
}
CLIENT = {"service.name": "opencode"}
SPECIAL = {"metadata": '{"session_id": "from-metadata", "user_id": "from-metadata", "lc_agent_name": "from-metadata"}'}
# Milliseconds, micro-dollars: (sent, read).
UNITS = {
    "ai.response.msToFirstChunk": (250, 0.25),
    "ttft_ms": ("250", 0.25),
    "copilot_chat.time_to_first_token": (250, 0.25),
    "gen_ai.server.time_to_first_token": (250.0, 0.25),
    "gen_ai.response.time_to_first_chunk": (0.25, 0.25),
    "gen_ai.streaming.time_to_first_token": (0.25, 0.25),
    "cost_usd_micros": (2_500, 0.0025),
}


def sample(column: str, source: Source, number: int) -> tuple[Any, Any]:
    if source.key in SPECIAL:
        return SPECIAL[source.key], "from-metadata"
    if source.key in UNITS or column in SAMPLES:
        return UNITS.get(source.key) or SAMPLES[column]
    value: Any = f"{column}-{number}"
    if column in COUNTS:
        value = 1_000 + number
    elif column in {"reported_cost", "credits"}:
        value = 0.25 + number
    elif column == "nano_units":
        value = number + 1
    return value, value


def marks(source: Source, column: str) -> dict[str, Any]:
    kind = source.kinds[0] if source.kinds else "tool" if column.startswith(("tool", "mcp", "decision")) else "llm"
    return dict(KIND_MARKS[kind])


CASES = [(column, number) for column in COLUMNS for number in range(len(FIELDS[column]))]


@pytest.mark.parametrize(("column", "number"), CASES, ids=[f"{column}:{FIELDS[column][number].key}" for column, number in CASES])
def test_a_source_fills_its_column_and_goes_before_the_next(column: str, number: int) -> None:
    source = FIELDS[column][number]
    sent, wanted = sample(column, source, number)
    attributes = {**marks(source, column), source.key: sent}
    resource = CLIENT if source.client else None
    fact = span_fact(attributes, resource=resource)
    assert getattr(fact, column) == wanted
    lower = next((entry for entry in FIELDS[column][number + 1 :] if not entry.kinds or entry.kinds == source.kinds), None)
    if lower is not None and lower.key not in attributes:
        other, _ = sample(column, lower, number + 1)
        both = {lower.key: other, **attributes}
        assert getattr(span_fact(both, resource=CLIENT if source.client or lower.client else None), column) == wanted


@pytest.mark.parametrize("column", ["session_id", "user_id", "agent_name", "model", "input_tokens", "response_id"])
def test_log_records_are_read_with_the_same_sources(column: str) -> None:
    for number, source in enumerate(FIELDS[column]):
        if source.kinds and "llm" not in source.kinds:
            continue
        sent, wanted = sample(column, source, number)
        attributes = {"event.name": "api_response", "session.id" if column != "session_id" else "x": "s", source.key: sent}
        fact = log_fact(attributes, resource=CLIENT)
        if column == "agent_name" and source.key == "agent_id":
            assert fact.agent_name is None  # a coding agent's id is no name
            continue
        assert getattr(fact, column) == wanted, source.key


def test_an_agent_id_names_the_agent_where_nothing_else_does() -> None:
    assert span_fact({"gen_ai.operation.name": "chat", "agent_id": "weather-agent"}).agent_name == "weather-agent"
    named = {"gen_ai.operation.name": "chat", "agent_id": "a1", "gen_ai.agent.name": "planner"}
    assert (span_fact(named).agent_name, span_fact(named).agent_id) == ("planner", "a1")


def test_bare_names_mean_nothing_on_other_peoples_spans() -> None:
    facts = span_facts({"model": "Corolla", "input_tokens": 5, "tool_name": "hammer", "request_id": "r"})
    assert facts.facts == []
    assert facts.identities == []


@pytest.mark.parametrize("key", ["langsmith.trace.session_id", "session_count", "gen_ai.session"])
def test_a_project_is_no_session(key: str) -> None:
    assert span_fact({"gen_ai.operation.name": "chat", key: "p"}).session_id is None


def test_an_empty_value_gives_way_to_the_next_source() -> None:
    fact = span_fact({"gen_ai.operation.name": "chat", "gen_ai.conversation.id": "", "session.id": "s-1"})
    assert fact.session_id == "s-1"


@pytest.mark.parametrize(
    ("attributes", "provider"),
    [
        ({"gen_ai.provider.name": "openai"}, "openai"),
        ({"gen_ai.system": "openai"}, "openai"),
        ({"llm.provider": "openai"}, "openai"),
        ({"llm.system": "openai"}, "openai"),
        ({"ai.model.provider": "openai.responses"}, "openai"),
        ({"llm.vendor": "anthropic"}, "anthropic"),
        ({"gen_ai.system": "vertex_ai"}, "gcp.vertex_ai"),
        ({"gen_ai.system": "gemini"}, "gcp.gemini"),
        ({"gen_ai.system": "az.ai.inference"}, "azure.ai.inference"),
        ({"gen_ai.system": "az.ai.openai"}, "azure.ai.openai"),
        ({"gen_ai.system": "xai"}, "x_ai"),
        ({"gen_ai.provider.name": "strands-agents", "gen_ai.request.model": "gpt-4o"}, "openai"),
        ({"gen_ai.provider.name": "gcp.vertex.agent", "gen_ai.request.model": "gemini-2.5-flash"}, "gcp.gemini"),
        ({"gen_ai.provider.name": "github", "gen_ai.request.model": "claude-sonnet-4-5"}, "anthropic"),
        ({"gen_ai.provider.name": "crewai", "gen_ai.system": "openai"}, "openai"),
        ({"gen_ai.request.model": "claude-sonnet-4-5"}, "anthropic"),
        ({"gen_ai.request.model": "us.anthropic.claude-sonnet-4-20250514-v1:0"}, "aws.bedrock"),
        ({"gen_ai.request.model": "openai/gpt-4o"}, "openai"),
        ({"gen_ai.request.model": "house-model"}, None),
        ({"gen_ai.system": "openai.chat"}, "openai"),
        ({"gen_ai.system": "google.generative-ai"}, "gcp.gemini"),
        ({"gen_ai.system": "OpenAI"}, "openai"),
        ({"gen_ai.provider.name": "azure.ai.inference"}, "azure.ai.inference"),
    ],
)
def test_provider(attributes: dict[str, Any], provider: str | None) -> None:
    assert span_fact({"gen_ai.operation.name": "chat", **attributes}).provider == provider


def test_tags_and_metadata_are_kept() -> None:
    for key in TAGS:
        assert span_fact({"gen_ai.operation.name": "chat", key: ["a", "b"]}).tags == '["a","b"]'
        assert span_fact({"gen_ai.operation.name": "chat", key: '["a","b"]'}).tags == '["a","b"]'
    for key in METADATA:
        fact = span_fact({"gen_ai.operation.name": "chat", key: "x"})
        assert fact.metadata == f'{{"{key}":"x"}}'
    fact = span_fact({
        "gen_ai.operation.name": "chat", "traceloop.association.properties.team": "a", "langfuse.trace.metadata.tier": "gold",
        "vcs.repository.name": "shop", "metadata": '{"langgraph_node": "plan"}',
    })  # fmt: skip
    assert fact.metadata == (
        '{"langfuse.trace.metadata.tier":"gold","langgraph_node":"plan","traceloop.association.properties.team":"a",'
        '"vcs.repository.name":"shop"}'
    )
