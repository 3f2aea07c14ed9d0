"""Readers of the local server: agents, what they called, their sessions, traces, tokens and cost, under /v1/agents."""

from __future__ import annotations

import math
from collections import defaultdict
from typing import TYPE_CHECKING, Any

from query.legacy import figures
from query.legacy.endpoint import DAY, Ask, Endpoint, Refusal
from query.legacy.events import AGENT, CYLESTIO, Event, Wanted, every
from query.legacy.local_events import family_of, shown_range, time_range
from query.legacy.mini import counts
from query.legacy.mini_v1 import is_alert
from query.legacy.operations import Call, calls, cost, grouped
from query.legacy.times import INTERVALS, iso
from storage.contract import TimeRange

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

MOST_ITEMS = 1000
_SUMMARY_CHARACTERS = 200


def page_of(ask: Ask, items: Sequence[Any], size: int = 50) -> tuple[list[Any], dict[str, Any]]:
    """One page, and what its answer says about it."""
    page, size = ask.integer("page", 1, 1), ask.integer("page_size", size, 1, MOST_ITEMS)
    pages = math.ceil(len(items) / size)
    shown = list(items[(page - 1) * size : page * size])
    return shown, {"page": page, "page_size": size, "total_items": len(items), "total_pages": pages}


def paged(ask: Ask, items: Sequence[Any], **more: Any) -> dict[str, Any]:
    shown, pagination = page_of(ask, items)
    return {"items": shown, "pagination": pagination, "meta": {"timestamp": iso(ask.now)}, **more}


async def agents(ask: Ask, within: TimeRange | None = None, agent: str | None = None) -> list[dict[str, Any]]:
    found = await counts(ask, within or TimeRange(), AGENT, "cylestio.pair.family", "severity", agent=agent)
    groups: dict[str, list[Any]] = defaultdict(list)
    for count in found:
        groups[count.group[0] or "unknown-agent"].append(count)
    return [await _agent(ask, name, group, within or TimeRange()) for name, group in groups.items()]


async def _agent(ask: Ask, name: str, group: Sequence[Any], within: TimeRange) -> dict[str, Any]:
    last = max(count.last_time for count in group)
    requests = await calls(ask, "llm", within, name) if any(count.group[1] == "llm" for count in group) else []
    return {
        "agent_id": name,
        "name": name,
        "type": "other",
        "status": "active" if ask.now - last < DAY else "inactive",
        "created_at": iso(min(count.first_time for count in group)),
        "updated_at": iso(last),
        "request_count": len(requests),
        "token_usage": sum(call.input_tokens + call.output_tokens for call in requests),
        "error_count": sum(count.count for count in group if (count.group[2] or "").upper() in {"ERROR", "CRITICAL", "FATAL"}),
    }


async def list_agents(ask: Ask) -> Any:
    after = ask.time("created_after")
    key = ask.choice("sort_by", "updated_at", ("agent_id", "name", "created_at", "updated_at", "request_count", "error_count"))
    found = [agent for agent in await agents(ask) if after is None or agent["created_at"] >= (iso(after) or "")]
    for name, column in (("status", "status"), ("agent_type", "type")):
        value = ask.text(name)
        found = [agent for agent in found if value in {None, agent[column]}]
    found.sort(key=lambda agent: agent[key], reverse=ask.choice("sort_dir", "desc", ("asc", "desc")) == "desc")
    return paged(ask, found)


async def known(ask: Ask) -> str:
    agent = ask.path("agent_id")
    if not await counts(ask, TimeRange(), agent=agent):
        raise Refusal(404, f"Agent with ID {agent} not found", field="agent_id")
    return agent


async def figures_of(ask: Ask, agent: str, within: TimeRange) -> dict[str, Any]:
    llm, tools = await calls(ask, "llm", within, agent), await calls(ask, "tool", within, agent)
    events = await every(ask.store, Wanted(within, agent=agent, scopes=CYLESTIO, fits=lambda e: e.failed or is_alert(e)))
    alerts = [event for event in events if is_alert(event)]
    return {
        "request_count": len(llm),
        "token_usage": sum(call.input_tokens + call.output_tokens for call in llm),
        "avg_response_time_ms": figures.mean([call.duration_ms for call in llm if call.duration_ms is not None]),
        "tool_usage": len(tools),
        "error_count": sum(event.failed for event in events),
        "security_alerts_count": len(alerts),
        "policy_violations_count": sum("policy" in event.name for event in alerts),
    }


async def show_agent(ask: Ask) -> Any:
    name = await known(ask)
    [agent] = await agents(ask, agent=name)
    return {**agent, "metrics": await figures_of(ask, name, TimeRange())}


async def show_summary(ask: Ask) -> Any:
    name, within = await known(ask), time_range(ask, "7d")
    [agent] = await agents(ask, agent=name)
    found = await figures_of(ask, name, within)
    metrics = {
        "requests": found["request_count"],
        "token_usage": found["token_usage"],
        "errors": found["error_count"],
        "avg_response_ms": found["avg_response_time_ms"],
        "security_alerts": found["security_alerts_count"],
        "policy_violations": found["policy_violations_count"],
        "tool_usage": found["tool_usage"],
    }
    return {
        "agent_id": name,
        "name": name,
        "status": agent["status"],
        "last_active": agent["updated_at"],
        "time_range": ask.text("time_range") or "7d",
        "metrics": metrics,
    }


async def dashboard(ask: Ask, agent: str | None) -> dict[str, Any]:
    """Each figure with its change against the time before, as a share."""
    word = ask.text("time_range") or "1d"
    within = time_range(ask, "1d")
    start, end = within.start or 0, within.end or ask.now
    before = TimeRange(max(start - (end - start), 0), start)
    now, then = await _totals(ask, agent, within), await _totals(ask, agent, before)
    wanted = ask.texts("metrics")
    metrics = [
        {"metric": name, "value": value, "change": _change(value, then[name]), "trend": _trend(value, then[name])}
        for name, value in now.items()
        if not wanted or name in wanted
    ]
    return {"agent_id": agent, "period": word, "time_range": word, **shown_range(ask, within), "metrics": metrics}


async def _totals(ask: Ask, agent: str | None, within: TimeRange) -> dict[str, float]:
    llm, tools = await calls(ask, "llm", within, agent), await calls(ask, "tool", within, agent)
    failed = await every(ask.store, Wanted(within, agent=agent, scopes=CYLESTIO, fits=lambda event: event.failed))
    sessions = await counts(ask, within, "session.id", agent=agent)
    return {
        "llm_request_count": len(llm),
        "llm_token_usage": sum(call.input_tokens + call.output_tokens for call in llm),
        "llm_avg_response_time": figures.mean([call.duration_ms for call in llm if call.duration_ms is not None]),
        "tool_execution_count": len(tools),
        "error_count": len(failed),
        "session_count": sum(count.group[0] is not None for count in sessions),
    }


def _change(value: float, before: float) -> float:
    return (value - before) / before if before else 0.0


def _trend(value: float, before: float) -> str:
    return "up" if value > before else "down" if value < before else "stable"


async def show_dashboard(ask: Ask) -> Any:
    return await dashboard(ask, await known(ask))


def model_rows(found: Sequence[Call]) -> list[dict[str, Any]]:
    return [
        {
            "model": model,
            "vendor": vendor,
            "request_count": len(group),
            "input_tokens": sum(call.input_tokens for call in group),
            "output_tokens": sum(call.output_tokens for call in group),
            "total_tokens": sum(call.input_tokens + call.output_tokens for call in group),
            "estimated_cost": cost(group),
        }
        for (model, vendor), group in grouped(found, lambda call: (call.model, call.vendor)).items()
    ]


async def show_models(ask: Ask) -> Any:
    found = await calls(ask, "llm", time_range(ask), await known(ask))
    return paged(
        ask, model_rows(found), total_request_count=len(found), total_tokens=_tokens(found), total_estimated_cost=cost(found)
    )


def _tokens(found: Sequence[Call]) -> int:
    return sum(call.input_tokens + call.output_tokens for call in found)


def request_row(call: Call) -> dict[str, Any]:
    return {
        "request_id": str(call.begun.id),
        "timestamp": call.begun.timestamp,
        "agent_id": call.agent,
        "model": call.model,
        "status": call.status,
        "input_tokens": call.input_tokens,
        "output_tokens": call.output_tokens,
        "duration_ms": call.duration_ms,
        "prompt_summary": _summary(call.value("gen_ai.input.messages")),
        "response_summary": _summary(call.value("gen_ai.output.messages")),
    }


def _summary(value: Any) -> str | None:
    return None if value is None else str(value)[:_SUMMARY_CHARACTERS]


def chosen(ask: Ask, found: Sequence[Call], **keys: Callable[[Call], Any]) -> list[Call]:
    """The calls whose values are those of the parameters that were given."""
    given = {name: value for name in keys if (value := ask.text(name)) is not None}
    return [call for call in found if all(keys[name](call) == value for name, value in given.items())]


async def list_requests(ask: Ask) -> Any:
    found = await calls(ask, "llm", time_range(ask), await known(ask))
    kept = chosen(ask, found, model=lambda call: call.model, status=lambda call: call.status)
    return paged(ask, [request_row(call) for call in kept])


async def list_tokens(ask: Ask) -> Any:
    found = await calls(ask, "llm", time_range(ask, "7d"), await known(ask))
    step = INTERVALS[ask.choice("interval", "1d", ("1m", "5m", "1h", "1d", "7d"))]
    by_model = ask.choice("group_by", "time", ("model", "time")) == "model"
    groups = grouped(found, lambda call: (None, call.model) if by_model else (call.event.time // step * step, None))
    rows = [
        {
            "timestamp": iso(slot),
            "model": model,
            "input_tokens": sum(call.input_tokens for call in group),
            "output_tokens": sum(call.output_tokens for call in group),
            "total_tokens": _tokens(group),
        }
        for (slot, model), group in sorted(groups.items(), key=lambda entry: (entry[0][0] or 0, entry[0][1] or ""))
    ]
    inputs = sum(call.input_tokens for call in found)
    return paged(ask, rows, total_input=inputs, total_output=_tokens(found) - inputs, total=_tokens(found))


async def list_tools(ask: Ask) -> Any:
    found = await calls(ask, "tool", time_range(ask), await known(ask))
    return paged(ask, tool_rows(found), total_executions=len(found))


def tool_rows(found: Sequence[Call]) -> list[dict[str, Any]]:
    rows = []
    for tool, group in grouped(found, lambda call: call.tool).items():
        failed = sum(call.failed for call in group)
        rows.append(
            {
                "tool_name": tool,
                "category": group[0].text("framework.name") or "custom",
                "execution_count": len(group),
                "success_count": len(group) - failed,
                "error_count": failed,
                "success_rate": (len(group) - failed) / len(group),
                "avg_duration_ms": figures.mean([call.duration_ms for call in group if call.duration_ms is not None]),
            }
        )
    return rows


async def list_executions(ask: Ask) -> Any:
    found = await calls(ask, "tool", time_range(ask), await known(ask))
    kept = chosen(ask, found, tool_name=lambda call: call.tool, status=lambda call: call.status)
    rows = [
        {
            "execution_id": str(call.begun.id),
            "timestamp": call.begun.timestamp,
            "tool_name": call.tool,
            "status": call.status,
            "duration_ms": call.duration_ms,
            "parameters": call.value("gen_ai.tool.call.arguments"),
            "result_summary": _summary(call.value("gen_ai.tool.call.result")),
        }
        for call in kept
    ]
    return paged(ask, rows)


async def show_cost(ask: Ask) -> Any:
    name = await known(ask)
    found = await calls(ask, "llm", time_range(ask), name)
    inputs = sum(call.input_tokens for call in found)
    return {
        "agent_id": name,
        "total_cost": cost(found),
        "total_tokens": _tokens(found),
        "input_tokens": inputs,
        "output_tokens": _tokens(found) - inputs,
        "request_count": len(found),
        "model_breakdown": model_rows(found) if ask.text("include_breakdown") != "false" else [],
        "meta": {"timestamp": iso(ask.now)},
    }


def _spans_of(events: Sequence[Event], key: Callable[[Event], str | None]) -> dict[str, list[Event]]:
    """Events by session or trace, each oldest first."""
    groups: dict[str, list[Event]] = {}
    for event in reversed(events):
        name = key(event)
        if name is not None:
            groups.setdefault(name, []).append(event)
    return groups


def _within(ask: Ask, rows: list[dict[str, Any]], key: str) -> list[dict[str, Any]]:
    shortest, longest, status = ask.number("min_duration"), ask.number("max_duration"), ask.text("status")
    return [
        row
        for row in rows
        if (shortest is None or row[key] >= shortest)
        and (longest is None or row[key] <= longest)
        and status in {None, row["status"]}
    ]


async def list_sessions(ask: Ask) -> Any:
    events = await every(ask.store, Wanted(time_range(ask), agent=await known(ask), scopes=CYLESTIO))
    rows = [
        {
            "session_id": session,
            "start_time": group[0].timestamp,
            "end_time": group[-1].timestamp,
            "duration_seconds": (group[-1].time - group[0].time) / 1e9,
            "event_count": len(group),
            "llm_request_count": _started(group, "llm"),
            "tool_execution_count": _started(group, "tool"),
            "error_count": sum(event.failed for event in group),
            "status": "active" if ask.now - group[-1].time < 1800 * 10**9 else "completed",
        }
        for session, group in _spans_of(events, lambda event: event.session).items()
    ]
    rows.sort(key=lambda row: str(row["start_time"]), reverse=True)
    return paged(ask, _within(ask, rows, "duration_seconds"))


def _started(group: Sequence[Event], family: str) -> int:
    roles = [event.text("cylestio.pair.role") for event in group if family_of(event) == family]
    return max(roles.count("start"), roles.count("finish"))


async def list_traces(ask: Ask) -> Any:
    types = set(ask.texts("event_type"))
    events = await every(ask.store, Wanted(time_range(ask), agent=await known(ask), scopes=CYLESTIO))
    rows = [
        {
            "trace_id": trace,
            "start_time": group[0].timestamp,
            "end_time": group[-1].timestamp,
            "duration_ms": (group[-1].time - group[0].time) / 1e6,
            "event_count": len(group),
            "status": "error" if any(event.failed for event in group) else "success",
            "initial_event_type": group[0].type,
        }
        for trace, group in _spans_of(events, lambda event: event.record.trace_id).items()
        if not types or types & {family_of(group[0]), group[0].type}
    ]
    rows.sort(key=lambda row: str(row["start_time"]), reverse=True)
    return paged(ask, _within(ask, rows, "duration_ms"))


ENDPOINTS = (
    Endpoint("/v1/agents", list_agents),
    Endpoint("/v1/agents/{agent_id}", show_agent),
    Endpoint("/v1/agents/{agent_id}/dashboard", show_dashboard),
    Endpoint("/v1/agents/{agent_id}/summary", show_summary),
    Endpoint("/v1/agents/{agent_id}/llms", show_models),
    Endpoint("/v1/agents/{agent_id}/llms/requests", list_requests),
    Endpoint("/v1/agents/{agent_id}/tokens", list_tokens),
    Endpoint("/v1/agents/{agent_id}/tools", list_tools),
    Endpoint("/v1/agents/{agent_id}/tools/executions", list_executions),
    Endpoint("/v1/agents/{agent_id}/sessions", list_sessions),
    Endpoint("/v1/agents/{agent_id}/traces", list_traces),
    Endpoint("/v1/agents/{agent_id}/cost", show_cost),
)
