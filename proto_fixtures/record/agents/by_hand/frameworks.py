"""Frameworks that cannot be recorded here: Mastra and VoltAgent by their exporters' names, Cylestio's events as log records."""

from __future__ import annotations

from typing import Any

from proto_fixtures.record.agents.building import CLIENT, Fixture, Log, Source, Span, logs, spans
from proto_fixtures.record.agents.by_hand.words import called, cost, tokens


def mastra() -> Fixture:
    source = Source({"service.name": "weather-service"}, "@mastra/otel-exporter", "0.3.3")
    usage = {
        "gen_ai.usage.input_tokens": 800,
        "gen_ai.usage.output_tokens": 90,
        "gen_ai.usage.cached_input_tokens": 600,
        "gen_ai.usage.reasoning_tokens": 20,
        "gen_ai.usage.total_tokens": 890,
    }
    model = {"gen_ai.system": "openai", "gen_ai.request.model": "gpt-5-mini", "gen_ai.operation.name": "chat"}
    tool = {
        "gen_ai.tool.name": "get_weather",
        "gen_ai.tool.input": '{"city":"Rome"}',
        "gen_ai.tool.output": '"no station"',
        "gen_ai.tool.success": False,
    }
    agent = {
        "mastra.span.type": "agent_run",
        "gen_ai.operation.name": "invoke_agent",
        "gen_ai.agent.name": "weather_agent",
        "gen_ai.conversation.id": "thread-4",
    }
    tree = [
        Span(
            "chat gpt-5-mini",
            {"mastra.span.type": "model_generation", **model, **usage},
            "agent",
            "mastra",
            0.1,
            1.0,
            CLIENT,
            id="chat",
        ),
        Span("tool.execution get_weather", {"mastra.span.type": "tool_call", **tool}, "agent", "mastra", 1.2, 0.1, id="tool"),
        Span("agent.weather_agent", agent, "", "mastra", 0.0, 1.5, id="agent"),
    ]
    facts = {
        "agents": ["weather_agent"],
        "agent_runs": {"weather_agent": 1},
        "sessions": ["thread-4"],
        "traces": 1,
        "roots": {"agent.weather_agent": 1},
        "llm_calls": called(1, {"gpt-5-mini": 1}, {"openai": 1}, by_agent={"weather_agent": 1}),
        "tool_calls": {"count": 1, "errors": 1, "names": {"get_weather": 1}},
        "tokens": tokens(800, 90, 600, 0, 20),
        "cost": cost(computed=1),
        "errors": [{"kind": "tool", "name": "get_weather", "type": "_OTHER"}],
        "traps": [
            "Session and agent are on the root alone, which comes last.",
            "A failed tool says so by gen_ai.tool.success alone.",
        ],
        "reading": [
            {"fact": "llm_calls.count", "of": "spans", "where": {"mastra.span.type": "model_generation"}},
            {"fact": "tokens.input", "of": "spans", "sum": ["gen_ai.usage.input_tokens"]},
            {"fact": "tool_calls.errors", "of": "spans", "where": {"gen_ai.tool.success": "False"}},
        ],
    }
    return Fixture("mastra", "Mastra's exporter 0.3.3", [spans(source, *tree[:2]), spans(source, tree[2])], facts)


def voltagent() -> Fixture:
    source = Source({"service.name": "weather-service"}, "@voltagent/core")
    who = {"voltagent.conversation_id": "conversation-8", "user.id": "user-7"}
    usage = {"usage.prompt_tokens": 500, "usage.completion_tokens": 45, "usage.total_tokens": 545}
    tree = [
        Span(
            "llm:streamText",
            {**who, "span.type": "llm", "llm.model": "gpt-5-mini", "llm.provider": "openai", **usage},
            "agent",
            "volt",
            0.1,
            1.0,
            id="llm",
        ),
        Span(
            "tool.execution:get_weather",
            {**who, "span.type": "tool", "tool.name": "get_weather", "tool.call.id": "c-1"},
            "agent",
            "volt",
            1.2,
            0.1,
        ),
        Span(
            "weather_agent",
            {**who, "span.type": "agent", "entity.type": "agent", "agent.name": "weather_agent", **usage},
            "",
            "volt",
            0.0,
            1.5,
            id="agent",
        ),
    ]
    facts = {
        "agents": ["weather_agent"],
        "agent_runs": {"weather_agent": 1},
        "sessions": ["conversation-8"],
        "users": ["user-7"],
        "traces": 1,
        "roots": {"weather_agent": 1},
        "llm_calls": called(1, {"gpt-5-mini": 1}, {"openai": 1}, by_agent={"weather_agent": 1}),
        "tool_calls": {"count": 1, "errors": 0, "names": {"get_weather": 1}},
        "tokens": tokens(500, 45),
        "cost": cost(computed=1),
        "traps": ["The agent's span repeats the usage of its call."],
        "reading": [
            {"fact": "llm_calls.count", "of": "spans", "where": {"span.type": "llm"}},
            {"fact": "tokens.input", "of": "spans", "where": {"span.type": "llm"}, "sum": ["usage.prompt_tokens"]},
            {"trap": "input of all spans", "of": "spans", "sum": ["usage.prompt_tokens"], "is": 1000},
        ],
    }
    return Fixture("voltagent", "VoltAgent, names at second hand", [spans(source, *tree)], facts)


def cylestio() -> Fixture:
    """Its events as log records, as a Collector would pass them on; the vendor's own JSON is elsewhere."""
    source = Source({"service.name": "support-bot"}, "cylestio-monitor")
    who = {"agent_id": "support-bot", "session.id": "sess-42"}
    model = {"llm.vendor": "anthropic", "llm.model": "claude-sonnet-4-5"}
    done = {
        "llm.response.id": "msg_01ABC",
        "llm.response.duration_ms": 1250,
        "llm.usage.input_tokens": 310,
        "llm.usage.output_tokens": 48,
    }
    tool = {"tool.name": "get_order", "tool.id": "140235", "framework.name": "mcp"}
    failed = {"error.type": "APITimeoutError", "error.message": "Request timed out.", "llm.response.duration_ms": 30_012}

    def event(name: str, at: float, span: str, attributes: dict[str, Any], severity: int = 9) -> Log:
        return Log({**who, **attributes}, name, name, at, severity, "cylestio" if span else "", span)

    told = [
        event("llm.call.start", 0.0, "call 1", {**model, "llm.request.type": "completion"}),
        event("llm.call.finish", 1.25, "call 1", {**model, **done, "llm.response.stop_reason": "tool_use"}),
        event("tool.execution", 1.3, "tool 1", tool),
        event("tool.result", 1.42, "tool 1", {**tool, "tool.status": "success"}),
        event(
            "security.content.dangerous",
            2.0,
            "",
            {"security.alert_level": "dangerous", "security.category": "prompt_manipulation"},
            17,
        ),
        event("llm.call.start", 5.0, "call 2", {**model, "llm.request.type": "completion"}),
        event("llm.call.error", 35.0, "call 2", {**model, **failed}, 17),
    ]
    facts = {
        "agents": ["support-bot"],
        "sessions": ["sess-42"],
        "llm_calls": {"count": 2, "errors": 1, "no_usage": 1, "models": {"claude-sonnet-4-5": 2}, "providers": {"anthropic": 2}},
        "tool_calls": {"count": 1, "errors": 0, "names": {"get_order": 1}},
        "tokens": tokens(310, 48),
        "cost": cost(computed=1),
        "errors": [{"kind": "llm", "name": "claude-sonnet-4-5", "type": "APITimeoutError"}],
        "traps": [
            "Start and finish are two records of one call, with one span id.",
            "tool.id is one number for all calls of a connection: no call id.",
            "The security event is at severity ERROR, and is no failed call.",
        ],
        "reading": [
            {"fact": "llm_calls.count", "of": "logs", "where": {"@event": ["llm.call.finish", "llm.call.error"]}},
            {"fact": "llm_calls.errors", "of": "logs", "where": {"@event": "llm.call.error"}},
            {"fact": "tokens.input", "of": "logs", "sum": ["llm.usage.input_tokens"]},
            {"fact": "tool_calls.count", "of": "logs", "where": {"@event": "tool.result"}},
            {"fact": "sessions", "of": "logs", "distinct": "session.id"},
            {"trap": "records about models", "of": "logs", "where": {"@event~": "llm.call."}, "is": 4},
        ],
    }
    return Fixture("cylestio-events", "cylestio-monitor 0.2.0", [logs(source, *told[:4]), logs(source, *told[4:])], facts)


def fixtures() -> tuple[Fixture, ...]:
    return mastra(), voltagent(), cylestio()
