"""What pictures are drawn from: durations as a heat map, and the services that call each other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from query import answers, shapes
from query.parameters import BadParameter, time_range
from storage.histogram import BUCKETS_PER_DOUBLING, ZERO_BUCKET
from storage.pictures_contract import HistogramQuery

if TYPE_CHECKING:
    from aiohttp import web

    from query.question import Question
    from storage.pictures_contract import LatencyHistogram, ServiceCalls

MINUTE_NS = 60 * 10**9
# A heat map has some forty rows, not a thousand: four buckets of the store make one of the answer, 19 % wide.
_BUCKETS_IN_ONE = 4


async def list_histograms(question: Question) -> web.Response:
    values = question.values
    if values["interval"] % MINUTE_NS:
        raise BadParameter("interval", None, "must be whole minutes here: latency is kept by the minute")
    query = HistogramQuery(time_range(values), values["interval"], values["service"], values["operation"], values["attributes"])
    return await answers.array(question, await question.store.latency_histograms(query), histogram)


async def list_calls(question: Question) -> web.Response:
    return await answers.array(question, await question.store.service_calls(time_range(question.values)), calls)


def histogram(record: LatencyHistogram) -> dict[str, Any]:
    wide: dict[int, int] = {}
    for bucket, count in record.buckets.items():
        place = -1 if bucket == ZERO_BUCKET else bucket // _BUCKETS_IN_ONE
        wide[place] = wide.get(place, 0) + count
    return {
        "interval_start": shapes.time(record.interval_start),
        "count": record.count,
        "error_count": record.error_count,
        "buckets": [{"min_ms": _edge(place), "max_ms": _edge(place + 1), "count": wide[place]} for place in sorted(wide)],
    }


def _edge(place: int) -> float:
    """Where a bucket begins, in milliseconds. Durations are whole nanoseconds: what is below the first took none."""
    return 0.0 if place < 0 else 2.0 ** (place * _BUCKETS_IN_ONE / BUCKETS_PER_DOUBLING) / 1e6


def calls(record: ServiceCalls) -> dict[str, Any]:
    return {
        "source": record.source,
        "target": record.target,
        "kind": record.kind,
        "count": record.count,
        "error_count": record.error_count,
        "error_rate": record.error_count / record.count,
        "mean_ms": record.sum_ns / record.count / 1e6,
        "max_ms": record.max_ns / 1e6,
    }
