"""Answers for lists of traces, and for one trace whole.

Without a filter on spans, lists are read from the traces as they are indexed by start. Otherwise the block index finds spans
that fit. A trace starts no later than its spans, so what has been found is certain to be the newest once it starts later than
anything that an unread block may hold.
"""

from __future__ import annotations

import heapq
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import orjson

from storage.contract import LogRecord, Page, Position, SpanQuery, SpanRecord, TimeRange, TraceContent, TraceSummary
from storage.sqlite.reading.records import logs_in_turn, spans_in_turn
from storage.sqlite.reading.search import END_OF_TIME, found_by, steps
from storage.sqlite.reading.spans import span_search
from storage.sqlite.statements import statement

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from storage.contract import TraceQuery
    from storage.sqlite.connect import Reader

# Of one trace in an answer. Text is bounded too: spans that carry prompts may have 100 KB each.
MOST_SPANS = 50_000
MOST_LOGS = 10_000
MOST_BYTES = 32 * 2**20

_Record = TypeVar("_Record", SpanRecord, LogRecord)


class _Trace(NamedTuple):
    """A row of trace_list; newest first is by its first two fields."""

    start_time: int
    key: int
    trace_id: str
    root_name: str | None
    root_service: str | None
    services: str
    end_time: int
    span_count: int
    error_count: int

    def summary(self) -> TraceSummary:
        services = tuple(orjson.loads(self.services))
        return TraceSummary(
            self.trace_id, self.root_name, self.root_service, services, self.start_time, self.end_time, self.span_count,
            self.error_count,
        )  # fmt: skip


def find_traces(reader: Reader, query: TraceQuery) -> Page[TraceSummary]:
    if query.operation is not None or query.attributes or query.text:
        top = _SpanWise(reader, query).newest()
    else:
        top = _traces(reader, *_walk_of(query), query, count=query.limit + 1)
    shown = top[: query.limit]
    following = Position(shown[-1].start_time, shown[-1].key) if shown and len(top) > query.limit else None
    return Page([trace.summary() for trace in shown], following)


def trace(reader: Reader, trace_id: str) -> TraceContent | None:
    rows = reader.rows("trace_by_id", {"trace_id": trace_id})
    if not rows:
        return None
    span_ids = reader.rows("span_ids_of_trace", {"trace_id": trace_id, "count": MOST_SPANS + 1})
    log_ids = reader.rows("log_ids_of_trace", {"trace_id": trace_id, "count": MOST_LOGS + 1})
    spans = list(_within_bound(spans_in_turn(reader, span_ids[:MOST_SPANS]), MOST_BYTES))
    logs = list(_within_bound(logs_in_turn(reader, log_ids[:MOST_LOGS]), MOST_BYTES))
    truncated = len(spans) < len(span_ids) or len(logs) < len(log_ids)
    return TraceContent(_Trace(*rows[0]).summary(), spans, logs, truncated)


def trace_summaries(reader: Reader, trace_ids: Sequence[str]) -> Sequence[TraceSummary]:
    rows = reader.rows("traces_by_id", {"trace_ids": orjson.dumps(list(trace_ids)).decode()})
    found = {summary.trace_id: summary for summary in (_Trace(*row).summary() for row in rows)}
    return [found[trace_id] for trace_id in trace_ids if trace_id in found]


def _within_bound(records: Iterable[_Record], most_bytes: int) -> Iterator[_Record]:
    """The first records, as many as have `most_bytes` of text together."""
    size = 0
    for record in records:
        size += len(record.attributes) + len((record.events if isinstance(record, SpanRecord) else record.body) or "")
        if size > most_bytes:
            return
        yield record


def _walk_of(query: TraceQuery) -> tuple[str, dict[str, Any]]:
    if query.service is not None:
        return "traces_of_service", {"service": query.service}
    return ("failed_traces_by_time" if query.failed else "traces_by_time"), {}


def _traces(reader: Reader, name: str, named: dict[str, Any], query: TraceQuery, **more: Any) -> list[_Trace]:
    after = query.after or Position(END_OF_TIME, END_OF_TIME)
    parameters = {
        "start": query.range.start or 0,
        "end": END_OF_TIME if query.range.end is None else query.range.end,
        "after_time": after.time,
        "after_key": after.key,
        "failed": query.failed,
        "min_duration": query.min_duration_ns,
        "max_duration": query.max_duration_ns,
    }
    rows = reader.rows(name, {**parameters, **named, **more})
    return sorted((_Trace(*row) for row in rows), reverse=True)


class _SpanWise:
    """Finds traces by their spans. With an operation, the service is that of the span; else any span of the trace has it."""

    def __init__(self, reader: Reader, query: TraceQuery) -> None:
        self._reader = reader
        self._query = query
        # Spans are looked for from the start of the range up to `_beyond`; those later, of traces that start before, by trace.
        ends = [bound for bound in (query.range.end, query.after.time + 1 if query.after else None) if bound is not None]
        self._beyond = min(ends, default=END_OF_TIME)
        spans = SpanQuery(
            TimeRange(query.range.start, self._beyond),
            service=query.service if query.operation is not None else None,
            operation=query.operation,
            attributes=query.attributes,
            text=query.text,
        )
        self._search = span_search(reader, spans)
        self._later = replace(self._search, parameters={**self._search.parameters, "end": END_OF_TIME})
        self._looked_beyond = not self._spans_beyond()
        self._seen: set[int] = set()

    def newest(self) -> list[_Trace]:
        """One more than the limit where there are more."""
        top: list[_Trace] = []
        limit = self._query.limit
        until = self._beyond
        for step in steps(self._reader, self._search, self._scan):
            rows = list(step.rows)
            unread_until = self._search.start - 1 if step.unread_until is None else step.unread_until
            if not self._looked_beyond and unread_until + 1 < until:
                rows += self._scan_beyond(unread_until + 1, until)
                until = unread_until + 1
            top = heapq.nlargest(limit + 1, [*top, *self._new_traces({row.trace for row in rows})])
            if len(top) > limit and top[-1].start_time > unread_until:
                break
        return top

    def _scan(self, first_id: int, last_id: int) -> list[Any]:
        return found_by(self._reader, self._search, "scan_spans", first_id=first_id, last_id=last_id)

    def _scan_beyond(self, traces_from: int, traces_to: int) -> list[Any]:
        bounds = {"traces_from": traces_from, "traces_to": traces_to, "beyond": self._beyond}
        return found_by(self._reader, self._later, "scan_spans_beyond", **bounds)

    def _spans_beyond(self) -> bool:
        """Whether any span starts after the time looked at; the tail is not asked, it is short."""
        if self._beyond == END_OF_TIME:
            return False
        (latest,) = self._reader.execute(statement("newest_block_time"), {"table_name": "spans"}).fetchone()
        return bool(latest >= self._beyond) or self._tail_beyond()

    def _tail_beyond(self) -> bool:
        (sealed,) = self._reader.execute(statement("last_sealed"), {"table_name": "spans"}).fetchone()
        parameters = {"first_id": sealed + 1, "beyond": self._beyond}
        return self._reader.execute(statement("tail_starts_beyond"), parameters).fetchone() is not None

    def _new_traces(self, keys: Iterable[int]) -> Sequence[_Trace]:
        new = [key for key in keys if key not in self._seen]
        self._seen.update(new)
        if not new:
            return []
        service = self._query.service if self._query.operation is None else None
        named = {
            "keys": orjson.dumps(new).decode(),
            "service_in_json": orjson.dumps(service).decode() if service else None,
        }
        return _traces(self._reader, "traces_by_key", named, self._query)
