"""GitHub Copilot: chat in VS Code (traces, logs, metrics) and the CLI (traces and metrics, credits and no dollars)."""

from __future__ import annotations

from typing import Any

from proto_fixtures.record.agents.building import CLIENT, Fixture, Histogram, Log, Source, Span, Sum, logs, metrics, spans

CHAT = Source({"service.name": "copilot-chat", "service.version": "0.41.0", "session.id": "window-1"}, "copilot-chat", "0.41.0")
CLI = Source({"service.name": "github-copilot", "service.version": "1.0.102"}, "github-copilot", "1.0.102")
MODEL = "gpt-5-mini-2025-08-07"


def usage(input_: int, output: int, read: int, reasoned: int, written: int = 0) -> dict[str, Any]:
    return {
        "gen_ai.usage.input_tokens": input_,
        "gen_ai.usage.output_tokens": output,
        "gen_ai.usage.cache_read.input_tokens": read,
        "gen_ai.usage.cache_creation.input_tokens": written,
        "gen_ai.usage.reasoning.output_tokens": reasoned,
    }


def named(operation: str, conversation: str, **more: Any) -> dict[str, Any]:
    return {"gen_ai.operation.name": operation, "gen_ai.provider.name": "github", "gen_ai.conversation.id": conversation, **more}


def chat(
    number: int, trace: str, parent: str, at: float, conversation: str, counts: tuple[int, int, int, int], **more: Any
) -> Span:
    told = {
        "gen_ai.request.model": "gpt-5-mini",
        "gen_ai.response.model": MODEL,
        "gen_ai.response.id": f"chatcmpl-{number}",
        **usage(*counts),
    }
    attributes = named("chat", conversation, **told, **more)
    return Span("chat gpt-5-mini", attributes, parent, trace, at, 0.9, CLIENT, id=f"chat {number}")


def in_vs_code() -> Fixture:
    agent = {"gen_ai.agent.name": "copilot", "gen_ai.agent.id": "github.copilot.default", "copilot_chat.turn_count": 2}
    first, second = "conversation-a", "conversation-b"
    tool = named(
        "execute_tool", first, **{"gen_ai.tool.name": "readFile", "gen_ai.tool.call.id": "call_1", "gen_ai.tool.type": "function"}
    )
    tree = [
        chat(1, "copilot 1", "agent", 0.1, first, (1000, 50, 0, 0), **{"copilot_chat.time_to_first_token": 300}),
        Span("execute_tool readFile", tool, "agent", "copilot 1", 1.1, 0.1, id="tool 1"),
        chat(2, "copilot 1", "agent", 1.3, first, (1500, 70, 1000, 30)),
        Span(
            "invoke_agent copilot",
            named("invoke_agent", first, **agent, **usage(2500, 120, 1000, 30)),
            "",
            "copilot 1",
            0.0,
            2.5,
            id="agent",
        ),
        chat(3, "copilot 2", "agent", 10.1, second, (800, 20, 0, 0)),
        Span(
            "invoke_agent copilot",
            named("invoke_agent", second, **agent, **usage(800, 20, 0, 0)),
            "",
            "copilot 2",
            10.0,
            1.2,
            id="agent",
        ),
    ]
    details = [
        Log(
            dict(span.attributes),
            "GenAI inference",
            "gen_ai.client.inference.operation.details",
            span.at + 0.9,
            5,
            span.trace,
            span.id,
        )
        for span in tree
        if span.kind == CLIENT
    ]
    others = [
        Log(
            {"gen_ai.tool.name": "readFile", "success": True, "duration_ms": 100},
            "copilot_chat.tool.call",
            "copilot_chat.tool.call",
            1.2,
        ),
        Log({"turn.index": 0}, "copilot_chat.agent.turn", "copilot_chat.agent.turn", 2.5),
    ]
    points = [
        ({"gen_ai.token.type": kind, "gen_ai.request.model": "gpt-5-mini"}, 3, total)
        for kind, total in (("input", 3300.0), ("output", 140.0))
    ]
    measured: list[Sum | Histogram] = [
        Histogram("gen_ai.client.token.usage", points, "{token}"),
        Sum("copilot_chat.tool.call.count", [({"gen_ai.tool.name": "readFile", "success": True}, 1)]),
        Sum("copilot_chat.edit.acceptance.count", [({"copilot_chat.edit.outcome": "accepted"}, 2)]),
    ]
    called = {"of": "spans", "where": {"gen_ai.operation.name": "chat"}}
    facts = {
        "agents": ["copilot"],
        "agent_runs": {"copilot": 2},
        "sessions": [first, second],
        "user_turns": 2,
        "traces": 2,
        "roots": {"invoke_agent copilot": 2},
        "llm_calls": {
            "count": 3,
            "errors": 0,
            "no_usage": 0,
            "models": {MODEL: 3},
            "providers": {"openai": 3},
            "by_agent": {"copilot": 3},
        },
        "tool_calls": {"count": 1, "errors": 0, "names": {"readFile": 1}},
        "tokens": {"input": 3300, "output": 140, "cache_read": 1000, "cache_write": 0, "reasoning": 30},
        "cost": {"reported": 0, "computed": 3, "unpriced": 0},
        "errors": [],
        "traps": [
            "invoke_agent repeats the totals of its chat spans.",
            "gen_ai.client.inference.operation.details tells each call again, at severity 5, with the span's ids.",
            "The histogram tells the tokens a third time.",
            "The resource's session.id is the window: two conversations are in it.",
            "The provider says github, which prices nothing: the model does.",
        ],
        "reading": [
            {"fact": "llm_calls.count", **called},
            {"fact": "llm_calls.count", "of": "logs", "where": {"@event": "gen_ai.client.inference.operation.details"}},
            {"fact": "tokens.input", **called, "sum": ["gen_ai.usage.input_tokens"]},
            {"fact": "tokens.output", **called, "sum": ["gen_ai.usage.output_tokens"]},
            {"fact": "tokens.cache_read", **called, "sum": ["gen_ai.usage.cache_read.input_tokens"]},
            {"fact": "tool_calls.count", "of": "spans", "where": {"gen_ai.operation.name": "execute_tool"}},
            {"fact": "sessions", "of": "spans", "distinct": "gen_ai.conversation.id"},
            {"trap": "input of all spans", "of": "spans", "sum": ["gen_ai.usage.input_tokens"], "is": 6600},
        ],
    }
    requests = [spans(CHAT, *tree[:4]), logs(CHAT, *details, *others), spans(CHAT, *tree[4:]), metrics(CHAT, *measured)]
    return Fixture("copilot-chat-vscode", "Copilot Chat documentation and code", requests, facts)


def in_the_terminal() -> Fixture:
    session = "cli-session-1"
    agent = {"gen_ai.agent.name": "copilotcli", "gen_ai.agent.id": "github.copilot.default", "github.copilot.turn_count": 2}
    credits_spent = {"github.copilot.cost": 2.0, "github.copilot.nano_aiu": 2_500_000_000, "github.copilot.aiu": 2.5}
    delegated = {"gen_ai.agent.name": "explore", "github.copilot.agent.type": "subagent"}
    paid = {
        "github.copilot.cost": 1.0,
        "github.copilot.nano_aiu": 1_000_000_000,
        "github.copilot.turn_id": "0",
        "github.copilot.initiator": "user",
    }
    task = named("execute_tool", session, **{"gen_ai.tool.name": "task", "gen_ai.tool.call.id": "call_7"})
    shell = named(
        "execute_tool", session, **{"gen_ai.tool.name": "bash", "gen_ai.tool.call.id": "call_8", "error.type": "timeout"}
    )
    totals = named("invoke_agent", session, **agent, **credits_spent, **usage(3100, 190, 900, 0))
    tree = [
        chat(1, "cli", "agent", 0.1, session, (1200, 60, 0, 0), **paid),
        chat(2, "cli", "sub", 1.2, session, (400, 30, 0, 0)),
        Span("invoke_agent explore", named("invoke_agent", session, **delegated), "task", "cli", 1.1, 1.2, id="sub"),
        Span("execute_tool task", task, "agent", "cli", 1.0, 1.4, id="task"),
        Span("execute_tool bash", shell, "agent", "cli", 2.5, 0.2, error="timed out", id="bash"),
        chat(3, "cli", "agent", 3.0, session, (1500, 100, 900, 0), **{**paid, "github.copilot.turn_id": "1"}),
        Span(
            "invoke_agent copilotcli",
            totals,
            "",
            "cli",
            0.0,
            4.2,
            id="agent",
            events=[("github.copilot.session.compaction_start", {})],
        ),
    ]
    called = {"of": "spans", "where": {"gen_ai.operation.name": "chat"}}
    facts = {
        "agents": ["copilotcli", "explore"],
        "agent_runs": {"copilotcli": 1, "explore": 1},
        "parents": {"explore": "copilotcli"},
        "sessions": [session],
        "user_turns": 1,
        "traces": 1,
        "roots": {"invoke_agent copilotcli": 1},
        "llm_calls": {
            "count": 3,
            "errors": 0,
            "no_usage": 0,
            "models": {MODEL: 3},
            "providers": {"openai": 3},
            "by_agent": {"copilotcli": 2, "explore": 1},
        },
        "tool_calls": {"count": 2, "errors": 1, "names": {"task": 1, "bash": 1}},
        "tokens": {"input": 3100, "output": 190, "cache_read": 900, "cache_write": 0, "reasoning": 0},
        "cost": {"reported": 0, "computed": 3, "unpriced": 0},
        "errors": [{"kind": "tool", "name": "bash", "type": "timeout"}],
        "traps": [
            "invoke_agent repeats the totals of its chat spans, its subagent's among them.",
            "github.copilot.cost and nano_aiu are premium requests and credits, no dollars: cost is computed.",
            "The subagent's spans have no billing attributes.",
        ],
        "reading": [
            {"fact": "llm_calls.count", **called},
            {"fact": "tokens.input", **called, "sum": ["gen_ai.usage.input_tokens"]},
            {"fact": "tool_calls.count", "of": "spans", "where": {"gen_ai.operation.name": "execute_tool"}},
            {"fact": "tool_calls.errors", "of": "spans", "where": {"gen_ai.operation.name": "execute_tool", "@status": "error"}},
            {"fact": "sessions", "of": "spans", "distinct": "gen_ai.conversation.id"},
            {"trap": "input of all spans", "of": "spans", "sum": ["gen_ai.usage.input_tokens"], "is": 6200},
        ],
    }
    measured = [
        Sum("github.copilot.tool.call.count", [({"gen_ai.tool.name": "bash"}, 1), ({"gen_ai.tool.name": "task"}, 1)]),
        Sum("github.copilot.code.lines_added", [({}, 12)]),
    ]
    return Fixture(
        "copilot-cli", "Copilot CLI 1.0.102", [spans(CLI, *tree[:5]), spans(CLI, *tree[5:]), metrics(CLI, *measured)], facts
    )


def fixtures() -> tuple[Fixture, ...]:
    return in_vs_code(), in_the_terminal()
