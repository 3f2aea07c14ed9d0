"""Metric points as stored → the values that metric_math works with."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import orjson

from storage.rows.values import number_of
from storage.sqlite.reading.distributions import Buckets, explicit_buckets, exponential_buckets
from storage.sqlite.reading.metric_math import Measured, Number, Point

NO_RECORDED_VALUE = 1


class StoredPoint(NamedTuple):
    """A row of metric_points; numbers may come as text (see stored_number)."""

    stream_id: int
    time: int
    start_time: int
    flags: int
    value: Any
    count: Any
    sum: Any
    min: Any
    max: Any
    data: str | None

    @property
    def is_gap(self) -> bool:
        return bool(self.flags & NO_RECORDED_VALUE)


def stored_number(stored: Any) -> Number | None:
    """Reals come as text with all their digits, as do NaN and integers of more than 63 bits."""
    if not isinstance(stored, str):
        return stored  # type: ignore[no-any-return]  # an integer or None, by the columns' use
    return int(stored) if stored.isdigit() else float(stored)


def number_point(point: StoredPoint) -> Point[Number]:
    return Point(point.time, point.start_time, None if point.is_gap else stored_number(point.value))


def measured_point(kind: str, point: StoredPoint) -> Point[Measured]:
    """`kind` is histogram, exponential_histogram or summary."""
    if point.is_gap:
        return Point(point.time, point.start_time, None)
    data = orjson.loads(point.data or "{}")
    measured = Measured(
        count=int(stored_number(point.count) or 0),
        sum=_known(point.sum),
        buckets=_buckets(kind, data),
        min=_known(point.min),
        max=_known(point.max),
        quantiles={float(number_of(share)): number_of(value) for share, value in data.get("quantiles", ())},
    )
    return Point(point.time, point.start_time, measured)


def _known(stored: Any) -> Number | None:
    number = stored_number(stored)
    return None if number is None or math.isnan(number) else number


def _buckets(kind: str, data: dict[str, Any]) -> Buckets | None:
    if kind == "exponential_histogram":
        return exponential_buckets({**data, "zero_threshold": number_of(data.get("zero_threshold", 0.0))})
    if kind == "histogram":
        return explicit_buckets({"bounds": map(number_of, data["bounds"]), "counts": data["counts"]})
    return None
