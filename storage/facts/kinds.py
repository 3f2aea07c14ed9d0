"""What kind of thing a span is: the canonical kind, and the fact that a kind makes.

The first source that knows wins, in the order of KIND_SOURCES; a value that nobody knows is passed over.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

# What the tables below answer → (fact, canonical kind). All else is a step of its own kind. One step of an agent's loop is no
# run; the inner span of a coding agent's tool is part of the tool call.
FACT_OF_KIND: Final[Mapping[str, tuple[str, str]]] = {
    "llm": ("llm_call", "llm"),
    "embedding": ("llm_call", "embedding"),
    "cached": ("llm_call", "cached"),
    "tool": ("tool_call", "tool"),
    "tool_execution": ("tool_call", "tool"),
    "agent": ("agent_run", "agent"),
    "agent_step": ("step", "agent"),
    "user_turn": ("user_turn", "user_turn"),
}

_OPERATIONS: Final = {
    **dict.fromkeys(
        ("chat", "generate_content", "text_completion", "completion", "generate", "llm_call", "fetch_response"), "llm"
    ),
    **dict.fromkeys(("embeddings", "embedding"), "embedding"),
    **dict.fromkeys(("retrieval", "search_memory"), "retriever"),
    **dict.fromkeys(("invoke_agent", "agent_call"), "agent"),
    "agent_step": "agent_step",
    "create_agent": "agent_created",
    **dict.fromkeys(("execute_tool", "tool_call"), "tool"),
    "invoke_workflow": "workflow",
    **dict.fromkeys(("execute_task", "execute_method", "plan", "schedule_tool_calls", "system_prompt"), "chain"),
    **dict.fromkeys(
        ("create_memory", "update_memory", "upsert_memory", "delete_memory", "create_memory_store", "delete_memory_store"),
        "memory",
    ),
    "user_prompt": "user_turn",
    "execute_hook": "hook",
    "handoff": "handoff",
}
_OPENINFERENCE: Final = {
    "LLM": "llm", "EMBEDDING": "embedding", "AGENT": "agent", "TOOL": "tool", "CHAIN": "chain", "RETRIEVER": "retriever",
    "RERANKER": "reranker", "GUARDRAIL": "guardrail", "EVALUATOR": "evaluator", "PROMPT": "chain", "DECISION": "chain",
}  # fmt: skip
_LANGFUSE: Final = {
    "span": "chain", "generation": "llm", "embedding": "embedding", "agent": "agent", "tool": "tool", "chain": "chain",
    "retriever": "retriever", "guardrail": "guardrail", "evaluator": "evaluator", "event": "event",
}  # fmt: skip
_SPAN_TYPES: Final = {
    "interaction": "user_turn", "llm_request": "llm", "tool": "tool", "tool.execution": "tool_execution",
    "tool.blocked_on_user": "human", "hook": "hook", "subagent": "agent", "agent": "agent", "llm": "llm", "workflow": "workflow",
    "retriever": "retriever", "memory": "memory", "embedding": "embedding", "guardrail": "guardrail", "evaluator": "evaluator",
}  # fmt: skip
_VERCEL_OUTER: Final = ("ai.generateText", "ai.streamText", "ai.generateObject", "ai.streamObject")

# Sources whose values are looked up as they are; (key, {value: kind}).
KIND_SOURCES: Final[tuple[tuple[str, Mapping[str, str]], ...]] = (
    ("langfuse.observation.type", _LANGFUSE),
    ("openinference.span.kind", _OPENINFERENCE),
    ("gen_ai.operation.name", _OPERATIONS),
    ("traceloop.span.kind", {"workflow": "workflow", "task": "chain", "agent": "agent", "tool": "tool"}),
    ("span.type", _SPAN_TYPES),
    ("ai.operationId", {}),
    ("langsmith.span.kind", {
        "llm": "llm", "tool": "tool", "chain": "chain", "retriever": "retriever", "embedding": "embedding", "prompt": "chain",
        "parser": "chain",
    }),
    ("lmnr.span.type", {
        "LLM": "llm", "CACHED": "cached", "TOOL": "tool", "EXECUTOR": "chain", "EVALUATOR": "evaluator",
        "EVALUATION": "evaluator", "HUMAN_EVALUATOR": "evaluator",
    }),
    ("agentops.span.kind", {
        "session": "workflow", "workflow": "workflow", "agent": "agent", "task": "chain", "operation": "chain", "tool": "tool",
        "llm": "llm", "chain": "chain", "guardrail": "guardrail",
    }),
    ("ag2.span.type", {"agent": "agent", "llm": "llm", "tool": "tool", "human_input": "human", "task": "chain"}),
    ("mastra.span.type", {
        "agent_run": "agent", "model_generation": "llm", "llm_generation": "llm", "tool_call": "tool", "mcp_tool_call": "tool",
        "workflow_run": "workflow", "workflow_step": "chain", "processor_run": "chain", "generic": "chain",
    }),
    ("gen_ai.request.type", {"chat": "llm", "completion": "llm", "embedding": "embedding", "rerank": "reranker"}),
    ("llm.request.type", {"chat": "llm", "completion": "llm", "embedding": "embedding", "rerank": "reranker"}),
    ("mcp.method.name", {"tools/call": "tool"}),
)  # fmt: skip

TOOL_KEYS: Final = frozenset(("gen_ai.tool.name", "gen_ai.tool.call.id"))
MODEL_KEYS: Final = frozenset((
    "gen_ai.response.model", "langfuse.observation.model.name", "llm.response.model_name", "ai.response.model",
    "llm.model_name", "gen_ai.request.model", "llm.request.model_name", "ai.model.id",
))  # fmt: skip
EMBEDDING_KEYS: Final = frozenset(("embedding.model_name",))
RERANKER_KEYS: Final = frozenset(("reranker.model_name",))
_NAME_PREFIXES: Final = (
    ("chat ", "llm"), ("execute_tool ", "tool"), ("invoke_agent ", "agent"), ("agent run", "agent"), ("running tool", "tool"),
    ("llm.call", "llm"),
)  # fmt: skip
# Spans of the coding agents that carry the same types behind their own prefix.
_PREFIXES: Final = ("claude_code.", "qwen-code.")


def kind_of_value(key: str, value: Any) -> str | None:
    """The kind that one of KIND_SOURCES says, None when its value is unknown."""
    if not isinstance(value, str):
        return None
    table = _TABLES[key]
    found = table.get(value)
    if found is None and (guess := _GUESSES.get(key)) is not None:
        return guess(value)
    return table.get(value.lower()) if found is None else found


def _memory(operation: str) -> str | None:
    return "memory" if "_memory" in operation else None


def _vercel(operation: str) -> str | None:
    if operation.endswith((".doGenerate", ".doStream")):
        return "llm"
    if operation.endswith(".doEmbed"):
        return "embedding"
    if operation == "ai.toolCall":
        return "tool"
    if operation.startswith(_VERCEL_OUTER):
        return "vercel_outer"
    return "chain" if operation.startswith("ai.") else None


def kind_of_name(name: str) -> str | None:
    """The kind that a span's name tells, as the last resort."""
    for prefix, kind in _NAME_PREFIXES:
        if name.startswith(prefix):
            return kind
    if name.startswith(_PREFIXES):
        return _SPAN_TYPES.get(name.split(".", 1)[1])
    return "agent" if name == "invoke_agent" else None


def _prefixed_span_type(value: str) -> str | None:
    return _SPAN_TYPES.get(value.split(".", 1)[1]) if value.startswith(_PREFIXES) else None


_TABLES: Final[Mapping[str, Mapping[str, str]]] = dict(KIND_SOURCES)
# Sources whose values have more forms than a table can hold.
_GUESSES: Final[Mapping[str, Callable[[str], str | None]]] = {
    "ai.operationId": _vercel,
    "span.type": _prefixed_span_type,
    "openinference.span.kind": lambda value: _OPENINFERENCE.get(value.upper()),
    "agentops.span.kind": lambda value: _TABLES["agentops.span.kind"].get(value.removeprefix("AgentOpsSpanKindValues.").lower()),
    "gen_ai.operation.name": _memory,
}
