"""Gemini CLI, which tells each call up to five times, and its fork Qwen Code."""

from __future__ import annotations

import json
from typing import Any

from proto_fixtures.record.agents.building import (
    CUMULATIVE,
    Attributes,
    Fixture,
    Histogram,
    Log,
    Request,
    Source,
    Span,
    Sum,
    logs,
    logs_tree,
    metrics,
    spans,
)

SESSION = "5f0c6a52-1111-4d55-9a0e-000000000001"
MODEL = "gemini-2.5-pro"


class Told:
    """One client of the family: its prefix and who it says it is."""

    def __init__(self, prefix: str, service: str, version: str) -> None:
        self.prefix = prefix
        self.source = Source({"service.name": service, "service.version": version, "session.id": SESSION}, service, version)
        self.common = {
            "session.id": SESSION,
            "installation.id": "install-9",
            "interactive": True,
            "user.email": "lin@example.com",
        }

    def event(self, name: str, at: float, body: str, attributes: Attributes, span: str = "") -> Log:
        told = {"event.name": f"{self.prefix}.{name}", "event.timestamp": f"2026-11-20T09:00:{at:06.3f}Z"}
        return Log({**self.common, **told, **attributes}, body, at=at, trace="gemini" if span else "", span=span)

    def response(self, at: float, counts: tuple[int, int, int, int], span: str = "") -> tuple[Log, Log]:
        """The call, and its twin in the words of the conventions; output leaves out the thoughts in both."""
        input_, cached, output, thoughts = counts
        own = {
            "model": MODEL,
            "status_code": 200,
            "duration_ms": 900,
            "input_token_count": input_,
            "output_token_count": output,
            "cached_content_token_count": cached,
            "thoughts_token_count": thoughts,
            "tool_token_count": 0,
            "total_token_count": input_ + output + thoughts,
            "prompt_id": f"{SESSION}########0",
            "finish_reasons": ["STOP"],
            "role": "main",
        }
        twin = {
            "event.name": "gen_ai.client.inference.operation.details",
            "gen_ai.operation.name": "generate_content",
            "gen_ai.provider.name": "gcp.gen_ai",
            "gen_ai.request.model": MODEL,
            "gen_ai.response.model": MODEL,
            "gen_ai.usage.input_tokens": input_,
            "gen_ai.usage.output_tokens": output,
            "gen_ai.response.finish_reasons": ["stop"],
        }
        first = self.event("api_response", at, f"API response from {MODEL}. Status: 200. Duration: 900ms.", own, span)
        second = Log({**self.common, **twin}, "GenAI operation details", at=at, trace=first.trace, span=span)
        return first, second

    def tool(self, at: float, name: str, success: bool, span: str = "", **more: Any) -> Log:
        told = {
            "function_name": name,
            "function_args": '{"path":"a.txt"}',
            "duration_ms": 30,
            "success": success,
            "decision": "auto_accept",
            "prompt_id": f"{SESSION}########0",
            "tool_type": "native",
            **more,
        }
        return self.event("tool_call", at, f"Tool call: {name}. Success: {success}. Duration: 30ms.", told, span)

    def story(self, traced: bool) -> list[Log]:
        prompt = {
            "prompt_length": 20,
            "prompt_id": f"{SESSION}########0",
            "prompt": "What is the weather?",
            "auth_type": "gemini-api-key",
        }
        failed = {
            "model_name": MODEL,
            "error.message": "quota",
            "duration": 80,
            "error_type": "ApiError",
            "status_code": 429,
            "prompt_id": "p",
        }
        mcp = {"tool_type": "mcp", "mcp_server_name": "weather", "error": "no station", "error_type": "mcp_tool_error"}
        agent = {"agent_id": "investigator-1", "agent_name": "codebase_investigator"}
        finish = {**agent, "duration_ms": 1500, "turn_count": 1, "terminate_reason": "GOAL"}
        return [
            self.event(
                "config", 0.0, "CLI configuration loaded.", {"model": MODEL, "approval_mode": "default", "mcp_servers": "weather"}
            ),
            self.event("user_prompt", 0.1, "User prompt. Length: 20.", prompt),
            self.event("api_request", 0.2, f"API request to {MODEL}.", {"model": MODEL, "prompt_id": f"{SESSION}########0"}),
            *self.response(1.2, (1000, 0, 100, 40), "call 1" if traced else ""),
            self.tool(1.4, "read_file", True, "tool 1" if traced else ""),
            self.tool(1.6, "get_weather", False, "tool 2" if traced else "", **mcp),
            self.event("api_error", 2.0, f"API error for {MODEL}. Error: quota. Duration: 80ms.", failed),
            self.event("agent.start", 2.1, "Agent codebase_investigator started.", agent),
            *self.response(3.2, (2000, 800, 60, 10), "call 2" if traced else ""),
            self.event("agent.finish", 3.6, "Agent codebase_investigator finished. Reason: GOAL.", finish),
            *self.response(4.9, (2500, 2000, 70, 0), "call 3" if traced else ""),
        ]

    def measured(self, at: float, done: float) -> list[Sum | Histogram]:
        """Cumulative counters at one time; ``done`` is the part of the story that lies behind."""
        usage = {"input": 5500, "output": 230, "thought": 50, "cache": 2800, "tool": 0}
        points = [({"session.id": SESSION, "model": MODEL, "type": kind}, round(amount * done)) for kind, amount in usage.items()]
        twins = [
            ({"gen_ai.token.type": kind, "gen_ai.request.model": MODEL}, 3, float(round(usage[kind] * done)))
            for kind in ("input", "output")
        ]
        return [
            Sum(f"{self.prefix}.session.count", [({"session.id": SESSION}, 1)], temporality=CUMULATIVE, at=at),
            Sum(f"{self.prefix}.token.usage", points, temporality=CUMULATIVE, at=at),
            Histogram("gen_ai.client.token.usage", twins, "{token}", temporality=CUMULATIVE, at=at),
        ]


def facts(told: Told, user: str) -> dict[str, Any]:
    counted = {"of": "logs", "where": {"event.name": f"{told.prefix}.api_response"}}
    service = str(told.source.resource["service.name"])
    return {
        "agents": ["codebase_investigator", service],
        "parents": {"codebase_investigator": service},
        "sessions": [SESSION],
        "users": [user],
        "user_turns": 1,
        "llm_calls": {"count": 4, "errors": 1, "no_usage": 1, "models": {MODEL: 4}},
        "tool_calls": {"count": 2, "errors": 1, "names": {"read_file": 1, "get_weather": 1}, "mcp": {"weather": 1}},
        "tokens": {"input": 5500, "output": 280, "cache_read": 2800, "cache_write": 0, "reasoning": 50},
        "cost": {"reported": 0, "computed": 3, "unpriced": 0},
        "errors": [
            {"kind": "llm", "name": MODEL, "type": "rate_limited"},
            {"kind": "tool", "name": "get_weather", "type": "mcp_tool_error"},
        ],
        "traps": [
            "Each call is told by api_response and again by gen_ai.client.inference.operation.details, at one time, without id.",
            "output_token_count leaves out the thoughts (230); they are billed as output (280).",
            "The body is prose; the event name is in an attribute, with prefix. api_request is no call, api_response is.",
            "api_error calls the model model_name.",
        ],
        "reading": [
            {"fact": "tokens.input", **counted, "sum": ["input_token_count"]},
            {"fact": "tokens.output", **counted, "sum": ["output_token_count", "thoughts_token_count"]},
            {"fact": "tokens.cache_read", **counted, "sum": ["cached_content_token_count"]},
            {"fact": "tokens.reasoning", **counted, "sum": ["thoughts_token_count"]},
            {
                "fact": "llm_calls.count",
                "of": "logs",
                "where": {"event.name": [f"{told.prefix}.api_response", f"{told.prefix}.api_error"]},
            },
            {"fact": "llm_calls.errors", "of": "logs", "where": {"event.name": f"{told.prefix}.api_error"}},
            {"fact": "tool_calls.count", "of": "logs", "where": {"event.name": f"{told.prefix}.tool_call"}},
            {"fact": "user_turns", "of": "logs", "where": {"event.name": f"{told.prefix}.user_prompt"}},
            {"fact": "sessions", "of": "logs", "distinct": "session.id"},
            {
                "trap": "calls and their twins",
                "of": "logs",
                "where": {"event.name": [f"{told.prefix}.api_response", "gen_ai.client.inference.operation.details"]},
                "is": 6,
            },
        ],
    }


def gemini_spans() -> list[Span]:
    who = {"gen_ai.agent.name": "gemini-cli", "gen_ai.conversation.id": SESSION}

    def named(operation: str, **more: Any) -> dict[str, Any]:
        return {"gen_ai.operation.name": operation, **who, **more}

    def call(number: int, parent: str, at: float, counts: tuple[int, int]) -> Span:
        usage = {"gen_ai.request.model": MODEL, "gen_ai.usage.input_tokens": counts[0], "gen_ai.usage.output_tokens": counts[1]}
        return Span("llm_call", named("llm_call", **usage), parent, "gemini", at, 0.9, id=f"call {number}")

    def tool(number: int, name: str, at: float, error: str | None = None) -> Span:
        attributes = named("tool_call", **{"gen_ai.tool.name": name, "gen_ai.tool.call_id": f"{name}-{number}"})
        return Span("tool_call", attributes, "schedule", "gemini", at, 0.03, error=error, id=f"tool {number}")

    return [
        call(1, "prompt", 0.3, (1000, 100)),
        tool(1, "read_file", 1.37),
        tool(2, "get_weather", 1.57, "no station"),
        Span("schedule_tool_calls", named("schedule_tool_calls"), "prompt", "gemini", 1.3, 0.4, id="schedule"),
        call(2, "agent", 2.3, (2000, 60)),
        Span(
            "agent_call",
            {**named("agent_call"), "gen_ai.agent.name": "codebase_investigator"},
            "prompt",
            "gemini",
            2.1,
            1.5,
            id="agent",
        ),
        call(3, "prompt", 4.0, (2500, 70)),
        Span("user_prompt", named("user_prompt", **{"gen_ai.prompt.name": "main"}), "", "gemini", 0.1, 5.0, id="prompt"),
    ]


def as_json(source: Source, records: list[Log]) -> Request:
    """Its HTTP exporter speaks JSON."""
    return Request("logs", json.dumps(logs_tree(source, *records), ensure_ascii=False).encode(), "json")


def fixtures() -> tuple[Fixture, ...]:
    gemini, qwen = Told("gemini_cli", "gemini-cli", "0.61.0"), Told("qwen-code", "qwen-code", "0.24.4")
    told = gemini.story(traced=False)
    both = facts(gemini, "lin@example.com")
    both["traps"] = [
        *both["traps"],
        "gemini_cli.token.usage and gen_ai.client.token.usage repeat the tokens, cumulative, and are sent twice.",
    ]
    both["reading"] = [
        *both["reading"],
        {
            "trap": "both sendings of the counter",
            "of": "points",
            "where": {"name": "gemini_cli.token.usage"},
            "sum": ["@value"],
            "is": 12_870,
        },
    ]
    requests = [
        as_json(gemini.source, told[:6]),
        metrics(gemini.source, *gemini.measured(10.0, 0.5)),
        as_json(gemini.source, told[6:]),
        metrics(gemini.source, *gemini.measured(20.0, 1.0)),
    ]
    after = "Gemini CLI documentation and code of August 2026"
    traced = facts(gemini, "lin@example.com")
    traced["traces"], traced["roots"] = 1, {"user_prompt": 1}
    traced["traps"] = [
        *traced["traps"],
        "The spans tell the same calls a third time; log records carry the span's id. The tool call's id is gen_ai.tool.call_id.",
    ]
    traced["reading"] = [
        *traced["reading"],
        {"trap": "llm spans", "of": "spans", "where": {"gen_ai.operation.name": "llm_call"}, "is": 3},
        {"fact": "tool_calls.count", "of": "spans", "where": {"gen_ai.operation.name": "tool_call"}},
        {"fact": "tokens.input", "of": "spans", "sum": ["gen_ai.usage.input_tokens"]},
    ]
    with_traces = [logs(gemini.source, *gemini.story(traced=True)), spans(gemini.source, *gemini_spans())]
    return (
        Fixture("gemini-cli-logs-metrics", after, requests, both),
        Fixture("gemini-cli-traces", after, with_traces, traced),
        qwen_code(qwen),
    )


def qwen_code(qwen: Told) -> Fixture:
    subagent = {
        "qwen-code.subagent.id": "investigator-1",
        "qwen-code.subagent.name": "codebase_investigator",
        "qwen-code.subagent.parent_agent_id": "main",
        "qwen-code.subagent.depth": 1,
        "qwen-code.subagent.status": "completed",
        "qwen-code.subagent.terminate_reason": "GOAL",
    }
    who = {"session.id": SESSION}
    tree = [
        Span("qwen-code.llm_request", {**who, "model": MODEL}, "interaction", "gemini", 0.3, 0.9, id="call 1"),
        Span("qwen-code.tool", {**who, "tool_name": "read_file"}, "interaction", "gemini", 1.37, 0.03, id="tool 1"),
        Span("qwen-code.tool.execution", {**who, "success": True}, "tool 1", "gemini", 1.38, 0.02, id="execution 1"),
        Span(
            "qwen-code.tool",
            {**who, "tool_name": "get_weather"},
            "interaction",
            "gemini",
            1.57,
            0.03,
            error="no station",
            id="tool 2",
        ),
        Span("qwen-code.llm_request", {**who, "model": MODEL}, "subagent", "gemini", 2.3, 0.9, id="call 2"),
        Span("qwen-code.subagent", {**who, **subagent}, "interaction", "gemini", 2.1, 1.4, id="subagent"),
        Span("qwen-code.llm_request", {**who, "model": MODEL}, "interaction", "gemini", 4.0, 0.9, id="call 3"),
        Span("qwen-code.interaction", who, "", "gemini", 0.1, 5.0, id="interaction"),
    ]
    told = facts(qwen, "lin@example.com")
    told["traces"], told["roots"] = 1, {"qwen-code.interaction": 1}
    told["traps"] = [
        *told["traps"],
        "The same events under another prefix.",
        "qwen-code.llm_request and .tool tell of what api_response and tool_call told of, whose records carry their span ids.",
        "The subagent is told by its span, and by agent.start and agent.finish: one run.",
    ]
    told["reading"] = [
        *told["reading"],
        {"fact": "tool_calls.count", "of": "spans", "where": {"name": "qwen-code.tool"}},
        {"trap": "llm spans", "of": "spans", "where": {"name": "qwen-code.llm_request"}, "is": 3},
    ]
    requests = [logs(qwen.source, *qwen.story(traced=True)), spans(qwen.source, *tree)]
    return Fixture("qwen-code", "Qwen Code 0.24.4, names read in its bundle", requests, told)
