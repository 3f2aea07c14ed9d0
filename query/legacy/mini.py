"""Readers of the mini server (`cylestio_mini`): its events, their counts and latencies, under /api.

`/api/events` lists events of every agent, however they came; the keys are the mini server's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from query.legacy import figures
from query.legacy.endpoint import DAY, Ask, Endpoint, Refusal
from query.legacy.events import AGENT, CYLESTIO, RESPONSES, SESSION, Event, Wanted, by_number, newest, oldest
from query.legacy.times import INTERVALS, iso
from storage.contract import AttributeFilter, LogCountQuery, TimeRange

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from storage.contract import LogCount

CHANNEL, EVENT_TYPE = "cylestio_mini.channel", "cylestio_mini.event_type"
_MOST = 10_000


def event_object(event: Event) -> dict[str, Any]:
    return {
        "id": event.id,
        "timestamp": event.timestamp,
        "level": event.level,
        "agent_id": event.agent,
        "event_type": event.type,
        "channel": event.channel,
        "direction": event.direction,
        "session_id": event.session,
        "duration_ms": event.duration_ms,
        "data": event.data,
        "name": event.name,
        "trace_id": event.record.trace_id,
        "span_id": event.record.span_id,
    }


def event_details(event: Event) -> dict[str, Any]:
    return {
        **event_object(event),
        "caller_file": event.text("code.file.path"),
        "caller_line": event.attributes.get("code.line.number"),
        "caller_function": event.text("code.function.name"),
        "relationship_id": event.text("cylestio.pair.key"),
    }


async def list_events(ask: Ask, agent: str | None = None, event_type: str | None = None) -> Any:
    limit = ask.integer("limit", 100, 0, _MOST)
    offset = ask.integer("offset", 0)
    look = oldest if ask.choice("sort", "desc", ("asc", "desc")) == "asc" else newest
    wanted = Wanted(
        ask.range(),
        agent=agent or ask.text("agent_id"),
        session=ask.text("session_id"),
        severity=ask.text("level"),
        fits=_fits(event_type or ask.text("event_type"), ask.text("channel")),
    )
    return [event_object(event) for event in await look(ask.store, wanted, limit, offset)]


def _fits(event_type: str | None, channel: str | None) -> Callable[[Event], bool] | None:
    if event_type is None and channel is None:
        return None
    return lambda event: (event_type is None or event_type in {event.type, event.name}) and channel in {None, event.channel}


async def events_or_event(ask: Ask) -> Any:
    """The events of an agent, or the one event of this number where no agent is called so."""
    name = ask.path("name")
    if name.isascii() and name.isdigit() and not await counts(ask, TimeRange(), agent=name):
        event = await by_number(ask.store, name)
        if event is None:
            raise Refusal(404, f"Event with ID {name} not found")
        return event_details(event)
    return await list_events(ask, agent=name)


async def events_of_type(ask: Ask) -> Any:
    return await list_events(ask, ask.path("name"), ask.path("event_type"))


async def counts(ask: Ask, time_range: TimeRange, *group_by: str, agent: str | None = None, **more: Any) -> Sequence[LogCount]:
    """Counts of the mini and local servers' events."""
    filters = list(more.pop("attributes", ()))
    if agent is not None:
        filters.append(AttributeFilter(AGENT, agent))
    query = LogCountQuery(range=time_range, scopes=CYLESTIO, group_by=group_by, attributes=tuple(filters), **more)
    return await ask.store.log_counts(query)


async def _known(ask: Ask, agent: str) -> str:
    if not await counts(ask, TimeRange(), agent=agent):
        raise Refusal(404, f"Agent with ID '{agent}' not found")
    return agent


async def event_counts(ask: Ask, agent: str) -> Any:
    agent = await _known(ask, agent)
    interval = INTERVALS[ask.choice("interval", "hour", ("minute", "hour", "day", "month"))]
    found = await counts(ask, ask.range(), "severity", CHANNEL, agent=agent, interval_ns=interval)
    return {
        "agent_id": agent,
        "total": figures.total(found),
        "by_level": figures.by_name(found, 0, "INFO"),
        "by_channel": figures.by_name(found, 1),
        "timeseries": figures.series(found),
    }


async def event_types(ask: Ask, agent: str) -> Any:
    agent = await _known(ask, agent)
    found = await counts(ask, ask.range(), "event", agent=agent)
    return {"agent_id": agent, "event_types": _types(found), "total": figures.total(found)}


def _types(found: Sequence[LogCount]) -> dict[str, int]:
    return {name.removeprefix("cylestio."): count for name, count in figures.by_name(found).items()}


async def latency(ask: Ask, agent: str) -> Any:
    agent = await _known(ask, agent)
    return {"agent_id": agent, **figures.durations(await _response_times(ask, ask.range(), agent))}


async def _response_times(ask: Ask, time_range: TimeRange, agent: str | None) -> list[float]:
    found = await counts(ask, time_range, "event", agent=agent, values_of="duration_ms")
    return [value for count in found if count.group[0] in RESPONSES for value in count.values]


async def agents_count(ask: Ask) -> Any:
    return len(await counts(ask, TimeRange(), AGENT))


async def agents_recent(ask: Ask) -> Any:
    found = sorted(await counts(ask, TimeRange(), AGENT), key=lambda count: -count.last_time)
    return [
        {
            "agent_id": count.group[0],
            "first_seen": iso(count.first_time),
            "last_seen": iso(count.last_time),
            "event_count": count.count,
        }
        for count in found[: ask.integer("limit", 5, 0, _MOST)]
    ]


async def agents_providers(ask: Ask) -> Any:
    """How many agents used each model: the original kept the model under this name."""
    pairs = {count.group for count in await counts(ask, TimeRange(), AGENT, "gen_ai.request.model") if count.group[1]}
    models = sorted(model or "" for _, model in pairs)
    return {model: models.count(model) for model in dict.fromkeys(models)}


def _week(ask: Ask) -> TimeRange:
    return ask.range(default=7 * DAY)


async def events_count(ask: Ask) -> Any:
    return figures.total(await counts(ask, _week(ask), agent=ask.text("agent_id")))


async def events_by_level(ask: Ask) -> Any:
    return figures.by_name(await counts(ask, _week(ask), "severity", agent=ask.text("agent_id")), 0, "INFO")


async def events_by_channel(ask: Ask) -> Any:
    return figures.by_name(await counts(ask, _week(ask), CHANNEL, agent=ask.text("agent_id")))


async def events_by_type(ask: Ask) -> Any:
    return _types(await counts(ask, _week(ask), "event", agent=ask.text("agent_id")))


async def events_timeseries(ask: Ask) -> Any:
    interval = INTERVALS[ask.choice("interval", "hour", ("minute", "hour", "day", "month"))]
    given = ((EVENT_TYPE, ask.text("event_type")), (CHANNEL, ask.text("channel")))
    filters = [AttributeFilter(key, value) for key, value in given if value is not None]
    return figures.series(await counts(ask, _week(ask), agent=ask.text("agent_id"), interval_ns=interval, attributes=filters))


async def response_times(ask: Ask) -> Any:
    return figures.durations(await _response_times(ask, _week(ask), ask.text("agent_id")))


async def requests_by_day(ask: Ask) -> Any:
    found = await counts(ask, ask.range(default=30 * DAY), "event", agent=ask.text("agent_id"), interval_ns=DAY)
    requests = [count for count in found if count.group[0] in RESPONSES]
    return [{"day": entry["interval"][:10], "count": entry["count"]} for entry in figures.series(requests)]


async def _sessions(ask: Ask) -> list[LogCount]:
    found = await counts(ask, ask.range(), SESSION, AGENT, agent=ask.text("agent_id"))
    return sorted((count for count in found if count.group[0]), key=lambda count: -count.first_time)


async def sessions_count(ask: Ask) -> Any:
    return len(await _sessions(ask))


async def sessions_recent(ask: Ask) -> Any:
    offset, limit = ask.integer("offset", 0), ask.integer("limit", 20, 0, _MOST)
    return [
        {
            "session_id": count.group[0],
            "agent_id": count.group[1],
            "start_time": iso(count.first_time),
            "end_time": iso(count.last_time),
            "duration": (count.last_time - count.first_time) / 1e9,
            "total_events": count.count,
        }
        for count in (await _sessions(ask))[offset : offset + limit]
    ]


async def sessions_duration(ask: Ask) -> Any:
    return figures.mean([(count.last_time - count.first_time) / 1e9 for count in await _sessions(ask)])


async def sessions_events(ask: Ask) -> Any:
    return figures.mean([count.count for count in await _sessions(ask)])


_OF_AGENT: dict[str, Callable[[Ask, str], Awaitable[Any]]] = {
    "event_counts": event_counts,
    "event_types": event_types,
    "latency": latency,
}
_OVERALL: dict[tuple[str, str], Callable[[Ask], Awaitable[Any]]] = {
    ("agents", "count"): agents_count,
    ("agents", "recent"): agents_recent,
    ("agents", "providers"): agents_providers,
    ("events", "count"): events_count,
    ("events", "by_level"): events_by_level,
    ("events", "by_channel"): events_by_channel,
    ("events", "by_type"): events_by_type,
    ("events", "timeseries"): events_timeseries,
    ("performance", "response_times"): response_times,
    ("performance", "requests_by_day"): requests_by_day,
    ("sessions", "count"): sessions_count,
    ("sessions", "recent"): sessions_recent,
    ("sessions", "avg_duration"): sessions_duration,
    ("sessions", "avg_events_per_session"): sessions_events,
}


async def metric(ask: Ask) -> Any:
    """/api/metrics/{agent}/{figure} and /api/metrics/{family}/{figure}: the figures' names differ, so the pair tells."""
    subject, figure = ask.path("subject"), ask.path("figure")
    if figure in _OF_AGENT:
        return await _OF_AGENT[figure](ask, subject)
    if (subject, figure) in _OVERALL:
        return await _OVERALL[subject, figure](ask)
    raise Refusal(404, "Not Found")


ENDPOINTS = (
    Endpoint("/api/events", list_events),
    Endpoint("/api/events/{name}", events_or_event),
    Endpoint("/api/events/{name}/{event_type}", events_of_type),
    Endpoint("/api/metrics/{subject}/{figure}", metric),
)

__all__ = ["ENDPOINTS", "counts", "event_details", "event_object"]
