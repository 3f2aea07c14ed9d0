"""Coding agents whose telemetry is documented in few words: OpenCode, Goose, Cline, Grok Build, OpenClaw."""

from __future__ import annotations

from typing import Any

from proto_fixtures.record.agents.building import CLIENT, Fixture, Histogram, Log, Source, Span, Sum, logs, metrics, spans
from proto_fixtures.record.agents.by_hand.words import called, cost, tokens

SONNET = "claude-sonnet-4-5-20250929"


def opencode() -> Fixture:
    source = Source({"service.name": "opencode", "service.version": "1.18.4"}, "ai")
    who = {"session.id": "ses_open", "ai.telemetry.metadata.sessionId": "ses_open", "ai.telemetry.metadata.userId": "user-3"}
    model = {"ai.model.id": SONNET, "ai.model.provider": "anthropic.messages", "ai.telemetry.functionId": "session.llm"}
    inner = {
        "ai.usage.inputTokens": 900,
        "ai.usage.outputTokens": 60,
        "ai.usage.cachedInputTokens": 500,
        "ai.usage.totalTokens": 960,
    }
    told = {
        "ai.operationId": "ai.streamText.doStream",
        "ai.response.id": "msg_1",
        "ai.response.model": SONNET,
        "ai.response.finishReason": "stop",
    }
    tool = {
        "ai.operationId": "ai.toolCall",
        "ai.toolCall.name": "bash",
        "ai.toolCall.id": "call_1",
        "ai.toolCall.args": '{"command":"ls"}',
    }
    tree = [
        Span(
            "ai.streamText.doStream",
            {**who, **model, **told, **inner, "ai.response.msToFirstChunk": 420.5},
            "outer",
            "opencode",
            0.1,
            1.5,
            id="inner",
        ),
        Span("ai.toolCall", {**who, **tool}, "outer", "opencode", 1.2, 0.2, id="tool"),
        Span("ai.streamText", {**who, **model, "ai.operationId": "ai.streamText", **inner}, "", "opencode", 0.0, 1.8, id="outer"),
    ]
    facts = {
        "agents": ["opencode"],
        "sessions": ["ses_open"],
        "users": ["user-3"],
        "traces": 1,
        "roots": {"ai.streamText": 1},
        "llm_calls": called(1, {SONNET: 1}, {"anthropic": 1}),
        "tool_calls": {"count": 1, "errors": 0, "names": {"bash": 1}},
        "tokens": tokens(900, 60, 500),
        "cost": cost(computed=1),
        "traps": ["ai.streamText repeats the usage of its doStream.", "The provider is cut at its first dot."],
        "reading": [
            {"fact": "llm_calls.count", "of": "spans", "where": {"ai.operationId": "ai.streamText.doStream"}},
            {
                "fact": "tokens.input",
                "of": "spans",
                "where": {"ai.operationId": "ai.streamText.doStream"},
                "sum": ["ai.usage.inputTokens"],
            },
            {"fact": "tool_calls.count", "of": "spans", "where": {"ai.operationId": "ai.toolCall"}},
            {"trap": "input of all spans", "of": "spans", "sum": ["ai.usage.inputTokens"], "is": 1800},
        ],
    }
    return Fixture("opencode-native", "OpenCode 1.18, experimental.openTelemetry", [spans(source, *tree)], facts)


def opencode_plugin() -> Fixture:
    source = Source({"service.name": "opencode", "service.version": "1.19.0"}, "opencode-plugin-otel")
    who = {"session.id": "ses_plugin"}
    usage = {
        "gen_ai.usage.input_tokens": 700,
        "gen_ai.usage.output_tokens": 40,
        "gen_ai.usage.cache_read_tokens": 300,
        "cost_usd": 0.004,
    }
    model = {"gen_ai.operation.name": "chat", "gen_ai.system": "anthropic", "gen_ai.request.model": SONNET}
    tree = [
        Span("gen_ai.chat", {**who, **model, **usage}, "session", "plugin", 0.1, 1.0, CLIENT),
        Span(
            "opencode.tool bash",
            {**who, "gen_ai.tool.name": "bash", "gen_ai.tool.call.id": "call_1"},
            "session",
            "plugin",
            1.2,
            0.2,
            id="tool",
        ),
        Span("opencode.session", who, "", "plugin", 0.0, 2.0, id="session"),
    ]
    measured = [
        Sum("opencode.session.count", [(who, 1)]),
        Sum(
            "opencode.token.usage",
            [({**who, "type": "input"}, 700), ({**who, "type": "output"}, 40), ({**who, "type": "cacheRead"}, 300)],
        ),
        Sum("opencode.cost.usage", [(who, 0.004)], "USD"),
        Sum("opencode.lines_of_code.count", [({**who, "type": "added"}, 3)]),
    ]
    facts = {
        "agents": ["opencode"],
        "sessions": ["ses_plugin"],
        "traces": 1,
        "roots": {"opencode.session": 1},
        "llm_calls": called(1, {SONNET: 1}, {"anthropic": 1}),
        "tool_calls": {"count": 1, "errors": 0, "names": {"bash": 1}},
        "tokens": tokens(700, 40, 300),
        "cost": cost(reported=1, reported_usd=0.004),
        "traps": ["The metrics repeat tokens and cost of the span."],
        "reading": [
            {"fact": "llm_calls.count", "of": "spans", "where": {"name": "gen_ai.chat"}},
            {"fact": "tokens.input", "of": "spans", "sum": ["gen_ai.usage.input_tokens"]},
            {"fact": "cost.reported_usd", "of": "spans", "sum": ["cost_usd"]},
            {"fact": "sessions", "of": "points", "distinct": "session.id"},
        ],
    }
    return Fixture(
        "opencode-plugin",
        "community plugins of OpenCode, names at second hand",
        [spans(source, *tree), metrics(source, *measured)],
        facts,
    )


def goose() -> Fixture:
    source = Source({"service.name": "goose", "service.namespace": "goose", "service.version": "1.9.0"}, "goose")
    who = {"session.id": "20261120_1"}
    usage = {
        "gen_ai.operation.name": "chat",
        "gen_ai.request.model": "gpt-5-mini",
        "gen_ai.usage.input_tokens": 640,
        "gen_ai.usage.output_tokens": 35,
    }
    tree = [
        Span("chat gpt-5-mini", {**who, **usage, "gen_ai.provider.name": "openai"}, "reply", "goose", 0.1, 1.0, id="chat"),
        Span(
            "dispatch_tool_call",
            {**who, "gen_ai.tool.name": "developer__shell", "gen_ai.tool.call.id": "call_1"},
            "reply",
            "goose",
            1.2,
            0.3,
        ),
        Span("reply", who, "", "goose", 0.0, 2.0),
    ]
    told = [Log(who, "session started", at=0.0), Log(who, "tool finished", at=1.5, trace="goose", span="dispatch_tool_call")]
    facts = {
        "agents": ["goose"],
        "sessions": ["20261120_1"],
        "traces": 1,
        "roots": {"reply": 1},
        "llm_calls": called(1, {"gpt-5-mini": 1}, {"openai": 1}),
        "tool_calls": {"count": 1, "errors": 0, "names": {"developer__shell": 1}},
        "tokens": tokens(640, 35),
        "cost": cost(computed=1),
        "traps": [
            "Log records without event name are no facts.",
            "The names of its spans are a guess: only session.id is documented.",
        ],
        "reading": [
            {"fact": "llm_calls.count", "of": "spans", "where": {"gen_ai.operation.name": "chat"}},
            {"fact": "tokens.input", "of": "spans", "sum": ["gen_ai.usage.input_tokens"]},
            {"fact": "sessions", "of": "spans", "distinct": "session.id"},
        ],
    }
    return Fixture("goose", "Goose documentation", [logs(source, *told), spans(source, *tree)], facts)


def cline() -> Fixture:
    source = Source({"service.name": "cline", "service.version": "3.40.0"}, "cline")
    task, model = {"ulid": "01K"}, {"model": "claude-sonnet-4-5", "provider": "anthropic"}

    def counters(at: float, turns: int, input_: int, output: int, dollars: float) -> list[Sum]:
        return [
            Sum("cline.turns.total", [(model, turns)], at=at),
            Sum("cline.tokens.input.total", [(model, input_)], at=at),
            Sum("cline.tokens.output.total", [(model, output)], at=at),
            Sum("cline.cost.total", [(model, dollars)], "USD", at=at),
            Sum("cline.tool.calls.total", [({"tool": "read_file", "success": True}, turns)], at=at),
        ]

    failed = {**task, **model, "error.message": "rate limit", "status_code": 429}
    told = [
        Log(task, "task.created", "task.created", 0.0),
        Log(failed, "task.provider_api_error", "task.provider_api_error", 5.0, 17),
        Log(task, "task.completed", "task.completed", 9.0),
    ]
    facts = {
        "agents": ["cline"],
        "sessions": [],
        "from_metrics": True,
        "llm_calls": {"count": 1, "errors": 1, "no_usage": 1, "models": {"claude-sonnet-4-5": 1}, "providers": {"anthropic": 1}},
        "tool_calls": {"count": 0},
        "tokens": tokens(5000, 400),
        "cost": cost(metric_usd=0.021),
        "errors": [{"kind": "llm", "name": "claude-sonnet-4-5", "type": "rate_limited"}],
        "traps": [
            "No traces, and no event for a call that succeeds: turns, tokens and cost are in cumulative counters alone.",
            "The counters are sent twice: 5000 tokens, not 7000.",
        ],
        "reading": [
            {
                "trap": "both sendings",
                "of": "points",
                "where": {"name": "cline.tokens.input.total"},
                "sum": ["@value"],
                "is": 7000,
            },
            {
                "fact": "tokens.input",
                "of": "points",
                "where": {"name": "cline.tokens.input.total"},
                "sum": ["@value"],
                "last": True,
            },
            {
                "fact": "tokens.output",
                "of": "points",
                "where": {"name": "cline.tokens.output.total"},
                "sum": ["@value"],
                "last": True,
            },
            {"fact": "llm_calls.errors", "of": "logs", "where": {"@event": "task.provider_api_error"}},
        ],
    }
    requests = [logs(source, *told[:1]), metrics(source, *counters(60.0, 1, 2000, 150, 0.009)), logs(source, *told[1:])]
    return Fixture("cline", "Cline documentation", [*requests, metrics(source, *counters(120.0, 2, 5000, 400, 0.021))], facts)


def grok_build() -> Fixture:
    source = Source({"service.name": "grok"}, "ai.xai.grok_code")
    who = {"user.id": "u-5", "user.email": "joan@example.com", "organization.id": "org-2"}
    session = {**who, "session.id": "grok-1"}
    usage = {
        "input_tokens": 1500,
        "output_tokens": 200,
        "reasoning_tokens": 120,
        "cache_read_tokens": 1000,
        "cost_usd_micros": 900,
    }
    call = {"model": "grok-code-fast-1", "duration_ms": 800, "stop_reason": "tool_calls", "status_code": 200}

    def event(name: str, at: float, sequence: int, attributes: dict[str, Any]) -> Log:
        told = {"event.sequence": sequence, "prompt.id": "p-1", "turn_number": 1, **attributes}
        return Log(told, f"grok_code.{name}", f"grok_code.{name}", at)

    told = [
        event("session_start", 0.0, 0, session),
        event("user_prompt", 0.1, 1, {**session, "prompt_length": 9}),
        event("api_request", 1.0, 2, {**who, **call, **usage}),
        event("tool_decision", 1.1, 3, {**session, "tool_name": "bash", "tool_use_id": "t-1", "decision": "accept"}),
        event("tool_result", 1.2, 4, {**session, "tool_name": "bash", "tool_use_id": "t-1", "success": True, "duration_ms": 12}),
        event("api_request", 2.0, 5, {**session, **call, **usage, "input_tokens": 1800}),
        event("api_error", 3.0, 6, {**session, "model": "grok-code-fast-1", "status_code": 429, "duration_ms": 30}),
        event("turn_completed", 3.2, 7, {**session, "input_tokens": 3300, "output_tokens": 400}),
    ]
    measured = Sum(
        "grok_code.token.usage",
        [({"type": "input", "model": "grok-code-fast-1"}, 3300), ({"type": "output", "model": "grok-code-fast-1"}, 400)],
    )
    requests = {"of": "logs", "where": {"@event": "grok_code.api_request"}}
    facts = {
        "agents": ["grok"],
        "sessions": ["grok-1"],
        "users": ["u-5"],
        "user_turns": 1,
        "llm_calls": {"count": 3, "errors": 1, "no_usage": 1, "models": {"grok-code-fast-1": 3}, "providers": {"x_ai": 3}},
        "tool_calls": {"count": 1, "errors": 0, "names": {"bash": 1}},
        "tokens": tokens(3300, 400, 2000, 0, 240),
        "cost": cost(reported=2, reported_micros=1800),
        "errors": [{"kind": "llm", "name": "grok-code-fast-1", "type": "rate_limited"}],
        "traps": [
            "The first api_request has no session.id: its neighbours of the same prompt.id have.",
            "turn_completed and the counter repeat the tokens.",
            "Input holds the cached tokens here, by the same key names that leave them out in Claude Code.",
        ],
        "reading": [
            {"fact": "tokens.input", **requests, "sum": ["input_tokens"]},
            {"fact": "tokens.reasoning", **requests, "sum": ["reasoning_tokens"]},
            {"fact": "cost.reported_micros", **requests, "sum": ["cost_usd_micros"]},
            {"fact": "llm_calls.count", "of": "logs", "where": {"@event": ["grok_code.api_request", "grok_code.api_error"]}},
            {"fact": "tool_calls.count", "of": "logs", "where": {"@event": "grok_code.tool_result"}},
            {"fact": "sessions", "of": "logs", "distinct": "session.id"},
        ],
    }
    return Fixture(
        "grok-build",
        "Grok Build documentation, in part at second hand",
        [logs(source, *told[:4]), logs(source, *told[4:]), metrics(source, measured)],
        facts,
    )


def openclaw() -> Fixture:
    source = Source({"service.name": "openclaw-gateway", "service.version": "2026.11.0"}, "diagnostics-otel")
    hashed = "sha256:2c26b46b68ff"
    session = {"langfuse.session.id": hashed, "session.id": hashed, "gen_ai.conversation.id": hashed}
    model = {"gen_ai.operation.name": "chat", "gen_ai.provider.name": "anthropic", "gen_ai.request.model": SONNET}
    usage = {"gen_ai.usage.input_tokens": 1100, "gen_ai.usage.output_tokens": 75, "gen_ai.usage.cache_read.input_tokens": 700}
    tree = [
        Span("openclaw.model.call", {**session, **model, **usage}, "harness", "openclaw", 0.2, 1.0, CLIENT, id="call"),
        Span(
            "openclaw.tool.execution",
            {**session, "gen_ai.tool.name": "web_search", "gen_ai.tool.call.id": "c-1"},
            "harness",
            "openclaw",
            1.3,
            0.4,
        ),
        Span("openclaw.harness.run", session, "run", "openclaw", 0.1, 1.8, id="harness"),
        Span(
            "openclaw.run",
            {**session, "openclaw.channel": "telegram", "openclaw.agent": "main"},
            "",
            "openclaw",
            0.0,
            2.0,
            id="run",
        ),
    ]
    where = {"openclaw.channel": "telegram", "openclaw.provider": "anthropic", "openclaw.model": SONNET, "openclaw.agent": "main"}
    measured: list[Sum | Histogram] = [
        Sum(
            "openclaw.tokens",
            [
                ({**where, "openclaw.token": kind}, amount)
                for kind, amount in (("input", 1100), ("output", 75), ("cache_read", 700))
            ],
        ),
        Sum("openclaw.cost.usd", [(where, 0.0031)], "USD"),
        Histogram(
            "gen_ai.client.token.usage", [({"gen_ai.token.type": "input"}, 1, 1100.0), ({"gen_ai.token.type": "output"}, 1, 75.0)]
        ),
    ]
    facts = {
        "agents": ["openclaw-gateway"],
        "sessions": [hashed],
        "traces": 1,
        "roots": {"openclaw.run": 1},
        "llm_calls": called(1, {SONNET: 1}, {"anthropic": 1}),
        "tool_calls": {"count": 1, "errors": 0, "names": {"web_search": 1}},
        "tokens": tokens(1100, 75, 700),
        "cost": cost(computed=1, metric_usd=0.0031),
        "traps": ["Two metrics repeat the tokens; the cost is only in a metric."],
        "reading": [
            {"fact": "llm_calls.count", "of": "spans", "where": {"gen_ai.operation.name": "chat"}},
            {"fact": "tokens.input", "of": "spans", "sum": ["gen_ai.usage.input_tokens"]},
            {"fact": "cost.metric_usd", "of": "points", "where": {"name": "openclaw.cost.usd"}, "sum": ["@value"]},
            {"fact": "sessions", "of": "spans", "distinct": "session.id"},
        ],
    }
    return Fixture(
        "openclaw",
        "OpenClaw documentation; names of its model and tool spans are a guess",
        [spans(source, *tree), metrics(source, *measured)],
        facts,
    )


def fixtures() -> tuple[Fixture, ...]:
    return opencode(), opencode_plugin(), goose(), cline(), grok_build(), openclaw()
