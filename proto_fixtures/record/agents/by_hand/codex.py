"""OpenAI's Codex CLI: log events with counts as text, internal spans, delta metrics."""

from __future__ import annotations

from typing import Any

from proto_fixtures.record.agents.building import (
    DELTA,
    Attributes,
    Fixture,
    Histogram,
    Log,
    Source,
    Span,
    Sum,
    logs,
    metrics,
    spans,
)

CONVERSATION = "019a9c1e-7d3c-7b10-8f00-5d2f5b7f3c11"
RESOURCE = {"service.name": "codex_cli_rs", "service.version": "0.169.0", "env": "dev", "host.name": "workstation"}
COMMON = {
    "conversation.id": CONVERSATION,
    "app.version": "0.169.0",
    "auth_mode": "ApiKey",
    "originator": "codex_cli_rs",
    "user.account_id": "acc-3",
    "user.email": "grace@example.com",
    "terminal.type": "xterm",
    "model": "gpt-5-codex",
    "slug": "gpt-5-codex",
}
LOGS = Source(RESOURCE, "codex_otel.log_only")
TRACES = Source(RESOURCE, "codex_cli_rs")


def event(name: str, at: float, attributes: Attributes, traced: bool = True) -> Log:
    """The record's own event name is a place in the source."""
    told = {"event.name": name, "event.timestamp": f"2026-11-20T09:00:{at:06.3f}Z"}
    trace = "codex turn 1" if at < 10 else "codex turn 2"
    place = f"event otel/src/events/session_telemetry.rs:{100 + len(name)}"
    return Log({**COMMON, **told, **attributes}, event=place, at=at, trace=trace if traced else "", span="handle_responses")


def completed(at: float, counts: tuple[int, int, int, int]) -> tuple[Log, Log]:
    """The one record with counts (as text; input with the cached, output with the reasoned), after its bare twin."""
    input_, cached, output, reasoned = counts
    told = {
        "event.kind": "response.completed",
        "input_token_count": str(input_),
        "cached_token_count": str(cached),
        "output_token_count": str(output),
        "reasoning_token_count": str(reasoned),
        "tool_token_count": str(input_ + output),
        "ttft_ms": "210",
    }
    bare = event("codex.sse_event", at - 0.002, {"event.kind": "response.completed", "duration_ms": "2"}, traced=False)
    return bare, event("codex.sse_event", at, told, traced=False)


def tool(at: float, name: str, call: str, success: str, **more: str) -> tuple[Log, Log]:
    decided = {"tool_name": name, "call_id": call, "decision": "approved", "source": "Config"}
    ended = {
        "tool_name": name,
        "call_id": call,
        "arguments": '{"command":["ls"]}',
        "duration_ms": "35",
        "success": success,
        "output": "done",
    }
    return event("codex.tool_decision", at, decided), event("codex.tool_result", at + 0.04, {**ended, **more})


def cost(at: float, turn: str, dollars: float) -> Log:
    return event("codex.turn_cost", at, {"turn.id": turn, "usage.estimated_usd": dollars, "turn.interrupted": False})


def records() -> list[Log]:
    return [
        event(
            "codex.conversation_starts",
            0.0,
            {"provider_name": "OpenAI", "reasoning_effort": "medium", "context_window": "272000"},
        ),
        event("codex.user_prompt", 0.1, {"prompt_length": "18", "prompt": "[REDACTED]"}),
        event("codex.api_request", 0.9, {"duration_ms": "700", "http.response.status_code": "200", "attempt": "0"}),
        event("codex.sse_event", 1.0, {"event.kind": "response.created", "duration_ms": "12"}),
        *completed(1.9, (1200, 1000, 150, 64)),
        cost(1.95, "turn-1", 0.002),
        *tool(2.0, "shell", "call_1", "true"),
        *tool(2.2, "get_weather", "call_2", "false", mcp_server="weather"),
        *completed(3.9, (2400, 2048, 90, 0)),
        cost(3.95, "turn-1", 0.0034),
        event("codex.user_prompt", 10.0, {"prompt_length": "5", "prompt": "[REDACTED]"}),
        event(
            "codex.api_request",
            10.5,
            {"duration_ms": "90", "http.response.status_code": "429", "error.message": "Too Many Requests", "attempt": "0"},
        ),
        event("codex.api_request", 11.5, {"duration_ms": "800", "http.response.status_code": "200", "attempt": "1"}),
        *completed(12.4, (900, 0, 40, 0)),
        cost(12.5, "turn-2", 0.0015),
    ]


def facts() -> dict[str, Any]:
    counted = {"of": "logs", "where": {"event.name": "codex.sse_event", "input_token_count": "*"}}
    return {
        "agents": ["codex_cli_rs"],
        "sessions": [CONVERSATION],
        "users": ["grace@example.com"],
        "user_turns": 2,
        "llm_calls": {"count": 3, "errors": 0, "no_usage": 0, "models": {"gpt-5-codex": 3}, "providers": {"openai": 3}},
        "refused_attempts": 1,
        "tool_calls": {"count": 2, "errors": 1, "names": {"shell": 1, "get_weather": 1}, "mcp": {"weather": 1}},
        "tokens": {"input": 4500, "output": 280, "cache_read": 3048, "cache_write": 0, "reasoning": 64},
        "turn_cost_usd": {"turn-1": 0.0034, "turn-2": 0.0015},
        "errors": [
            {"kind": "attempt", "name": "gpt-5-codex", "type": "rate_limited"},
            {"kind": "tool", "name": "get_weather", "type": "_OTHER"},
        ],
        "traps": [
            "A bare response.completed goes before each counted one: it is no call. Neither has a trace id.",
            "LogRecord.event_name is a place in the source; event.name is the event.",
            "tool_token_count is the total, not a kind of token.",
            "codex.turn_cost is the running total of its turn: the last one replaces those before (0.0049 in all, not 0.0069).",
            "codex.api_request with 429 is an attempt, tried again within one call: a rate limit to report, no fourth call.",
            "Counts are text. The user's key is user.email: user.account_id comes after it in the order of the table.",
        ],
        "reading": [
            {"fact": "llm_calls.count", **counted},
            {"fact": "tokens.input", **counted, "sum": ["input_token_count"]},
            {"fact": "tokens.output", **counted, "sum": ["output_token_count"]},
            {"fact": "tokens.cache_read", **counted, "sum": ["cached_token_count"]},
            {"fact": "tokens.reasoning", **counted, "sum": ["reasoning_token_count"]},
            {"fact": "tool_calls.count", "of": "logs", "where": {"event.name": "codex.tool_result"}},
            {"fact": "tool_calls.errors", "of": "logs", "where": {"event.name": "codex.tool_result", "success": "false"}},
            {"fact": "user_turns", "of": "logs", "where": {"event.name": "codex.user_prompt"}},
            {"fact": "sessions", "of": "logs", "distinct": "conversation.id"},
            {
                "fact": "refused_attempts",
                "of": "logs",
                "where": {"event.name": "codex.api_request", "http.response.status_code": "429"},
            },
            {"trap": "response.completed records", "of": "logs", "where": {"event.kind": "response.completed"}, "is": 6},
            {
                "trap": "sum of turn costs",
                "of": "logs",
                "where": {"event.name": "codex.turn_cost"},
                "sum": ["usage.estimated_usd"],
                "is": 0.0069,
            },
        ],
    }


def internal_spans() -> list[Span]:
    """The conversation id is not on them: the log records of the same trace have it."""
    told: list[Span] = []
    turns = {"codex turn 1": [(1.0, 1200, 150, 1000, 64), (3.0, 2400, 90, 2048, 0)], "codex turn 2": [(11.6, 900, 40, 0, 0)]}
    for trace, calls in turns.items():
        for number, (at, input_, output, cached, reasoned) in enumerate(calls):
            usage = {
                "gen_ai.usage.input_tokens": input_,
                "gen_ai.usage.output_tokens": output,
                "gen_ai.usage.cache_read.input_tokens": cached,
                "codex.usage.reasoning_output_tokens": reasoned,
                "codex.usage.total_tokens": input_ + output,
            }
            identity = "handle_responses" if number == 0 else f"handle_responses {number}"
            told.append(Span("handle_responses", usage, "session_loop", trace, at, 0.9, id=identity))
        total = {
            "codex.turn.token_usage.input_tokens": sum(call[1] for call in calls),
            "codex.turn.token_usage.output_tokens": sum(call[2] for call in calls),
        }
        told.append(Span("session_loop", total, "", trace, calls[0][0] - 0.9, 5.0))
    return told


def measured() -> list[Sum | Histogram]:
    tags = {
        "auth_mode": "ApiKey",
        "originator": "codex_cli_rs",
        "service_name": "codex_cli_rs",
        "model": "gpt-5-codex",
        "app.version": "0.169.0",
    }
    usage = {"total": 4780.0, "input": 4500.0, "cached_input": 3048.0, "output": 280.0, "reasoning_output": 64.0}
    points = [({**tags, "token_type": kind}, 2, amount) for kind, amount in usage.items()]
    spent = [
        ({**tags, "turn.id": turn, "conversation.id": CONVERSATION}, micros)
        for turn, micros in (("turn-1", 3400), ("turn-2", 1500))
    ]
    return [
        Histogram("codex.turn.token_usage", points, temporality=DELTA),
        Sum("codex.turn.cost_microusd", spent, temporality=DELTA),
        Sum(
            "codex.tool.call",
            [({**tags, "tool": "shell", "success": "true"}, 1), ({**tags, "tool": "get_weather", "success": "false"}, 1)],
            temporality=DELTA,
        ),
    ]


def fixtures() -> tuple[Fixture, ...]:
    told = records()
    with_traces = facts()
    with_traces["traces"] = 2
    with_traces["roots"] = {"session_loop": 2}
    with_traces["traps"] += [
        "The spans tell the same calls as the sse_event records, without conversation id; other records of the trace have it.",
        "codex.turn.token_usage and codex.turn.cost_microusd repeat everything as delta metrics.",
    ]
    with_traces["reading"] += [
        {"fact": "llm_calls.count", "of": "spans", "where": {"name": "handle_responses"}},
        {"fact": "tokens.input", "of": "spans", "sum": ["gen_ai.usage.input_tokens"]},
        {"fact": "traces", "of": "spans", "where": {"name": "session_loop"}},
        {
            "trap": "tokens in the metric",
            "of": "points",
            "where": {"name": "codex.turn.token_usage"},
            "sum": ["@value"],
            "is": 12_672,
        },
    ]
    alone = Fixture(
        "codex-logs",
        "Codex documentation and issues of late 2026; names of records as parsers read them",
        [logs(LOGS, *told)],
        facts(),
    )
    both = [logs(LOGS, *told[:9]), spans(TRACES, *internal_spans()), logs(LOGS, *told[9:]), metrics(TRACES, *measured())]
    return alone, Fixture("codex-all-signals", alone.after, both, with_traces)
