"""How values are distributed, as far as histograms tell: counts of values in intervals, which can be merged and asked.

A histogram with explicit bounds is that already. An exponential histogram of scale s has the bounds 2**(i / 2**s); to compare
or merge two of them, the finer one is brought to the scale of the coarser. Percentiles assume that values lie evenly in their
interval, the usual linear interpolation.
"""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

INFINITY = math.inf
Interval = tuple[float, float]


@dataclass(slots=True)
class Distribution:
    """Counts by interval, and the least and greatest value where they are known."""

    counts: dict[Interval, int] = field(default_factory=dict)
    min: float | None = None
    max: float | None = None

    def percentile(self, share: float) -> float | None:
        """The value below which `share` (0..1) of the values lie; None when there are no values."""
        pieces = list(_pieces(self._finite()))
        total = sum(count for _, _, count in pieces)
        if not total:
            return None
        rank = share * total
        below = 0.0
        answer = pieces[-1][1]
        for low, high, count in pieces:
            if below + count >= rank:
                answer = low + (high - low) * max(rank - below, 0.0) / count
                break
            below += count
        if self.min is not None:
            answer = max(answer, self.min)
        return answer if self.max is None else min(answer, self.max)

    def lowest(self) -> float | None:
        """The least value, or what it is not less than by its interval; None when neither is known."""
        edge = min((low for (low, _), count in self.counts.items() if count), default=-INFINITY)
        return self.min if self.min is not None else edge if math.isfinite(edge) else None

    def highest(self) -> float | None:
        """The greatest value, or what it is not greater than by its interval."""
        edge = max((high for (_, high), count in self.counts.items() if count), default=INFINITY)
        return self.max if self.max is not None else edge if math.isfinite(edge) else None

    def _finite(self) -> list[tuple[float, float, int]]:
        """Intervals by position; those of which nothing is known where they lie are left out."""
        ends = ((self._ends(low, high), count) for (low, high), count in self.counts.items() if count > 0)
        return sorted((*found, count) for found, count in ends if found is not None)

    def _ends(self, low: float, high: float) -> Interval | None:
        """An open interval ends at the known extreme; else the first begins at 0 where it can, and the last has no width."""
        if low == -INFINITY:
            known = self.min if self.min is not None else 0.0 if 0 < high < INFINITY else None
            low = min(high if known is None else known, high)
        if high == INFINITY:
            high = low if self.max is None else max(self.max, low)
        return (low, high) if low < INFINITY else None


def _pieces(intervals: Sequence[tuple[float, float, int]]) -> Iterator[tuple[float, float, float]]:
    """The same counts in pieces that do not overlap, in order. Intervals that do not overlap pass as they are."""
    if all(one[1] <= other[0] for one, other in pairwise(intervals)):
        yield from intervals
        return
    masses: dict[float, int] = {}
    slopes: dict[float, float] = {}
    for low, high, count in intervals:
        if low == high:
            masses[low] = masses.get(low, 0) + count
            continue
        slopes[low] = slopes.get(low, 0.0) + count / (high - low)
        slopes[high] = slopes.get(high, 0.0) - count / (high - low)
    edges = sorted({*masses, *slopes})
    slope = 0.0
    for place, edge in enumerate(edges):
        if edge in masses:
            yield edge, edge, masses[edge]
        slope += slopes.get(edge, 0.0)
        following = edges[place + 1] if place + 1 < len(edges) else edge
        within = slope * (following - edge)
        if within > 0:
            yield edge, following, within


@dataclass(frozen=True, slots=True)
class ExplicitBuckets:
    """counts[i] values lie in (bounds[i - 1], bounds[i]]; without counts only the number of values is known."""

    bounds: tuple[float, ...]
    counts: tuple[int, ...]

    def fits(self, other: ExplicitBuckets) -> bool:
        return self.bounds == other.bounds and len(self.counts) == len(other.counts)

    def minus(self, earlier: ExplicitBuckets) -> ExplicitBuckets | None:
        """What was added since `earlier`; None where that cannot be told: other bounds, or a count that fell."""
        if not self.fits(earlier):
            return None
        counts = tuple(now - then for now, then in zip(self.counts, earlier.counts, strict=True))
        return None if any(count < 0 for count in counts) else ExplicitBuckets(self.bounds, counts)

    def add_to(self, counts: dict[Interval, int]) -> None:
        edges = (-INFINITY, *self.bounds, INFINITY)
        for place, count in enumerate(self.counts):
            if count:
                interval = (edges[place], edges[place + 1])
                counts[interval] = counts.get(interval, 0) + count


@dataclass(frozen=True, slots=True)
class ExponentialBuckets:
    """positive[i] values lie in (base**i, base**(i + 1)] with base = 2**(2**-scale), negative[i] in the mirror of that.

    `zero_count` values are closer to zero than `zero_threshold`.
    """

    scale: int
    zero_count: int
    zero_threshold: float
    positive: Mapping[int, int]
    negative: Mapping[int, int]

    def at_scale(self, scale: int) -> ExponentialBuckets:
        """The same counts in coarser buckets."""
        if scale >= self.scale:
            return self
        shift = self.scale - scale
        sides = (_shifted(self.positive, shift), _shifted(self.negative, shift))
        return ExponentialBuckets(scale, self.zero_count, self.zero_threshold, *sides)

    def with_zero_threshold(self, threshold: float) -> ExponentialBuckets:
        """The same counts with a wider zero bucket, which takes in the buckets inside of it."""
        if threshold <= self.zero_threshold:
            return self
        moved = 0
        sides = []
        for side in (self.positive, self.negative):
            kept = {index: count for index, count in side.items() if self.upper(index) > threshold}
            moved += sum(side.values()) - sum(kept.values())
            sides.append(kept)
        return ExponentialBuckets(self.scale, self.zero_count + moved, threshold, *sides)

    def minus(self, earlier: ExponentialBuckets) -> ExponentialBuckets | None:
        """What was added since `earlier`; None where a count fell."""
        scale = min(self.scale, earlier.scale)
        threshold = max(self.zero_threshold, earlier.zero_threshold)
        now = self.at_scale(scale).with_zero_threshold(threshold)
        then = earlier.at_scale(scale).with_zero_threshold(threshold)
        zero = now.zero_count - then.zero_count
        positive, negative = _difference(now.positive, then.positive), _difference(now.negative, then.negative)
        if zero < 0 or positive is None or negative is None:
            return None
        return ExponentialBuckets(scale, zero, threshold, positive, negative)

    def plus(self, other: ExponentialBuckets) -> ExponentialBuckets:
        """Both together, at the scale of the coarser and with the wider zero bucket."""
        scale = min(self.scale, other.scale)
        threshold = max(self.zero_threshold, other.zero_threshold)
        one = self.at_scale(scale).with_zero_threshold(threshold)
        two = other.at_scale(scale).with_zero_threshold(threshold)
        sides = (_together(one.positive, two.positive), _together(one.negative, two.negative))
        return ExponentialBuckets(scale, one.zero_count + two.zero_count, threshold, *sides)

    def upper(self, index: int) -> float:
        """The upper bound of the positive bucket `index`, which is the lower bound of the next."""
        try:
            return float(2.0 ** math.ldexp(index + 1, -self.scale))
        except OverflowError:
            return sys.float_info.max if index >= 0 else 0.0

    def add_to(self, counts: dict[Interval, int]) -> None:
        for index, count in self.positive.items():
            _add(counts, (self.upper(index - 1), self.upper(index)), count)
        for index, count in self.negative.items():
            _add(counts, (-self.upper(index), -self.upper(index - 1)), count)
        if self.zero_count:
            below = -self.zero_threshold if any(self.negative.values()) else 0.0
            _add(counts, (below, self.zero_threshold), self.zero_count)


Buckets = ExplicitBuckets | ExponentialBuckets


def explicit_buckets(data: Mapping[str, Any]) -> ExplicitBuckets:
    """From the stored form; NaN and the infinities are floats already."""
    return ExplicitBuckets(tuple(data.get("bounds", ())), tuple(data.get("counts", ())))


def exponential_buckets(data: Mapping[str, Any]) -> ExponentialBuckets:
    """From the stored form."""
    sides = []
    for name in ("positive", "negative"):
        side = data.get(name) or {"offset": 0, "counts": ()}
        sides.append({side["offset"] + place: count for place, count in enumerate(side["counts"]) if count})
    return ExponentialBuckets(data["scale"], data.get("zero_count", 0), data.get("zero_threshold", 0.0), *sides)


def _shifted(side: Mapping[int, int], shift: int) -> dict[int, int]:
    coarser: dict[int, int] = {}
    for index, count in side.items():
        coarser[index >> shift] = coarser.get(index >> shift, 0) + count
    return coarser


def _difference(now: Mapping[int, int], then: Mapping[int, int]) -> dict[int, int] | None:
    left = {index: now.get(index, 0) - then.get(index, 0) for index in {*now, *then}}
    return None if any(count < 0 for count in left.values()) else {index: count for index, count in left.items() if count}


def _together(one: Mapping[int, int], two: Mapping[int, int]) -> dict[int, int]:
    both = dict(one)
    for index, count in two.items():
        both[index] = both.get(index, 0) + count
    return both


def _add(counts: dict[Interval, int], interval: Interval, count: int) -> None:
    counts[interval] = counts.get(interval, 0) + count
