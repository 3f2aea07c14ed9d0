"""Readers of the monitoring backend: recent figures, container events and log lines, alerts, containers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from query.legacy.endpoint import HOUR, Ask, Endpoint, Refusal
from query.legacy.events import Event, Wanted, newest
from query.legacy.times import iso
from storage.contract import AttributeFilter, LogQuery, TimeRange
from storage.rows.values import plain

if TYPE_CHECKING:
    from storage.contract import LogRecord

_SCOPE = ("seed.richardops",)
_PERIODS = {"1h": HOUR, "6h": 6 * HOUR, "12h": 12 * HOUR}
_MOST = 1000
_RUNNING = frozenset({"start", "restart", "unpause", "create", "attach"})
_STOPPED = frozenset({"stop", "die", "kill", "pause", "destroy", "oom"})


def _figures(event: Event) -> dict[str, Any]:
    metrics = event.document.get("metrics", {})
    return {
        "timestamp": event.timestamp,
        "host": event.document.get("host"),
        "cpu_usage": metrics.get("cpu_usage"),
        "memory_usage": metrics.get("memory_usage"),
        "disk_usage": metrics.get("disk_usage"),
        "network_rx": metrics.get("network_rx_bytes_per_sec"),
        "network_tx": metrics.get("network_tx_bytes_per_sec"),
        "tcp_connections": metrics.get("tcp_connections"),
    }


async def _payloads(ask: Ask, within: TimeRange, limit: int) -> Any:
    """Oldest first, as they are drawn."""
    found = await newest(ask.store, Wanted(within, event="richardops.payload", scopes=_SCOPE), limit)
    return [_figures(event) for event in reversed(found)]


async def recent_metrics(ask: Ask) -> Any:
    return await _payloads(ask, TimeRange(), ask.integer("limit", 50, 1, _MOST))


async def metrics_range(ask: Ask) -> Any:
    period = ask.text("period") or "1h"
    if period not in _PERIODS:
        raise Refusal(400, "Invalid period. Must be one of: 1h, 6h, 12h")
    return await _payloads(ask, TimeRange(max(ask.now - _PERIODS[period], 0)), 10_000)


async def recent_events(ask: Ask) -> Any:
    limit = ask.integer("limit", 50, 1, _MOST)
    found = await newest(ask.store, Wanted(TimeRange(), event="richardops.docker.event", scopes=_SCOPE), limit)
    return [
        {
            "id": event.id,
            "timestamp": event.timestamp,
            "type": event.text("richardops.docker.type"),
            "action": event.text("richardops.docker.action"),
            "container": event.text("container.name"),
            "image": event.text("richardops.docker.image"),
        }
        for event in found
    ]


def _line(record: LogRecord) -> dict[str, Any]:
    attributes = plain(record.attributes)
    return {
        "id": record.id,
        "timestamp": iso(record.time),
        "container": attributes.get("container.name"),
        "message": record.body or "",
    }


async def _lines(ask: Ask, limit: int, text: str | None, container: str | None) -> Any:
    filters = () if container is None else (AttributeFilter("container.name", container.removeprefix("/")),)
    query = LogQuery(scopes=_SCOPE, is_event=False, text=text, attributes=filters, limit=limit)
    return [_line(record) for record in (await ask.store.find_logs(query)).items]


async def search_logs(ask: Ask) -> Any:
    return await _lines(ask, ask.integer("limit", 50, 1, _MOST), ask.text("q"), ask.text("container"))


async def recent_logs(ask: Ask) -> Any:
    return await _lines(ask, ask.integer("limit", 50, 1, 500), None, ask.text("container"))


async def alerts(ask: Ask) -> Any:
    limit = ask.integer("limit", 50, 1, _MOST)
    found = await newest(ask.store, Wanted(TimeRange(), event="richardops.alert", scopes=_SCOPE), limit)
    return [
        {
            "id": event.id,
            "timestamp": event.timestamp,
            "severity": "HIGH" if event.text("richardops.alert.type") in {"BRUTE_FORCE", "SHELL_IN_CONTAINER"} else "MEDIUM",
            "type": event.text("richardops.alert.type"),
            "message": event.record.body,
            "score": event.attributes.get("richardops.score"),
            "resolved": False,
        }
        for event in found
    ]


async def containers(ask: Ask) -> Any:
    """Each container with the last thing that happened to it."""
    found = await newest(ask.store, Wanted(TimeRange(), event="richardops.docker.event", scopes=_SCOPE), 10_000)
    last: dict[str, Event] = {}
    for event in found:
        last.setdefault(event.text("container.name") or "", event)
    return [
        {
            "container": name,
            "last_event_time": event.timestamp,
            "last_action": (action := event.text("richardops.docker.action") or ""),
            "status": "running" if action in _RUNNING else "stopped" if action in _STOPPED else "unknown",
        }
        for name, event in sorted(last.items())
    ]


ENDPOINTS = (
    Endpoint("/metrics/recent", recent_metrics),
    Endpoint("/metrics/range", metrics_range),
    Endpoint("/events/recent", recent_events),
    Endpoint("/logs/search", search_logs),
    Endpoint("/logs/recent", recent_logs),
    Endpoint("/alerts", alerts),
    Endpoint("/containers", containers),
)
