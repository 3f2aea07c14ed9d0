"""Answers what pictures are drawn from: durations as a heat map, and the calls between services."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from storage.contract import LatencyQuery, SpanQuery
from storage.errors import BadQuestion
from storage.pictures_contract import LatencyHistogram, ServiceCalls
from storage.sqlite.reading.attribute_search import matches_all
from storage.sqlite.reading.latency import Cell, cells_from_rollups
from storage.sqlite.reading.rollup_range import MINUTE_NS
from storage.sqlite.reading.search import Search, steps
from storage.sqlite.reading.spans import span_search

if TYPE_CHECKING:
    from collections.abc import Sequence

    from storage.pages import TimeRange
    from storage.pictures_contract import HistogramQuery
    from storage.sqlite.connect import Reader

_Sums = dict[tuple[str | None, str | None, str], list[int]]


def latency_histograms(reader: Reader, query: HistogramQuery) -> Sequence[LatencyHistogram]:
    """Intervals count from 1970."""
    if query.interval_ns < MINUTE_NS or query.interval_ns % MINUTE_NS:
        raise BadQuestion("interval", "must be a whole number of minutes, for example 5m")
    cells = _from_spans(reader, query) if query.attributes else _from_rollups(reader, query)
    return [
        LatencyHistogram(period * query.interval_ns, cell.count, cell.error_count, cell.buckets)
        for period, cell in sorted(cells.items())
    ]


def _from_rollups(reader: Reader, query: HistogramQuery) -> dict[int, Cell]:
    """By service where it can be, whose roll-ups are smaller; what the groups are does not matter here."""
    asked = LatencyQuery(query.range, "service", query.service, query.operation, query.interval_ns)
    cells: dict[int, Cell] = {}
    for (_, period), cell in cells_from_rollups(reader, asked, query.interval_ns // MINUTE_NS).items():
        cells.setdefault(period, Cell()).merge(cell)
    return cells


def _from_spans(reader: Reader, query: HistogramQuery) -> dict[int, Cell]:
    search = span_search(
        reader, SpanQuery(query.range, service=query.service, operation=query.operation, attributes=query.attributes)
    )
    cells: dict[int, Cell] = {}

    def scan(first_id: int, last_id: int) -> list[Any]:
        return reader.rows("scan_durations", {**search.parameters, "first_id": first_id, "last_id": last_id})

    for step in steps(reader, search, scan):
        for start_time, duration, failed, resource, attributes in step.rows:
            if matches_all(search.attributes, attributes, [resource in found for found in search.resources]):
                cells.setdefault(start_time // query.interval_ns, Cell()).add_span(duration, failed)
    return cells


def service_calls(reader: Reader, time_range: TimeRange) -> Sequence[ServiceCalls]:
    """A target that a span only names is left out where spans of a service of that name were received."""
    search = Search.within("spans", time_range)
    bounds = {"start": search.start, "end": search.end}
    names = _ServiceNames(reader)
    sums: _Sums = {}

    def scan(first_id: int, last_id: int) -> list[Any]:
        numbers = {**bounds, "first_id": first_id, "last_id": last_id}
        for source, target, *figures in reader.rows("calls_between_services", numbers):
            if names.of(source) != names.of(target):
                _add(sums, (names.of(source), names.of(target), "service"), figures)
        for source, kind, target, *figures in reader.rows("calls_to_others", numbers):
            _add(sums, (names.of(source), str(target), kind), figures)
        return []

    for _ in steps(reader, search, scan):
        pass
    called = [(key, figures) for key, figures in sums.items() if key[2] == "service" or not names.are_known(key[1])]
    called.sort(key=lambda entry: (-entry[1][0], str(entry[0])))
    return [ServiceCalls(*key, *figures) for key, figures in called]


def _add(sums: _Sums, key: tuple[str | None, str | None, str], figures: Sequence[int]) -> None:
    count, errors, total, longest = figures
    known = sums.setdefault(key, [0, 0, 0, 0])
    known[0] += count
    known[1] += errors
    known[2] += total
    known[3] = max(known[3], longest)


class _ServiceNames:
    """What services resources belong to."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._names: dict[int, str | None] = {}

    def of(self, resource: int) -> str | None:
        if resource not in self._names:
            self._names.update((row[0], row[1]) for row in self._reader.rows("resources", {"ids": f"[{resource}]"}))
        return self._names.get(resource)

    def are_known(self, name: str | None) -> bool:
        return bool(self._reader.rows("resources_of_service", {"service": name or ""}))
