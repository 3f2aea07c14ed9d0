"""Where an instrumentation says one thing and means another: what recordings of the libraries taught."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.unit.facts_records import TRACE, log_fact, span_fact

if TYPE_CHECKING:
    from storage.facts.fact import Fact

INVOKED = {"gen_ai.operation.name": "invoke_agent"}
DESK = ("agent_run", "agent", "desk")
LANGSMITH = {"langsmith.span.kind": "chain", "langsmith.metadata.lc_agent_name": "desk"}
ASKED = {"agentops.span.kind": "AgentOpsSpanKindValues.TOOL", "tool.name": "t", "tool.call.id": "c"}
CREW = {"crewai.execution_uuid": "u", "gen_ai.operation.name": "chat"}
METADATA = '{"lc_agent_name": "desk", "thread_id": "t", "user_id": "u"}'


def seen(fact: Fact) -> tuple[str, str, str | None]:
    return fact.fact, fact.kind, fact.agent_name


@pytest.mark.parametrize(
    ("name", "attributes", "scope", "expected"),
    [
        ("execute agent", {**CREW, "gen_ai.agent.name": "f4a2", "crewai.agent.role": "desk"}, "c", DESK),
        ("execute task", CREW, "c", ("step", "chain", None)),
        ("execute crew", CREW, "c", ("step", "workflow", None)),
        ("call llm", CREW, "c", ("llm_call", "llm", None)),
        ("desk.workflow", {"traceloop.span.kind": "workflow", **INVOKED}, "c", ("step", "workflow", None)),
        ("ask.task", {"traceloop.span.kind": "task", **INVOKED}, "c", ("step", "chain", None)),
        ("desk.agent", {"traceloop.span.kind": "agent", "traceloop.entity.name": "desk"}, "c", DESK),
        ("crewai.workflow", {"crewai.crew.tasks": "[]", **INVOKED}, "c", ("step", "workflow", None)),
        ("x._execute_core", {"openinference.span.kind": "AGENT", "graph.node.id": "desk"}, "c", DESK),
        ("desk._execute_core", {"openinference.span.kind": "AGENT"}, "c", DESK),
        ("desk", {"openinference.span.kind": "AGENT"}, "c", DESK),
        ("desk", {"openinference.span.kind": "AGENT"}, "openinference.instrumentation.openai_agents", ("step", "workflow", None)),
        ("a", {"openinference.span.kind": "AGENT", "agent.name": "desk"}, "openinference.instrumentation.openai_agents",
         DESK),
        ("ask_desk", {"openinference.span.kind": "AGENT", "tool.name": "ask_desk"}, "c", ("tool_call", "tool", None)),
        ("handoff to desk", {"openinference.span.kind": "TOOL"}, "c", ("step", "handoff", None)),
        ("desk", LANGSMITH, "c", DESK),
        ("model", LANGSMITH, "c", ("step", "chain", "desk")),
        ("model", {"openinference.span.kind": "CHAIN", "metadata": METADATA}, "c", ("step", "chain", "desk")),
        ("desk.agent", {"agentops.span.kind": "agent", "operation.name": "desk"}, "c", DESK),
        ("desk", {"agentops.span.kind": "AgentOpsSpanKindValues.AGENT"}, "c", DESK),
    ],
)  # fmt: skip
def test_spans(name: str, attributes: dict[str, Any], scope: str, expected: tuple[str, str, str | None]) -> None:
    assert seen(span_fact(attributes, name=name, scope=scope)) == expected


def test_what_a_model_asked_for_is_part_of_the_tools_run() -> None:
    asked = span_fact(
        {"agentops.span.kind": "AgentOpsSpanKindValues.TOOL", "tool.name": "t", "tool.call.id": "c"}, name="tool_call.t"
    )
    run = span_fact({"agentops.span.kind": "tool", "operation.name": "t"}, name="t.tool")
    assert (asked.fact, asked.is_part, asked.tool_call_id) == ("tool_call", 1, "c")
    assert (run.fact, run.is_part, run.tool_name) == ("tool_call", 0, "t")
    failure = span_fact({"crewai.execution_uuid": "u", "gen_ai.operation.name": "execute_tool"}, name="tool failure")
    assert failure.is_part == 1


def test_a_coding_agents_sdk_spans_are_no_agents() -> None:
    attributes = {"ai.operationId": "ai.streamText", "ai.telemetry.functionId": "session.llm"}
    assert seen(span_fact(attributes, resource={"service.name": "opencode"})) == ("step", "chain", None)


@pytest.mark.parametrize("attributes", [{"lmnr.span.type": "LLM"}, {"gen_ai.request.type": "embedding"}, {}])
def test_an_embedding_is_known_by_its_model(attributes: dict[str, Any]) -> None:
    assert span_fact({**attributes, "gen_ai.request.model": "text-embedding-3-small"}).kind == "embedding"


def test_openai_counts_inside_langfuse() -> None:
    details = '{"prompt_tokens": 250, "completion_tokens": 40, "prompt_tokens_details": {"cached_tokens": 64},'
    details += ' "completion_tokens_details": {"reasoning_tokens": 2}}'
    fact = span_fact({"langfuse.observation.type": "generation", "langfuse.observation.usage_details": details})
    assert (fact.input_tokens, fact.output_tokens, fact.cache_read_tokens, fact.reasoning_tokens) == (250, 40, 64, 2)


CYLESTIO = {"agent_id": "bot", "session.id": "s", "llm.vendor": "anthropic", "llm.model": "claude-sonnet-4-5"}


@pytest.mark.parametrize(
    ("event", "more", "expected"),
    [
        ("llm.call.start", {}, ("llm_call", 1, 0)),
        ("llm.call.finish", {"llm.usage.input_tokens": 310}, ("llm_call", 0, 0)),
        ("llm.call.end", {}, ("llm_call", 0, 0)),
        ("llm.call.error", {"error.type": "APITimeoutError"}, ("llm_call", 0, 1)),
        ("tool.execution", {"tool.name": "t"}, ("tool_call", 1, 0)),
        ("tool.result", {"tool.name": "t", "tool.status": "success"}, ("tool_call", 0, 0)),
        ("tool.error", {"tool.name": "t"}, ("tool_call", 0, 1)),
        ("agent.invoke.start", {}, ("agent_run", 1, 0)),
        ("agent.invoke.end", {}, ("agent_run", 0, 0)),
    ],
)
def test_cylestio_events_as_plain_log_records(event: str, more: dict[str, Any], expected: tuple[str, int, int]) -> None:
    fact = log_fact({**CYLESTIO, **more}, event=event, trace=TRACE, span=b"12345678")
    assert (fact.fact, fact.is_open, fact.failed) == expected
    assert fact.agent_name == "bot"
    assert fact.pair_key is not None


def test_an_mcp_connection_is_no_tool_call() -> None:
    more = {"tool.name": "t", "tool.id": "140235", "framework.name": "mcp"}
    assert log_fact({**CYLESTIO, **more}, event="tool.result").tool_call_id is None
