"""What the changes of many streams come to within one interval: the accumulators behind the aggregates.

A point belongs to the interval in which its time
lies. What each aggregate means:

| type | sum | rate | avg, min, max | last | count | percentiles |
|---|---|---|---|---|---|---|
| gauge | of the values | - | of the values | the latest value | points | - |
| sum, delta | of the values | sum / seconds | of the values | the latest value, added over streams | points | - |
| sum, cumulative, monotonic | increase | increase / seconds | of the increases | the latest total, so added | points | - |
| sum, cumulative, not monotonic | net change | net change / s | of the values | as above | points | - |
| histograms | of what was measured | measurements / second | of what was measured | - | measurements | by interpolation |
| summary | of what was measured | measurements / second | avg; min, max where stored | - | measurements | where stored |
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from storage.errors import BadQuestion
from storage.sqlite.reading.distributions import Distribution, ExponentialBuckets

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from storage.contract import Aggregate
    from storage.sqlite.reading.metric_math import Change, Measured, Number

PERCENTILES: Mapping[str, float] = {"p50": 0.5, "p90": 0.9, "p95": 0.95, "p99": 0.99}


def check_aggregate(kind: str, aggregate: Aggregate) -> None:
    """Raises BadQuestion where metrics of the type `kind` have no such aggregate."""
    single = kind in {"gauge", "sum"}
    if single and aggregate in PERCENTILES:
        raise BadQuestion("aggregate", f"{aggregate} needs a histogram or a summary, this is a {kind}; ask for avg, min or max")
    if kind == "gauge" and aggregate == "rate":
        raise BadQuestion("aggregate", "rate needs a metric that adds up, this is a gauge; ask for avg, min, max or last")
    if not single and aggregate == "last":
        raise BadQuestion(
            "aggregate", f"last needs single values, this is a {kind}; ask for avg, count, sum, rate or a percentile"
        )


@dataclass(slots=True)
class NumberTotals:
    """Gauges and sums within one interval and group. `sampled` are the values that avg, min and max are of."""

    points: int = 0
    added: Number | None = None
    sampled: int = 0
    sampled_sum: Number = 0
    min: Number | None = None
    max: Number | None = None
    latest: dict[int, tuple[int, Number]] = field(default_factory=dict)

    def add(self, stream: int, change: Change[Number], sample: Number | None) -> None:
        self.points += 1
        if change.added is not None:
            self.added = change.added if self.added is None else self.added + change.added
        if sample is not None:
            self.sampled += 1
            self.sampled_sum += sample
            self.min = sample if self.min is None else min(self.min, sample)
            self.max = sample if self.max is None else max(self.max, sample)
        known = self.latest.get(stream)
        if known is None or change.time >= known[0]:
            self.latest[stream] = (change.time, change.value)

    def answer(self, aggregate: Aggregate, seconds: float, *, additive: bool) -> Number | None:
        """`additive`: values of different streams add up (sums), or stand side by side (gauges)."""
        if aggregate == "last":
            values = [value for _, value in sorted(self.latest.values())]
            return sum(values) if additive and values else values[-1] if values else None
        if aggregate == "rate":
            return self.added / seconds if self.added is not None and seconds > 0 else None
        answers: dict[str, Number | None] = {
            "sum": self.added,
            "avg": self.sampled_sum / self.sampled if self.sampled else None,
            "min": self.min,
            "max": self.max,
            "count": self.points or None,
        }
        return answers[aggregate]


@dataclass(slots=True)
class MeasuredTotals:
    """Histograms within one interval and group. min and max of a cumulative stream are those of its buckets."""

    count: int | None = None
    sum: Number | None = None
    sum_known: bool = True
    extremes_known: bool = True
    distribution: Distribution = field(default_factory=Distribution)
    exponential: ExponentialBuckets | None = None

    def add(self, change: Change[Measured]) -> None:
        added = change.added
        if added is None:
            return
        self.count = (self.count or 0) + added.count
        if added.count and added.sum is None:
            self.sum_known = False
        self.sum = (self.sum or 0) + (added.sum or 0)
        if isinstance(added.buckets, ExponentialBuckets):
            self.exponential = added.buckets if self.exponential is None else self.exponential.plus(added.buckets)
        elif added.buckets is not None:
            added.buckets.add_to(self.distribution.counts)
        if added.count:
            self._add_extremes(added)

    def _add_extremes(self, added: Measured) -> None:
        if added.min is None or added.max is None:
            self.extremes_known = False
            return
        known = self.distribution
        known.min = added.min if known.min is None else min(known.min, added.min)
        known.max = added.max if known.max is None else max(known.max, added.max)

    def answer(self, aggregate: Aggregate, seconds: float) -> Number | None:
        if self.count is None:
            return None
        total = self.sum if self.sum_known else None
        if aggregate in PERCENTILES:
            return self._whole().percentile(PERCENTILES[aggregate])
        answers: dict[str, Callable[[], Number | None]] = {
            "count": lambda: self.count,
            "sum": lambda: total,
            "rate": lambda: (self.count or 0) / seconds if seconds > 0 else None,
            "avg": lambda: total / self.count if total is not None and self.count else None,
            "min": lambda: self._whole().lowest(),
            "max": lambda: self._whole().highest(),
        }
        return answers[aggregate]()

    def _whole(self) -> Distribution:
        known = self.distribution
        extremes = (known.min, known.max) if self.extremes_known else (None, None)
        whole = Distribution(dict(known.counts), *extremes)
        if self.exponential is not None:
            self.exponential.add_to(whole.counts)
        return whole


@dataclass(slots=True)
class SummaryTotals:
    """Summaries within one interval and group. Their quantiles cannot be put together, only looked up."""

    measured: MeasuredTotals = field(default_factory=MeasuredTotals)
    latest: dict[int, tuple[int, Mapping[float, Number]]] = field(default_factory=dict)

    def add(self, stream: int, change: Change[Measured]) -> None:
        self.measured.add(change)
        known = self.latest.get(stream)
        if known is None or change.time >= known[0]:
            self.latest[stream] = (change.time, change.value.quantiles)

    def answer(self, aggregate: Aggregate, seconds: float) -> Number | None:
        wanted = {"min": 0.0, "max": 1.0, **PERCENTILES}.get(aggregate)
        if wanted is None:
            return self.measured.answer(aggregate, seconds)
        if len(self.latest) > 1:
            raise BadQuestion(
                "aggregate",
                f"{aggregate} of {len(self.latest)} summaries cannot be put together; use group_by or attr. to have one",
            )
        for _, quantiles in self.latest.values():
            if wanted not in quantiles:
                stored = ", ".join(f"{quantile:g}" for quantile in sorted(quantiles)) or "none"
                raise BadQuestion("aggregate", f"this summary has no quantile {wanted:g}; it has {stored}")
            value = quantiles[wanted]
            return None if math.isnan(value) else value
        return None
