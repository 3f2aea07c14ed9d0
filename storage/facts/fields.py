"""Which attribute says what: canonical field ← sources, the first one that has a value wins.

Conventions of three generations, a dozen frameworks and the coding agents, as data. Sources marked `client` are bare names
(`model`, `input_tokens`, `request_id`) that mean this only on the records of agents, which storage.facts.coding_agents
recognises; elsewhere they may be anything. Sources with `kinds` mean this only on records of those kinds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from storage.facts import coerce

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

LLM: Final = ("llm", "embedding", "cached")
AGENT: Final = ("agent",)
TOOL: Final = ("tool",)
_NAMED_BY_TYPE: Final = ("agent", "llm", "embedding", "user_turn", "other", "none")


class Source(NamedTuple):
    """One attribute key; without `read` the field's own coercion, without `kinds` on every record."""

    key: str
    read: Callable[[Any], Any] | None = None
    kinds: tuple[str, ...] = ()
    client: bool = False


def _client(*keys: str) -> tuple[Source, ...]:
    return tuple(Source(key, client=True) for key in keys)


def _sources(*keys: str | Source | tuple[Source, ...]) -> tuple[Source, ...]:
    found: list[Source] = []
    for key in keys:
        if isinstance(key, str):
            found.append(Source(key))
        elif isinstance(key, Source):
            found.append(key)
        else:
            found.extend(key)
    return tuple(found)


_METADATA_SESSION: Final = ("session_id", "thread_id", "conversation_id")
_METADATA_USER: Final = ("user_id",)


def _from_metadata(*names: str) -> Callable[[Any], str | None]:
    """Reads one of `names` from metadata that came as JSON."""

    def read(value: Any) -> str | None:
        entries = coerce.mapping(value)
        return next((found for name in names if (found := coerce.text(entries.get(name)))), None)

    return read


def _only_string(value: Any) -> str | None:
    return coerce.text(value) if isinstance(value, str) else None


def _before_dot(value: Any) -> str | None:
    """`openai.responses` → `openai`."""
    found = coerce.text(value)
    return found.split(".", 1)[0] if found else None


# CrewAI puts a digest where the agent's name belongs, and the name in the role.
IDENTITY: Final[Mapping[str, tuple[Source, ...]]] = {
    "agent_name": _sources(
        "crewai.agent.role", "gen_ai.agent.name", "agent.name", "agent_name", Source("traceloop.entity.name", kinds=AGENT),
        "qwen-code.subagent.name", Source("subagent_type", kinds=_NAMED_BY_TYPE, client=True),
        Source("agent_type", kinds=_NAMED_BY_TYPE, client=True), "lk.agent_name",
        Source("ai.telemetry.functionId", kinds=AGENT), "langsmith.metadata.lc_agent_name",
        "traceloop.association.properties.lc_agent_name", Source("metadata", _from_metadata("lc_agent_name")), "agent_id",
    ),
    "agent_id": _sources("gen_ai.agent.id", "agent.id", "agent_id", "qwen-code.subagent.id"),
    "agent_version": _sources("gen_ai.agent.version", "agento11y.agent.effective_version", "service.version", "app.version"),
    "parent_agent": _sources(
        "parent_agent_id", "qwen-code.subagent.parent_agent_id", "gen_ai.agent.handoff_parent", "gen_ai.handoff.from_agent",
    ),
    "workflow": _sources(
        "gen_ai.workflow.name", "traceloop.workflow.name", "workflow.name", "crewai.crew.name", "crewai.flow.name",
        "langfuse.trace.name", "langsmith.trace.name", Source("operation.name", kinds=("workflow",)),
    ),
    "session_id": _sources(
        "gen_ai.conversation.id", "session.id", "langfuse.session.id", "conversation.id",
        "traceloop.association.properties.session_id", "lmnr.association.properties.session_id",
        "ai.telemetry.metadata.sessionId", "ai.telemetry.metadata.session_id", "ai.telemetry.metadata.threadId",
        "ai.telemetry.metadata.conversationId", "ai.settings.context.sessionId", "langsmith.metadata.session_id",
        "langsmith.metadata.thread_id", "langsmith.metadata.conversation_id",
        "langfuse.trace.metadata.langfuse_session_id", "gcp.vertex.agent.session_id", "voltagent.conversation_id",
        Source("metadata", _from_metadata(*_METADATA_SESSION)), "metadata.session_id", "metadata.thread_id",
        "metadata.conversation_id", Source("thread_id", _only_string), "session_id", "workflow.session_id", "group.id",
        "mcp.session.id",
    ),
    "turn_id": _sources(
        "prompt.id", Source("prompt_id", client=True), "turn.id", "codex.turn.id", "github.copilot.turn_id",
        "interaction.sequence",
    ),
    "user_id": _sources(
        "user.id", "enduser.id", "user.email", "langfuse.user.id", "traceloop.association.properties.user_id",
        "lmnr.association.properties.user_id", "ai.telemetry.metadata.userId",
        "ai.settings.context.userId", "langsmith.metadata.user_id",
        Source("metadata", _from_metadata(*_METADATA_USER)), "user.account_uuid", "user.account_id", "gen_ai.user",
        "enduser.pseudo.id", Source("user_id", client=True), "installation.id",
    ),
}  # fmt: skip

USAGE: Final[Mapping[str, tuple[Source, ...]]] = {
    "input_tokens": _sources(
        "gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens", "llm.token_count.prompt", "ai.usage.inputTokens",
        "ai.usage.promptTokens", "ai.usage.tokens", Source("input_token_count", client=True),
        Source("input_tokens", client=True), "llm.usage.prompt_tokens", "llm.usage.input_tokens",
        "llm.response.usage.input_tokens", "usage.prompt_tokens", "gen_ai.aggregated_usage.input_tokens",
    ),
    "output_tokens": _sources(
        "gen_ai.usage.output_tokens", "gen_ai.usage.completion_tokens", "llm.token_count.completion", "ai.usage.outputTokens",
        "ai.usage.completionTokens", Source("output_token_count", client=True), Source("output_tokens", client=True),
        "llm.usage.completion_tokens", "llm.usage.output_tokens", "llm.response.usage.output_tokens",
        "usage.completion_tokens", "gen_ai.aggregated_usage.output_tokens",
    ),
    "cache_read_tokens": _sources(
        "gen_ai.usage.cache_read.input_tokens", "gen_ai.usage.cache_read_input_tokens", "gen_ai.usage.cache_read_tokens",
        "gen_ai.usage.cached_input_tokens", "gen_ai.usage.details.cached_tokens", "gen_ai.usage.details.cache_read_tokens",
        "llm.token_count.prompt_details.cache_read", "ai.usage.inputTokenDetails.cacheReadTokens",
        "ai.usage.cachedInputTokens", *_client("cached_token_count", "cached_content_token_count", "cache_read_tokens"),
        "gen_ai.aggregated_usage.cache_read.input_tokens",
    ),
    "cache_write_tokens": _sources(
        "gen_ai.usage.cache_write.input_tokens", "gen_ai.usage.cache_creation.input_tokens",
        "gen_ai.usage.cache_creation_input_tokens", "gen_ai.usage.cache_write_input_tokens",
        "gen_ai.usage.details.cache_write_tokens",
        "llm.token_count.prompt_details.cache_write", "ai.usage.inputTokenDetails.cacheWriteTokens",
        *_client("cache_write_token_count", "cache_creation_tokens"), "gen_ai.aggregated_usage.cache_creation.input_tokens",
    ),
    "reasoning_tokens": _sources(
        "gen_ai.usage.reasoning.output_tokens", "gen_ai.usage.reasoning_tokens", "gen_ai.usage.details.reasoning_tokens",
        "llm.token_count.completion_details.reasoning", "ai.usage.outputTokenDetails.reasoningTokens",
        "ai.usage.reasoningTokens", *_client("reasoning_token_count", "thoughts_token_count", "reasoning_tokens"),
        "codex.usage.reasoning_output_tokens",
    ),
    "total_tokens": _sources(
        "gen_ai.usage.total_tokens", "llm.usage.total_tokens", "llm.token_count.total", "ai.usage.totalTokens",
        *_client("total_token_count", "total_tokens"), "codex.usage.total_tokens", "ag2.usage.total_tokens",
    ),
    "usage_details": _sources(Source("langfuse.observation.usage_details", coerce.mapping)),
    "token_semantics": _sources(Source("gen_ai.token.semantics", coerce.text)),
    "thoughts": _sources(*_client("thoughts_token_count")),
    "reported_cost": _sources(
        "llm.cost.total", "gen_ai.usage.cost", "gen_ai.usage.total_cost", "litellm.cost.total", "operation.cost",
        Source("cost_usd_micros", coerce.micro_dollars, client=True), Source("cost_usd", client=True), "usage.estimated_usd",
    ),
    "cost_details": _sources(Source("langfuse.observation.cost_details", coerce.mapping)),
    "input_cost": _sources("llm.cost.prompt", "gen_ai.usage.input_cost"),
    "output_cost": _sources("llm.cost.completion", "gen_ai.usage.output_cost"),
    "credits": _sources(Source("github.copilot.cost", coerce.number)),
    "nano_units": _sources("github.copilot.nano_aiu"),
}  # fmt: skip

CALL: Final[Mapping[str, tuple[Source, ...]]] = {
    "provider": _sources(
        "gen_ai.provider.name", "gen_ai.system", "llm.provider", "llm.system", Source("ai.model.provider", _before_dot),
        "llm.vendor", Source("provider_name", client=True),
    ),
    "model": _sources(
        "gen_ai.response.model", "langfuse.observation.model.name", "llm.response.model_name", "ai.response.model",
        "llm.model_name", "gen_ai.request.model", "llm.request.model_name", "ai.model.id",
        *_client("model", "model_name", "slug"), "llm.model", "embedding.model_name", "reranker.model_name",
    ),
    "request_model": _sources(
        "gen_ai.request.model", "llm.request.model_name", "ai.model.id", *_client("model", "model_name", "slug"),
        "llm.model",
    ),
    "time_to_first_token": _sources(
        "gen_ai.response.time_to_first_chunk", "gen_ai.streaming.time_to_first_token",
        Source("ai.response.msToFirstChunk", coerce.milliseconds),
        Source("ttft_ms", coerce.milliseconds, client=True),
        Source("copilot_chat.time_to_first_token", coerce.milliseconds),
        Source("gen_ai.server.time_to_first_token", coerce.milliseconds),
    ),
    "completion_start": _sources(Source("langfuse.observation.completion_start_time", coerce.text)),
    "finish_reasons": _sources(
        "gen_ai.response.finish_reasons", "llm.finish_reason", "ai.response.finishReason",
        *_client("stop_reason", "finish_reasons"),
    ),
    "response_id": _sources(
        "gen_ai.response.id", "ai.response.id", Source("request_id", kinds=LLM, client=True),
        Source("response_id", kinds=LLM, client=True), "llm.response.id",
    ),
    "service_tier": _sources(
        "openai.response.service_tier", "gen_ai.openai.response.service_tier", Source("service_tier", client=True),
    ),
    "tool_name": _sources(
        "gen_ai.tool.name", "tool.name", "ai.toolCall.name", Source("traceloop.entity.name", kinds=TOOL),
        *_client("tool_name", "function_name"), "agent_framework.function.name", Source("operation.name", kinds=TOOL),
    ),
    "tool_call_id": _sources(
        "gen_ai.tool.call.id", "gen_ai.tool.call_id", "tool.call_id", "tool_call.id", "tool.call.id", "tool.id", "ai.toolCall.id",
        *_client("tool_use_id", "call_id"),
    ),
    "tool_type": _sources(Source("tool_type", client=True), "gen_ai.tool.type"),
    "mcp_server": _sources(*_client("mcp_server_name"), "mcp_server.name", *_client("mcp_server"), "mcp.server.name"),
    "decision": _sources(*_client("decision", "decision_type")),
    "event_sequence": _sources("event.sequence"),
    "pair_key": _sources("cylestio.pair.key"),
    "pair_role": _sources(Source("cylestio.pair.role", coerce.text)),
    "duration_ns": _sources(
        *_client("duration_ms", "duration", "interaction.duration_ms"), "llm.response.duration_ms",
    ),
    "retrieval_query": _sources(Source("gen_ai.retrieval.query.text", coerce.content)),
    "mcp_method": _sources(Source("mcp.method.name", coerce.text)),
    "pending_parent": _sources(Source("logfire.pending_parent_id", coerce.text)),
    "span_type": _sources(Source("logfire.span_type", coerce.text)),
}  # fmt: skip

ERRORS: Final[Mapping[str, tuple[Source, ...]]] = {
    "error_type": _sources("error.type", "exception.type", "error_type", *_client("error_name", "error_category", "error_code")),
    "error_message": _sources(
        "error.message", "exception.message", *_client("error", "error_message"), "langfuse.observation.status_message",
    ),
    "status_code": _sources("http.response.status_code", Source("status_code", client=True), "http.status_code"),
    "attempt": _sources(*_client("attempt", "attempt_number", "total_attempts")),
    "success": _sources(Source("success", coerce.flag, client=True), Source("gen_ai.tool.success", coerce.flag)),
    "tool_status": _sources("gen_ai.tool.status", "tool.status"),
    "level": _sources(Source("langfuse.observation.level", coerce.text)),
}  # fmt: skip

FIELDS: Final[Mapping[str, tuple[Source, ...]]] = {**IDENTITY, **USAGE, **CALL, **ERRORS}

# How a field is read where its source does not say.
COERCIONS: Final[Mapping[str, Callable[[Any], Any]]] = {
    **dict.fromkeys(
        ("input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens", "reasoning_tokens", "total_tokens",
         "thoughts"),
        coerce.count,
    ),
    **dict.fromkeys(("reported_cost", "input_cost", "output_cost"), coerce.dollars),
    **dict.fromkeys(("nano_units", "event_sequence", "status_code", "attempt"), coerce.integer),
    "time_to_first_token": coerce.seconds,
    "finish_reasons": coerce.string_list,
    "duration_ns": coerce.nanoseconds_of_ms,
    "error_message": coerce.message,
}  # fmt: skip

TAGS: Final = ("langfuse.trace.tags", "tag.tags", "langsmith.span.tags", "ai.telemetry.metadata.tags", "agentops.tags")
# What costs are charged to and runs are compared by, kept by the names that senders use.
METADATA: Final = frozenset((
    "organization.id", "team.id", "user.email", "user.groups", "app.entrypoint", "deployment.id", "litellm.end_user.id",
    "query_source", "skill.name", "skill_name", "plugin.name", "marketplace.name", "mcp_tool.name", "speed", "effort",
    "command_name", "command_source", "workflow.run_id", "gen_ai.prompt.name", "gen_ai.prompt.version",
    "langfuse.observation.prompt.name", "langfuse.observation.prompt.version", "langfuse.release", "langfuse.version",
    "langfuse.environment", "graph.node.id", "graph.node.name", "graph.node.parent_id", "gen_ai.handoff.to_agent",
    "gen_ai.data_source.id", "github.copilot.agent.type", "env", "originator", "session_source",
    "ai.telemetry.functionId", "crewai.tool.from_cache", "tool_result_size_bytes", "tool_input_size_bytes", "content_length",
    "decision_source", "model_swapped", "terminate_reason",
))  # fmt: skip
METADATA_PREFIXES: Final = (
    "traceloop.association.properties.", "langfuse.trace.metadata.", "langfuse.observation.metadata.", "langsmith.metadata.",
    "lmnr.association.properties.metadata.", "ai.telemetry.metadata.", "ai.settings.context.", "vcs.", "litellm.team.",
    "github.copilot.git.", "metadata.",
)  # fmt: skip
