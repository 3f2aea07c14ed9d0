"""How the store's records look as JSON: one function a record, pure, run off the event loop for long lists.

Times are RFC 3339 in UTC with nine digits, durations milliseconds, ids hex. Attributes are plain JSON values; stored text
that holds no tag ("$…") is that already and goes into the answer as it is, which spares parsing and writing it again.
"""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache
from math import isfinite
from typing import TYPE_CHECKING, Any

import orjson

from query.kinds import SEVERITIES, SPAN_KINDS, STATUS_CODES
from storage.rows.values import non_finite_text, plain, plain_body, plain_value

if TYPE_CHECKING:
    from storage.contract import (
        LatencySummary,
        LogRecord,
        MetricSeries,
        MetricSummary,
        OperationSummary,
        ResourceRecord,
        ScopeRecord,
        ServiceSummary,
        SpanRecord,
        StoreStatistics,
        TraceContent,
        TraceSummary,
    )

_SECOND = 10**9
_MILLISECOND = 10**6
_TEMPORALITIES = ("unspecified", "delta", "cumulative")
_SEVERITY_NAMES = {number: name for name, number in SEVERITIES.items()}


@lru_cache(maxsize=4096)
def _whole_second(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.")


def time(nanoseconds: int) -> str:
    seconds, rest = divmod(nanoseconds, _SECOND)
    return f"{_whole_second(seconds)}{rest:09d}Z"


def optional_time(nanoseconds: int) -> str | None:
    """OTLP says 0 where a time is not known."""
    return time(nanoseconds) if nanoseconds else None


def milliseconds(nanoseconds: float) -> float:
    return nanoseconds / _MILLISECOND


def _rate(part: int, whole: int) -> float:
    return part / whole if whole else 0.0


def named(names: tuple[str, ...], number: int) -> str:
    """The name of an OTLP number; newer numbers than this program knows are given as they are."""
    return names[number] if 0 <= number < len(names) else str(number)


def severity_name(number: int) -> str | None:
    """warn, error, …; with the step behind it where it is not the first of its four. None where none was sent."""
    if not 1 <= number <= 24:
        return str(number) if number else None
    step = (number - 1) % 4
    return f"{_SEVERITY_NAMES[number - step]}{step + 1 if step else ''}"


def attributes(text: str | None) -> orjson.Fragment | dict[str, Any]:
    if not text:
        return {}
    return plain(text) if '"$' in text else orjson.Fragment(text)


class Shared:
    """Resources and scopes of one answer: thousands of spans share a few, so each is made once and kept as bytes."""

    def __init__(self) -> None:
        self._resources: dict[int, orjson.Fragment] = {}
        self._scopes: dict[int, orjson.Fragment] = {}

    def resource(self, record: ResourceRecord) -> orjson.Fragment:
        made = self._resources.get(record.id)
        if made is None:
            made = self._resources[record.id] = orjson.Fragment(orjson.dumps(_resource(record)))
        return made

    def scope(self, record: ScopeRecord) -> orjson.Fragment:
        made = self._scopes.get(record.id)
        if made is None:
            made = self._scopes[record.id] = orjson.Fragment(orjson.dumps(_scope(record)))
        return made


def _resource(record: ResourceRecord) -> dict[str, Any]:
    return {
        "service": record.service_name,
        "attributes": attributes(record.attributes),
        "schema_url": record.schema_url or None,
        "dropped_attributes_count": record.dropped_attributes_count,
    }


def _scope(record: ScopeRecord) -> dict[str, Any]:
    return {
        "name": record.name or None,
        "version": record.version or None,
        "attributes": attributes(record.attributes),
        "schema_url": record.schema_url or None,
        "dropped_attributes_count": record.dropped_attributes_count,
    }


def service(record: ServiceSummary) -> dict[str, Any]:
    return {
        "name": record.name,
        "span_count": record.span_count,
        "error_count": record.error_count,
        "error_rate": _rate(record.error_count, record.span_count),
        "first_seen": time(record.first_seen),
        "last_seen": time(record.last_seen),
    }


def operation(record: OperationSummary) -> dict[str, Any]:
    return {
        "service": record.service,
        "name": record.name,
        "kind": named(SPAN_KINDS, record.kind),
        "span_count": record.span_count,
        "error_count": record.error_count,
        "error_rate": _rate(record.error_count, record.span_count),
    }


def trace_summary(record: TraceSummary) -> dict[str, Any]:
    return {
        "trace_id": record.trace_id,
        "root_name": record.root_name,
        "service": record.service,
        "services": record.services,
        "start_time": time(record.start_time),
        "end_time": time(record.end_time),
        "duration_ms": milliseconds(max(record.end_time - record.start_time, 0)),
        "span_count": record.span_count,
        "error_count": record.error_count,
    }


def trace(record: TraceContent, shared: Shared) -> dict[str, Any]:
    return {
        **trace_summary(record.summary),
        "truncated": record.truncated,
        "spans": [span(entry, shared) for entry in record.spans],
        "logs": [log(entry, shared) for entry in record.logs],
    }


def span(record: SpanRecord, shared: Shared) -> dict[str, Any]:
    return {
        "trace_id": record.trace_id,
        "span_id": record.span_id,
        "parent_span_id": record.parent_span_id,
        "name": record.name,
        "kind": named(SPAN_KINDS, record.kind),
        "service": record.resource.service_name,
        "start_time": time(record.start_time),
        "end_time": time(record.end_time),
        "duration_ms": milliseconds(max(record.end_time - record.start_time, 0)),
        "status": {"code": named(STATUS_CODES, record.status_code or 0), "message": record.status_message or ""},
        "attributes": attributes(record.attributes),
        "events": [_event(entry) for entry in orjson.loads(record.events)] if record.events else [],
        "links": [_link(entry) for entry in orjson.loads(record.links)] if record.links else [],
        "trace_state": record.trace_state or "",
        "flags": record.flags,
        "dropped_attributes_count": record.dropped_attributes_count,
        "dropped_events_count": record.dropped_events_count,
        "dropped_links_count": record.dropped_links_count,
        "resource": shared.resource(record.resource),
        "scope": shared.scope(record.scope),
    }


def _event(entry: dict[str, Any]) -> dict[str, Any]:
    return {
        "time": time(entry.get("time", 0)),
        "name": entry.get("name", ""),
        "attributes": _parsed_attributes(entry.get("attributes")),
        "dropped_attributes_count": entry.get("dropped_attributes_count", 0),
    }


def _link(entry: dict[str, Any]) -> dict[str, Any]:
    return {
        "trace_id": entry.get("trace_id", ""),
        "span_id": entry.get("span_id", ""),
        "trace_state": entry.get("trace_state", ""),
        "flags": entry.get("flags", 0),
        "attributes": _parsed_attributes(entry.get("attributes")),
        "dropped_attributes_count": entry.get("dropped_attributes_count", 0),
    }


def _parsed_attributes(entries: dict[str, Any] | None) -> dict[str, Any]:
    if not entries:
        return {}
    if any(key.startswith("$") for key in entries):
        return plain(orjson.dumps(entries).decode())
    return {key: plain_value(value) for key, value in entries.items()}


def log(record: LogRecord, shared: Shared) -> dict[str, Any]:
    return {
        "id": record.id,
        "time": time(record.time),
        "observed_time": optional_time(record.observed_time_unix_nano),
        "severity": severity_name(record.severity_number),
        "severity_number": record.severity_number,
        "severity_text": record.severity_text or None,
        "service": record.resource.service_name,
        "event_name": record.event_name,
        "body": plain_body(record.body, record.body_type),
        "trace_id": record.trace_id,
        "span_id": record.span_id,
        "flags": record.flags,
        "attributes": attributes(record.attributes),
        "dropped_attributes_count": record.dropped_attributes_count,
        "resource": shared.resource(record.resource),
        "scope": shared.scope(record.scope),
    }


def metric(record: MetricSummary) -> dict[str, Any]:
    return {
        "name": record.name,
        "type": record.type,
        "unit": record.unit or None,
        "description": record.description or None,
        "services": record.services,
        "series_count": record.series_count,
        "temporalities": [named(_TEMPORALITIES, number) for number in record.temporalities],
        "monotonic": record.monotonic,
    }


def metric_series(record: MetricSeries) -> dict[str, Any]:
    return {
        "group": record.group,
        "points": [{"time": time(point.time), "value": _number(point.value)} for point in record.points],
    }


def _number(value: float | None) -> float | str | None:
    """JSON has no NaN and no infinities: they are told by name, as in attributes."""
    return value if value is None or isfinite(value) else non_finite_text(value)


def latency(record: LatencySummary) -> dict[str, Any]:
    return {
        "group": record.group,
        "interval_start": None if record.interval_start is None else time(record.interval_start),
        "count": record.count,
        "error_count": record.error_count,
        "error_rate": _rate(record.error_count, record.count),
        "mean_ms": milliseconds(record.mean_ns),
        "min_ms": milliseconds(record.min_ns),
        "max_ms": milliseconds(record.max_ns),
        "p50_ms": milliseconds(record.p50_ns),
        "p90_ms": milliseconds(record.p90_ns),
        "p95_ms": milliseconds(record.p95_ns),
        "p99_ms": milliseconds(record.p99_ns),
    }


def statistics(record: StoreStatistics) -> dict[str, Any]:
    return {
        "spans": record.spans,
        "logs": record.logs,
        "metric_points": record.metric_points,
        "traces": record.traces,
        "size_bytes": record.size_bytes,
        "wal_bytes": record.wal_bytes,
        "queue_rows": record.queue_rows,
        "queue_bytes": record.queue_bytes,
        "commits": record.commits,
        "commit_seconds": record.commit_seconds,
        "counters": record.counters,
    }
