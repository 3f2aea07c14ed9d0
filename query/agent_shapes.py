"""How facts, sessions, agents and sums look as JSON: one function a record, pure.

Money is US dollars; null where nothing has a price, never 0 for what is only not known. Durations are milliseconds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from query.shapes import attributes, milliseconds, time

if TYPE_CHECKING:
    from query.legacy.agent_events import AgentEvents
    from storage.agents_contract import (
        ActiveRun,
        AgentDetail,
        AgentSummary,
        Completeness,
        ContentPart,
        ErrorGroup,
        FactRecord,
        LoopGroup,
        MetricUsage,
        SearchHit,
        SessionSummary,
        Sums,
        UsageSummary,
        UserSummary,
    )

_AS_STORED = (
    "name", "kind", "origin", "agent_id", "agent_version", "parent_agent", "workflow", "session_id", "turn_id", "trace_id",
    "span_id", "parent_span_id", "response_id", "tool_call_id", "provider", "model", "request_model", "input_tokens",
    "output_tokens", "cache_read_tokens", "cache_write_tokens", "reasoning_tokens", "total_tokens", "price_version", "credits",
    "nano_units", "tool_name", "tool_type", "mcp_server", "arguments_hash", "decision", "via", "error_type", "error_message",
    "status_code", "attempt",
)  # fmt: skip
_INFERRED_SESSION = 3
_INFERRED = "inferred"


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole else 0.0


def _identifier(number: int | None) -> str | None:
    return None if number is None else str(number)


def _ms(nanoseconds: float | None) -> float | None:
    return None if nanoseconds is None else milliseconds(nanoseconds)


def _parsed(text: str | None, otherwise: Any) -> Any:
    return otherwise if text is None else orjson.loads(text)


def fact(record: FactRecord) -> dict[str, Any]:
    values = record.values
    reported, computed = values["reported_cost"], values["computed_cost"]
    duration, first, output = values["duration"], values["time_to_first_token"], values["output_tokens"]
    running = bool(values["is_open"])
    return {
        "id": str(record.id),
        "fact": values["fact"],
        "time": time(values["time"]),
        "duration_ms": _ms(duration),
        "status": "running" if running else "error" if values["failed"] else "ok",
        "agent": values["agent_name"],
        "user": values["user_id"],
        "service": values["service_name"],
        "session_inferred": values["session_source"] >= _INFERRED_SESSION,
        "parent_id": _identifier(values["parent_id"]),
        "run_id": _identifier(values["run_id"]),
        **{name: values[name] for name in _AS_STORED},
        "cost_usd": reported if reported is not None else computed,
        "cost_source": "reported" if reported is not None else "computed" if computed is not None else "unpriced",
        "reported_cost_usd": reported,
        "computed_cost_usd": computed,
        "cache_saving_usd": values["cache_saving"],
        "time_to_first_token_ms": None if first is None else first * 1000,
        "output_tokens_per_second": output / (duration / 1e9) if output and duration else None,
        "finish_reasons": _parsed(values["finish_reasons"], []),
        "tags": _parsed(values["tags"], []),
        "metadata": _parsed(values["metadata"], {}),
        "details": _parsed(values["details"], {}),
        "run_llm_calls": values["run_llm_calls"],
        "run_tool_calls": values["run_tool_calls"],
        "run_input_tokens": values["run_input_tokens"],
        "run_output_tokens": values["run_output_tokens"],
        "run_cost_usd": values["run_cost"],
        "counted": bool(values["counted"]),
        "counts_usage": bool(values["counts_usage"]),
        "has_content": bool(values["has_content"]),
        "inferred": values["origin"] == _INFERRED,
        "sources": [{"signal": source, "id": str(number)} for source, number in record.sources],
        "content": [content(part) for part in record.contents],
    }


def fact_detail(record: FactRecord) -> dict[str, Any]:
    return {**fact(record), "attributes": attributes(record.attributes)}


def content(part: ContentPart) -> dict[str, Any]:
    return {
        "direction": part.direction,
        "message": part.message,
        "part": part.part,
        "role": part.role,
        "kind": part.kind,
        "name": part.name,
        "call_id": part.call_id,
        "text": part.text,
        "size": part.size,
        "is_cut": part.size > len(part.text),
    }


def cost(sums: Sums) -> float | None:
    """None where nothing has a price. Of a session it is not kept how many calls have one: all, where none has not."""
    total = round(sums.reported_cost + sums.computed_cost, 10)
    has_price = total or sums.reported_calls or sums.computed_calls
    is_free = sums.input_tokens + sums.output_tokens > 0 and not sums.unpriced_calls
    return total if has_price or is_free else None


def sums(record: Sums) -> dict[str, Any]:
    done = record.runs + record.llm_calls + record.tool_calls
    percentiles = record.percentiles or (None, None, None)
    first = record.first_token_percentiles or (None, None, None)
    return {
        "runs": record.runs,
        "turns": record.turns,
        "llm_calls": record.llm_calls,
        "tool_calls": record.tool_calls,
        "steps": record.steps,
        "events": record.events,
        "errors": record.errors,
        "error_rate": _ratio(record.errors, done),
        "llm_errors": record.llm_errors,
        "tool_errors": record.tool_errors,
        "run_errors": record.run_errors,
        "rate_limited": record.rate_limited,
        "retries": record.retries,
        "input_tokens": record.input_tokens,
        "output_tokens": record.output_tokens,
        "cache_read_tokens": record.cache_read_tokens,
        "cache_write_tokens": record.cache_write_tokens,
        "reasoning_tokens": record.reasoning_tokens,
        "total_tokens": record.input_tokens + record.output_tokens,
        "cache_hit_ratio": _ratio(record.cache_read_tokens, record.input_tokens),
        "cost_usd": cost(record),
        "reported_cost_usd": record.reported_cost,
        "computed_cost_usd": record.computed_cost,
        "cache_saving_usd": record.cache_saving,
        "credits": record.credits,
        "unpriced_calls": record.unpriced_calls,
        "calls_without_usage": record.calls_without_usage,
        "without_session": record.without_session,
        "without_content": record.without_content,
        "llm_calls_per_run": record.run_llm_calls / record.runs if record.runs else None,
        "tool_calls_per_run": record.run_tool_calls / record.runs if record.runs else None,
        "p50_ms": _ms(percentiles[0]),
        "p95_ms": _ms(percentiles[1]),
        "p99_ms": _ms(percentiles[2]),
        "ttft_p50_ms": _ms(first[0]),
        "ttft_p95_ms": _ms(first[1]),
        "output_tokens_per_second": record.timed_output_tokens / (record.timed_ns / 1e9) if record.timed_ns else None,
    }


def usage(record: UsageSummary) -> dict[str, Any]:
    return {
        "group": dict(record.group),
        "interval_start": None if record.interval_start is None else time(record.interval_start),
        "sessions": record.sessions,
        "users": record.users,
        "new_users": record.new_users,
        **sums(record.sums),
    }


def agent(record: AgentSummary) -> dict[str, Any]:
    return {
        "agent_id": record.name,
        "name": record.name,
        "version": record.version,
        "service": record.service,
        "environment": record.environment,
        "first_seen": time(record.first_seen),
        "last_seen": time(record.last_seen),
        "sessions": record.sessions,
        **sums(record.sums),
        "told_by": "metrics" if record.metrics else "events",
        "metrics": dict(record.metrics),
    }


def listed_agent(record: AgentSummary, events: AgentEvents | None) -> dict[str, Any]:
    """With the keys that readers of Cylestio's mini server ask for; null while its events are being counted."""
    return {
        **agent(record),
        "llm_provider": None if events is None else events.model,
        "event_count": None if events is None else events.count,
    }


def shown_agent(record: AgentSummary, events: AgentEvents | None) -> dict[str, Any]:
    there = events if events is not None and events.count else None
    return {
        **listed_agent(record, events),
        "first_event": there and there.first_type,
        "first_event_time": there and time(there.first_time),
        "latest_event": there and there.last_type,
        "latest_event_time": there and time(there.last_time),
    }


def agent_detail(record: AgentDetail, events: AgentEvents | None) -> dict[str, Any]:
    return {
        **shown_agent(record.summary, events),
        "event_count_by_type": None if events is None else dict(events.types.most_common()),
        "event_count_by_channel": None if events is None else dict(events.channels.most_common()),
        "avg_response_time_ms": None if events is None else events.mean_response_ms,
        "versions": list(record.versions),
        "services": list(record.services),
        "models": [usage(row) for row in record.models],
        "tools": [usage(row) for row in record.tools],
        "errors_by_type": [usage(row) for row in record.errors],
        "called_by": [usage(row) for row in record.callers],
        "calls": [usage(row) for row in record.callees],
    }


def session(record: SessionSummary) -> dict[str, Any]:
    values = record.sums
    return {
        "session_id": record.session_id,
        "inferred": record.inferred,
        "start_time": time(record.first_time),
        "last_time": time(record.last_time),
        "duration_ms": milliseconds(max(record.last_time - record.first_time, 0)),
        "agent": record.agents[0] if record.agents else None,
        "agents": list(record.agents),
        "user": record.users[0] if record.users else None,
        "users": list(record.users),
        "turns": values.turns,
        "traces": record.traces,
        "runs": values.runs,
        "llm_calls": values.llm_calls,
        "tool_calls": values.tool_calls,
        "errors": values.errors,
        "input_tokens": values.input_tokens,
        "output_tokens": values.output_tokens,
        "cache_read_tokens": values.cache_read_tokens,
        "cache_write_tokens": values.cache_write_tokens,
        "reasoning_tokens": values.reasoning_tokens,
        "total_tokens": values.input_tokens + values.output_tokens,
        "cost_usd": cost(values),
        "reported_cost_usd": values.reported_cost,
        "computed_cost_usd": values.computed_cost,
        "unpriced_calls": values.unpriced_calls,
    }


def user(record: UserSummary) -> dict[str, Any]:
    return {
        "user": record.user,
        "first_seen": time(record.first_seen),
        "last_seen": time(record.last_seen),
        "sessions": record.sessions,
        "agents": list(record.agents),
        **sums(record.sums),
    }


def error_group(record: ErrorGroup) -> dict[str, Any]:
    return {
        "fact": record.fact,
        "error_type": record.error_type,
        "agent": record.agent,
        "model": record.model,
        "tool": record.tool,
        "count": record.count,
        "newest": None if record.newest is None else fact(record.newest),
    }


def search_hit(record: SearchHit) -> dict[str, Any]:
    return {"snippet": record.snippet, "part": content(record.part), "fact": fact(record.fact)}


def active_run(record: ActiveRun) -> dict[str, Any]:
    return {"running": record.running, "session_id": record.session_id, "agent": record.agent, "fact": fact(record.fact)}


def loop(record: LoopGroup) -> dict[str, Any]:
    return {
        "session_id": record.session_id,
        "run_id": _identifier(record.run_id),
        "agent": record.agent,
        "tool": record.tool,
        "arguments_hash": record.arguments_hash,
        "count": record.count,
        "first_time": time(record.first_time),
        "last_time": time(record.last_time),
        "example_id": str(record.example_id),
    }


def metric_usage(record: MetricUsage) -> dict[str, Any]:
    return {"group": dict(record.group), "measure": record.measure, "type": record.type, "value": record.value}


def edge(record: UsageSummary) -> dict[str, Any]:
    """One arrow of the graph of agents."""
    return {
        "from": record.group["parent_agent"],
        "to": record.group["agent"],
        **{name: value for name, value in sums(record.sums).items() if name in EDGE_SUMS},
    }


EDGE_SUMS = ("runs", "llm_calls", "tool_calls", "errors", "run_errors", "total_tokens", "cost_usd", "p50_ms", "p95_ms")


def completeness(record: Completeness) -> dict[str, Any]:
    return {
        "llm_calls": record.sums.llm_calls,
        "tool_calls": record.sums.tool_calls,
        "reported_calls": record.sums.reported_calls,
        "computed_calls": record.sums.computed_calls,
        "unpriced_calls": record.sums.unpriced_calls,
        "calls_without_usage": record.sums.calls_without_usage,
        "without_session": record.sums.without_session,
        "without_content": record.sums.without_content,
        "sessions": record.sessions,
        "inferred_sessions": record.inferred_sessions,
        "facts_told_more_than_once": record.merged_facts,
        "nested_calls_not_counted": record.uncounted_facts,
        "additions_without_their_event": record.waiting_parts,
        "unfinished": record.open_facts,
        "inferred_turns": record.inferred_turns,
        "inferred_tool_calls": record.inferred_tool_calls,
        "content_cut": record.content_cut,
        "content_removed": record.content_removed,
        "content_masked": record.content_masked,
        "unpriced_models": [
            {"provider": provider, "model": model, "calls": calls} for provider, model, calls in record.unpriced_models
        ],
        "agents_told_only_by_metrics": list(record.metrics_only_agents),
        "all_text_searchable": record.searchable,
    }
