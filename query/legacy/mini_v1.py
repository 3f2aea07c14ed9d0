"""Readers of the mini server's second API: agents, their events and figures, and alerts, under /api/v1."""

from __future__ import annotations

from typing import Any

from query.legacy import figures
from query.legacy.endpoint import DAY, HOUR, Ask, Endpoint, Refusal
from query.legacy.events import AGENT, RESPONSES, Event, Wanted, by_number, every, newest, oldest
from query.legacy.mini import counts, event_details, event_object
from query.legacy.times import INTERVALS, iso
from storage.contract import TimeRange

_AROUND = 300 * 10**9


def _pagination(total: int, limit: int, offset: int) -> dict[str, Any]:
    return {"total": total, "limit": limit, "offset": offset, "has_more": offset + limit < total}


async def list_agents(ask: Ask) -> Any:
    limit, offset = ask.integer("limit", 20, 1, 100), ask.integer("offset", 0)
    key = ask.choice("sort_by", "last_seen", ("last_seen", "first_seen", "agent_id", "event_count"))
    descending = ask.choice("sort_order", "desc", ("asc", "desc")) == "desc"
    agents = await _agents(ask, ask.range("start_time", "end_time"))
    agents.sort(key=lambda agent: agent[key], reverse=descending)
    return {"results": agents[offset : offset + limit], "pagination": _pagination(len(agents), limit, offset)}


async def _agents(ask: Ask, time_range: TimeRange, agent: str | None = None) -> list[dict[str, Any]]:
    found = await counts(ask, time_range, AGENT, "gen_ai.request.model", agent=agent)
    models = {count.group[0]: count.group[1] for count in found if count.group[1]}
    names = dict.fromkeys(count.group[0] for count in found)
    return [
        {
            "agent_id": name,
            "first_seen": iso(min(count.first_time for count in found if count.group[0] == name)),
            "last_seen": iso(last := max(count.last_time for count in found if count.group[0] == name)),
            "status": "active" if ask.now - last < HOUR else "inactive",
            "llm_provider": models.get(name),
            "event_count": sum(count.count for count in found if count.group[0] == name),
        }
        for name in names
    ]


async def show_agent(ask: Ask) -> Any:
    [agent] = await _agents(ask, TimeRange(), await _known(ask)) or [{}]
    types = await counts(ask, TimeRange(), "event", agent=agent["agent_id"])
    return {**agent, "event_types": {name.removeprefix("cylestio."): n for name, n in figures.by_name(types).items()}}


async def _known(ask: Ask) -> str:
    name = ask.path("agent_id")
    if not await counts(ask, TimeRange(), agent=name):
        raise Refusal(404, f"Agent with ID '{name}' not found")
    return name


async def list_events(ask: Ask) -> Any:
    types, levels, channels = (set(ask.texts(name)) for name in ("event_type", "level", "channel"))
    limit, offset = ask.integer("limit", 50, 1, 200), ask.integer("offset", 0)

    def fits(event: Event) -> bool:
        wanted = ((types, event.type), (levels, event.level), (channels, event.channel))
        return all(not names or value in names for names, value in wanted)

    wanted = Wanted(ask.range("start_time", "end_time"), agent=await _known(ask), session=ask.text("session_id"), fits=fits)
    found = await every(ask.store, wanted)
    if ask.choice("sort_order", "desc", ("asc", "desc")) == "asc":
        found.reverse()
    shown = [event_object(event) for event in found[offset : offset + limit]]
    return {"results": shown, "pagination": _pagination(len(found), limit, offset)}


async def show_event(ask: Ask) -> Any:
    agent, number = await _known(ask), ask.path("event_id")
    event = await by_number(ask.store, number)
    if event is None or event.agent != agent:
        raise Refusal(404, f"Event with ID {number} not found")
    return {**event_details(event), "related_events": await _related(ask, event)}


async def _related(ask: Ask, event: Event) -> list[dict[str, Any]]:
    """The other half of a pair, by the key that both halves carry."""
    key = event.text("cylestio.pair.key")
    if key is None:
        return []
    near = TimeRange(max(event.time - DAY, 0), event.time + DAY)
    wanted = Wanted(near, agent=event.agent, fits=lambda other: other.text("cylestio.pair.key") == key and other.id != event.id)
    return [event_object(other) for other in await newest(ask.store, wanted, 20)]


async def show_metrics(ask: Ask) -> Any:
    agent = await _known(ask)
    kind = ask.text("metric_type") or "performance"
    if kind not in {"performance", "usage", "errors"}:
        raise Refusal(400, f"Invalid metric type: {kind[:100]}; performance, usage and errors are known")
    interval = ask.choice("interval", "hour", ("minute", "hour", "day"))
    within = ask.range("start_time", "end_time", default=DAY)
    found = await counts(ask, within, "event", "severity", agent=agent, interval_ns=INTERVALS[interval], values_of="duration_ms")
    if kind == "performance":
        values = [value for count in found if count.group[0] in RESPONSES for value in count.values]
        overall, chosen = figures.durations(values), [count for count in found if count.group[0] in RESPONSES]
    elif kind == "usage":
        overall, chosen = {"total_events": figures.total(found)}, list(found)
    else:
        chosen = [count for count in found if (count.group[1] or "") in {"ERROR", "CRITICAL"}]
        overall = {"total_errors": figures.total(chosen), "total_events": figures.total(found)}
    return {
        "metrics": {"type": kind, "overall": overall, "time_series": figures.series(chosen)},
        "timeframe": {"start": iso(within.start), "end": iso(ask.time("end_time") or ask.now), "interval": interval},
    }


def is_alert(event: Event) -> bool:
    """Severe events about security: by channel, by name, or by what the client's own scan found."""
    if event.text("cylestio_mini.alert") in {"suspicious", "dangerous", "critical"} or event.name.startswith("security."):
        return True
    severe = event.level.upper() in {"ERROR", "CRITICAL", "SECURITY_ALERT"}
    return severe and ("security" in event.type.lower() or event.channel.upper() == "SECURITY" or "blocked" in event.type.lower())


def _alert(event: Event, now: int) -> dict[str, Any]:
    high = event.level.upper() == "CRITICAL" or event.text("cylestio_mini.alert") in {"dangerous", "critical"}
    return {
        "id": event.id,
        "timestamp": event.timestamp,
        "agent_id": event.agent,
        "event_type": event.type,
        "severity": "high" if high else "medium",
        "status": "active" if now - event.time < DAY else "resolved",
        "message": event.text("cylestio_mini.security_reason") or event.text("exception.message") or event.type,
        "data": event.data,
    }


async def list_alerts(ask: Ask) -> Any:
    limit, offset = ask.integer("limit", 50, 1, 200), ask.integer("offset", 0)
    wanted = Wanted(ask.range("start_time", "end_time", default=30 * DAY), agent=ask.text("agent_id"), fits=is_alert)
    alerts = [_alert(event, ask.now) for event in await every(ask.store, wanted)]
    for name in ("severity", "status"):
        value = ask.text(name)
        alerts = [alert for alert in alerts if value in {None, alert[name]}]
    return {"results": alerts[offset : offset + limit], "pagination": _pagination(len(alerts), limit, offset)}


async def show_alert(ask: Ask) -> Any:
    event = await by_number(ask.store, ask.path("alert_id"))
    if event is None or not is_alert(event):
        raise Refusal(404, f"Alert with ID {ask.path('alert_id')} not found")
    near = TimeRange(max(event.time - _AROUND, 0), event.time + _AROUND)
    context = await oldest(ask.store, Wanted(near, agent=event.agent), 100)
    return {**_alert(event, ask.now), "context": [event_object(other) for other in context]}


ENDPOINTS = (
    Endpoint("/api/v1/agents", list_agents),
    Endpoint("/api/v1/agents/{agent_id}", show_agent),
    Endpoint("/api/v1/agents/{agent_id}/events", list_events),
    Endpoint("/api/v1/agents/{agent_id}/events/{event_id}", show_event),
    Endpoint("/api/v1/agents/{agent_id}/metrics", show_metrics),
    Endpoint("/api/v1/alerts", list_alerts),
    Endpoint("/api/v1/alerts/{alert_id}", show_alert),
)
