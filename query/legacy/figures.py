"""Arithmetic that several readers' answers need: percentiles of single numbers, series over time, sums of groups."""

from __future__ import annotations

import math
from collections import defaultdict
from typing import TYPE_CHECKING, Any

from query.legacy.times import iso

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from storage.contract import LogCount


def percentile(ordered: Sequence[float], share: float) -> float:
    """Linear between the two nearest; 0 where there is nothing."""
    if not ordered:
        return 0.0
    place = (len(ordered) - 1) * share
    low, high = math.floor(place), math.ceil(place)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)


def mean(numbers: Sequence[float]) -> float:
    return math.fsum(numbers) / len(numbers) if numbers else 0.0


def durations(values: Iterable[float]) -> dict[str, Any]:
    """The keys of a latency answer: zeros where there is no data."""
    ordered = sorted(values)
    return {
        "avg_duration_ms": mean(ordered),
        "median_duration_ms": percentile(ordered, 0.5),
        "min_duration_ms": ordered[0] if ordered else 0,
        "max_duration_ms": ordered[-1] if ordered else 0,
        "p90_duration_ms": percentile(ordered, 0.9),
        "p95_duration_ms": percentile(ordered, 0.95),
        "p99_duration_ms": percentile(ordered, 0.99),
        "total_requests": len(ordered),
    }


def by_name(counts: Iterable[LogCount], place: int = 0, absent: str = "UNKNOWN") -> dict[str, int]:
    """Counts by the name at `place` of the group, the largest first."""
    found: dict[str, int] = defaultdict(int)
    for count in counts:
        found[count.group[place] or absent] += count.count
    return dict(sorted(found.items(), key=lambda entry: (-entry[1], entry[0])))


def total(counts: Iterable[LogCount]) -> int:
    return sum(count.count for count in counts)


def sum_at(counts: Iterable[LogCount], place: int) -> int:
    return int(sum(count.sums[place] or 0 for count in counts))


def series(counts: Iterable[LogCount]) -> list[dict[str, Any]]:
    """Counts per interval, oldest first."""
    found: dict[int, int] = defaultdict(int)
    for count in counts:
        found[count.interval_start or 0] += count.count
    return [{"interval": iso(start), "count": number} for start, number in sorted(found.items())]
