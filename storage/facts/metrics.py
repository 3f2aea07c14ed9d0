"""Metric points that count what an agent used: what figures fall back to where neither its spans nor its logs came.

A point is passed on with its temporality and start, so that the store can add up deltas and take differences of cumulative
series. Counters of different families repeat one another (an agent's own counters and the conventions'): see FAMILIES.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

import orjson

from storage.facts import coerce

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from storage.batch import Row
    from storage.facts.fact import Facts

_TEMPORALITIES: Final = {1: "delta", 2: "cumulative"}


class Measured(NamedTuple):
    """What a metric measures; `factor` makes its unit ours; `type`: fixed, or None where an attribute says it."""

    family: str
    measure: str
    type: str | None = None
    factor: float = 1.0


# By the name behind the client's prefix (`claude_code.token.usage`, `gemini_cli.token.usage`, those of forks alike).
_SUFFIXES: Final[Mapping[str, Measured]] = {
    "token.usage": Measured("client", "tokens"),
    "cost.usage": Measured("client", "cost_usd"),
    "session.count": Measured("client", "sessions"),
    "lines_of_code.count": Measured("client", "lines"),
    "lines_of_code.total": Measured("client", "lines"),
    "lines.changed": Measured("client", "lines"),
    "commit.count": Measured("client", "commits"),
    "pull_request.count": Measured("client", "pull_requests"),
    "active_time.total": Measured("client", "active_seconds"),
    "code_edit_tool.decision": Measured("client", "decisions"),
    "edit.acceptance.count": Measured("client", "decisions"),
    "tool.call.count": Measured("client", "tool_calls"),
    "tool.executions": Measured("client", "tool_calls"),
    "api.request.count": Measured("client", "llm_calls"),
    "agent.run.count": Measured("client", "agent_runs"),
}
_EXACT: Final[Mapping[str, Measured]] = {
    "codex.turn.token_usage": Measured("client", "tokens"),
    "codex.turn.cost_microusd": Measured("client", "cost_usd", factor=1e-6),
    "codex.tool.call": Measured("client", "tool_calls"),
    "codex.thread.started": Measured("client", "sessions"),
    "codex.conversation.turn.count": Measured("client", "turns"),
    "cline.tokens.input.total": Measured("client", "tokens", "input"),
    "cline.tokens.output.total": Measured("client", "tokens", "output"),
    "cline.cost.total": Measured("client", "cost_usd"),
    "cline.turns.total": Measured("client", "turns"),
    "cline.tool.calls.total": Measured("client", "tool_calls"),
    "openclaw.tokens": Measured("client", "tokens"),
    "openclaw.cost.usd": Measured("client", "cost_usd"),
    "github.copilot.code.lines_added": Measured("client", "lines", "added"),
    "github.copilot.code.lines_removed": Measured("client", "lines", "removed"),
    "github.copilot.tool.call.count": Measured("client", "tool_calls"),
    "gen_ai.client.inference.usage.input_tokens": Measured("semconv_counter", "tokens", "input"),
    "gen_ai.client.inference.usage.output_tokens": Measured("semconv_counter", "tokens", "output"),
    "gen_ai.client.inference.usage.cache_read.input_tokens": Measured("semconv_counter", "tokens", "cache_read"),
    "gen_ai.client.inference.usage.cache_write.input_tokens": Measured("semconv_counter", "tokens", "cache_write"),
    "gen_ai.client.inference.usage.reasoning.output_tokens": Measured("semconv_counter", "tokens", "reasoning"),
    "gen_ai.client.inference.operation.input_tokens": Measured("semconv_histogram", "tokens", "input"),
    "gen_ai.client.inference.operation.output_tokens": Measured("semconv_histogram", "tokens", "output"),
    "gen_ai.client.token.usage": Measured("semconv_histogram", "tokens"),
    "gen_ai.usage.cost": Measured("semconv_counter", "cost_usd"),
    "strands.event_loop.input.tokens": Measured("client", "tokens", "input"),
    "strands.event_loop.output.tokens": Measured("client", "tokens", "output"),
    "strands.event_loop.cache_read.input.tokens": Measured("client", "tokens", "cache_read"),
    "strands.event_loop.cache_write.input.tokens": Measured("client", "tokens", "cache_write"),
}
_TOKEN_TYPES: Final = {
    "cacheRead": "cache_read", "cached_input": "cache_read", "cache": "cache_read", "cached": "cache_read",
    "cacheCreation": "cache_write", "cache_write_input": "cache_write", "cache_creation": "cache_write",
    "cacheWrite": "cache_write",
    "thought": "reasoning", "reasoning_output": "reasoning", "prompt": "input", "completion": "output",
}  # fmt: skip
_TYPE_KEYS: Final = ("gen_ai.token.type", "token_type", "openclaw.token", "type", "decision", "outcome", "success")
_LOOKS: Final[Mapping[str, tuple[str, ...]]] = {
    "agent_name": ("gen_ai.agent.name", "agent.name", "openclaw.agent", "agent_name"),
    "session_id": ("gen_ai.conversation.id", "session.id", "conversation.id"),
    "user_id": ("user.id", "user.email", "user.account_uuid"),
    "provider": ("gen_ai.provider.name", "gen_ai.system", "openclaw.provider"),
    "model": ("gen_ai.response.model", "gen_ai.request.model", "model", "openclaw.model"),
    "tool_name": ("gen_ai.tool.name", "tool_name", "function_name", "tool", "mcp_tool.name"),
}
# Positions in STREAM_COLUMNS and POINT_COLUMNS.
_NAME, _TYPE, _TEMPORALITY, _ATTRIBUTES = 3, 6, 7, 10
_TIME, _START, _VALUE, _SUM = 1, 2, 4, 6


def measured(name: str) -> Measured | None:
    """What a metric of this name measures; None for one that is no agent's."""
    found = _EXACT.get(name)
    if found is not None:
        return found
    head, _, rest = name.partition(".")
    return _SUFFIXES.get(rest) if head not in {"gen_ai", "http", "db", "rpc", "mcp"} else None


def read_usage(rows: Sequence[Row], streams: Sequence[Row], facts: Facts) -> None:
    """Adds USAGE_COLUMNS rows for the points of streams that measure an agent's use."""
    chosen: dict[int, tuple[Any, ...]] = {}
    for position, stream in enumerate(streams):
        found = measured(stream[_NAME])
        if found is not None and stream[_TYPE] in {"sum", "histogram", "exponential_histogram"}:
            chosen[position] = (stream, found, _described(found, orjson.loads(stream[_ATTRIBUTES])))
    if not chosen:
        return
    for number, point in enumerate(rows):
        if point[0] in chosen:
            stream, found, said = chosen[point[0]]
            value = coerce.number(point[_VALUE] if stream[_TYPE] == "sum" else point[_SUM])
            temporality = _TEMPORALITIES.get(stream[_TEMPORALITY])
            if value is not None and temporality is not None:
                facts.usages.append((
                    number, stream[0], point[0], found.family, stream[_NAME], found.measure, said[0], temporality, point[_START],
                    point[_TIME], value * found.factor, *said[1:],
                ))  # fmt: skip


def _described(found: Measured, attributes: Mapping[str, Any]) -> tuple[str | None, ...]:
    """The type and the columns from `agent_name` on."""
    said = found.type
    if said is None:
        sent = next((text for key in _TYPE_KEYS if (text := coerce.text(attributes.get(key))) is not None), None)
        said = _TOKEN_TYPES.get(sent, sent) if sent is not None and found.measure == "tokens" else sent
    looked = {
        column: next((text for key in keys if (text := coerce.text(attributes.get(key))) is not None), None)
        for column, keys in _LOOKS.items()
    }
    return (said, *looked.values())
