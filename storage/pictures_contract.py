"""The part of the store's contract that pictures are drawn from: durations as a heat map, and services that call each other.

Times and ranges are as in storage.contract.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from storage.pages import AttributeFilter, TimeRange


@dataclass(frozen=True, slots=True)
class HistogramQuery:
    """How the durations of spans are spread, for each part of the range that is `interval_ns` (whole minutes) long.

    Without attributes it is answered from the roll-ups, else from the spans of the range.
    """

    range: TimeRange
    interval_ns: int
    service: str | None = None
    operation: str | None = None
    attributes: tuple[AttributeFilter, ...] = ()


@dataclass(frozen=True, slots=True)
class LatencyHistogram:
    """The spans that began in one part of a range; `buckets` as in storage.histogram."""

    interval_start: int
    count: int
    error_count: int
    buckets: Mapping[int, int]


@dataclass(frozen=True, slots=True)
class ServiceCalls:
    """Calls from one service to another.

    `kind` is "service" where spans of both were received; else what the calling span says it calls: "database", "queue",
    "model" or "peer", named by `target`.
    """

    source: str | None
    target: str | None
    kind: str
    count: int
    error_count: int
    sum_ns: int
    max_ns: int


class PictureStore(Protocol):
    async def latency_histograms(self, query: HistogramQuery) -> Sequence[LatencyHistogram]:
        """By time; parts without spans are left out."""
        ...

    async def service_calls(self, time_range: TimeRange) -> Sequence[ServiceCalls]:
        """The busiest first; counted from the spans that began in the range, within the deadline."""
        ...
