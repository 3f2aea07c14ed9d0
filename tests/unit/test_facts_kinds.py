"""What kind a span is: every value of every source, and the order among the sources."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.facts_records import span_fact, span_facts

KINDS = [
    *[("gen_ai.operation.name", value, "llm_call", "llm") for value in (
        "chat", "generate_content", "text_completion", "completion", "generate", "llm_call", "fetch_response")],
    ("gen_ai.operation.name", "embeddings", "llm_call", "embedding"),
    ("gen_ai.operation.name", "retrieval", "step", "retriever"),
    ("gen_ai.operation.name", "search_memory", "step", "retriever"),
    ("gen_ai.operation.name", "invoke_agent", "agent_run", "agent"),
    ("gen_ai.operation.name", "agent_call", "agent_run", "agent"),
    ("gen_ai.operation.name", "agent_step", "step", "agent"),
    ("gen_ai.operation.name", "create_agent", "step", "agent_created"),
    ("gen_ai.operation.name", "execute_tool", "tool_call", "tool"),
    ("gen_ai.operation.name", "tool_call", "tool_call", "tool"),
    ("gen_ai.operation.name", "invoke_workflow", "step", "workflow"),
    *[("gen_ai.operation.name", value, "step", "chain") for value in (
        "execute_task", "execute_method", "plan", "schedule_tool_calls")],
    *[("gen_ai.operation.name", value, "step", "memory") for value in (
        "create_memory", "update_memory", "upsert_memory", "delete_memory", "create_memory_store", "delete_memory_store")],
    ("gen_ai.operation.name", "user_prompt", "user_turn", "user_turn"),
    ("gen_ai.operation.name", "execute_hook", "step", "hook"),
    ("gen_ai.operation.name", "something_new", "step", "other"),
    ("openinference.span.kind", "LLM", "llm_call", "llm"),
    ("openinference.span.kind", "EMBEDDING", "llm_call", "embedding"),
    ("openinference.span.kind", "AGENT", "agent_run", "agent"),
    ("openinference.span.kind", "TOOL", "tool_call", "tool"),
    ("openinference.span.kind", "CHAIN", "step", "chain"),
    ("openinference.span.kind", "RETRIEVER", "step", "retriever"),
    ("openinference.span.kind", "RERANKER", "step", "reranker"),
    ("openinference.span.kind", "GUARDRAIL", "step", "guardrail"),
    ("openinference.span.kind", "EVALUATOR", "step", "evaluator"),
    ("openinference.span.kind", "PROMPT", "step", "chain"),
    ("openinference.span.kind", "DECISION", "step", "chain"),
    ("openinference.span.kind", "UNKNOWN", "step", "other"),
    ("langfuse.observation.type", "span", "step", "chain"),
    ("langfuse.observation.type", "generation", "llm_call", "llm"),
    ("langfuse.observation.type", "embedding", "llm_call", "embedding"),
    ("langfuse.observation.type", "agent", "agent_run", "agent"),
    ("langfuse.observation.type", "tool", "tool_call", "tool"),
    ("langfuse.observation.type", "retriever", "step", "retriever"),
    ("langfuse.observation.type", "guardrail", "step", "guardrail"),
    ("langfuse.observation.type", "evaluator", "step", "evaluator"),
    ("langfuse.observation.type", "event", "step", "event"),
    ("traceloop.span.kind", "workflow", "step", "workflow"),
    ("traceloop.span.kind", "task", "step", "chain"),
    ("traceloop.span.kind", "agent", "agent_run", "agent"),
    ("traceloop.span.kind", "tool", "tool_call", "tool"),
    ("traceloop.span.kind", "unknown", "step", "other"),
    ("llm.request.type", "chat", "llm_call", "llm"),
    ("llm.request.type", "completion", "llm_call", "llm"),
    ("llm.request.type", "embedding", "llm_call", "embedding"),
    ("llm.request.type", "rerank", "step", "reranker"),
    ("langsmith.span.kind", "llm", "llm_call", "llm"),
    ("langsmith.span.kind", "tool", "tool_call", "tool"),
    ("langsmith.span.kind", "chain", "step", "chain"),
    ("langsmith.span.kind", "retriever", "step", "retriever"),
    ("langsmith.span.kind", "embedding", "llm_call", "embedding"),
    ("langsmith.span.kind", "prompt", "step", "chain"),
    ("langsmith.span.kind", "parser", "step", "chain"),
    ("lmnr.span.type", "LLM", "llm_call", "llm"),
    ("lmnr.span.type", "CACHED", "llm_call", "cached"),
    ("lmnr.span.type", "TOOL", "tool_call", "tool"),
    ("lmnr.span.type", "EXECUTOR", "step", "chain"),
    ("lmnr.span.type", "EVALUATOR", "step", "evaluator"),
    ("lmnr.span.type", "HUMAN_EVALUATOR", "step", "evaluator"),
    ("lmnr.span.type", "DEFAULT", "step", "other"),
    ("agentops.span.kind", "session", "step", "workflow"),
    ("agentops.span.kind", "agent", "agent_run", "agent"),
    ("agentops.span.kind", "task", "step", "chain"),
    ("agentops.span.kind", "operation", "step", "chain"),
    ("agentops.span.kind", "tool", "tool_call", "tool"),
    ("agentops.span.kind", "llm", "llm_call", "llm"),
    ("agentops.span.kind", "guardrail", "step", "guardrail"),
    ("ag2.span.type", "agent", "agent_run", "agent"),
    ("ag2.span.type", "llm", "llm_call", "llm"),
    ("ag2.span.type", "tool", "tool_call", "tool"),
    ("ag2.span.type", "human_input", "step", "human"),
    ("mastra.span.type", "model_generation", "llm_call", "llm"),
    ("mastra.span.type", "agent_run", "agent_run", "agent"),
    ("mastra.span.type", "tool_call", "tool_call", "tool"),
    ("span.type", "interaction", "user_turn", "user_turn"),
    ("span.type", "llm_request", "llm_call", "llm"),
    ("span.type", "tool", "tool_call", "tool"),
    ("span.type", "claude_code.llm_request", "llm_call", "llm"),
    ("span.type", "claude_code.tool.blocked_on_user", "step", "human"),
    ("ai.operationId", "ai.generateText.doGenerate", "llm_call", "llm"),
    ("ai.operationId", "ai.streamText.doStream", "llm_call", "llm"),
    ("ai.operationId", "ai.embed.doEmbed", "llm_call", "embedding"),
    ("ai.operationId", "ai.embedMany.doEmbed", "llm_call", "embedding"),
    ("ai.operationId", "ai.toolCall", "tool_call", "tool"),
    ("ai.operationId", "ai.generateText", "step", "chain"),
    ("ai.operationId", "ai.streamObject", "step", "chain"),
    ("ai.operationId", "ai.embed", "step", "chain"),
    ("mcp.method.name", "tools/call", "tool_call", "tool"),
    ("mcp.method.name", "tools/list", "step", "other"),
    ("gen_ai.tool.name", "search", "tool_call", "tool"),
    ("gen_ai.tool.call.id", "call_1", "tool_call", "tool"),
    ("gen_ai.request.model", "gpt-4o", "llm_call", "llm"),
    ("llm.model_name", "gpt-4o", "llm_call", "llm"),
    ("ai.model.id", "gpt-4o", "llm_call", "llm"),
    ("embedding.model_name", "text-embedding-3-small", "llm_call", "embedding"),
    ("reranker.model_name", "rerank-3", "step", "reranker"),
]  # fmt: skip


@pytest.mark.parametrize(("key", "value", "fact", "kind"), KINDS, ids=[f"{key}={value}" for key, value, _, _ in KINDS])
def test_a_value_tells_the_kind(key: str, value: str, fact: str, kind: str) -> None:
    found = span_fact({key: value})
    assert (found.fact, found.kind) == (fact, kind)


ORDER: list[tuple[str, str, str]] = [
    ("langfuse.observation.type", "tool", "tool"),
    ("openinference.span.kind", "AGENT", "agent"),
    ("gen_ai.operation.name", "chat", "llm"),
    ("traceloop.span.kind", "workflow", "workflow"),
    ("span.type", "interaction", "user_turn"),
    ("ai.operationId", "ai.toolCall", "tool"),
    ("langsmith.span.kind", "retriever", "retriever"),
    ("lmnr.span.type", "EVALUATOR", "evaluator"),
    ("agentops.span.kind", "guardrail", "guardrail"),
    ("ag2.span.type", "human_input", "human"),
    ("mastra.span.type", "workflow_step", "chain"),
    ("llm.request.type", "rerank", "reranker"),
    ("mcp.method.name", "tools/call", "tool"),
    ("gen_ai.tool.name", "search", "tool"),
    ("gen_ai.request.model", "gpt-4o", "llm"),
]


@pytest.mark.parametrize("number", range(len(ORDER) - 1))
def test_a_source_goes_before_all_that_follow(number: int) -> None:
    key, value, kind = ORDER[number]
    rest: dict[str, Any] = {key: value for key, value, _ in reversed(ORDER[number:])}
    assert span_fact({**rest, key: value}).kind == kind


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("chat gpt-4o", "llm"),
        ("execute_tool search", "tool"),
        ("invoke_agent planner", "agent"),
        ("agent run", "agent"),
        ("running tool", "tool"),
        ("llm.call", "llm"),
        ("claude_code.tool", "tool"),
        ("qwen-code.subagent", "agent"),
    ],
)
def test_the_name_is_the_last_resort(name: str, kind: str) -> None:
    assert span_fact({"session.id": "s"}, name=name).kind == kind


def test_the_name_says_nothing_where_nothing_else_is_an_agents() -> None:
    assert span_facts({"room": "lobby", "": {"name": "chat opened"}}).facts == []


def test_usage_without_a_kind_is_a_roll_up() -> None:
    fact = span_fact({"gen_ai.usage.input_tokens": 10, "gen_ai.usage.output_tokens": 5}, name="handle_responses")
    assert (fact.fact, fact.kind, fact.total_tokens, fact.computed_cost) == ("step", "other", 15, None)


def test_a_vercel_call_with_a_function_id_is_an_agent() -> None:
    fact = span_fact({"ai.operationId": "ai.generateText", "ai.telemetry.functionId": "support"})
    assert (fact.fact, fact.agent_name) == ("agent_run", "support")


def test_mcp_spans_are_the_transport_of_a_tool_call() -> None:
    attributes = {"mcp.method.name": "tools/call", "gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "search"}
    assert [span_fact(attributes, kind=kind).via for kind in (1, 2, 3)] == [None, "mcp_server", "mcp_client"]
    assert span_fact({"gen_ai.operation.name": "execute_tool"}, kind=3).via is None


def test_a_pending_span_stands_for_its_parent() -> None:
    attributes = {
        "gen_ai.operation.name": "chat", "logfire.span_type": "pending_span", "logfire.pending_parent_id": "00000000000000aa",
    }  # fmt: skip
    fact = span_fact(attributes, id=b"\0" * 7 + b"\1", parent=b"\0" * 7 + b"\2")
    assert (fact.span_id, fact.parent_span_id, fact.is_open) == ("0000000000000002", "00000000000000aa", 1)
    assert fact.rank < span_fact({"gen_ai.operation.name": "chat"}).rank


def test_a_span_without_an_end_is_open() -> None:
    fact = span_fact({"gen_ai.operation.name": "invoke_agent"}, end=0)
    assert (fact.is_open, fact.duration) == (1, None)


def test_a_span_that_ends_before_it_starts_has_no_duration() -> None:
    assert span_fact({"gen_ai.operation.name": "chat"}, end=5).duration == 0


@pytest.mark.parametrize(
    ("name", "attributes", "tool"),
    [
        ("execute_tool search", {"gen_ai.operation.name": "execute_tool"}, "search"),
        ("running tool: search", {"gen_ai.operation.name": "execute_tool"}, "search"),
        ("opencode.tool bash", {"gen_ai.operation.name": "execute_tool"}, "bash"),
        ("search", {"langsmith.span.kind": "tool"}, "search"),
    ],
)
def test_a_tool_may_be_named_by_its_span(name: str, attributes: dict[str, Any], tool: str) -> None:
    assert span_fact(attributes, name=name).tool_name == tool


@pytest.mark.parametrize("key", ["langfuse.observation.type", "lmnr.span.type"])
def test_an_agent_may_be_named_by_its_span(key: str) -> None:
    found = span_fact({key: "agent", "gen_ai.operation.name": "invoke_agent"}, name="planner")
    assert found.agent_name == "planner"


@pytest.mark.parametrize(
    ("attributes", "server", "tool_type"),
    [
        ({"gen_ai.tool.name": "mcp__github__create_issue"}, "github", "mcp"),
        ({"gen_ai.tool.name": "create_issue", "mcp_server.name": "github"}, "github", "mcp"),
        ({"gen_ai.tool.name": "bash", "gen_ai.tool.type": "function"}, None, "function"),
        ({"gen_ai.tool.name": "mcp__odd"}, None, None),
    ],
)
def test_where_a_tool_comes_from(attributes: dict[str, Any], server: str | None, tool_type: str | None) -> None:
    fact = span_fact(attributes)
    assert (fact.mcp_server, fact.tool_type) == (server, tool_type)
