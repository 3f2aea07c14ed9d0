"""Coding agents that report by themselves: who they are, and what each of their log events says.

Known clients go by service name, scope or the prefix of their events. Unknown ones go by pattern: any event that is named
`<word>.api_request`, `<word>_code.tool_result` and so on is read with the same keys, which covers forks as they appear.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

_SERVICES: Final = {
    "claude-code": "claude-code", "gemini-cli": "gemini-cli", "qwen-code": "qwen-code", "copilot-chat": "copilot-chat",
    "github-copilot": "github-copilot", "grok": "grok", "grok-code": "grok", "grok-build": "grok", "opencode": "opencode",
    "goose": "goose", "cline": "cline", "openclaw": "openclaw", "openclaw-gateway": "openclaw", "codex_cli_rs": "codex",
    "codex_exec": "codex", "codex_tui": "codex", "codex-app-server": "codex", "codex desktop": "codex", "codex_vscode": "codex",
}  # fmt: skip
_SCOPES: Final = (
    ("com.anthropic.claude_code", "claude-code"), ("ai.xai.grok_code", "grok"), ("gemini-cli", "gemini-cli"),
)  # fmt: skip
_EVENT_PREFIXES: Final = {
    "claude_code": "claude-code", "codex": "codex", "gemini_cli": "gemini-cli", "qwen-code": "qwen-code",
    "qwen_code": "qwen-code", "grok_code": "grok", "copilot_chat": "copilot-chat", "opencode": "opencode", "goose": "goose",
    "cline": "cline", "openclaw": "openclaw",
}  # fmt: skip
# Input without cached tokens (the others include them).
EXCLUSIVE_INPUT: Final = frozenset(("claude-code",))


class EventRule(NamedTuple):
    """What an event is. `is_part`, `is_open`, `failed` as in a fact."""

    fact: str
    kind: str
    is_part: int = 0
    is_open: int = 0
    failed: bool = False


_CALL: Final = EventRule("llm_call", "llm")
_CALL_PART: Final = EventRule("llm_call", "llm", is_part=1)
_TOOL: Final = EventRule("tool_call", "tool")
_TURN: Final = EventRule("user_turn", "user_turn")

# Events of any client, known or not.
GENERIC_EVENTS: Final[Mapping[str, EventRule]] = {
    "api_request": _CALL,
    "api_response": _CALL,
    "api_error": EventRule("llm_call", "llm", failed=True),
    "user_prompt": _TURN,
    "tool_result": _TOOL,
    "tool_call": _TOOL,
    "tool_decision": EventRule("tool_call", "tool", is_part=1),
    "assistant_response": _CALL_PART,
    "subagent_completed": EventRule("agent_run", "agent"),
    "compaction": EventRule("event", "compaction"),
}
# Events that mean this with a known client only.
CLIENT_EVENTS: Final[Mapping[str, EventRule]] = {
    "api_request_body": _CALL_PART,
    "api_response_body": _CALL_PART,
    "api_refusal": _CALL_PART,
    "sse_event": _CALL,
    "turn_cost": EventRule("user_turn", "user_turn", is_part=1),
    "turn_completed": EventRule("user_turn", "user_turn", is_part=1),
    "agent.start": EventRule("agent_run", "agent", is_open=1),
    "agent.finish": EventRule("agent_run", "agent"),
    "subagent": EventRule("agent_run", "agent"),
    "chat_compression": EventRule("event", "compaction"),
    "task.provider_api_error": EventRule("llm_call", "llm", failed=True),
}
# Only noise for the questions that are asked: one record per frame of a stream, hooks that start.
_IGNORED: Final = frozenset(("websocket_event", "hook_registered", "hook_execution_start", "startup_phase"))
_REST: Final = re.compile(r"[A-Za-z][\w-]*\.([A-Za-z][\w.-]*)")
_IDENTIFIER: Final = re.compile(r"[A-Za-z][\w-]*(\.[A-Za-z][\w-]*){1,4}")
LONGEST_NAME: Final = 100


class Named(NamedTuple):
    """An event's name without its prefix, and the client that the prefix names."""

    name: str
    client: str | None


@lru_cache(maxsize=4_096)
def client_of(service: str | None, scope: str | None) -> str | None:
    """The coding agent that a resource and scope belong to; None for everything else."""
    if service is not None and (found := _SERVICES.get(service.lower())):
        return found
    if scope is not None:
        return next((client for prefix, client in _SCOPES if scope.startswith(prefix)), None)
    return None


def full_name(event_name: str | None, body: str | None) -> str | None:
    """An event's name with its prefix. Some put it in the body, with or without a bare name beside it."""
    is_name = body is not None and len(body) <= LONGEST_NAME and _IDENTIFIER.fullmatch(body) is not None
    if is_name and body is not None and (event_name is None or body.endswith(f".{event_name}")):
        return body
    return event_name


@lru_cache(maxsize=4_096)
def named(name: str, client: str | None) -> Named | None:
    """The event behind a full name, when it is an agent's; None for any other."""
    if len(name) > LONGEST_NAME:
        return None
    head, dot, rest = name.partition(".")
    if dot and (prefix := _EVENT_PREFIXES.get(head)):
        return None if rest in _IGNORED else Named(rest, prefix)
    if name in _IGNORED or name.startswith("gen_ai."):
        return None
    if client is not None:
        return Named(name, client)
    if name in GENERIC_EVENTS:
        return Named(name, None)
    found = _REST.fullmatch(name)
    return Named(found[1], None) if found and found[1] in GENERIC_EVENTS else None


def rule_of(event: Named, attributes: Mapping[str, Any]) -> EventRule | None:
    """What the event says; None for one that says nothing."""
    name, client = event
    rule = GENERIC_EVENTS.get(name) or (CLIENT_EVENTS.get(name) if client is not None else None)
    if rule is None:
        return None if client is None else EventRule("event", name)
    if client == "codex":
        return _codex_rule(name, rule, attributes)
    if name == "api_request" and client != "grok" and not _has_usage(attributes):
        return rule if client not in {"gemini-cli", "qwen-code"} and _is_call(attributes) else EventRule("event", name)
    if rule is _CALL_PART and "request_id" not in attributes:
        return EventRule("event", name)
    if name == "subagent" and str(attributes.get("phase")) in {"start", "started", "spawn"}:
        return EventRule("agent_run", "agent", is_open=1)
    return rule


def _codex_rule(name: str, rule: EventRule, attributes: Mapping[str, Any]) -> EventRule | None:
    """A call is told by its last stream event, with counts; one without counts is the same call again.

    A request that failed is an attempt, tried again within the one call.
    """
    failed = "error.message" in attributes
    if name == "sse_event":
        if "input_token_count" in attributes or "output_token_count" in attributes:
            return rule
        return EventRule("llm_call", "llm", failed=True) if failed else None
    if name == "api_request":
        status = str(attributes.get("http.response.status_code", ""))
        failed = failed or status[:1] in {"4", "5"}
        return EventRule("event", "attempt", failed=True) if failed else EventRule("event", name)
    return rule


def _has_usage(attributes: Mapping[str, Any]) -> bool:
    return any(key in attributes for key in ("input_tokens", "output_tokens", "input_token_count", "cost_usd", "cost_usd_micros"))


def _is_call(attributes: Mapping[str, Any]) -> bool:
    return "model" in attributes and ("duration_ms" in attributes or "request_id" in attributes)


_CYLESTIO: Final[Mapping[str, EventRule]] = {
    "llm.call.start": EventRule("llm_call", "llm", is_open=1),
    "llm.call.finish": _CALL,
    "llm.call.end": _CALL,
    "llm.call.error": EventRule("llm_call", "llm", failed=True),
    "llm.request": EventRule("llm_call", "llm", is_open=1),
    "llm.response": _CALL,
    "llm.error": EventRule("llm_call", "llm", failed=True),
    "tool.execution": EventRule("tool_call", "tool", is_open=1),
    "tool.start": EventRule("tool_call", "tool", is_open=1),
    "tool.result": _TOOL,
    "tool.end": _TOOL,
    "tool.error": EventRule("tool_call", "tool", failed=True),
    "agent.invoke.start": EventRule("agent_run", "agent", is_open=1),
    "agent.invoke.end": EventRule("agent_run", "agent"),
    "agent.invoke.error": EventRule("agent_run", "agent", failed=True),
}


def cylestio_rule(name: str, attributes: Mapping[str, Any]) -> EventRule | None:
    """Events of Cylestio's monitor that came as plain log records; they name their agent and session."""
    if "agent_id" not in attributes or "session.id" not in attributes:
        return None
    return _CYLESTIO.get(name)
