"""One data point of each metric type → its row, POINT_COLUMNS.

SQLite has no NaN and no integer above 2^63 - 1: such a value is kept as text ("NaN", decimal digits) in its column.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

import orjson

from storage.rows.memory import attributes_text
from storage.rows.values import json_number

if TYPE_CHECKING:
    from collections.abc import Iterable

    from storage.batch import Row

LARGEST_INTEGER = 2**63 - 1
NO_RECORDED_VALUE = 1
BOUNDS_KEPT = 1_000
MOST_BOUNDS_KEPT = 256
_NO_TRACE = bytes(16)
_NO_SPAN = bytes(8)
_MISCOUNTED = "the count of a point is not the sum of its buckets; each is shown as sent"

Warn = Callable[[str], None]


class InvalidPoint(ValueError):
    """The point breaks a rule of OTLP and is refused; the message is for its sender."""


def stored_double(number: float) -> float | str:
    return number if number == number else "NaN"  # noqa: PLR0124  only NaN differs from itself; half the cost of isnan


def stored_count(count: int) -> int | str:
    return count if count <= LARGEST_INTEGER else str(count)


def _optional(point: Any, name: str) -> float | str | None:
    return stored_double(getattr(point, name)) if point.HasField(name) else None


def _numbers_text(numbers: list[float]) -> str:
    """A JSON list; orjson writes NaN and the infinities as null, then they are tagged instead."""
    text = orjson.dumps(numbers).decode()
    return orjson.dumps([json_number(number) for number in numbers]).decode() if "null" in text else text


class _Bounds(dict[bytes, str]):
    """The bounds of a histogram (as packed doubles) → their JSON; they repeat from point to point."""

    def __missing__(self, packed: bytes) -> str:
        bounds = array("d", packed).tolist()
        if any(not low < high for low, high in pairwise(bounds)) or bounds[0] != bounds[0]:
            raise InvalidPoint("explicit_bounds must be numbers that strictly increase")
        text = _numbers_text(bounds)
        if len(bounds) <= MOST_BOUNDS_KEPT:
            if len(self) >= BOUNDS_KEPT:
                self.clear()
            self[packed] = text
        return text


_BOUNDS = _Bounds()


def _number_row(stream: int, point: Any, _warn: Warn) -> Row:
    kind = point.WhichOneof("value")
    flags = point.flags
    value: float | str | None
    if kind == "as_double":
        value = point.as_double
        if value != value:  # noqa: PLR0124  as in stored_double
            value = "NaN"
    elif kind == "as_int":
        value = point.as_int
    elif flags & NO_RECORDED_VALUE:
        value = None
    else:
        raise InvalidPoint("it has neither as_int nor as_double; set one, or flag 1 for no recorded value")
    exemplars = point.exemplars
    return (
        stream, point.time_unix_nano, point.start_time_unix_nano, flags, value, None, None, None, None, None,
        _exemplars_text(exemplars) if exemplars else None,
    )  # fmt: skip


def _histogram_row(stream: int, point: Any, warn: Warn) -> Row:
    counts = list(point.bucket_counts)
    bounds = array("d", point.explicit_bounds)
    if len(counts) != len(bounds) + 1 and (counts or bounds):
        raise InvalidPoint(f"{len(bounds)} explicit_bounds need {len(bounds) + 1} bucket_counts, it has {len(counts)}")
    if counts and sum(counts) != point.count:
        warn(_MISCOUNTED)
    bounds_text = _BOUNDS[bounds.tobytes()] if bounds else "[]"
    return _distribution_row(stream, point, f'{{"bounds":{bounds_text},"counts":{orjson.dumps(counts).decode()}}}')


def _exponential_row(stream: int, point: Any, warn: Warn) -> Row:
    threshold = orjson.dumps(json_number(point.zero_threshold)).decode()
    data = f'{{"scale":{point.scale},"zero_count":{point.zero_count},"zero_threshold":{threshold}'
    counted = point.zero_count
    for side in ("positive", "negative"):
        if point.HasField(side):
            buckets = getattr(point, side)
            counts = list(buckets.bucket_counts)
            counted += sum(counts)
            data += f',"{side}":{{"offset":{buckets.offset},"counts":{orjson.dumps(counts).decode()}}}'
    if counted != point.count:
        warn(_MISCOUNTED)
    return _distribution_row(stream, point, data + "}")


def _distribution_row(stream: int, point: Any, data: str) -> Row:
    exemplars = point.exemplars
    return (
        stream, point.time_unix_nano, point.start_time_unix_nano, point.flags, None, stored_count(point.count),
        _optional(point, "sum"), _optional(point, "min"), _optional(point, "max"), data,
        _exemplars_text(exemplars) if exemplars else None,
    )  # fmt: skip


def _summary_row(stream: int, point: Any, _warn: Warn) -> Row:
    quantiles = [[json_number(entry.quantile), json_number(entry.value)] for entry in point.quantile_values]
    data = '{"quantiles":' + orjson.dumps(quantiles).decode() + "}"
    return (
        stream, point.time_unix_nano, point.start_time_unix_nano, point.flags, None, stored_count(point.count),
        stored_double(point.sum), None, None, data, None,
    )  # fmt: skip


def _exemplars_text(exemplars: Iterable[Any]) -> str | None:
    """A JSON list. An exemplar without a value says nothing and is left out; ids that are not valid associate nothing."""
    texts = [_exemplar_text(exemplar) for exemplar in exemplars if exemplar.WhichOneof("value")]
    return "[" + ",".join(texts) + "]" if texts else None


def _exemplar_text(exemplar: Any) -> str:
    value = exemplar.as_int if exemplar.HasField("as_int") else json_number(exemplar.as_double)
    text = f'{{"time":{exemplar.time_unix_nano},"value":{orjson.dumps(value).decode()}'
    trace_id, span_id = exemplar.trace_id, exemplar.span_id
    if len(trace_id) == 16 and trace_id != _NO_TRACE:
        text += f',"trace_id":"{trace_id.hex()}"'
        if len(span_id) == 8 and span_id != _NO_SPAN:
            text += f',"span_id":"{span_id.hex()}"'
    return f'{text},"attributes":{attributes_text(exemplar.filtered_attributes)}}}'


ROW_OF: Final[dict[str, Callable[[int, Any, Warn], Row]]] = {
    "gauge": _number_row,
    "sum": _number_row,
    "histogram": _histogram_row,
    "exponential_histogram": _exponential_row,
    "summary": _summary_row,
}
"""By metric type (the name of the field of a Metric): the stream's position and the point → the row. Raises InvalidPoint."""
