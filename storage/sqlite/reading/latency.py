"""Answers how long spans take.

By service and operation from the roll-ups, so that the work grows with hours and operations, not with spans: a day of 400
operations is 10,000 cells. By an attribute from the spans of the range, block by block, within the deadline.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import orjson

from storage.contract import LatencySummary, SpanQuery
from storage.errors import BadQuestion
from storage.histogram import bucket_of, quantiles
from storage.sqlite.reading.attribute_search import scalar_group
from storage.sqlite.reading.rollup_range import MINUTE_NS, MINUTES_PER_HOUR, rollup_range
from storage.sqlite.reading.search import steps
from storage.sqlite.reading.spans import span_search

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from storage.contract import LatencyQuery
    from storage.sqlite.connect import Reader

QUANTILES = (0.5, 0.9, 0.95, 0.99)
FOREVER_MINUTES = 2**62
# Read at once: some 2,000 cells of a busy store, 1 MB.
HOURS_AT_ONCE = 6
MINUTES_AT_ONCE = 20
MOST_GROUPS = 20_000


@dataclass(slots=True)
class Cell:
    """The latency of one group within one period."""

    count: int = 0
    error_count: int = 0
    sum: float = 0.0
    min: int = 2**63 - 1
    max: int = 0
    buckets: dict[int, int] = field(default_factory=dict)

    def add_cells(self, count: int, error_count: int, total: float, smallest: int, largest: int, packed: str) -> None:
        """What a statement summed; `packed` are histograms, one behind the other, in hexadecimal."""
        self.count += count
        self.error_count += error_count
        self.sum += total
        self.min = min(self.min, smallest)
        self.max = max(self.max, largest)
        values = array("I")
        values.frombytes(bytes.fromhex(packed))
        buckets = self.buckets
        for bucket, number in zip(values[::2], values[1::2], strict=True):
            buckets[bucket] = buckets.get(bucket, 0) + number

    def add_span(self, duration: int, failed: int) -> None:
        self.count += 1
        self.error_count += failed
        self.sum += duration
        self.min = min(self.min, duration)
        self.max = max(self.max, duration)
        bucket = bucket_of(duration)
        self.buckets[bucket] = self.buckets.get(bucket, 0) + 1

    def merge(self, other: Cell) -> None:
        self.count += other.count
        self.error_count += other.error_count
        self.sum += other.sum
        self.min = min(self.min, other.min)
        self.max = max(self.max, other.max)
        for bucket, number in other.buckets.items():
            self.buckets[bucket] = self.buckets.get(bucket, 0) + number

    def summary(self, group: str | None, interval_start: int | None) -> LatencySummary:
        # A bucket is 4 % wide: its middle may lie outside of what there was.
        percentiles = (min(max(value, self.min), self.max) for value in quantiles(self.buckets, QUANTILES))
        mean = self.sum / self.count
        return LatencySummary(group, interval_start, self.count, self.error_count, mean, self.min, self.max, *percentiles)


_Cells = dict[tuple[str | None, int], Cell]


def latency(reader: Reader, query: LatencyQuery) -> Sequence[LatencySummary]:
    """The busiest groups first, at most `limit` groups, the intervals of each by time. Intervals count from 1970."""
    if query.interval_ns is not None and (query.interval_ns < MINUTE_NS or query.interval_ns % MINUTE_NS):
        raise BadQuestion("interval", "must be a whole number of minutes, for example 5m")
    minutes = FOREVER_MINUTES if query.interval_ns is None else query.interval_ns // MINUTE_NS
    by_rollup = query.group_by in {"service", "operation"}
    cells = cells_from_rollups(reader, query, minutes) if by_rollup else _from_spans(reader, query, minutes)
    totals: dict[str | None, int] = {}
    for (group, _), cell in cells.items():
        totals[group] = totals.get(group, 0) + cell.count
    shown = sorted(totals, key=lambda group: (-totals[group], group or ""))[: query.limit]
    rank = {group: place for place, group in enumerate(shown)}
    chosen = sorted((rank[group], period, cell) for (group, period), cell in cells.items() if group in rank)
    return [
        cell.summary(shown[place], None if query.interval_ns is None else period * query.interval_ns)
        for place, period, cell in chosen
    ]


def cells_from_rollups(reader: Reader, query: LatencyQuery, minutes: int) -> _Cells:
    cells: _Cells = {}
    for name, cells_from, cells_to in _readings(reader, query, minutes):
        parameters = {
            "by_service": query.group_by == "service",
            "service": query.service,
            "operation": query.operation,
            "minutes_per_period": minutes,
            "cells_from": cells_from,
            "cells_to": cells_to,
        }
        for label, period, *sums in reader.rows(name, parameters):
            _cell(cells, label or None, period).add_cells(*sums)
        reader.check_time()
    return cells


def _readings(reader: Reader, query: LatencyQuery, minutes: int) -> Iterator[tuple[str, int, int]]:
    """The pieces to read: statement, first cell, end of cells."""
    whole = "service_" if query.group_by == "service" and query.operation is None else ""
    parts = rollup_range(reader, query.range, hours=minutes % MINUTES_PER_HOUR == 0 or minutes == FOREVER_MINUTES)
    first_hour, end_hour = parts.hours_from // MINUTES_PER_HOUR, parts.hours_to // MINUTES_PER_HOUR
    for name, first, end, at_once in (
        (f"{whole}minute_latencies", parts.minutes_from, parts.hours_from, MINUTES_AT_ONCE),
        (f"{whole}hour_latencies", first_hour, end_hour, HOURS_AT_ONCE),
        (f"{whole}minute_latencies", parts.hours_to, parts.minutes_to, MINUTES_AT_ONCE),
    ):
        for piece in range(first, end, at_once):
            yield name, piece, min(piece + at_once, end)


def _from_spans(reader: Reader, query: LatencyQuery, minutes: int) -> _Cells:
    key = query.group_by
    if not key or any(letter in '"\\' or letter < " " for letter in key):
        raise BadQuestion("group_by", f"{key!r} is no attribute key that can be grouped by")
    search = span_search(reader, SpanQuery(query.range, service=query.service, operation=query.operation))
    parameters = {**search.parameters, "path": f'$."{key}"', "key_needle": orjson.dumps(key).decode() + ":"}
    groups = _Groups(reader, key)
    cells: _Cells = {}
    period_ns = minutes * MINUTE_NS

    def scan(first_id: int, last_id: int) -> list[Any]:
        return reader.rows("scan_latency", {**parameters, "first_id": first_id, "last_id": last_id})

    for step in steps(reader, search, scan):
        for json, resource, start_time, duration, failed in step.rows:
            _cell(cells, groups.of(json, resource), start_time // period_ns).add_span(duration, failed)
        if len(cells) > MOST_GROUPS:
            raise BadQuestion("group_by", f"{key} has more than {MOST_GROUPS:,} values in this time; group by one that has fewer")
    return cells


class _Groups:
    """What the value of an attribute reads as. Where a span has none, that of its resource counts."""

    def __init__(self, reader: Reader, key: str) -> None:
        self._reader = reader
        self._key = key
        self._texts: dict[str, str | None] = {}
        self._resources: dict[int, str | None] = {}

    def of(self, json: str | None, resource: int) -> str | None:
        if json is None:
            if resource not in self._resources:
                self._resources[resource] = self._of_resource(resource)
            return self._resources[resource]
        if json not in self._texts:
            if len(self._texts) > MOST_GROUPS:
                self._texts.clear()
            self._texts[json] = scalar_group(json)
        return self._texts[json]

    def _of_resource(self, resource: int) -> str | None:
        for _, _, attributes, *_ in self._reader.rows("resources", {"ids": f"[{resource}]"}):
            entries = orjson.loads(attributes or "{}")
            if self._key in entries:
                return scalar_group(orjson.dumps(entries[self._key]).decode())
        return None


def _cell(cells: _Cells, group: str | None, period: int) -> Cell:
    cell = cells.get((group, period))
    if cell is None:
        cell = cells[group, period] = Cell()
    return cell
