"""Numbers, kinds and records that mislead who takes them as they are."""

from __future__ import annotations

import json

from proto_fixtures.record.agents.building import CLIENT, Fixture, Log, Request, Source, Span, Sum, logs, metrics, spans
from proto_fixtures.record.agents.by_hand.words import AFTER, GPT, SERVICE, agent, called, chat, cost, counted, summed, tokens


def exclusive_input() -> Fixture:
    """Input that leaves out the cache: seen by cache counts beyond it, or said by the one SDK that says so."""
    read, written = "gen_ai.usage.cache_read.input_tokens", "gen_ai.usage.cache_creation.input_tokens"
    bedrock = {"gen_ai.provider.name": "aws.bedrock", "gen_ai.request.model": "us.anthropic.claude-sonnet-4-5-20250929-v1:0"}
    said = {"gen_ai.token.semantics": "inclusive", read: 900}
    tree = [
        Span(
            "chat",
            {
                "gen_ai.operation.name": "chat",
                **bedrock,
                "gen_ai.usage.input_tokens": 20,
                "gen_ai.usage.output_tokens": 5,
                read: 3000,
                written: 100,
            },
            "",
            "a",
            0.0,
            id="a",
        ),
        Span("chat", chat(1000, 10, 42, **said), "", "b", 2.0, id="b"),
        Span("chat", chat(1000, 10, 43, **{read: 1000}), "", "c", 4.0, id="c"),
    ]
    facts = {
        "sessions": [],
        "traces": 3,
        "roots": {"chat": 3},
        "llm_calls": called(3, {GPT: 2, "us.anthropic.claude-sonnet-4-5-20250929-v1:0": 1}, {"openai": 2, "aws.bedrock": 1}),
        "tool_calls": {"count": 0},
        "tokens": tokens(5120, 25, 4900, 100),
        "cost": cost(computed=3),
        "traps": ["20 told, 3000 read and 100 written: input is 3120. Told 1000 with 1000 read: input is 1000."],
        "reading": [
            counted("llm_calls.count", **{"gen_ai.operation.name": "chat"}),
            summed("tokens.cache_read", read),
            {"trap": "input as told", "of": "spans", "sum": ["gen_ai.usage.input_tokens"], "is": 2020},
        ],
    }
    return Fixture("trap-exclusive-input", AFTER, [spans(SERVICE, *tree)], facts)


def inferred_tools() -> Fixture:
    """No execute_tool spans: a tool call is in the output of one chat, its result in the input of the next."""
    call = {"type": "tool_call", "id": "call_9", "name": "get_weather", "arguments": {"city": "Paris"}}
    asked = [{"role": "assistant", "parts": [call]}]
    result = {"type": "tool_call_response", "id": "call_9", "response": "21 degrees"}
    answered = [{"role": "user", "parts": [{"type": "text", "content": "Paris?"}]}, *asked, {"role": "tool", "parts": [result]}]
    tree = [
        Span("chat", chat(100, 10, 51, **{"gen_ai.output.messages": json.dumps(asked)}), "", "inferred", 0.0, id="1"),
        Span("chat", chat(150, 12, 52, **{"gen_ai.input.messages": json.dumps(answered)}), "1", "inferred", 2.0, id="2"),
        Span("chat", chat(170, 12, 53, **{"gen_ai.input.messages": json.dumps(answered)}), "1", "inferred", 4.0, id="3"),
    ]
    facts = {
        "sessions": [],
        "traces": 1,
        "llm_calls": called(3, {GPT: 3}, {"openai": 3}),
        "tool_calls": {"count": 1, "errors": 0, "names": {"get_weather": 1}, "inferred": 1},
        "tokens": tokens(420, 34),
        "cost": cost(computed=3),
        "traps": [
            "The history comes with every later call: one tool call, however often it is told.",
            "The second and third call are children of the first, which keeps its own usage.",
        ],
        "reading": [
            counted("llm_calls.count", **{"gen_ai.operation.name": "chat"}),
            summed("tokens.input", "gen_ai.usage.input_tokens"),
        ],
    }
    return Fixture("trap-inferred-tools", AFTER, [spans(SERVICE, *tree)], facts)


def pending_spans() -> Fixture:
    """Placeholders of spans that are not ended yet, with ids of their own; the real ones follow for all but one."""
    source = Source({"service.name": "weather-service"}, "pydantic-ai")
    run = agent("weather_agent", agent_name="weather_agent", **{"gen_ai.conversation.id": "session-9"})
    pending = {"logfire.span_type": "pending_span"}
    model = {"gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai", "gen_ai.request.model": "gpt-5-mini"}
    first = [
        Span(
            "invoke_agent weather_agent",
            {**run, **pending, "logfire.pending_parent_id": "0000000000000000"},
            "agent",
            "pending",
            0.0,
            0.0,
            id="pending agent",
        ),
        Span(
            "chat gpt-5-mini",
            {**model, **pending, "logfire.pending_parent_id": ""},
            "chat",
            "pending",
            0.1,
            0.0,
            id="pending chat",
        ),
        Span("chat gpt-5-mini", {**model, **pending}, "open chat", "pending", 2.0, 0.0, id="pending open chat"),
    ]
    totals = {"gen_ai.aggregated_usage.input_tokens": 100, "gen_ai.aggregated_usage.output_tokens": 10}
    second = [
        Span(
            "chat gpt-5-mini",
            {**chat(100, 10, 61), "operation.cost": 0.000045, "logfire.span_type": "span"},
            "agent",
            "pending",
            0.1,
            0.5,
            id="chat",
        ),
        Span("invoke_agent weather_agent", {**run, **totals, "logfire.span_type": "span"}, "", "pending", 0.0, 1.0, id="agent"),
    ]
    facts = {
        "agents": ["weather_agent"],
        "agent_runs": {"weather_agent": 1},
        "sessions": ["session-9"],
        "traces": 1,
        "roots": {"invoke_agent weather_agent": 1},
        "llm_calls": called(1, {GPT: 1}, {"openai": 1}, by_agent={"weather_agent": 1}),
        "open_calls": 1,
        "tool_calls": {"count": 0},
        "tokens": tokens(100, 10),
        "cost": cost(reported=1, reported_usd=0.000045),
        "traps": [
            "A pending span is the child of the span it stands for, has no length, and is no call; one call is still open.",
            "gen_ai.aggregated_usage repeats the sum.",
        ],
        "reading": [
            counted("llm_calls.count", **{"gen_ai.operation.name": "chat", "logfire.span_type": "span"}),
            summed("tokens.input", "gen_ai.usage.input_tokens"),
            {"trap": "chat spans", "of": "spans", "where": {"gen_ai.operation.name": "chat"}, "is": 3},
        ],
    }
    return Fixture("trap-pending-spans", "Logfire's pending spans", [spans(source, *first), spans(source, *second)], facts)


def events_alone() -> Fixture:
    """Calls told by log events only, and an evaluation of one of them."""
    told = chat(210, 21, 71, **{"gen_ai.conversation.id": "session-e", "gen_ai.agent.name": "weather_agent"})
    failed = {"exception.type": "openai.RateLimitError", "exception.message": "429"}
    score = {"gen_ai.evaluation.name": "helpful", "gen_ai.evaluation.score.value": 0.9, "gen_ai.evaluation.score.label": "good"}
    name = "gen_ai.client.inference.operation.details"
    records = [
        Log(told, None, name, 1.0, 5, "events", "call 1"),
        Log(told, None, name, 1.0, 5, "events", "call 1"),
        Log({**told, "gen_ai.response.id": "chatcmpl-72"}, None, name, 2.0, 5, "events", "call 2"),
        Log({**score, "gen_ai.response.id": "chatcmpl-71"}, None, "gen_ai.evaluation.result", 3.0, 9, "events", "call 1"),
        Log(failed, None, "gen_ai.client.operation.exception", 4.0, 13, "events", "call 3"),
    ]
    facts = {
        "agents": ["weather_agent"],
        "sessions": ["session-e"],
        "llm_calls": called(2, {GPT: 2}, {"openai": 2}),
        "tool_calls": {"count": 0},
        "tokens": tokens(420, 42),
        "cost": cost(computed=2),
        "evaluations": 1,
        "traps": [
            "Severity 5: a filter that hides what is below INFO hides every call.",
            "The first call is told twice, with one span id and response id. An evaluation and an exception are no calls.",
        ],
        "reading": [
            {"trap": "details events", "of": "logs", "where": {"@event": name}, "is": 3},
            {"fact": "evaluations", "of": "logs", "where": {"@event": "gen_ai.evaluation.result"}},
            {"fact": "sessions", "of": "logs", "distinct": "gen_ai.conversation.id"},
        ],
    }
    return Fixture("semconv-events-only", AFTER, [logs(SERVICE, *records)], facts)


def hostile() -> Fixture:
    """Values of absurd type and size, and parents in a circle: what can be read is kept, nothing fails."""
    usage = {
        "gen_ai.usage.input_tokens": "120",
        "gen_ai.usage.output_tokens": 8.0,
        "gen_ai.usage.cache_read.input_tokens": "many",
    }
    odd = {"gen_ai.operation.name": ["chat"], "gen_ai.request.model": {"name": "gpt-5-mini"}, "gen_ai.usage.input_tokens": True}
    negative = chat(-5, 2**62, 82, **{"gen_ai.usage.cache_read.input_tokens": -1})
    tree = [
        Span(
            "chat gpt-5-mini",
            {**chat(0, 0, 81), **usage, "gen_ai.agent.name": 7},
            "agent",
            "hostile",
            0.0,
            1.0,
            CLIENT,
            id="good",
        ),
        Span(
            "invoke_agent weather_agent",
            agent("weather_agent", **{"session.id": "x" * 5000}),
            "loop",
            "hostile",
            5.0,
            -4.0,
            id="agent",
        ),
        Span("loop", {}, "agent", "hostile", 0.0, 1.0),
        Span("chat gpt-5-mini", odd, "odd", "hostile odd", 0.0, 1.0, id="odd"),
        Span("chat gpt-5-mini", negative, "missing", "hostile negative", 0.0, 1.0, id="negative"),
    ]
    facts = {
        "traces": 3,
        "tool_calls": {"count": 0},
        "must_hold": ["no request is refused", "the call chatcmpl-81 has 120 input and 8 output tokens", "no count is negative"],
        "traps": [
            "Numbers as text and as double, lists and maps for texts, a session of 5000 letters, a negative length, a circle."
        ],
        "reading": [{"trap": "spans", "of": "spans", "is": 5}],
    }
    return Fixture("trap-absurd-values", AFTER, [spans(SERVICE, *tree)], facts)


def openinference_kinds() -> Fixture:
    """Every kind OpenInference has, once; only one of them is a call of a model."""
    source = Source({"service.name": "rag-service", "openinference.project.name": "rag"}, "openinference.instrumentation")
    kinds = ("RETRIEVER", "RERANKER", "GUARDRAIL", "EVALUATOR", "PROMPT", "CHAIN", "UNKNOWN")
    usage = {
        "llm.token_count.prompt": 300,
        "llm.token_count.completion": 40,
        "llm.token_count.prompt_details.cache_read": 100,
        "llm.cost.total": 0.0002,
    }
    embedded = {"embedding.model_name": "text-embedding-3-small", "llm.token_count.prompt": 12}
    tree = [Span(kind.lower(), {"openinference.span.kind": kind}, "agent", "kinds", 0.1, 0.1) for kind in kinds]
    tree += [
        Span(
            "ChatCompletion",
            {"openinference.span.kind": "LLM", "llm.model_name": "gpt-5-mini", "llm.provider": "openai", **usage},
            "agent",
            "kinds",
            0.3,
        ),
        Span("CreateEmbeddings", {"openinference.span.kind": "EMBEDDING", **embedded}, "retriever", "kinds", 0.1, 0.05),
        Span(
            "look_up", {"openinference.span.kind": "TOOL", "tool.name": "look_up", "tool_call.id": "c-4"}, "agent", "kinds", 0.5
        ),
        Span(
            "rag_agent",
            {
                "openinference.span.kind": "AGENT",
                "agent.name": "rag_agent",
                "session.id": "s-rag",
                "metadata": '{"user_id":"u-8"}',
            },
            "",
            "kinds",
            0.0,
            2.0,
            id="agent",
        ),
    ]
    facts = {
        "agents": ["rag_agent"],
        "agent_runs": {"rag_agent": 1},
        "sessions": ["s-rag"],
        "traces": 1,
        "roots": {"rag_agent": 1},
        "llm_calls": called(1, {"gpt-5-mini": 1}, {"openai": 1}, by_agent={"rag_agent": 1}),
        "embedding_calls": {"count": 1, "models": {"text-embedding-3-small": 1}, "input": 12},
        "tool_calls": {"count": 1, "errors": 0, "names": {"look_up": 1}},
        "tokens": tokens(300, 40, 100),
        "cost": cost(reported=1, reported_usd=0.0002),
        "traps": ["The embedding's tokens are no tokens of the model's calls."],
        "reading": [
            counted("llm_calls.count", **{"openinference.span.kind": "LLM"}),
            summed("tokens.input", "llm.token_count.prompt", **{"openinference.span.kind": "LLM"}),
            counted("embedding_calls.count", **{"openinference.span.kind": "EMBEDDING"}),
            {"trap": "input of all spans", "of": "spans", "sum": ["llm.token_count.prompt"], "is": 312},
        ],
    }
    return Fixture("openinference-kinds", "OpenInference 0.1.42", [spans(source, *tree)], facts)


def counter_resets() -> Fixture:
    """A client that sends metrics alone, cumulative, and starts again in between."""
    source = Source({"service.name": "acme-code", "session.id": "acme-2"}, "acme")

    def sent(at: float, since: float, input_: int, output: int) -> Request:
        points = [({"type": "input", "model": "gpt-5-mini"}, input_), ({"type": "output", "model": "gpt-5-mini"}, output)]
        return metrics(
            source,
            Sum("acme.token.usage", points, "tokens", at=at, since=since),
            Sum("acme.session.count", [({}, 1)], at=at, since=since),
        )

    facts = {
        "agents": ["acme-code"],
        "sessions": ["acme-2"],
        "from_metrics": True,
        "llm_calls": {"count": 0},
        "tool_calls": {"count": 0},
        "tokens": tokens(1500, 150),
        "traps": ["100, 1000, then a new start: 500. Together 1500, not 1600, 1000 or 500."],
        "reading": [{"trap": "sum of points", "of": "points", "where": {"type": "input"}, "sum": ["@value"], "is": 1600}],
    }
    requests = [sent(60, 0, 100, 10), sent(120, 0, 1000, 100), sent(240, 180, 500, 50)]
    return Fixture("trap-counter-reset", "the pattern that coding agents share", requests, facts)


def unknown_fork() -> Fixture:
    """A coding agent nobody has heard of, that speaks as the others do."""
    source = Source({"service.name": "acme-code", "service.version": "0.3.0"}, "acme")
    who = {"session.id": "acme-1", "user.id": "u-1"}
    usage = {"model": "claude-sonnet-4-5", "input_tokens": 400, "output_tokens": 50, "cost_usd": 0.002, "request_id": "r-1"}
    told = [
        Log({**who, "event.name": "acme_code.user_prompt"}, "asked", at=0.0),
        Log({**who, "event.name": "acme_code.api_request", **usage}, "called", at=1.0),
        Log({**who, "tool_name": "bash", "success": "false"}, "acme_code.tool_result", at=2.0),
        Log({**who, **usage, "request_id": "r-2"}, "called", "acme_cli.api_request", 3.0),
        Log({**who, "model": "claude-sonnet-4-5", "status_code": "500"}, None, "acme.api_error", 4.0),
    ]
    measured = [
        Sum("acme.token.usage", [({**who, "type": "input"}, 800), ({**who, "type": "output"}, 100)]),
        Sum("acme.cost.usage", [(who, 0.004)], "USD"),
    ]
    facts = {
        "agents": ["acme-code"],
        "sessions": ["acme-1"],
        "users": ["u-1"],
        "user_turns": 1,
        "llm_calls": {"count": 3, "errors": 1, "no_usage": 1, "models": {"claude-sonnet-4-5": 3}, "providers": {"anthropic": 3}},
        "tool_calls": {"count": 1, "errors": 1, "names": {"bash": 1}},
        "tokens": tokens(800, 100),
        "cost": cost(reported=2, reported_usd=0.004),
        "errors": [
            {"kind": "llm", "name": "claude-sonnet-4-5", "type": "500"},
            {"kind": "tool", "name": "bash", "type": "_OTHER"},
        ],
        "traps": [
            "The event's name is in the field, in the attribute, or in the body, under three prefixes.",
            "The metrics repeat everything.",
        ],
        "reading": [
            {"fact": "tokens.input", "of": "logs", "sum": ["input_tokens"]},
            {"fact": "cost.reported_usd", "of": "logs", "sum": ["cost_usd"]},
            {"fact": "sessions", "of": "logs", "distinct": "session.id"},
        ],
    }
    return Fixture(
        "generic-coding-agent", "the pattern that coding agents share", [logs(source, *told), metrics(source, *measured)], facts
    )


def fixtures() -> tuple[Fixture, ...]:
    first = (exclusive_input(), inferred_tools(), pending_spans(), events_alone())
    return (*first, hostile(), openinference_kinds(), counter_resets(), unknown_fork())
