"""Which attributes hold content: prompts, answers, tool arguments and results, documents; and in what order they are asked.

Each entry is (direction, keys): of one direction the first key that has content has the word. `kinds` limits an entry to the
kinds that it means something on: `input.value` of a tool is its arguments, of a model call the prompt.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable


class ContentSource(NamedTuple):
    direction: str
    keys: tuple[str, ...]
    kinds: tuple[str, ...] = ()
    not_kinds: tuple[str, ...] = ()


ARGUMENT_KEYS: Final = (
    "gen_ai.tool.call.arguments", "tool_arguments", "gen_ai.tool.input", "ai.toolCall.args", "tool.parameters",
    "traceloop.entity.input", "gcp.vertex.agent.tool_call_args", "mcp.request.argument", "tool_input", "tool_parameters",
    "function_args", "arguments", "input.value", "langfuse.observation.input", "lmnr.span.input",
)  # fmt: skip
RESULT_KEYS: Final = (
    "gen_ai.tool.call.result", "tool_response", "gen_ai.tool.output", "ai.toolCall.result", "tool.result",
    "traceloop.entity.output", "gcp.vertex.agent.tool_response", "mcp.response.value", "output", "output.value",
    "langfuse.observation.output", "lmnr.span.output",
)  # fmt: skip
INPUT_KEYS: Final = (
    "gen_ai.input.messages", "input.value", "llm.input_messages", "gen_ai.prompt", "langfuse.observation.input",
    "traceloop.entity.input", "ai.prompt.messages", "ai.prompt", "pydantic_ai.all_messages", "all_messages_events",
    "gcp.vertex.agent.llm_request", "lmnr.span.input", "llm.request.data", "request_text", "crewai.crew.inputs",
)  # fmt: skip
OUTPUT_KEYS: Final = (
    "gen_ai.output.messages", "output.value", "llm.output_messages", "gen_ai.completion", "langfuse.observation.output",
    "traceloop.entity.output", "ai.response.text", "ai.response.object", "ai.response.toolCalls", "final_result",
    "gcp.vertex.agent.llm_response", "lmnr.span.output", "llm.response.content", "response", "response_text",
    "crewai.crew.output",
)  # fmt: skip
SYSTEM_KEYS: Final = ("gen_ai.system_instructions", "system_prompt")
TOOLS_KEYS: Final = ("gen_ai.tool.definitions", "ai.prompt.tools", "llm.tools")
QUERY_KEYS: Final = ("gen_ai.retrieval.query.text", "gen_ai.memory.query.text", "input.value", "traceloop.entity.input")
DOCUMENT_KEYS: Final = (
    "gen_ai.retrieval.documents", "gen_ai.memory.records", "retrieval.documents", "output.value", "traceloop.entity.output",
)  # fmt: skip
PROMPT_KEYS: Final = ("user_prompt", "prompt", "prompt_text", "gen_ai.input.messages")
BODY_KEYS: Final = ("body",)

_RETRIEVERS: Final = ("retriever", "reranker", "memory")
_TOOL: Final = ("tool", "tool_execution")
_TURN: Final = ("user_turn",)
CONTENT_SOURCES: Final = (
    ContentSource("arguments", ARGUMENT_KEYS, _TOOL),
    ContentSource("result", RESULT_KEYS, _TOOL),
    ContentSource("query", QUERY_KEYS, _RETRIEVERS),
    ContentSource("documents", DOCUMENT_KEYS, _RETRIEVERS),
    ContentSource("input", PROMPT_KEYS, _TURN),
    ContentSource("system", SYSTEM_KEYS),
    ContentSource("tools", TOOLS_KEYS),
    ContentSource("input", INPUT_KEYS, not_kinds=(*_TOOL, *_RETRIEVERS)),
    ContentSource("output", OUTPUT_KEYS, not_kinds=(*_TOOL, *_RETRIEVERS)),
)

# Lists that are flattened into keys: <prefix>.<number>.<rest>. Those named with a dot behind are only ever so.
FLATTENED: Final = ("llm.input_messages", "llm.output_messages", "gen_ai.prompt", "gen_ai.completion", "llm.tools",
                    "retrieval.documents")  # fmt: skip
_FLATTENED_PREFIXES: Final = tuple(f"{prefix}." for prefix in FLATTENED)
# Keys below gen_ai.prompt. that are names, not content.
_NOT_FLATTENED: Final = frozenset(("gen_ai.prompt.name", "gen_ai.prompt.version"))
# Bare names mean content on an agent's records only, where another key has made the record known.
_BARE: Final = frozenset((
    "output", "response", "body", "prompt", "arguments", "user_prompt", "prompt_text", "system_prompt", "tool_input",
    "tool_parameters", "tool_arguments", "tool_response", "function_args", "request_text", "response_text", "final_result",
    "input.value", "output.value",
))  # fmt: skip
ALL_KEYS: Final = frozenset((
    *ARGUMENT_KEYS, *RESULT_KEYS, *INPUT_KEYS, *OUTPUT_KEYS, *SYSTEM_KEYS, *TOOLS_KEYS, *QUERY_KEYS, *DOCUMENT_KEYS,
    *PROMPT_KEYS, *BODY_KEYS,
))  # fmt: skip


def is_content_key(key: str) -> bool:
    return key in ALL_KEYS or (key.startswith(_FLATTENED_PREFIXES) and key not in _NOT_FLATTENED)


# Other names by which a record is an agent's.
_AGENT_PREFIXES: Final = (
    "gen_ai.", "llm.", "openinference.", "langfuse.", "traceloop.", "ai.", "langsmith.", "lmnr.", "agentops.", "crewai.",
    "gcp.vertex.agent.", "mcp.", "github.copilot.", "session.id", "conversation.id", "prompt_id", "prompt.id", "tool_name",
    "tool_use_id", "call_id", "span.type", "cylestio.",
)  # fmt: skip


def has_content(keys: Iterable[str]) -> bool:
    """Whether a record of these keys is an agent's, so that its bare names (`output`, `body`, `prompt`) are content."""
    return any(key not in _BARE and (is_content_key(key) or key.startswith(_AGENT_PREFIXES)) for key in keys)


def makes_known(key: str) -> bool:
    """Content under this key is an agent's, whatever else the record holds."""
    return key not in _BARE and is_content_key(key)
