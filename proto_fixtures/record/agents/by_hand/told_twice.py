"""One call told more than once, or whose agent and session come late: each tree with the one right total."""

from __future__ import annotations

from typing import Any

from proto_fixtures.record.agents.building import CLIENT, SERVER, Attributes, Fixture, Log, Source, Span, logs, spans
from proto_fixtures.record.agents.by_hand.words import AFTER, GPT, SERVICE, agent, called, chat, cost, counted, summed, tokens


def late_root() -> Fixture:
    """Three levels; the session only on the root, which comes last, minutes after its children, with a log record before all."""
    tool = {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "get_weather", "gen_ai.tool.call.id": "call_1"}
    requests = [
        logs(SERVICE, Log({"event.name": "cache.miss"}, "nothing cached", at=0.5, trace="late", span="tool")),
        spans(SERVICE, Span("chat gpt-5-mini", chat(100, 10, 1), "inner", "late", 0.2, 0.2, CLIENT, id="chat 1")),
        spans(SERVICE, Span("execute_tool get_weather", tool, "inner", "late", 0.5, 0.2, id="tool")),
        spans(SERVICE, Span("chat gpt-5-mini", chat(300, 30, 3), "outer", "late", 180.0, 1.0, CLIENT, id="chat 3")),
        spans(SERVICE, Span("chat gpt-5-mini", chat(200, 20, 2), "inner", "late", 1.0, 0.2, CLIENT, id="chat 2")),
        spans(SERVICE, Span("invoke_agent weather_agent", agent("weather_agent"), "delegate", "late", 0.1, 120.0, id="inner")),
        spans(SERVICE, Span("delegate", {}, "outer", "late", 0.1, 121.0)),
        spans(SERVICE, Span("invoke_agent desk_agent", agent("desk_agent"), "root", "late", 0.05, 200.0, id="outer")),
        spans(
            SERVICE,
            Span("POST /ask", {"session.id": "session-late", "user.id": "user-7"}, "", "late", 0.0, 201.0, SERVER, id="root"),
        ),
    ]
    facts = {
        "agents": ["desk_agent", "weather_agent"],
        "agent_runs": {"desk_agent": 1, "weather_agent": 1},
        "parents": {"weather_agent": "desk_agent"},
        "sessions": ["session-late"],
        "users": ["user-7"],
        "traces": 1,
        "roots": {"POST /ask": 1},
        "llm_calls": called(3, {GPT: 3}, {"openai": 3}, by_agent={"weather_agent": 2, "desk_agent": 1}),
        "tool_calls": {"count": 1, "errors": 0, "names": {"get_weather": 1}},
        "tokens": tokens(600, 60),
        "cost": cost(computed=3),
        "traps": ["Session, user and agents come after the calls they belong to, the nearest agent first, the session last."],
        "reading": [
            counted("llm_calls.count", **{"gen_ai.operation.name": "chat"}),
            summed("tokens.input", "gen_ai.usage.input_tokens"),
            {"fact": "sessions", "of": "spans", "distinct": "session.id"},
        ],
    }
    return Fixture("trap-late-root", AFTER, requests, facts)


def generations() -> Fixture:
    """One call in the words of each of the three generations of the conventions."""
    first = {
        "gen_ai.operation.name": "chat",
        "gen_ai.system": "openai",
        "gen_ai.request.model": "gpt-5-mini",
        "gen_ai.response.model": GPT,
        "gen_ai.usage.prompt_tokens": 100,
        "gen_ai.usage.completion_tokens": 10,
    }
    second = chat(200, 20, 2, **{"gen_ai.usage.cache_read.input_tokens": 50, "gen_ai.usage.cache_creation.input_tokens": 30})
    third = {
        **chat(300, 30, 3, **{"gen_ai.usage.cache_write.input_tokens": 40, "gen_ai.usage.reasoning.output_tokens": 12}),
        "gen_ai.response.time_to_first_chunk": 0.25,
    }
    events: list[tuple[str, Attributes]] = [
        ("gen_ai.user.message", {"content": "Paris?"}),
        ("gen_ai.choice", {"index": 0, "message": '{"content":"21 degrees"}'}),
    ]
    tree = [
        Span("chat gpt-5-mini", {**first, "gen_ai.conversation.id": "session-g1"}, "", "g1", 0.0, 1.0, CLIENT, events=events),
        Span("chat gpt-5-mini", {**second, "gen_ai.conversation.id": "session-g2"}, "", "g2", 2.0, 1.0, CLIENT),
        Span("chat gpt-5-mini", {**third, "gen_ai.conversation.id": "session-g3"}, "", "g3", 4.0, 1.0, CLIENT),
    ]
    facts = {
        "sessions": ["session-g1", "session-g2", "session-g3"],
        "traces": 3,
        "roots": {"chat gpt-5-mini": 3},
        "llm_calls": called(3, {GPT: 3}, {"openai": 3}),
        "tool_calls": {"count": 0},
        "tokens": tokens(600, 60, 50, 70, 12),
        "cost": cost(computed=3),
        "traps": ["Cache writes have two names, providers and tokens too."],
        "reading": [
            counted("llm_calls.count", **{"gen_ai.operation.name": "chat"}),
            summed("tokens.input", "gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens"),
            summed("tokens.output", "gen_ai.usage.output_tokens", "gen_ai.usage.completion_tokens"),
            summed("tokens.cache_write", "gen_ai.usage.cache_creation.input_tokens", "gen_ai.usage.cache_write.input_tokens"),
        ],
    }
    return Fixture("semconv-generations", AFTER, [spans(SERVICE, *tree)], facts)


def adk_call_llm() -> Fixture:
    source = Source({"service.name": "weather-service"}, "gcp.vertex.agent")
    model = {
        "gen_ai.system": "gcp.vertex.agent",
        "gen_ai.request.model": "gemini-2.5-flash",
        "gen_ai.usage.input_tokens": 400,
        "gen_ai.usage.output_tokens": 25,
    }
    who = {"gcp.vertex.agent.session_id": "session-adk", "gcp.vertex.agent.invocation_id": "e-1"}
    tree = [
        Span(
            "generate_content gemini-2.5-flash",
            {**model, **who, "gen_ai.operation.name": "generate_content"},
            "call",
            "adk",
            0.2,
            0.8,
            CLIENT,
            id="inner",
        ),
        Span("call_llm", {**model, **who, "gcp.vertex.agent.llm_request": "{}"}, "agent", "adk", 0.1, 1.0, id="call"),
        Span(
            "invoke_agent weather_agent",
            agent("weather_agent", **{"gen_ai.conversation.id": "session-adk"}),
            "root",
            "adk",
            0.0,
            1.2,
            id="agent",
        ),
        Span("invocation", {}, "", "adk", 0.0, 1.3, id="root"),
    ]
    facts = {
        "agents": ["weather_agent"],
        "agent_runs": {"weather_agent": 1},
        "sessions": ["session-adk"],
        "traces": 1,
        "roots": {"invocation": 1},
        "llm_calls": called(1, {"gemini-2.5-flash": 1}, {}, by_agent={"weather_agent": 1}),
        "tool_calls": {"count": 0},
        "tokens": tokens(400, 25),
        "cost": cost(computed=1),
        "traps": [
            "call_llm and generate_content have the same usage: the innermost counts.",
            "gen_ai.system names a framework, which has no prices.",
        ],
        "reading": [
            counted("llm_calls.count", **{"gen_ai.operation.name": "generate_content"}),
            summed("tokens.input", "gen_ai.usage.input_tokens", **{"gen_ai.operation.name": "generate_content"}),
            {"trap": "input of all spans", "of": "spans", "sum": ["gen_ai.usage.input_tokens"], "is": 800},
        ],
    }
    return Fixture("trap-adk-call-llm", "older Google ADK", [spans(source, *tree)], facts)


def nested_instrumentations() -> Fixture:
    """A framework's own span of the call around the client's, with the same response id and usage."""
    crew = Source({"service.name": "weather-service"}, "crewai.telemetry")
    client = Source({"service.name": "weather-service"}, "opentelemetry.instrumentation.openai.v1")
    outer = {**chat(500, 50, 7), "gen_ai.provider.name": "crewai"}
    requests = [
        spans(client, Span("openai.chat", chat(500, 50, 7), "framework", "crew", 0.2, 0.8, CLIENT, id="client")),
        spans(
            crew,
            Span("chat gpt-5-mini", outer, "agent", "crew", 0.1, 1.0, id="framework"),
            Span(
                "invoke_agent weather_agent",
                agent("weather_agent", **{"gen_ai.usage.input_tokens": 500}),
                "crew",
                "crew",
                0.05,
                1.1,
                id="agent",
            ),
            Span(
                "invoke_workflow weather crew",
                {
                    "gen_ai.operation.name": "invoke_workflow",
                    "crewai.crew.name": "weather crew",
                    "gen_ai.usage.input_tokens": 500,
                },
                "",
                "crew",
                0.0,
                1.2,
                id="crew",
            ),
        ),
    ]
    facts = {
        "agents": ["weather_agent"],
        "agent_runs": {"weather_agent": 1},
        "sessions": [],
        "workflows": ["weather crew"],
        "traces": 1,
        "roots": {"invoke_workflow weather crew": 1},
        "llm_calls": called(1, {GPT: 1}, {"openai": 1}, by_agent={"weather_agent": 1}),
        "tool_calls": {"count": 0},
        "tokens": tokens(500, 50),
        "cost": cost(computed=1),
        "traps": ["Four spans tell 500 input tokens: the innermost model call counts."],
        "reading": [
            counted("llm_calls.count", name="openai.chat"),
            summed("tokens.input", "gen_ai.usage.input_tokens", name="openai.chat"),
            {"trap": "input of all spans", "of": "spans", "sum": ["gen_ai.usage.input_tokens"], "is": 2000},
        ],
    }
    return Fixture("trap-nested-instrumentations", AFTER, requests, facts)


def gateway() -> Fixture:
    """A proxy tells the calls of its client: one in the client's trace, one in a trace of its own."""
    proxy = Source({"service.name": "litellm-proxy", "service.version": "1.109.1"}, "litellm")
    paid = {
        "litellm.call_id": "c-1",
        "litellm.call_type": "acompletion",
        "litellm.cost.total": 0.0005,
        "litellm.team.id": "team-a",
    }
    requests = [
        spans(proxy, Span("litellm_request", {**chat(800, 60, 21), **paid}, "client 1", "gateway", 0.2, 0.7, id="proxy 1")),
        spans(
            SERVICE,
            Span("chat gpt-5-mini", chat(800, 60, 21), "agent", "gateway", 0.1, 1.0, CLIENT, id="client 1"),
            Span("chat gpt-5-mini", chat(900, 70, 22), "agent", "gateway", 1.2, 1.0, CLIENT, id="client 2"),
            Span("invoke_agent weather_agent", agent("weather_agent"), "", "gateway", 0.0, 2.5, id="agent"),
        ),
        spans(
            proxy,
            Span(
                "litellm_request",
                {**chat(900, 70, 22), **paid, "litellm.call_id": "c-2"},
                "",
                "proxy alone",
                1.3,
                0.7,
                id="proxy 2",
            ),
        ),
    ]
    facts = {
        "agents": ["weather_agent"],
        "agent_runs": {"weather_agent": 1},
        "sessions": [],
        "traces": 2,
        "roots": {"invoke_agent weather_agent": 1, "litellm_request": 1},
        "llm_calls": called(2, {GPT: 2}, {"openai": 2}),
        "tool_calls": {"count": 0},
        "tokens": tokens(1700, 130),
        "cost": cost(reported=2, reported_usd=0.001),
        "traps": [
            "Client and proxy tell the same two calls: gen_ai.response.id joins them, once across traces. The proxy has the cost."
        ],
        "reading": [
            counted("llm_calls.count", name="chat gpt-5-mini"),
            counted("llm_calls.count", name="litellm_request"),
            summed("tokens.input", "gen_ai.usage.input_tokens", name="litellm_request"),
            summed("cost.reported_usd", "litellm.cost.total"),
            {"trap": "input of all spans", "of": "spans", "sum": ["gen_ai.usage.input_tokens"], "is": 3400},
        ],
    }
    return Fixture("trap-gateway", "LiteLLM proxy 1.109", requests, facts)


def resent() -> Fixture:
    """An exporter sends a batch again because it did not hear the answer; the second batch overlaps with the first."""
    call = Span("chat gpt-5-mini", chat(100, 10, 31), "agent", "resent", 0.1, 0.5, CLIENT, id="chat")
    second = Span("chat gpt-5-mini", chat(100, 10, 32), "agent", "resent", 0.7, 0.5, CLIENT, id="chat again")
    run = Span(
        "invoke_agent weather_agent",
        agent("weather_agent", **{"gen_ai.conversation.id": "s-1"}),
        "",
        "resent",
        0.0,
        1.5,
        id="agent",
    )
    coder = Source({"service.name": "claude-code"}, "com.anthropic.claude_code.events")
    told = {
        "event.name": "api_request",
        "session.id": "s-2",
        "event.sequence": 4,
        "model": "claude-sonnet-4-5",
        "input_tokens": 50,
        "output_tokens": 5,
    }
    record = Log({**told, "cost_usd": 0.001}, "claude_code.api_request", at=2.0)
    batch, events = spans(SERVICE, call, second), logs(coder, record)
    facts = {
        "agents": ["claude-code", "weather_agent"],
        "sessions": ["s-1", "s-2"],
        "traces": 1,
        "roots": {"invoke_agent weather_agent": 1},
        "llm_calls": called(3, {GPT: 2, "claude-sonnet-4-5": 1}, {"openai": 2, "anthropic": 1}),
        "tool_calls": {"count": 0},
        "tokens": tokens(250, 25),
        "cost": cost(reported=1, computed=2, reported_usd=0.001),
        "traps": ["Bodies 1 and 3 are equal, and so are 2 and 5; body 4 has a span of body 1 again."],
        "reading": [{"trap": "spans as sent", "of": "spans", "where": {"gen_ai.operation.name": "chat"}, "is": 5}],
    }
    return Fixture("trap-resent", AFTER, [batch, events, batch, spans(SERVICE, call, run), events], facts)


def roll_up_alone() -> Fixture:
    """Usage on the agent alone: nothing below has any, so that the roll-up is all there is."""
    total = {
        "gen_ai.usage.input_tokens": 700,
        "gen_ai.usage.output_tokens": 80,
        "gen_ai.request.model": "gpt-5-mini",
        "gen_ai.provider.name": "openai",
    }
    bare = {"gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai", "gen_ai.request.model": "gpt-5-mini"}
    tree = [
        Span("chat gpt-5-mini", bare, "agent", "rollup", 0.1, 0.5, CLIENT, id="chat 1"),
        Span("chat gpt-5-mini", bare, "agent", "rollup", 0.7, 0.5, CLIENT, id="chat 2"),
        Span("invoke_agent weather_agent", agent("weather_agent", **total), "", "rollup", 0.0, 1.5, id="agent"),
    ]
    facts = {
        "agents": ["weather_agent"],
        "agent_runs": {"weather_agent": 1},
        "sessions": [],
        "traces": 1,
        "roots": {"invoke_agent weather_agent": 1},
        "llm_calls": {"count": 2, "errors": 0, "no_usage": 2, "models": {"gpt-5-mini": 2}, "providers": {"openai": 2}},
        "tool_calls": {"count": 0},
        "tokens": tokens(700, 80),
        "from_roll_up": True,
        "traps": ["The calls have no usage; the agent's total is used, and is said to be a roll-up."],
        "reading": [
            counted("llm_calls.count", **{"gen_ai.operation.name": "chat"}),
            summed("tokens.input", "gen_ai.usage.input_tokens"),
        ],
    }
    return Fixture("trap-roll-up-alone", AFTER, [spans(SERVICE, *tree)], facts)


def mcp_pair() -> Fixture:
    """Client and server of MCP over HTTP, in two services: once under an agent's tool span, once alone, once the server alone."""
    client = Source({"service.name": "weather-agent"}, "mcp-client")
    server = Source({"service.name": "weather-mcp"}, "mcp-server")

    def call(tool: str, **more: Any) -> dict[str, Any]:
        told = {
            "mcp.method.name": "tools/call",
            "gen_ai.tool.name": tool,
            "gen_ai.operation.name": "execute_tool",
            "mcp.session.id": "mcp-1",
        }
        return {**told, "network.transport": "tcp", "mcp.protocol.version": "2025-06-18", **more}

    listed = {"mcp.method.name": "tools/list", "mcp.session.id": "mcp-1"}
    execute = {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "get_weather", "gen_ai.tool.call.id": "call_1"}
    requests = [
        spans(
            server,
            Span("tools/call get_weather", call("get_weather"), "client 1", "mcp", 0.3, 0.1, SERVER, id="server 1"),
            Span(
                "tools/call get_tide",
                call("get_tide", **{"error.type": "tool_error"}),
                "client 2",
                "mcp",
                0.7,
                0.1,
                SERVER,
                error="no sea",
                id="server 2",
            ),
            Span("tools/call get_moon", call("get_moon"), "", "mcp alone", 5.0, 0.1, SERVER, id="server 3"),
            Span("tools/list", listed, "", "mcp list", 6.0, 0.1, SERVER, id="server 4"),
        ),
        spans(
            client,
            Span("tools/call get_weather", call("get_weather"), "tool", "mcp", 0.2, 0.3, CLIENT, id="client 1"),
            Span("execute_tool get_weather", execute, "agent", "mcp", 0.15, 0.4, id="tool"),
            Span(
                "tools/call get_tide",
                call("get_tide", **{"error.type": "tool_error"}),
                "agent",
                "mcp",
                0.6,
                0.3,
                CLIENT,
                id="client 2",
            ),
            Span(
                "invoke_agent weather_agent",
                agent("weather_agent", **{"gen_ai.conversation.id": "session-mcp"}),
                "",
                "mcp",
                0.0,
                1.0,
                id="agent",
            ),
        ),
    ]
    facts = {
        "agents": ["weather_agent"],
        "agent_runs": {"weather_agent": 1},
        "traces": 3,
        "llm_calls": {"count": 0},
        "tool_calls": {"count": 3, "errors": 1, "names": {"get_weather": 1, "get_tide": 1, "get_moon": 1}},
        "errors": [{"kind": "tool", "name": "get_tide", "type": "tool_error"}],
        "traps": [
            "execute_tool, client and server tell one get_weather; client and server one get_tide; the server alone get_moon.",
            "tools/list is no tool call. mcp.session.id is a transport's session, and comes last: the session is session-mcp.",
        ],
        "reading": [
            {
                "trap": "spans named execute_tool by operation",
                "of": "spans",
                "where": {"gen_ai.operation.name": "execute_tool"},
                "is": 6,
            },
            {"trap": "client spans", "of": "spans", "where": {"@kind": "client"}, "is": 2},
        ],
    }
    return Fixture("mcp-client-server", "MCP conventions", requests, facts)


def fixtures() -> tuple[Fixture, ...]:
    return late_root(), generations(), adk_call_llm(), nested_instrumentations(), gateway(), resent(), roll_up_alone(), mcp_pair()
