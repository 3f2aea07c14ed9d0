"""Readers of the local server: metrics over time, analytics of models, pricing, conversations, alerts, under /v1."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from query.legacy import figures
from query.legacy.endpoint import Ask, Endpoint, Refusal
from query.legacy.events import CYLESTIO, Event, Wanted, by_number, every
from query.legacy.local_agents import agents, chosen, dashboard, model_rows, page_of, paged, request_row, tool_rows
from query.legacy.local_events import event_object, shown_range, time_range
from query.legacy.mini_v1 import is_alert
from query.legacy.operations import Call, calls, cost, grouped, price, totals
from query.legacy.times import INTERVALS, iso
from storage.contract import TimeRange

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

_DIMENSIONS: dict[str, Callable[[Call], str]] = {
    "agent": lambda call: call.agent,
    "model": lambda call: call.model,
    "llm.model": lambda call: call.model,
    "llm.vendor": lambda call: call.vendor,
    "tool.name": lambda call: call.tool,
    "status": lambda call: call.status,
}


async def _series(
    ask: Ask, metric: str, found: Iterable[Call], value: Callable[[Sequence[Call]], float], within: TimeRange
) -> dict[str, Any]:
    word = ask.choice("interval", "1h", ("1m", "5m", "1h", "1d", "7d"))
    step = INTERVALS[word]
    dimensions = [name for name in (*ask.texts("dimensions"), *ask.texts("group_by")) if name in _DIMENSIONS]
    groups = grouped(found, lambda call: (call.event.time // step * step, *(_DIMENSIONS[name](call) for name in dimensions)))
    data = [
        {"timestamp": iso(slot), "value": value(group), "dimensions": dict(zip(dimensions, names, strict=True))}
        for (slot, *names), group in sorted(groups.items())
    ]
    return {"metric": metric, **shown_range(ask, within), "interval": word, "data": data}


def _of_calls(metric: str, family: str, value: Callable[[Sequence[Call]], float]) -> Callable[[Ask], Any]:
    async def answer(ask: Ask) -> Any:
        within = time_range(ask, "1d")
        return await _series(ask, metric, await calls(ask, family, within, ask.text("agent_id")), value, within)

    return answer


def _tokens(found: Sequence[Call]) -> float:
    return sum(call.input_tokens + call.output_tokens for call in found)


def _response_time(found: Sequence[Call]) -> float:
    return figures.mean([call.duration_ms for call in found if call.duration_ms is not None])


def _success(found: Sequence[Call]) -> float:
    return sum(not call.failed for call in found) / len(found)


async def _count_over_time(ask: Ask, metric: str, events: Iterable[Event], within: TimeRange, key: Callable[[Event], Any]) -> Any:
    """Distinct keys in each interval."""
    word = ask.choice("interval", "1h", ("1m", "5m", "1h", "1d", "7d"))
    seen: dict[int, set[Any]] = {}
    for event in events:
        seen.setdefault(event.time // INTERVALS[word] * INTERVALS[word], set()).add(key(event))
    data: list[dict[str, Any]] = [
        {"timestamp": iso(slot), "value": len(keys), "dimensions": {}} for slot, keys in sorted(seen.items())
    ]
    return {"metric": metric, **shown_range(ask, within), "interval": word, "data": data}


async def error_count(ask: Ask) -> Any:
    within = time_range(ask, "1d")
    wanted = Wanted(within, agent=ask.text("agent_id"), scopes=CYLESTIO, fits=lambda event: event.failed)
    return await _count_over_time(ask, "error_count", await every(ask.store, wanted), within, lambda event: event.id)


async def session_count(ask: Ask) -> Any:
    within = time_range(ask, "1d")
    wanted = Wanted(within, agent=ask.text("agent_id"), scopes=CYLESTIO, fits=lambda event: event.session is not None)
    return await _count_over_time(ask, "session_count", await every(ask.store, wanted), within, lambda event: event.session)


async def tokens(ask: Ask) -> Any:
    found = await calls(ask, "llm", time_range(ask, "1d"), ask.text("agent_id"))
    inputs, outputs = sum(call.input_tokens for call in found), sum(call.output_tokens for call in found)
    key = ask.choice("group_by", "model", ("model", "agent"))
    groups = grouped(found, _DIMENSIONS[key])
    rows = [
        {
            key: name,
            "input_tokens": sum(call.input_tokens for call in group),
            "output_tokens": sum(call.output_tokens for call in group),
            "total_tokens": int(_tokens(group)),
        }
        for name, group in groups.items()
    ]
    return {"input_tokens": inputs, "output_tokens": outputs, "total_tokens": inputs + outputs, "models": rows}


async def overall_dashboard(ask: Ask) -> Any:
    return await dashboard(ask, ask.text("agent_id"))


async def agent_metrics(ask: Ask) -> Any:
    agent = ask.path("agent_id")
    found = await dashboard(ask, agent)
    return {"agent_id": agent, "time_range": found["time_range"], "metrics": found["metrics"]}


async def models(ask: Ask) -> Any:
    return paged(ask, model_rows(await calls(ask, "llm", time_range(ask), ask.text("agent_id"))))


async def requests(ask: Ask) -> Any:
    found = await calls(ask, "llm", time_range(ask), ask.text("agent_id"))
    kept = chosen(ask, found, model=lambda call: call.model, status=lambda call: call.status)
    return paged(ask, [_request(call) for call in kept])


def _request(call: Call) -> dict[str, Any]:
    return {
        **request_row(call),
        "content": call.value("gen_ai.input.messages"),
        "response": call.value("gen_ai.output.messages"),
    }


async def show_request(ask: Ask) -> Any:
    number = ask.path("request_id")
    event = await by_number(ask.store, number)
    if event is not None:
        within = TimeRange(max(event.time - 3600 * 10**9, 0), event.time + 3600 * 10**9)
        for call in await calls(ask, "llm", within, event.agent):
            if event.id in {call.begun.id, call.event.id}:
                return _request(call)
    raise Refusal(404, f"LLM request with ID {number} not found", field="request_id")


async def analytics(ask: Ask) -> Any:
    within = time_range(ask, "30d")
    found = await calls(ask, "llm", within, ask.text("agent_id"))
    model = ask.text("model_name")
    found = [call for call in found if model in {None, call.model}]
    by = ask.choice("breakdown_by", "none", ("none", "agent", "model", "time"))
    step = INTERVALS[ask.choice("granularity", "day", ("minute", "hour", "day"))]
    return {
        "total": totals(found),
        "breakdown": _breakdown(found, by, step),
        **shown_range(ask, within),
        "filters": {"agent_id": ask.text("agent_id"), "model_name": model},
        "breakdown_by": by,
    }


def _breakdown(found: Sequence[Call], by: str, step: int) -> list[dict[str, Any]]:
    keys: dict[str, Callable[[Call], Any]] = {
        "agent": lambda call: call.agent,
        "model": lambda call: call.model,
        "time": lambda call: iso(call.event.time // step * step),
        "relation": lambda call: (call.agent, call.model),
    }
    if by == "none":
        return []
    return [
        {"key": " - ".join(key) if isinstance(key, tuple) else key, "metrics": totals(group), "relation_type": by}
        for key, group in sorted(grouped(found, keys[by]).items())
    ]


def _analytics_by(by: str) -> Callable[[Ask], Any]:
    async def answer(ask: Ask) -> Any:
        within = time_range(ask, "30d")
        found = await calls(ask, "llm", within, ask.text("agent_id"))
        step = INTERVALS[ask.choice("granularity", "day", ("minute", "hour", "day"))]
        filters = {"agent_id": ask.text("agent_id")}
        return {
            "total": totals(found),
            "breakdown": _breakdown(found, by, step),
            **shown_range(ask, within),
            "filters": filters,
            "breakdown_by": by,
        }

    return answer


async def conversations(ask: Ask) -> Any:
    found = await calls(ask, "llm", time_range(ask, "30d"), ask.text("agent_id"))
    groups = grouped((call for call in found if call.event.record.trace_id), lambda call: call.event.record.trace_id)
    rows = [
        {
            "trace_id": trace,
            "agent_id": group[0].agent,
            "first_timestamp": group[-1].begun.timestamp,
            "last_timestamp": group[0].event.timestamp,
            "request_count": len(group),
            "total_tokens": int(_tokens(group)),
            "status": "error" if any(call.failed for call in group) else "success",
        }
        for trace, group in groups.items()
    ]
    least, most = ask.number("token_min"), ask.number("token_max")
    rows = [
        row
        for row in rows
        if (least is None or row["total_tokens"] >= least)
        and (most is None or row["total_tokens"] <= most)
        and ask.text("status") in {None, row["status"]}
    ]
    return paged(ask, rows)


async def conversation(ask: Ask) -> Any:
    trace_id = ask.path("trace_id")
    found = [call for call in await calls(ask, "llm", TimeRange()) if call.event.record.trace_id == trace_id]
    if not found:
        raise Refusal(404, f"Conversation with trace ID {trace_id} not found", field="trace_id")
    return paged(ask, [_request(call) for call in reversed(found)], trace_id=trace_id)


async def tool_interactions(ask: Ask) -> Any:
    within = time_range(ask, "30d")
    found = await calls(ask, "tool", within, ask.text("agent_id"))
    kept = chosen(ask, found, tool_name=lambda call: call.tool, tool_status=lambda call: call.status)
    shown, pagination = page_of(ask, kept, 20)
    interactions = [
        {
            "id": str(call.begun.id),
            "tool_name": call.tool,
            "status": call.status,
            "agent_id": call.agent,
            "request_timestamp": call.begun.timestamp,
            "duration_ms": call.duration_ms,
            "parameters": call.value("gen_ai.tool.call.arguments"),
            "result": call.value("gen_ai.tool.call.result"),
            "framework_name": call.text("framework.name"),
        }
        for call in shown
    ]
    page = {"total": pagination["total_items"], "page": pagination["page"], "page_size": pagination["page_size"]}
    return {**page, **shown_range(ask, within), "interactions": interactions}


async def tools_detailed(ask: Ask) -> Any:
    within = time_range(ask, "30d")
    rows = tool_rows(await calls(ask, "tool", within, ask.text("agent_id")))
    return {"metric": "tool_success_rate", **shown_range(ask, within), "tools": rows, "total_count": len(rows)}


async def pricing(ask: Ask) -> Any:
    """The prices of models that were used, or of the one asked for: US dollars for a million tokens."""
    provider, model = ask.text("provider"), ask.text("model")
    found = await calls(ask, "llm", TimeRange())
    pairs = {(call.vendor, call.model) for call in found} if model is None else {(provider or "unknown", model)}
    rows = [
        {
            "provider": vendor,
            "model": name,
            "input_price": _per_million(vendor, name, 1, 0),
            "output_price": _per_million(vendor, name, 0, 1),
        }
        for vendor, name in sorted(pairs)
        if provider in {None, vendor}
    ]
    known = [row for row in rows if row["input_price"] is not None]
    return {"models": known, "total_count": len(known), "update_date": iso(ask.now)}


def _per_million(vendor: str, model: str, inputs: int, outputs: int) -> float | None:
    dollars = price(vendor, model, inputs * 1000, outputs * 1000)
    return None if dollars is None else dollars * 1000


async def token_cost(ask: Ask) -> Any:
    found = await calls(ask, "llm", time_range(ask), ask.text("agent_id"))
    inputs, outputs = sum(call.input_tokens for call in found), sum(call.output_tokens for call in found)
    sums = {"input_tokens": inputs, "output_tokens": outputs, "total_tokens": inputs + outputs, "total_cost": cost(found)}
    return {
        "token_usage_cost": {"breakdown": model_rows(found), "totals": sums},
        "pricing_note": "List prices per model; models without a known price are left out of the cost.",
        "update_date": iso(ask.now),
    }


async def usage(ask: Ask) -> Any:
    rows = [{"agent_id": agent["agent_id"], **agent} for agent in await agents(ask, time_range(ask, "30d"))]
    return paged(ask, rows)


async def performance(ask: Ask) -> Any:
    within = time_range(ask, "1d")
    llm = await calls(ask, "llm", within, ask.text("agent_id"))
    values = [call.duration_ms for call in llm if call.duration_ms is not None]
    return {"metric": "performance", **shown_range(ask, within), "data": [figures.durations(values)]}


def alert_object(event: Event) -> dict[str, Any]:
    return {
        "id": str(event.id),
        "alert_id": str(event.id),
        "timestamp": event.timestamp,
        "agent_id": event.agent,
        "trace_id": event.record.trace_id,
        "span_id": event.record.span_id,
        "type": event.type,
        "severity": str(event.attributes.get("security.severity") or event.text("cylestio_mini.alert") or event.level).lower(),
        "category": event.text("security.category") or "security",
        "alert_level": event.text("security.alert_level") or event.text("cylestio_mini.alert") or event.level.lower(),
        "description": event.text("security.description") or event.text("cylestio_mini.security_reason") or event.type,
        "status": "open",
        "related_event_id": str(event.id),
    }


async def _alerts(ask: Ask, agent: str | None = None) -> tuple[list[dict[str, Any]], TimeRange]:
    within = time_range(ask, "7d")
    events = await every(ask.store, Wanted(within, agent=agent or ask.text("agent_id"), scopes=CYLESTIO, fits=is_alert))
    found = [alert_object(event) for event in events]
    for name in ("severity", "category", "alert_level", "trace_id", "span_id", "type"):
        wanted = set(ask.texts(name))
        found = [alert for alert in found if not wanted or alert[name] in wanted]
    pattern = (ask.text("pattern") or "").lower()
    return [alert for alert in found if pattern in str(alert["description"]).lower()], within


def _counts(alerts: Sequence[dict[str, Any]]) -> dict[str, Any]:
    by = {f"by_{name}": dict(Counter(alert[name] for alert in alerts)) for name in ("severity", "category", "alert_level")}
    return {"total": len(alerts), **by}


async def list_alerts(ask: Ask) -> Any:
    found, within = await _alerts(ask)
    shown, pagination = page_of(ask, found)
    names = ("severity", "category", "alert_level", "agent_id", "trace_id", "span_id", "pattern")
    filters = {name: ask.text(name) for name in names if ask.text(name) is not None}
    return {
        "alerts": shown,
        "total_count": len(found),
        "metrics": _counts(found),
        "pagination": pagination,
        "time_range": shown_range(ask, within),
        "filters": filters,
    }


async def agent_alerts(ask: Ask) -> Any:
    found, _ = await _alerts(ask, ask.path("agent_id"))
    return paged(ask, found)


async def alerts_timeseries(ask: Ask) -> Any:
    found, within = await _alerts(ask)
    word = ask.choice("interval", "1h", ("1m", "5m", "1h", "1d", "7d"))
    width = {"1m": 16, "5m": 16, "1h": 13, "1d": 10, "7d": 10}[word]
    slots = Counter(str(alert["timestamp"])[:width] for alert in found)
    data = [{"timestamp": slot, "count": count} for slot, count in sorted(slots.items())]
    return {"time_series": data, "total": len(found), "interval": word, "time_range": shown_range(ask, within)}


async def alerts_overview(ask: Ask) -> Any:
    found, within = await _alerts(ask)
    return {"metrics": _counts(found), "time_range": shown_range(ask, within)}


async def show_alert(ask: Ask) -> Any:
    event = await by_number(ask.store, ask.path("alert_id"))
    if event is None or not is_alert(event):
        raise Refusal(404, f"Alert with ID {ask.path('alert_id')} not found", field="alert_id")
    return {**alert_object(event), "attributes": event_object(event)["attributes"], "event": event_object(event)}


async def alert_triggers(ask: Ask) -> Any:
    """The events of the same span, which the alert is about."""
    alert = await show_alert(ask)
    wanted = Wanted(
        TimeRange(), trace_id=alert["trace_id"], scopes=CYLESTIO, fits=lambda event: event.record.span_id == alert["span_id"]
    )
    events = await every(ask.store, wanted) if alert["trace_id"] else []
    return {"alert_id": alert["alert_id"], "triggers": [event_object(event) for event in events if str(event.id) != alert["id"]]}


ENDPOINTS = (
    Endpoint("/v1/dashboard", overall_dashboard),
    Endpoint("/v1/metrics/llm/request_count", _of_calls("llm_request_count", "llm", len)),
    Endpoint("/v1/metrics/llm/token_usage", _of_calls("llm_token_usage", "llm", _tokens)),
    Endpoint("/v1/metrics/llm/response_time", _of_calls("llm_response_time", "llm", _response_time)),
    Endpoint("/v1/metrics/tool/success_rate", _of_calls("tool_success_rate", "tool", _success)),
    Endpoint("/v1/metrics/tool/success_rate/detailed", tools_detailed),
    Endpoint("/v1/metrics/error/count", error_count),
    Endpoint("/v1/metrics/session/count", session_count),
    Endpoint("/v1/metrics/sessions", session_count),
    Endpoint("/v1/metrics/performance", performance),
    Endpoint("/v1/metrics/usage", usage),
    Endpoint("/v1/metrics/tokens", tokens),
    Endpoint("/v1/metrics/llms", models),
    Endpoint("/v1/metrics/llms/requests", requests),
    Endpoint("/v1/metrics/agent/{agent_id}", agent_metrics),
    Endpoint("/v1/metrics/tool_interactions", tool_interactions),
    Endpoint("/v1/metrics/pricing/llm_models", pricing),
    Endpoint("/v1/metrics/pricing/token_usage_cost", token_cost),
    Endpoint("/v1/metrics/llm/analytics", analytics),
    Endpoint("/v1/metrics/llm/models", _analytics_by("model")),
    Endpoint("/v1/metrics/llm/usage_trends", _analytics_by("time")),
    Endpoint("/v1/metrics/llm/agent_usage", _analytics_by("agent")),
    Endpoint("/v1/metrics/llm/agent_model_relationships", _analytics_by("relation")),
    Endpoint("/v1/metrics/llm/requests", requests),
    Endpoint("/v1/metrics/llm/requests/{request_id}", show_request),
    Endpoint("/v1/metrics/llm/conversations", conversations),
    Endpoint("/v1/metrics/llm/conversations/{trace_id}", conversation),
    Endpoint("/v1/agents/{agent_id}/alerts", agent_alerts),
    Endpoint("/v1/alerts", list_alerts),
    Endpoint("/v1/alerts/timeseries", alerts_timeseries),
    Endpoint("/v1/alerts/overview", alerts_overview),
    Endpoint("/v1/alerts/stats", alerts_overview),
    Endpoint("/v1/alerts/{alert_id}", show_alert),
    Endpoint("/v1/alerts/{alert_id}/triggers", alert_triggers),
)
