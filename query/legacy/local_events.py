"""Readers of the local server: health, events, traces, sessions and the timeline, under /v1."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import orjson
from aiohttp import web

from query.legacy.endpoint import Ask, Endpoint, Refusal
from query.legacy.events import CYLESTIO, Event, Wanted, by_number, newest, oldest
from query.legacy.times import INTERVALS, RANGES, iso
from storage.contract import TimeRange
from storage.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Callable

MOST_EVENTS, MOST_IDS = 1000, 100
_MOST_BODY_BYTES = 64 * 1024
FAMILIES = ("llm", "tool", "security", "framework")


def event_object(event: Event) -> dict[str, Any]:
    document = event.document
    attributes = document.get("attributes")
    return {
        "id": str(event.id),
        "schema_version": document.get("schema_version", "1.0"),
        "timestamp": event.timestamp,
        "trace_id": document.get("trace_id") or event.record.trace_id,
        "span_id": document.get("span_id") or event.record.span_id,
        "parent_span_id": document.get("parent_span_id"),
        "name": document.get("name") or event.type,
        "level": event.level,
        "agent_id": event.agent,
        "attributes": attributes if isinstance(attributes, dict) else event.data,
    }


def family_of(event: Event) -> str:
    """llm, tool, security, framework, or another first word of the name."""
    paired = event.text("cylestio.pair.family")
    return paired or event.name.removeprefix("cylestio.").split(".", 1)[0]


def status_of(event: Event) -> str:
    if event.failed:
        return "error"
    return "warning" if event.level.upper() in {"WARNING", "WARN", "SECURITY_ALERT"} else "success"


def time_range(ask: Ask, default: str | None = None) -> TimeRange:
    """`from_time` and `to_time`, or a `time_range` back from now."""
    word = ask.text("time_range") or default
    if word is not None and word not in RANGES:
        raise Refusal(400, f"Invalid time_range: {word[:50]}. Must be one of: {', '.join(RANGES)}", field="time_range")
    return ask.range(default=None if word is None else RANGES[word])


def shown_range(ask: Ask, within: TimeRange) -> dict[str, Any]:
    return {"from_time": iso(within.start), "to_time": iso(within.end - 1 if within.end else ask.now)}


async def list_events(ask: Ask) -> Any:
    limit, offset = ask.integer("limit", 100, 1, MOST_EVENTS), ask.integer("offset", 0)
    types = set(ask.texts("event_type"))
    name, search = ask.text("event_name"), (ask.text("search") or "").lower()
    trace_id = ask.text("trace_id")

    def fits(event: Event) -> bool:
        if name is not None and name not in {event.name, event.type}:
            return False
        if trace_id is not None and trace_id not in {event.document.get("trace_id"), event.record.trace_id}:
            return False
        if types and not types & {family_of(event), event.name, event.type}:
            return False
        return not search or search in (event.text("log.record.original") or "").lower()

    wanted = Wanted(time_range(ask), agent=ask.text("agent_id"), severity=ask.text("level"), scopes=CYLESTIO, fits=fits)
    return [event_object(event) for event in await newest(ask.store, wanted, limit, offset)]


async def show_event(ask: Ask) -> Any:
    event = await by_number(ask.store, ask.path("event_id"))
    if event is None:
        raise Refusal(404, f"Event with ID {ask.path('event_id')} not found", field="event_id")
    return event_object(event)


async def show_trace(ask: Ask) -> Any:
    """The whole trace, oldest first; the id may be the client's own text."""
    trace_id = ask.path("trace_id")
    wanted = Wanted(
        TimeRange(),
        scopes=CYLESTIO,
        fits=lambda event: trace_id in {event.document.get("trace_id"), event.record.trace_id},
    )
    return [event_object(event) for event in await oldest(ask.store, wanted, MOST_EVENTS)]


async def show_session(ask: Ask) -> Any:
    wanted = Wanted(TimeRange(), session=ask.path("session_id"), scopes=CYLESTIO)
    return [event_object(event) for event in await oldest(ask.store, wanted, MOST_EVENTS)]


async def timeline(ask: Ask) -> Any:
    word = ask.choice("interval", "1h", ("1m", "5m", "1h", "1d"))
    within, types = time_range(ask, "1d"), set(ask.texts("event_type"))
    fits: Callable[[Event], bool] | None = (lambda event: family_of(event) in types) if types else None
    wanted = Wanted(within, agent=ask.text("agent_id"), scopes=CYLESTIO, fits=fits)
    intervals: dict[int, tuple[Counter[str], Counter[str]]] = {}
    for event in await oldest(ask.store, wanted, 10**6):
        slot = event.time // INTERVALS[word] * INTERVALS[word]
        families, statuses = intervals.setdefault(slot, (Counter(), Counter()))
        families[family_of(event)] += 1
        statuses[status_of(event)] += 1
    shown = [
        {
            "timestamp": iso(slot),
            "total": statuses.total(),
            "by_type": {name: families[name] for name in FAMILIES},
            "by_status": {name: statuses[name] for name in ("success", "error", "warning")},
        }
        for slot, (families, statuses) in sorted(intervals.items())
    ]
    meta = {**shown_range(ask, within), "interval": word, "total": sum(statuses.total() for _, statuses in intervals.values())}
    return {"intervals": shown, "meta": meta}


async def events_by_ids(ask: Ask) -> Any:
    """A bare array of numbers, or an object with `event_ids`; missing events are skipped."""
    try:
        body = orjson.loads(await _small_body(ask))
    except orjson.JSONDecodeError as error:
        raise Refusal(400, f"the body is not JSON: {error}", field="body") from None
    ids = body.get("event_ids") if isinstance(body, dict) else body
    if not isinstance(ids, list):
        raise Refusal(400, "event_ids: a list of ids is required", field="event_ids")
    if len(ids) > MOST_IDS:
        raise Refusal(400, f"event_ids: at most {MOST_IDS} can be asked for at once", field="event_ids")
    found = [await by_number(ask.store, str(number)) for number in ids]
    return [event_object(event) for event in found if event is not None]


async def _small_body(ask: Ask) -> bytes:
    body = b""
    while chunk := await ask.request.content.readany():
        body += chunk
        if len(body) > _MOST_BODY_BYTES:
            raise Refusal(413, f"the body is larger than {_MOST_BODY_BYTES} bytes")
    return body


async def health(ask: Ask) -> Any:
    """Looks and stores nothing."""
    fault = None
    try:
        await ask.store.check_ready()
    except StoreError as error:
        fault = str(error)
    state = "healthy" if fault is None else "unhealthy"
    part = {"status": state, "error": fault}
    body = {
        "status": state,
        "timestamp": iso(ask.now),
        "version": ask.context.version,
        "uptime": _uptime(ask),
        "dependencies": {"database": part, "tables": part, "references": part},
    }
    return web.Response(
        status=200 if fault is None else 503,
        body=orjson.dumps(body),
        content_type="application/json",
        headers={"Cache-Control": "no-store"},
    )


def _uptime(ask: Ask) -> float:
    figures = {figure.name: figure.value for figure in ask.context.counters()}
    return figures.get("otlpd_uptime_seconds", 0.0)


async def agent_events(ask: Ask) -> Any:
    """The short list of one agent's page."""
    within = time_range(ask, "1d")
    wanted = Wanted(within, agent=ask.path("agent_id"), scopes=CYLESTIO, fits=_of_types(set(ask.texts("event_type"))))
    items = [
        {
            "id": str(event.id),
            "timestamp": event.timestamp,
            "name": event.type,
            "level": event.level,
            "event_type": family_of(event),
            "schema_version": event.document.get("schema_version", "1.0"),
        }
        for event in await newest(ask.store, wanted, ask.integer("limit", 50, 1, MOST_EVENTS))
    ]
    return {"agent_id": ask.path("agent_id"), "time_range": shown_range(ask, within), "items": items, "count": len(items)}


def _of_types(types: set[str]) -> Callable[[Event], bool] | None:
    return (lambda event: bool(types & {family_of(event), event.type})) if types else None


ENDPOINTS = (
    Endpoint("/v1/health", health, open=True),
    Endpoint("/v1/telemetry/events", list_events),
    Endpoint("/v1/telemetry/events/by-ids", events_by_ids, method="POST"),
    Endpoint("/v1/telemetry/events/{event_id}", show_event),
    Endpoint("/v1/telemetry/traces/{trace_id}", show_trace),
    Endpoint("/v1/telemetry/sessions/{session_id}/events", show_session),
    Endpoint("/v1/telemetry/events-timeline", timeline),
    Endpoint("/v1/agents/{agent_id}/events", agent_events),
)
