"""Coding agents without configuration: each table of events, spans and metrics gives the facts that its client means."""

from __future__ import annotations

from typing import Any

import pytest

from storage.facts.fact import Fact, Facts
from tests.unit.facts_records import NOON, TRACE, identities, log_fact, log_facts, said, span_fact, span_facts, usages

CLAUDE = {"service.name": "claude-code", "service.version": "2.1.287"}
CODEX = {"service.name": "codex_cli_rs", "env": "dev"}
GEMINI = {"service.name": "gemini-cli", "session.id": "resource-session"}


def claude(event: str, attributes: dict[str, Any], **more: Any) -> Fact:
    """As Claude Code sends: the prefixed name is the body, the attribute is bare."""
    common = {"session.id": "s-1", "event.name": event, "event.sequence": "7", "prompt.id": "p-1", "user.id": "device"}
    return log_fact({**common, **attributes}, body=f"claude_code.{event}", resource=CLAUDE, **more)


def facts_of(facts: Facts) -> list[tuple[str, str]]:
    return [(fact.fact, fact.kind) for fact in map(Fact._make, facts.facts)]


def test_claude_api_request() -> None:
    fact = claude("api_request", {
        "model": "claude-sonnet-4-5", "cost_usd": "0.05", "duration_ms": "2000", "input_tokens": "100", "output_tokens": "50",
        "cache_read_tokens": "4000", "cache_creation_tokens": "10", "request_id": "req_1", "user.email": "a@b.c",
        "query_source": "subagent", "agent.name": "reviewer", "app.version": "2.1.287",
    })  # fmt: skip
    assert (fact.fact, fact.kind, fact.origin, fact.source) == ("llm_call", "llm", "api_request", "log")
    assert (fact.input_tokens, fact.output_tokens, fact.cache_read_tokens, fact.cache_write_tokens) == (4_110, 50, 4_000, 10)
    assert (fact.reported_cost, fact.response_id, fact.provider) == (0.05, "req_1", "anthropic")
    assert (fact.session_id, fact.turn_id, fact.user_id, fact.event_sequence) == ("s-1", "p-1", "device", 7)
    assert (fact.agent_name, fact.parent_agent) == ("reviewer", "claude-code")
    assert (fact.duration, fact.time) == (2_000_000_000, NOON - 2_000_000_000)
    assert fact.metadata == '{"query_source":"subagent","user.email":"a@b.c"}'
    assert fact.failed == 0


def test_claude_cost_in_micros_goes_first() -> None:
    assert claude("api_request", {"model": "m", "cost_usd": 0.5, "cost_usd_micros": 250_000}).reported_cost == 0.25


def test_claude_span_and_log_of_one_call_share_the_request_id() -> None:
    span = span_fact(
        {
            "span.type": "llm_request", "model": "claude-sonnet-4-5", "gen_ai.system": "anthropic", "request_id": "req_1",
            "gen_ai.response.id": "msg_1", "input_tokens": 100, "output_tokens": 5, "cache_read_tokens": 50, "ttft_ms": 300,
            "agent_id": "a7f3", "parent_agent_id": "b1", "stop_reason": "end_turn", "attempt": 2,
        },
        name="claude_code.llm_request", resource=CLAUDE,
    )  # fmt: skip
    log = claude("api_request", {"model": "claude-sonnet-4-5", "cost_usd": 0.05, "request_id": "req_1"})
    assert span.response_id == log.response_id == "req_1"
    assert log.rank > span.rank
    assert (span.time_to_first_token, span.finish_reasons, span.attempt) == (0.3, '["end_turn"]', 2)
    assert (span.agent_name, span.agent_id, span.parent_agent) == (None, "a7f3", "b1")
    assert span.input_tokens == 150


@pytest.mark.parametrize(
    ("event", "attributes", "fact", "kind", "part"),
    [
        ("user_prompt", {"prompt": "hi", "prompt_length": 2}, "user_turn", "user_turn", 0),
        ("assistant_response", {"response": "yes", "request_id": "r"}, "llm_call", "llm", 1),
        ("api_error", {"model": "m", "error": "boom", "status_code": "500"}, "llm_call", "llm", 0),
        ("api_refusal", {"request_id": "r"}, "llm_call", "llm", 1),
        ("api_response_body", {"request_id": "r", "body": '{"id": 1}'}, "llm_call", "llm", 1),
        ("tool_decision", {"tool_use_id": "t", "decision": "accept"}, "tool_call", "tool", 1),
        ("tool_result", {"tool_use_id": "t", "tool_name": "Bash", "success": "true"}, "tool_call", "tool", 0),
        ("subagent_completed", {"agent_type": "Explore", "duration_ms": 5}, "agent_run", "agent", 0),
        ("compaction", {"trigger": "auto", "pre_tokens": 9}, "event", "compaction", 0),
        ("api_retries_exhausted", {"model": "m", "total_attempts": 3}, "event", "api_retries_exhausted", 0),
        ("mcp_server_connection", {"status": "failed"}, "event", "mcp_server_connection", 0),
        ("permission_mode_changed", {"to_mode": "plan"}, "event", "permission_mode_changed", 0),
        ("skill_activated", {"skill.name": "pdf"}, "event", "skill_activated", 0),
        ("something_of_tomorrow", {"x": 1}, "event", "something_of_tomorrow", 0),
    ],
)
def test_claude_events(event: str, attributes: dict[str, Any], fact: str, kind: str, part: int) -> None:
    found = claude(event, attributes)
    assert (found.fact, found.kind, found.is_part) == (fact, kind, part)


def test_claude_tool_result() -> None:
    fact = claude("tool_result", {
        "tool_name": "mcp__github__search", "tool_use_id": "toolu_1", "success": "false", "duration_ms": "40",
        "error": "no such repository", "error_type": "ToolError", "tool_input": '{"q": "x"}', "tool_result_size_bytes": 90,
        "tool_parameters": '{"mcp_server_name": "github"}', "decision_type": "accept",
    })  # fmt: skip
    assert (fact.tool_name, fact.tool_call_id, fact.mcp_server, fact.tool_type) == (
        "mcp__github__search",
        "toolu_1",
        "github",
        "mcp",
    )
    assert (fact.failed, fact.error_type, fact.error_message, fact.decision) == (1, "ToolError", "no such repository", "accept")
    assert fact.arguments_hash is not None
    assert fact.arguments_hash == claude("tool_result", {"tool_use_id": "2", "tool_input": '{ "q":"x" }'}).arguments_hash


def test_claude_rate_limit() -> None:
    fact = claude("api_error", {"model": "m", "error": "Overloaded", "status_code": "529", "attempt": 3})
    assert (fact.failed, fact.error_type, fact.status_code, fact.attempt) == (1, "rate_limited", 529, 3)


def test_claude_spans() -> None:
    def kinds(span_type: str, attributes: dict[str, Any] | None = None) -> tuple[str, str, int]:
        fact = span_fact({"span.type": span_type, **(attributes or {})}, name=f"claude_code.{span_type}", resource=CLAUDE)
        return fact.fact, fact.kind, fact.is_part

    assert kinds("interaction", {"user_prompt": "hi"}) == ("user_turn", "user_turn", 0)
    assert kinds("tool", {"tool_name": "Bash", "tool_use_id": "t"}) == ("tool_call", "tool", 0)
    assert kinds("tool.execution", {"tool_use_id": "t", "success": False}) == ("tool_call", "tool", 1)
    assert kinds("tool.blocked_on_user") == ("step", "human", 0)
    assert kinds("hook") == ("step", "hook", 0)
    failed = span_fact({"span.type": "tool.execution", "tool_use_id": "t", "success": False}, resource=CLAUDE)
    assert (failed.failed, failed.tool_call_id) == (1, "t")


def test_redacted_content_is_none() -> None:
    facts = log_facts({"event.name": "user_prompt", "prompt": "<REDACTED>", "session.id": "s"}, resource=CLAUDE)
    assert (facts_of(facts), facts.contents) == ([("user_turn", "user_turn")], [])


def codex(event: str, attributes: dict[str, Any]) -> Facts:
    common = {"event.name": f"codex.{event}", "conversation.id": "c-1", "user.email": "a@b.c", "model": "gpt-5-codex"}
    return log_facts({**common, **attributes}, resource=CODEX)


def test_codex_call_is_the_stream_event_with_counts() -> None:
    facts = codex("sse_event", {
        "event.kind": "response.completed", "input_token_count": "1000", "output_token_count": "50",
        "cached_token_count": "800", "reasoning_token_count": 20, "tool_token_count": 1_050, "duration_ms": 10, "ttft_ms": 5,
    })  # fmt: skip
    [fact] = map(Fact._make, facts.facts)
    assert (fact.fact, fact.session_id, fact.user_id, fact.model) == ("llm_call", "c-1", "a@b.c", "gpt-5-codex")
    assert (fact.input_tokens, fact.output_tokens, fact.cache_read_tokens, fact.reasoning_tokens) == (1_000, 50, 800, 20)
    assert facts.resource_identities == [(0, "codex", "codex_cli_rs", None, None, None, "codex_cli_rs", "dev", None)]
    again = codex("sse_event", {"event.kind": "response.completed", "duration_ms": 10})
    assert again.facts == []


@pytest.mark.parametrize(
    ("event", "attributes", "expected"),
    [
        ("conversation_starts", {"provider_name": "OpenAI"}, [("event", "conversation_starts")]),
        ("user_prompt", {"prompt": "hi"}, [("user_turn", "user_turn")]),
        ("api_request", {"http.response.status_code": "200", "duration_ms": 5}, [("event", "api_request")]),
        ("api_request", {"http.response.status_code": "429", "attempt": 1}, [("event", "attempt")]),
        ("sse_event", {"event.kind": "response.failed", "error.message": "x"}, [("llm_call", "llm")]),
        ("sse_event", {"event.kind": "response.output_text.delta"}, []),
        ("tool_decision", {"call_id": "c", "decision": "approved"}, [("tool_call", "tool")]),
        ("tool_result", {"call_id": "c", "tool_name": "shell", "arguments": "{}", "output": "ok"}, [("tool_call", "tool")]),
        ("turn_cost", {"turn.id": "t", "usage.estimated_usd": 0.3}, [("user_turn", "user_turn")]),
        ("websocket_event", {"duration_ms": 1}, []),
        ("skill_invocation", {"skill.name": "x"}, [("event", "skill_invocation")]),
    ],
)
def test_codex_events(event: str, attributes: dict[str, Any], expected: list[tuple[str, str]]) -> None:
    assert facts_of(codex(event, attributes)) == expected


def test_codex_turn_cost_is_part_of_its_turn() -> None:
    [fact] = map(Fact._make, codex("turn_cost", {"turn.id": "t-1", "usage.estimated_usd": "0.3"}).facts)
    assert (fact.is_part, fact.turn_id, fact.reported_cost, fact.computed_cost) == (1, "t-1", 0.3, None)


def test_codex_spans_are_joined_by_the_logs_of_their_trace() -> None:
    facts = log_facts({"conversation.id": "c-1", "": {"trace": TRACE, "span": b"12345678"}}, resource=CODEX)
    [row] = identities(facts)
    assert (row.trace_id, row.span_id, row.session_id, row.source) == (TRACE.hex(), "3132333435363738", "c-1", "log")
    assert facts.facts == []


def gemini(event: str, attributes: dict[str, Any], prefix: str = "gemini_cli", service: str = "gemini-cli") -> Facts:
    common = {"event.name": f"{prefix}.{event}", "session.id": "g-1", "prompt_id": "p", "installation.id": "i", "model": "m"}
    return log_facts(
        {**common, **attributes, "": {"body": "A call was made. It took a while."}}, resource={"service.name": service}
    )


@pytest.mark.parametrize(("prefix", "service"), [("gemini_cli", "gemini-cli"), ("qwen-code", "qwen-code")])
def test_gemini_and_its_fork(prefix: str, service: str) -> None:
    facts = gemini("api_response", {
        "model": "gemini-2.5-flash", "input_token_count": 1_000, "output_token_count": 50, "cached_content_token_count": 800,
        "thoughts_token_count": 30, "total_token_count": 1_080, "finish_reasons": ["STOP"], "duration_ms": 100,
    }, prefix, service)  # fmt: skip
    [fact] = map(Fact._make, facts.facts)
    assert (fact.fact, fact.session_id, fact.turn_id, fact.user_id) == ("llm_call", "g-1", "p", "i")
    assert (fact.input_tokens, fact.output_tokens, fact.reasoning_tokens, fact.total_tokens) == (1_000, 80, 30, 1_080)
    assert fact.computed_cost is not None


@pytest.mark.parametrize(
    ("event", "attributes", "expected"),
    [
        ("user_prompt", {"prompt": "hi"}, ("user_turn", "user_turn")),
        ("tool_call", {"function_name": "read", "function_args": "{}", "success": True}, ("tool_call", "tool")),
        ("api_request", {"request_text": "hi"}, ("event", "api_request")),
        ("api_error", {"error.message": "x", "status_code": 429}, ("llm_call", "llm")),
        ("agent.start", {"agent_id": "a", "agent_name": "explorer"}, ("agent_run", "agent")),
        ("agent.finish", {"agent_id": "a", "agent_name": "explorer", "duration_ms": 5}, ("agent_run", "agent")),
        ("chat_compression", {"tokens_before": 9, "tokens_after": 3}, ("event", "compaction")),
        ("model_routing", {"decision_model": "m"}, ("event", "model_routing")),
        ("flash_fallback", {}, ("event", "flash_fallback")),
        ("conseca.verdict", {"verdict": "ok"}, ("event", "conseca.verdict")),
    ],
)
def test_gemini_events(event: str, attributes: dict[str, Any], expected: tuple[str, str]) -> None:
    assert facts_of(gemini(event, attributes)) == [expected]


def test_gemini_details() -> None:
    [error] = map(Fact._make, gemini("api_error", {"error.message": "x", "status_code": 429, "duration": 2_000}).facts)
    assert (error.failed, error.error_type, error.duration) == (1, "rate_limited", 2_000_000_000)
    [tool] = map(Fact._make, gemini("tool_call", {"function_name": "read", "mcp_server_name": "fs", "tool_type": "mcp"}).facts)
    assert (tool.tool_name, tool.mcp_server, tool.tool_type) == ("read", "fs", "mcp")
    [start] = map(Fact._make, gemini("agent.start", {"agent_id": "a", "agent_name": "explorer"}).facts)
    [finish] = map(Fact._make, gemini("agent.finish", {"agent_id": "a", "agent_name": "explorer", "duration_ms": 5}).facts)
    assert (start.is_open, finish.is_open, start.agent_id, start.agent_name) == (1, 0, "a", "explorer")
    asked = {"event.name": "gen_ai.client.inference.operation.details", "gen_ai.operation.name": "chat"}
    assert log_facts(asked, resource=GEMINI).facts == []
    twin = log_fact({**asked, "gen_ai.response.id": "r-1"}, resource=GEMINI)
    [call] = map(Fact._make, gemini("api_response", {"input_token_count": 1}).facts)
    assert (twin.fact, twin.origin != call.origin, twin.rank < call.rank) == ("llm_call", True, True)


def test_gemini_spans() -> None:
    attributes = {
        "gen_ai.operation.name": "tool_call", "gen_ai.tool.name": "read", "gen_ai.tool.call_id": "t-1",
        "gen_ai.agent.name": "gemini-cli", "gen_ai.conversation.id": "g-1",
    }  # fmt: skip
    facts = span_facts(attributes, resource=GEMINI)
    [fact] = map(Fact._make, facts.facts)
    assert (fact.fact, fact.tool_call_id, fact.agent_name, fact.parent_agent) == ("tool_call", "t-1", "gemini-cli", None)
    assert facts.resource_identities[0][1:5] == ("gemini-cli", "gemini-cli", None, "resource-session")


def test_qwen_subagent_span() -> None:
    attributes = {"qwen-code.subagent.id": "q", "qwen-code.subagent.name": "tester", "qwen-code.subagent.parent_agent_id": "root"}
    fact = span_fact(attributes, name="qwen-code.subagent", resource={"service.name": "qwen-code"})
    assert (fact.fact, fact.agent_name, fact.agent_id, fact.parent_agent) == ("agent_run", "tester", "q", "root")


@pytest.mark.parametrize("service", ["copilot-chat", "github-copilot"])
def test_copilot(service: str) -> None:
    resource = {"service.name": service, "session.id": "window"}
    common = {"gen_ai.provider.name": "github", "gen_ai.conversation.id": "c", "gen_ai.agent.name": "copilot"}
    run = {"gen_ai.operation.name": "invoke_agent", "github.copilot.cost": 2, "gen_ai.usage.input_tokens": 9}
    agent = span_fact({**common, **run}, resource=resource)
    call = span_fact({**common, "gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt-4o",
                      "gen_ai.usage.input_tokens": 1_200, "gen_ai.usage.output_tokens": 350,
                      "copilot_chat.time_to_first_token": 400, "github.copilot.turn_id": "4"}, resource=resource)  # fmt: skip
    assert (agent.fact, agent.credits, agent.input_tokens) == ("agent_run", 2.0, 9)
    assert (call.provider, call.turn_id, call.time_to_first_token, call.session_id) == ("openai", "4", 0.4, "c")
    assert call.computed_cost == pytest.approx(0.0065)
    assert facts_of(log_facts({"event.name": "copilot_chat.edit.feedback"}, resource=resource)) == [("event", "edit.feedback")]
    hook = span_fact({"gen_ai.operation.name": "execute_hook"}, resource=resource)
    assert (hook.fact, hook.kind) == ("step", "hook")


@pytest.mark.parametrize(
    ("event", "attributes", "expected"),
    [
        ("api_request", {"model": "grok-4", "input_tokens": 5, "output_tokens": 1, "cost_usd_micros": 9}, ("llm_call", "llm", 0)),
        ("user_prompt", {}, ("user_turn", "user_turn", 0)),
        ("turn_completed", {"turn_number": 3}, ("user_turn", "user_turn", 0)),
        ("tool_result", {"tool_use_id": "t", "success": True}, ("tool_call", "tool", 0)),
        ("subagent", {"phase": "start", "subagent_type": "x"}, ("agent_run", "agent", 1)),
        ("subagent", {"phase": "end", "subagent_type": "x"}, ("agent_run", "agent", 0)),
        ("compaction", {"tokens_before": 9}, ("event", "compaction", 0)),
        ("model_switched", {}, ("event", "model_switched", 0)),
    ],
)
def test_grok(event: str, attributes: dict[str, Any], expected: tuple[str, str, int]) -> None:
    fact = log_fact({"prompt.id": "p", **attributes}, event=f"grok_code.{event}", scope="ai.xai.grok_code.events")
    assert (fact.fact, fact.kind, fact.is_open) == expected


def test_opencode_and_goose() -> None:
    opencode = span_fact(
        {"session.id": "o", "cost_usd": 0.2, "gen_ai.usage.cache_read_tokens": 5, "gen_ai.request.model": "gpt-4o"},
        name="gen_ai.chat", resource={"service.name": "opencode"},
    )  # fmt: skip
    assert (opencode.fact, opencode.session_id, opencode.reported_cost, opencode.cache_read_tokens) == ("llm_call", "o", 0.2, 5)
    goose = log_fact({"session.id": "g"}, event="goose.session_started", resource={"service.name": "goose"})
    assert (goose.fact, goose.session_id) == ("event", "g")


def test_cline_and_openclaw() -> None:
    error = log_fact({"model": "m"}, event="task.provider_api_error", resource={"service.name": "cline"})
    assert (error.fact, error.failed) == ("llm_call", 1)
    created = log_fact({"ulid": "t"}, event="task.created", resource={"service.name": "cline"})
    assert (created.fact, created.kind) == ("event", "task.created")
    run = span_fact(
        {"gen_ai.conversation.id": "h", "gen_ai.usage.input_tokens": 5}, resource={"service.name": "openclaw-gateway"}
    )
    assert (run.fact, run.session_id) == ("step", "h")


@pytest.mark.parametrize("prefix", ["newfork", "newfork_code", "newfork_cli", "new-fork"])
def test_an_unknown_fork_is_read_by_its_pattern(prefix: str) -> None:
    resource = {"service.name": "newfork"}
    attributes = {"session.id": "n", "model": "claude-sonnet-4-5", "input_tokens": 5, "output_tokens": 7, "request_id": "r"}
    fact = log_fact(attributes, event=f"{prefix}.api_request", resource=resource)
    assert (fact.fact, fact.total_tokens, fact.response_id, fact.session_id) == ("llm_call", 12, "r", "n")
    for event, kind in (
        ("api_response", "llm_call"), ("api_error", "llm_call"), ("user_prompt", "user_turn"), ("tool_result", "tool_call"),
        ("tool_call", "tool_call"), ("tool_decision", "tool_call"), ("subagent_completed", "agent_run"), ("compaction", "event"),
    ):  # fmt: skip
        assert log_fact({"session.id": "n"}, event=f"{prefix}.{event}", resource=resource).fact == kind


def test_the_name_may_be_the_body() -> None:
    fact = log_fact({"session.id": "n", "model": "m", "input_tokens": 5}, body="newfork.api_request")
    assert (fact.fact, fact.origin) == ("llm_call", "api_request")


def test_other_peoples_events_are_no_facts() -> None:
    for name in ("order.created", "app.login", "api_request", "exception", "device.app.lifecycle"):
        assert log_facts({"x": 1, "": {"event": name}}).facts == []
    assert log_facts({"x": 1, "": {"body": "all went well. truly."}}).facts == []


def test_cylestio_halves() -> None:
    pair = {"cylestio.pair.family": "llm", "cylestio.pair.key": "k", "session.id": "s", "gen_ai.agent.name": "bot"}
    call = {**pair, "gen_ai.operation.name": "chat", "gen_ai.request.model": "claude-sonnet-4-5"}
    start = log_fact({**call, "cylestio.pair.role": "start"}, event="llm.call.start", trace=TRACE, span=b"12345678")
    finish = log_fact({**call, "cylestio.pair.role": "finish", "gen_ai.usage.input_tokens": 310, "duration_ms": 1_250},
                      event="llm.call.finish", trace=TRACE, span=b"12345678")  # fmt: skip
    assert (start.fact, start.is_open, finish.is_open, start.pair_key) == ("llm_call", 1, 0, finish.pair_key)
    assert (finish.input_tokens, finish.duration, finish.agent_name) == (310, 1_250_000_000, "bot")
    failed = log_fact({**call, "cylestio.pair.role": "finish", "error.type": "APITimeoutError"}, event="llm.call.error")
    assert (failed.failed, failed.error_type) == (1, "APITimeoutError")
    alert = log_fact({"security.category": "injection", "session.id": "s"}, event="security.content.dangerous")
    assert (alert.fact, alert.kind, alert.details) == ("event", "security", '{"security.category":"injection"}')


def test_evaluation() -> None:
    fact = log_fact({
        "gen_ai.evaluation.name": "relevance", "gen_ai.evaluation.score.value": 0.8, "gen_ai.evaluation.score.label": "good",
        "gen_ai.evaluation.explanation": "it answers", "gen_ai.response.id": "r",
    }, event="gen_ai.evaluation.result", trace=TRACE, span=b"12345678")  # fmt: skip
    assert (fact.fact, fact.kind, fact.response_id, fact.span_id) == ("event", "evaluation", "r", "3132333435363738")
    assert fact.details is not None
    assert '"gen_ai.evaluation.score.value":0.8' in fact.details


def test_exception_event_fails_its_call() -> None:
    fact = log_fact({"exception.type": "openai.RateLimitError", "exception.message": "slow down"},
                    event="gen_ai.client.operation.exception", trace=TRACE, span=b"12345678")  # fmt: skip
    assert (fact.fact, fact.is_part, fact.error_type, fact.error_message) == ("llm_call", 1, "rate_limited", "slow down")


CLIENT_METRICS = [
    ("claude_code.token.usage", {"type": "cacheRead", "model": "m"}, "tokens", "cache_read"),
    ("claude_code.token.usage", {"type": "cacheCreation"}, "tokens", "cache_write"),
    ("claude_code.token.usage", {"type": "input"}, "tokens", "input"),
    ("claude_code.cost.usage", {"model": "m"}, "cost_usd", None),
    ("claude_code.session.count", {"start_type": "fresh"}, "sessions", None),
    ("claude_code.lines_of_code.count", {"type": "added"}, "lines", "added"),
    ("claude_code.commit.count", {}, "commits", None),
    ("claude_code.pull_request.count", {}, "pull_requests", None),
    ("claude_code.active_time.total", {"type": "cli"}, "active_seconds", "cli"),
    ("claude_code.code_edit_tool.decision", {"decision": "accept", "tool_name": "Edit"}, "decisions", "accept"),
    ("gemini_cli.token.usage", {"type": "thought"}, "tokens", "reasoning"),
    ("gemini_cli.token.usage", {"type": "cache"}, "tokens", "cache_read"),
    ("gemini_cli.tool.call.count", {"function_name": "read"}, "tool_calls", None),
    ("gemini_cli.api.request.count", {"model": "m"}, "llm_calls", None),
    ("gemini_cli.lines.changed", {"type": "removed"}, "lines", "removed"),
    ("qwen-code.token.usage", {"type": "output"}, "tokens", "output"),
    ("grok_code.token.usage", {"type": "input"}, "tokens", "input"),
    ("opencode.token.usage", {"type": "input"}, "tokens", "input"),
    ("opencode.lines_of_code.total", {"type": "added"}, "lines", "added"),
    ("codex.turn.cost_microusd", {"turn.id": "t", "conversation.id": "c"}, "cost_usd", None),
    ("codex.thread.started", {}, "sessions", None),
    ("cline.tokens.input.total", {}, "tokens", "input"),
    ("cline.cost.total", {}, "cost_usd", None),
    ("openclaw.tokens", {"openclaw.token": "output", "openclaw.agent": "main"}, "tokens", "output"),
    ("newfork.token.usage", {"type": "input"}, "tokens", "input"),
    ("newfork.cost.usage", {}, "cost_usd", None),
    ("newfork.session.count", {}, "sessions", None),
    ("newfork.lines_of_code.count", {"type": "added"}, "lines", "added"),
    ("gen_ai.client.inference.usage.input_tokens", {"gen_ai.request.model": "m"}, "tokens", "input"),
    ("gen_ai.usage.cost", {"gen_ai.request.model": "m"}, "cost_usd", None),
]  # fmt: skip


@pytest.mark.parametrize(("name", "attributes", "measure", "type_"), CLIENT_METRICS)
@pytest.mark.parametrize(("temporality", "called"), [(1, "delta"), (2, "cumulative")])
def test_counters(name: str, attributes: dict[str, Any], measure: str, type_: str | None, temporality: int, called: str) -> None:
    [row] = usages(name, [(attributes, 2_000_000.0)], temporality)
    assert (row.metric, row.measure, row.type, row.temporality) == (name, measure, type_, called)
    assert row.value == (2.0 if name == "codex.turn.cost_microusd" else 2_000_000.0)
    assert row.start_time < row.time


@pytest.mark.parametrize(
    ("name", "attributes", "type_", "family"),
    [
        ("gen_ai.client.token.usage", {"gen_ai.token.type": "input", "gen_ai.request.model": "m"}, "input", "semconv_histogram"),
        ("gen_ai.client.inference.operation.output_tokens", {}, "output", "semconv_histogram"),
        ("codex.turn.token_usage", {"token_type": "cached_input"}, "cache_read", "client"),
    ],
)
def test_histograms(name: str, attributes: dict[str, Any], type_: str, family: str) -> None:
    [row] = usages(name, [(attributes, 90.0)], histogram=True)
    assert (row.measure, row.type, row.family, row.value) == ("tokens", type_, family, 90.0)


def test_usage_says_whose_it_is() -> None:
    attributes = {
        "type": "input",
        "session.id": "s",
        "user.email": "a@b.c",
        "user.id": "d",
        "model": "m",
        "agent.name": "reviewer",
    }
    [row] = usages("claude_code.token.usage", [(attributes, 5.0)], resource=CLAUDE)
    assert (row.agent_name, row.session_id, row.user_id, row.model) == ("reviewer", "s", "d", "m")
    [bare] = usages("claude_code.token.usage", [({"type": "input"}, 5.0)], resource=CLAUDE)
    assert bare.agent_name is None  # the resource says it


@pytest.mark.parametrize(
    "name", ["http.server.request.duration", "process.memory", "db.token.usage", "gen_ai.client.operation.duration"]
)
def test_other_metrics_are_none_of_it(name: str) -> None:
    assert usages(name, [({}, 5.0)]) == []


def test_prompts_and_answers_of_clients_are_content() -> None:
    prompt = log_facts({"event.name": "user_prompt", "prompt": "fix it", "session.id": "s"}, resource=CLAUDE)
    assert said(prompt) == [("input", "user", "text", "fix it")]
    answer = log_facts({"event.name": "assistant_response", "response": "done", "request_id": "r"}, resource=CLAUDE)
    assert said(answer) == [("output", "assistant", "text", "done")]
    result = codex("tool_result", {"call_id": "c", "tool_name": "shell", "arguments": '{"cmd":"ls"}', "output": "a.py"})
    assert said(result) == [("arguments", None, "json", '{"cmd":"ls"}'), ("result", None, "text", "a.py")]
