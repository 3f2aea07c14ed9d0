"""Claude Code: log events and metrics as it sends them by default, spans of its beta, metrics alone, and an older version."""

from __future__ import annotations

from typing import Any

from proto_fixtures.record.agents.building import DELTA, Attributes, Fixture, Log, Source, Span, Sum, logs, metrics, spans

AFTER = "Claude Code documentation to v2.1.287"
SESSION = "0b6d5a52-6ad1-4d55-9a0e-1f6b1c2d3e4f"
RESOURCE = {"service.name": "claude-code", "service.version": "2.1.287", "os.type": "linux", "host.arch": "amd64"}
EVENTS = Source(RESOURCE, "com.anthropic.claude_code.events", "2.1.287")
METRICS = Source(RESOURCE, "com.anthropic.claude_code", "2.1.287")
TRACING = Source(RESOURCE, "com.anthropic.claude_code.tracing", "2.1.287")
WHO = {
    "session.id": SESSION,
    "app.version": "2.1.287",
    "organization.id": "org-1",
    "user.account_uuid": "acc-7",
    "user.id": "9f86d081884c7d65",
    "user.email": "ada@example.com",
    "terminal.type": "vscode",
}
SONNET, HAIKU = "claude-sonnet-4-5-20250929", "claude-haiku-4-5-20251001"


def event(name: str, at: float, sequence: int, attributes: Attributes, prompt: str = "prompt-1") -> Log:
    told = {
        "event.name": name,
        "event.timestamp": f"2026-11-20T09:00:{at:06.3f}Z",
        "event.sequence": sequence,
        "prompt.id": prompt,
    }
    return Log({**WHO, **told, **attributes}, body=f"claude_code.{name}", at=at, severity=0)


def request(number: int, model: str, counts: tuple[int, int, int, int], micros: int, **more: Any) -> dict[str, Any]:
    """Input leaves out what was read from or written to the cache."""
    fresh, output, read, written = counts
    return {
        "model": model,
        "cost_usd": micros / 1_000_000,
        "cost_usd_micros": micros,
        "duration_ms": 1000 + number,
        "input_tokens": fresh,
        "output_tokens": output,
        "cache_read_tokens": read,
        "cache_creation_tokens": written,
        "request_id": f"req_{number:03}",
        "client_request_id": f"client-{number}",
        "speed": "normal",
        "query_source": "main",
        **more,
    }


def tool(name: str, identifier: str, success: str = "true", **more: Any) -> dict[str, Any]:
    told = {"tool_name": name, "tool_use_id": identifier, "success": success, "duration_ms": 40}
    return {**told, "decision_type": "accept", "decision_source": "config", "tool_result_size_bytes": 512, **more}


FIRST = (
    event("user_prompt", 0.1, 0, {"prompt_length": 24, "prompt": "What is the weather here?", "command_source": "user"}),
    event("api_request", 1.2, 1, request(1, SONNET, (10, 120, 0, 9000), 36_000)),
    event("tool_decision", 1.3, 2, {"tool_name": "Read", "tool_use_id": "toolu_1", "decision": "accept", "source": "config"}),
    event("tool_result", 1.4, 3, tool("Read", "toolu_1", tool_input='{"file_path":"/tmp/a"}')),
    event("api_request", 2.6, 4, request(2, SONNET, (20, 80, 9000, 500), 5_000)),
    event("tool_result", 2.8, 5, tool("Bash", "toolu_2", "false", error_type="ShellError", error="exit 1")),
    event("api_request", 3.6, 6, request(3, HAIKU, (300, 30, 0, 0), 450, query_source="auxiliary")),
)
SECOND = (
    event(
        "api_request",
        4.6,
        7,
        request(4, SONNET, (40, 60, 2000, 100), 1_500, query_source="subagent", **{"agent.name": "Explore"}),
    ),
    event("tool_result", 4.8, 8, tool("Grep", "toolu_3")),
    event("tool_result", 5.0, 9, tool("mcp__weather__get_weather", "toolu_4", mcp_server_scope="user")),
    event(
        "subagent_completed",
        5.2,
        10,
        {
            "agent_type": "Explore",
            "is_built_in": True,
            "total_tokens": 2200,
            "total_tool_uses": 2,
            "duration_ms": 1700,
            "model": SONNET,
        },
    ),
    event("tool_result", 5.3, 11, tool("Task", "toolu_5", tool_parameters='{"subagent_type":"Explore"}')),
    event("user_prompt", 6.0, 12, {"prompt_length": 10, "prompt": "<REDACTED>"}, "prompt-2"),
    event(
        "api_error",
        7.0,
        13,
        {"model": SONNET, "error": "overloaded", "status_code": "529", "duration_ms": 300, "attempt": 1, "request_id": "req_005"},
        "prompt-2",
    ),
    event(
        "api_retries_exhausted",
        7.1,
        14,
        {"model": SONNET, "error": "overloaded", "status_code": "529", "total_attempts": 1, "total_retry_duration_ms": 300},
        "prompt-2",
    ),
    event(
        "compaction",
        8.0,
        15,
        {"trigger": "auto", "success": "true", "duration_ms": 900, "pre_tokens": 9700, "post_tokens": 1200},
        "prompt-2",
    ),
)


def sums(
    at: float, since: float, sonnet: tuple[int, int, int, int], haiku: tuple[int, int, int, int], costs: tuple[float, float]
) -> list[Sum]:
    """Delta counters of one interval, in order input, output, cacheRead, cacheCreation."""
    kinds = ("input", "output", "cacheRead", "cacheCreation")
    points = [
        ({**WHO, "type": kind, "model": SONNET, "query_source": "main"}, amount)
        for kind, amount in zip(kinds, sonnet, strict=True)
    ]
    points += [
        ({**WHO, "type": kind, "model": HAIKU, "query_source": "auxiliary"}, amount)
        for kind, amount in zip(kinds, haiku, strict=True)
    ]
    spent = [
        ({**WHO, "model": SONNET, "query_source": "main"}, costs[0]),
        ({**WHO, "model": HAIKU, "query_source": "auxiliary"}, costs[1]),
    ]
    return [
        Sum("claude_code.token.usage", [point for point in points if point[1]], "tokens", DELTA, at, since),
        Sum("claude_code.cost.usage", [point for point in spent if point[1]], "USD", DELTA, at, since),
        Sum("claude_code.lines_of_code.count", [({**WHO, "type": "added", "model": SONNET}, 7)], "count", DELTA, at, since),
        Sum("claude_code.active_time.total", [({**WHO, "type": "cli"}, 4.5)], "s", DELTA, at, since),
    ]


STARTED = Sum("claude_code.session.count", [({**WHO, "start_type": "fresh"}, 1)], "count", DELTA, 60.0)
FIRST_SUMS = sums(60.0, 0.0, (30, 200, 9000, 9500), (300, 30, 0, 0), (0.041, 0.00045))
SECOND_SUMS = sums(120.0, 60.0, (40, 60, 2000, 100), (0, 0, 0, 0), (0.0015, 0.0))
REQUESTS = {"of": "logs", "where": {"event.name": "api_request"}}
LOG_READING = [
    {"fact": "sessions", "of": "logs", "distinct": "session.id"},
    {"fact": "user_turns", "of": "logs", "where": {"event.name": "user_prompt"}},
    {"fact": "llm_calls.count", "of": "logs", "where": {"event.name": ["api_request", "api_error"]}},
    {"fact": "llm_calls.errors", "of": "logs", "where": {"event.name": "api_error"}},
    {"fact": "tool_calls.count", "of": "logs", "where": {"event.name": "tool_result"}},
    {"fact": "tool_calls.errors", "of": "logs", "where": {"event.name": "tool_result", "success": "false"}},
    {"fact": "tokens.input", **REQUESTS, "sum": ["input_tokens", "cache_read_tokens", "cache_creation_tokens"]},
    {"fact": "tokens.output", **REQUESTS, "sum": ["output_tokens"]},
    {"fact": "tokens.cache_read", **REQUESTS, "sum": ["cache_read_tokens"]},
    {"fact": "tokens.cache_write", **REQUESTS, "sum": ["cache_creation_tokens"]},
    {"fact": "cost.reported_micros", **REQUESTS, "sum": ["cost_usd_micros"]},
]
FACTS: dict[str, Any] = {
    "agents": ["Explore", "claude-code"],
    "parents": {"Explore": "claude-code"},
    "sessions": [SESSION],
    "users": ["9f86d081884c7d65"],
    "user_turns": 2,
    "llm_calls": {
        "count": 5,
        "errors": 1,
        "no_usage": 1,
        "models": {SONNET: 4, HAIKU: 1},
        "providers": {"anthropic": 5},
        "by_agent": {"claude-code": 4, "Explore": 1},
    },
    "tool_calls": {
        "count": 5,
        "errors": 1,
        "names": {"Read": 1, "Bash": 1, "Grep": 1, "mcp__weather__get_weather": 1, "Task": 1},
        "mcp": {"weather": 1},
    },
    "tokens": {"input": 20_970, "output": 290, "cache_read": 11_000, "cache_write": 9_600, "reasoning": 0},
    "cost": {"reported": 4, "computed": 0, "unpriced": 0, "reported_micros": 42_950},
    "errors": [{"kind": "llm", "name": SONNET, "type": "rate_limited"}, {"kind": "tool", "name": "Bash", "type": "ShellError"}],
}


def with_logs() -> Fixture:
    traps = [
        "Input tokens leave out the cache: 370 are told as input, 20970 were read.",
        "Both metrics tell the tokens and the cost of the same calls again, in two delta intervals.",
        "api_retries_exhausted tells of the error that api_error told of; it is no call of its own.",
        "subagent_completed repeats the subagent's tokens (total_tokens 2200).",
        "The body carries the prefixed event name, the attribute the bare one; success is text, and so is status_code.",
        "user.id is a digest of the device; it comes before user.email in the order of the table.",
    ]
    reading = [
        *LOG_READING,
        {"trap": "input as told", **REQUESTS, "sum": ["input_tokens"], "is": 370},
        {
            "trap": "tokens in the metric",
            "of": "points",
            "where": {"name": "claude_code.token.usage"},
            "sum": ["@value"],
            "is": 21_260,
        },
    ]
    requests = [
        logs(EVENTS, *FIRST),
        metrics(METRICS, STARTED, *FIRST_SUMS),
        logs(EVENTS, *SECOND),
        metrics(METRICS, *SECOND_SUMS),
    ]
    return Fixture("claude-code-logs-metrics", AFTER, requests, {**FACTS, "traps": traps, "reading": reading})


def with_metrics_alone() -> Fixture:
    facts = {
        "agents": ["claude-code"],
        "sessions": [SESSION],
        "users": ["9f86d081884c7d65"],
        "from_metrics": True,
        "llm_calls": {"count": 0},
        "tool_calls": {"count": 0},
        "tokens": FACTS["tokens"],
        "cost": {"reported": 0, "computed": 0, "unpriced": 0, "metric_usd": 0.04295},
        "traps": [
            "Nothing but delta counters: figures of agent, session and model come from them, and say so; there are no calls."
        ],
        "reading": [
            {"fact": "sessions", "of": "points", "distinct": "session.id"},
            {
                "fact": "tokens.output",
                "of": "points",
                "where": {"name": "claude_code.token.usage", "type": "output"},
                "sum": ["@value"],
            },
            {
                "fact": "tokens.input",
                "of": "points",
                "where": {"name": "claude_code.token.usage", "type": ["input", "cacheRead", "cacheCreation"]},
                "sum": ["@value"],
            },
            {"fact": "cost.metric_usd", "of": "points", "where": {"name": "claude_code.cost.usage"}, "sum": ["@value"]},
        ],
    }
    requests = [metrics(METRICS, STARTED, *FIRST_SUMS), metrics(METRICS, *SECOND_SUMS)]
    return Fixture("claude-code-metrics-only", AFTER, requests, facts)


def _llm_span(number: int, at: float, parent: str, counts: tuple[int, int, int, int], **more: Any) -> Span:
    fresh, output, read, written = counts
    told = {
        **WHO,
        "span.type": "llm_request",
        "model": SONNET,
        "gen_ai.system": "anthropic",
        "gen_ai.request.model": SONNET,
        "query_source": "main",
        "duration_ms": 1000 + number,
        "ttft_ms": 350,
        "input_tokens": fresh,
        "output_tokens": output,
        "cache_read_tokens": read,
        "cache_creation_tokens": written,
        "request_id": f"req_{number:03}",
        "gen_ai.response.id": f"msg_{number:03}",
        "attempt": 1,
        "success": True,
        "stop_reason": "tool_use",
        **more,
    }
    events = [("gen_ai.request.attempt", {"attempt": 1})]
    return Span("claude_code.llm_request", told, parent, at=at, took=1.0, events=events, id=f"llm {number}")


def _tool_spans(number: int, at: float, parent: str, name: str, **more: Any) -> tuple[Span, Span, Span]:
    told = {**WHO, "span.type": "tool", "tool_name": name, "duration_ms": 40, "tool_use_id": f"toolu_{number}", **more}
    told["gen_ai.tool.call.id"] = f"toolu_{number}"
    identity = f"tool {number}"
    blocked = {**WHO, "span.type": "tool.blocked_on_user", "duration_ms": 15, "decision": "accept", "source": "user_temporary"}
    executed = {**WHO, "span.type": "tool.execution", "duration_ms": 20, "tool_use_id": f"toolu_{number}", "success": True}
    return (
        Span("claude_code.tool", told, parent, at=at, took=0.04, id=identity),
        Span("claude_code.tool.blocked_on_user", blocked, identity, at=at, took=0.015, id=f"blocked {number}"),
        Span("claude_code.tool.execution", executed, identity, at=at + 0.016, took=0.02, id=f"execution {number}"),
    )


def with_spans() -> Fixture:
    interaction = Span(
        "claude_code.interaction",
        {
            **WHO,
            "span.type": "interaction",
            "user_prompt": "What is the weather here?",
            "interaction.sequence": 1,
            "interaction.duration_ms": 5000,
        },
        took=5.0,
        id="interaction",
    )
    children = [
        _llm_span(1, 0.2, "interaction", (10, 120, 0, 9000)),
        *_tool_spans(1, 1.3, "interaction", "Read", file_path="/tmp/a"),  # noqa: S108 - a name in a text
        *_tool_spans(5, 1.5, "interaction", "Task", subagent_type="Explore"),
        _llm_span(4, 1.6, "tool 5", (40, 60, 2000, 100), query_source="subagent", agent_id="a1", parent_agent_id="main"),
        *_tool_spans(3, 2.7, "tool 5", "Grep", agent_id="a1", parent_agent_id="main"),
        _llm_span(2, 3.0, "interaction", (20, 80, 9000, 500)),
    ]
    told = [
        event("user_prompt", 0.1, 0, {"prompt_length": 24, "prompt": "What is the weather here?"}),
        event("api_request", 1.2, 1, request(1, SONNET, (10, 120, 0, 9000), 36_000)),
        event("tool_result", 1.4, 2, tool("Read", "toolu_1")),
        event(
            "api_request",
            2.6,
            3,
            request(4, SONNET, (40, 60, 2000, 100), 1_500, query_source="subagent", **{"agent.name": "Explore"}),
        ),
        event("tool_result", 2.8, 4, tool("Grep", "toolu_3")),
        event("tool_result", 2.9, 5, tool("Task", "toolu_5", tool_parameters='{"subagent_type":"Explore"}')),
        event("api_request", 4.0, 6, request(2, SONNET, (20, 80, 9000, 500), 5_000)),
    ]
    llm = {"of": "spans", "where": {"name": "claude_code.llm_request"}}
    facts = {
        "agents": ["Explore", "claude-code"],
        "parents": {"Explore": "claude-code"},
        "sessions": [SESSION],
        "users": ["9f86d081884c7d65"],
        "user_turns": 1,
        "traces": 1,
        "roots": {"claude_code.interaction": 1},
        "llm_calls": {
            "count": 3,
            "errors": 0,
            "no_usage": 0,
            "models": {SONNET: 3},
            "providers": {"anthropic": 3},
            "by_agent": {"claude-code": 2, "Explore": 1},
        },
        "tool_calls": {"count": 3, "errors": 0, "names": {"Read": 1, "Grep": 1, "Task": 1}},
        "tokens": {"input": 20_670, "output": 260, "cache_read": 11_000, "cache_write": 9_600, "reasoning": 0},
        "cost": {"reported": 3, "computed": 0, "unpriced": 0, "reported_micros": 42_500},
        "errors": [],
        "traps": [
            "Each call is told by a span and by an api_request event; request_id joins them, and the event has the cost.",
            "Each tool call is told by a tool span, its execution span and a tool_result event; tool_use_id joins them.",
            "claude_code.tool.blocked_on_user is a person's time: it is no tool call, and is taken off the tool's latency.",
            "The log records carry no trace id.",
        ],
        "reading": [
            {"fact": "traces", "of": "spans", "where": {"name": "claude_code.interaction"}},
            {"fact": "llm_calls.count", **llm},
            {"fact": "llm_calls.count", **REQUESTS},
            {"fact": "tokens.input", **llm, "sum": ["input_tokens", "cache_read_tokens", "cache_creation_tokens"]},
            {"fact": "tokens.input", **REQUESTS, "sum": ["input_tokens", "cache_read_tokens", "cache_creation_tokens"]},
            {"fact": "tokens.output", **llm, "sum": ["output_tokens"]},
            {"fact": "tool_calls.count", "of": "spans", "where": {"name": "claude_code.tool"}},
            {"fact": "tool_calls.count", "of": "logs", "where": {"event.name": "tool_result"}},
            {"fact": "cost.reported_micros", **REQUESTS, "sum": ["cost_usd_micros"]},
            {"trap": "tool spans of all kinds", "of": "spans", "where": {"name~": "claude_code.tool"}, "is": 9},
        ],
    }
    requests = [spans(TRACING, *children), logs(EVENTS, *told), spans(TRACING, interaction)]
    return Fixture("claude-code-traces", f"{AFTER}, tracing beta", requests, facts)


def of_an_older_version() -> Fixture:
    """Numbers as text, no micros, no request ids, no sequence."""
    resource = Source({"service.name": "claude-code", "service.version": "1.0.31"}, "com.anthropic.claude_code.events", "1.0.31")
    who = {"user.id": "9f86d081884c7d65", "session.id": "old-session", "organization.id": "org-1", "terminal.type": "iTerm.app"}

    def told(name: str, at: float, attributes: Attributes) -> Log:
        return Log(
            {**who, "event.name": name, "event.timestamp": f"2026-11-20T09:00:0{at:.3f}Z", **attributes},
            f"claude_code.{name}",
            at=at,
        )

    counts = {"input_tokens": "12", "output_tokens": "345", "cache_read_tokens": "6000", "cache_creation_tokens": "0"}
    records = [
        told("user_prompt", 0.1, {"prompt_length": "24"}),
        told("api_request", 1.0, {"model": "claude-sonnet-4-20250514", "cost_usd": "0.007", "duration_ms": "2100", **counts}),
        told("tool_result", 2.0, {"tool_name": "Edit", "success": "true", "duration_ms": "15"}),
        told("api_request", 3.0, {"model": "claude-sonnet-4-20250514", "cost_usd": "0.007", "duration_ms": "1900", **counts}),
    ]
    call = {"of": "logs", "where": {"event.name": "api_request"}}
    facts = {
        "agents": ["claude-code"],
        "sessions": ["old-session"],
        "users": ["9f86d081884c7d65"],
        "user_turns": 1,
        "llm_calls": {
            "count": 2,
            "errors": 0,
            "no_usage": 0,
            "models": {"claude-sonnet-4-20250514": 2},
            "providers": {"anthropic": 2},
        },
        "tool_calls": {"count": 1, "errors": 0, "names": {"Edit": 1}},
        "tokens": {"input": 12_024, "output": 690, "cache_read": 12_000, "cache_write": 0, "reasoning": 0},
        "cost": {"reported": 2, "computed": 0, "unpriced": 0, "reported_usd": 0.014},
        "errors": [],
        "traps": [
            "Every number is text.",
            "Two calls with equal counts two seconds apart and no ids at all: they are two calls.",
        ],
        "reading": [
            {"fact": "llm_calls.count", **call},
            {"fact": "tokens.input", **call, "sum": ["input_tokens", "cache_read_tokens", "cache_creation_tokens"]},
            {"fact": "tokens.output", **call, "sum": ["output_tokens"]},
            {"fact": "cost.reported_usd", **call, "sum": ["cost_usd"]},
            {"fact": "tool_calls.count", "of": "logs", "where": {"event.name": "tool_result"}},
        ],
    }
    return Fixture("claude-code-text-numbers", "Claude Code documentation, 1.0 versions", [logs(resource, *records)], facts)


def fixtures() -> tuple[Fixture, ...]:
    return with_logs(), with_metrics_alone(), with_spans(), of_an_older_version()
