"""Collects what the streams of a metric come to, by group and interval, and gives it back as series."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from storage.contract import MetricPoint, MetricSeries
from storage.errors import BadQuestion
from storage.sqlite.reading.metric_math import DELTA, measured_changes, number_changes
from storage.sqlite.reading.metric_points import measured_point, number_point
from storage.sqlite.reading.metric_totals import MeasuredTotals, NumberTotals, SummaryTotals

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from storage.contract import MetricQuery
    from storage.sqlite.reading.metric_math import Change, Measured, Number
    from storage.sqlite.reading.metric_points import StoredPoint

MOST_INTERVALS = 11_000
SECOND_NS = 1_000_000_000
Group = tuple[str | None, ...]
Totals = NumberTotals | MeasuredTotals | SummaryTotals
Kind = TypeVar("Kind", NumberTotals, MeasuredTotals, SummaryTotals)


@dataclass(frozen=True, slots=True)
class Stream:
    """`type` and `temporality` as stored; `group` has the values of the keys that the question groups by."""

    id: int
    type: str
    temporality: int | None
    monotonic: bool
    group: Group

    @property
    def cumulative(self) -> bool:
        """A summary counts from its start, though it says nothing of temporality."""
        return self.type != "gauge" and self.temporality != DELTA


@dataclass(slots=True)
class _Collected:
    """One group. `periods` has None for an interval in which there are only gaps."""

    periods: dict[int, Totals | None] = field(default_factory=dict)
    earliest: int = 2**63 - 1
    latest: int = 0


class MetricGroups:
    """Takes streams one by one."""

    def __init__(self, query: MetricQuery) -> None:
        self._query = query
        self._known_from = query.range.start or None
        self._groups: dict[Group, _Collected] = {}
        self._additive = False

    def add(self, stream: Stream, points: Iterable[StoredPoint]) -> None:
        """`points` of the stream by time; those before the range are bases only."""
        collected = self._groups.setdefault(stream.group, _Collected())
        seen = self._noting(collected, points)
        if stream.type in {"gauge", "sum"}:
            self._additive = stream.type == "sum"
            self._add_numbers(stream, collected, seen)
        else:
            self._add_measured(stream, collected, seen)

    def series(self) -> Sequence[MetricSeries]:
        """By the values of the group, at most `limit`; every interval between a group's first and last has a point."""
        keys = self._query.group_by
        ordered = sorted(self._groups, key=lambda group: tuple((value is not None, value or "") for value in group))
        filled = [group for group in ordered if self._groups[group].periods][: self._query.limit]
        return [MetricSeries(dict(zip(keys, group, strict=True)), list(self._points(self._groups[group]))) for group in filled]

    def _noting(self, collected: _Collected, points: Iterable[StoredPoint]) -> Iterator[StoredPoint]:
        for point in points:
            if self._known_from is None or point.time >= self._known_from:
                collected.periods.setdefault(self._period(point.time), None)
                collected.latest = max(collected.latest, point.time)
            yield point

    def _add_numbers(self, stream: Stream, collected: _Collected, points: Iterable[StoredPoint]) -> None:
        by_increase = stream.cumulative and stream.monotonic
        numbers = (number_point(point) for point in points)
        for change in number_changes(
            numbers, cumulative=stream.cumulative, monotonic=stream.monotonic, known_from=self._known_from
        ):
            totals = self._totals(collected, change, NumberTotals)
            totals.add(stream.id, change, change.added if by_increase else change.value)

    def _add_measured(self, stream: Stream, collected: _Collected, points: Iterable[StoredPoint]) -> None:
        measured = (measured_point(stream.type, point) for point in points)
        for change in measured_changes(measured, cumulative=stream.cumulative, known_from=self._known_from):
            if stream.type == "summary":
                self._totals(collected, change, SummaryTotals).add(stream.id, change)
            else:
                self._totals(collected, change, MeasuredTotals).add(change)

    def _totals(self, collected: _Collected, change: Change[Number] | Change[Measured], kind: type[Kind]) -> Kind:
        collected.earliest = min(collected.earliest, change.since)
        period = self._period(change.time)
        totals = collected.periods.get(period)
        if totals is None:
            totals = collected.periods[period] = kind()
        assert isinstance(totals, kind)
        return totals

    def _period(self, time: int) -> int:
        return 0 if self._query.interval_ns is None else time // self._query.interval_ns

    def _points(self, collected: _Collected) -> Iterator[MetricPoint]:
        first, last = min(collected.periods), max(collected.periods)
        if last - first >= MOST_INTERVALS:
            raise BadQuestion("interval", f"divides the time into more than {MOST_INTERVALS:,} pieces; choose a longer one")
        for period in range(first, last + 1):
            start, end = self._bounds(collected, period)
            yield MetricPoint(start, self._answer(collected.periods.get(period), (end - start) / SECOND_NS))

    def _answer(self, totals: Totals | None, seconds: float) -> Number | None:
        if totals is None:
            return None
        if isinstance(totals, NumberTotals):
            return totals.answer(self._query.aggregate, seconds, additive=self._additive)
        return totals.answer(self._query.aggregate, seconds)

    def _bounds(self, collected: _Collected, period: int) -> tuple[int, int]:
        """Of one interval, as far as it lies in the range; without an interval, of the range or else of what is known."""
        asked = self._query.range
        if self._query.interval_ns is None:
            start = min(collected.earliest, collected.latest) if asked.start is None else asked.start
            return start, collected.latest if asked.end is None else asked.end
        start, end = period * self._query.interval_ns, (period + 1) * self._query.interval_ns
        return max(start, asked.start or 0), end if asked.end is None else min(end, asked.end)
