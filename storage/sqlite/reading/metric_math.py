"""What happens from point to point of a metric: pure functions, without the database.

Every stream is first turned into what happened from point to point, and only then are streams put together; so delta and
cumulative streams, and counters that start anew at different times, add up.

A cumulative stream starts anew where its start time moves forward or, if it can only grow, where it falls; then the whole
value is new. The first point that is known of a stream counts whole if the stream started within the time asked for, and else
only as the base of the next. A point without a recorded value (flag 1) or with NaN is a gap.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic, TypeVar

from storage.sqlite.reading.distributions import Buckets, ExplicitBuckets, ExponentialBuckets

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

Number = int | float
Value = TypeVar("Value")
DELTA = 1


@dataclass(frozen=True, slots=True)
class Point(Generic[Value]):
    """`value` is None where the point is a gap; `start_time` is 0 where it was not sent."""

    time: int
    start_time: int
    value: Value | None


@dataclass(frozen=True, slots=True)
class Measured:
    """What a histogram or summary point has. `min` and `max` are of everything since its start."""

    count: int
    sum: Number | None
    buckets: Buckets | None = None
    min: Number | None = None
    max: Number | None = None
    quantiles: Mapping[float, Number] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Change(Generic[Value]):
    """What happened between `since` and `time`: None where that is not known. `value` is that of the point."""

    time: int
    since: int
    value: Value
    added: Value | None


def number_changes(
    points: Iterable[Point[Number]], *, cumulative: bool, monotonic: bool, known_from: int | None
) -> Iterator[Change[Number]]:
    """`points` of one stream by time. `known_from` is the start of the time asked for; a point before it is only a base."""
    previous: Point[Number] | None = None
    for point in points:
        if point.value is None or math.isnan(point.value):
            continue
        if not cumulative:
            if known_from is None or point.time >= known_from:
                yield Change(point.time, point.start_time or point.time, point.value, point.value)
            continue
        added: Number | None
        if previous is None or _starts_anew(previous, point) or (monotonic and point.value < _value(previous)):
            added = point.value if _counts_whole(previous, point, known_from) else None
            since = point.start_time or point.time
        else:
            added, since = point.value - _value(previous), previous.time
        previous = point
        if known_from is None or point.time >= known_from:
            yield Change(point.time, since, point.value, added)


def measured_changes(
    points: Iterable[Point[Measured]], *, cumulative: bool, known_from: int | None
) -> Iterator[Change[Measured]]:
    """The same for histograms and summaries."""
    previous: Point[Measured] | None = None
    for point in points:
        if point.value is None:
            continue
        if not cumulative:
            if known_from is None or point.time >= known_from:
                yield Change(point.time, point.start_time or point.time, point.value, point.value)
            continue
        if previous is None or _starts_anew(previous, point) or _fell(point.value, _value(previous)):
            added = point.value if _counts_whole(previous, point, known_from) else None
            since = point.start_time or point.time
        else:
            added, since = _added(point.value, _value(previous)), previous.time
        previous = point
        if known_from is None or point.time >= known_from:
            yield Change(point.time, since, point.value, added)


def _value(point: Point[Value]) -> Value:
    assert point.value is not None
    return point.value


def _starts_anew(previous: Point[Value], point: Point[Value]) -> bool:
    return point.start_time > previous.start_time > 0


def _counts_whole(previous: Point[Value] | None, point: Point[Value], known_from: int | None) -> bool:
    """Whether all of the value is new. A start equal to the time says that what came before it is not known."""
    if point.start_time == point.time:
        return False
    if previous is not None:
        return True
    return point.start_time > 0 and (known_from is None or point.start_time >= known_from)


def _added(now: Measured, then: Measured) -> Measured | None:
    """What was measured since `then`; None where that cannot be told because the bounds are others."""
    buckets = _bucket_difference(now.buckets, then.buckets)
    if buckets is None and now.buckets is not None:
        return None
    total = None if now.sum is None or then.sum is None else now.sum - then.sum
    return Measured(now.count - then.count, total, buckets, quantiles=now.quantiles)


def _fell(now: Measured, then: Measured) -> bool:
    """Whether a count is less than before, which only a new start explains. Other bounds alone say nothing."""
    if (
        isinstance(now.buckets, ExplicitBuckets)
        and isinstance(then.buckets, ExplicitBuckets)
        and not now.buckets.fits(then.buckets)
    ):
        return now.count < then.count
    return now.count < then.count or (now.buckets is not None and _bucket_difference(now.buckets, then.buckets) is None)


def _bucket_difference(now: Buckets | None, then: Buckets | None) -> Buckets | None:
    if isinstance(now, ExplicitBuckets):
        return now.minus(then) if isinstance(then, ExplicitBuckets) else None
    if isinstance(now, ExponentialBuckets):
        return now.minus(then) if isinstance(then, ExponentialBuckets) else None
    return None
