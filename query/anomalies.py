"""What is unusual: latency, error rate, volume and tokens that leave the usual course of their own series.

Read from the roll-ups, so that a week of hours costs what a week of latencies costs. A hint for people, not a verdict: each one
comes with the series that shows it.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

from query import answers, kinds, vocabulary
from query.parameters import MAX_INTERVALS, BadParameter
from query.question import Parameter, Route
from query.schemas import COUNT, NUMBER, TEXT, TEXT_OR_NULL, TIME, array, thing, told
from query.scores import course_of
from query.shapes import time
from storage.agents_contract import FactFilter, UsageQuery
from storage.contract import LatencyQuery, TimeRange

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from aiohttp import web

    from query.question import Question
    from storage.agents_contract import UsageSummary
    from storage.contract import LatencySummary

Measure = Literal["latency", "error_rate", "volume", "tokens"]
MEASURES: tuple[Measure, ...] = ("latency", "error_rate", "volume", "tokens")
UNITS: dict[Measure, str] = {"latency": "ms", "error_rate": "1", "volume": "1", "tokens": "{token}"}
SPAN_GROUPS = ("operation", "service")
AGENT_GROUPS = ("agent", "model", "tool")
_HOUR = 3600 * 10**9
# A percentile or a share of fewer events than this says nothing.
LEAST_EVENTS = 5
# What a spread counts at least: 1 ms, one failure in a hundred, two events, a hundred tokens.
_LEAST_SPREAD: dict[Measure, float] = {"latency": 1.0, "error_rate": 0.01, "volume": 2.0, "tokens": 100.0}
MOST_GROUPS = 1000
MOST_SCORE = 1000


@dataclass(slots=True)
class Series:
    """The values of one measure of one group, by the start of their interval."""

    measure: Measure
    group: str | None
    values: dict[int, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Anomaly:
    """`time` is the interval that is most unusual; `unusual` are all that are, by time."""

    series: Series
    time: int
    value: float
    expected: float
    score: float
    unusual: tuple[int, ...]


async def list_anomalies(question: Question) -> web.Response:
    values = question.values
    wanted = values["measure"] or MEASURES
    end = values["end"]
    interval = values["interval"]
    if (end - values["start"]) / interval > MAX_INTERVALS:
        raise BadParameter("interval", None, f"cuts the range into more than {MAX_INTERVALS:,} parts")
    by_spans = values["group_by"] in SPAN_GROUPS
    series = list(await (_of_spans(question) if by_spans else _of_agents(question)))
    # The interval that is still going on has fewer events than it will have.
    complete = min(end, question.now) // interval * interval
    found = [
        anomaly
        for one in series
        if one.measure in wanted
        for anomaly in anomalies_of(one, interval, complete, values["threshold"])
    ]
    found.sort(key=lambda anomaly: (-abs(anomaly.score), anomaly.series.measure, anomaly.series.group or ""))
    return await answers.array(question, found[: values["limit"]], lambda anomaly: _shape(anomaly, values["group_by"]))


def anomalies_of(series: Series, interval: int, complete: int, threshold: float) -> Iterator[Anomaly]:
    """At most one: the series' most unusual interval, with the others."""
    values = _filled(series, interval, complete)
    course = course_of(list(values.values()), _LEAST_SPREAD[series.measure])
    if course is None:
        return
    scores = {moment: course.score(value) for moment, value in values.items()}
    unusual = tuple(sorted(moment for moment, score in scores.items() if abs(score) >= threshold))
    if unusual:
        worst = max(unusual, key=lambda moment: abs(scores[moment]))
        yield Anomaly(replace(series, values=values), worst, values[worst], course.middle, scores[worst], unusual)


def _filled(series: Series, interval: int, complete: int) -> dict[int, float]:
    """Of counts an interval without any is a zero; of shares and durations it is nothing."""
    known = {moment: value for moment, value in series.values.items() if moment < complete}
    if not known or series.measure in {"latency", "error_rate"}:
        return dict(sorted(known.items()))
    return {moment: known.get(moment, 0.0) for moment in range(min(known), complete, interval)}


async def _of_spans(question: Question) -> Iterable[Series]:
    values = question.values
    if values["interval"] % (60 * 10**9):
        raise BadParameter("interval", None, "must be whole minutes here: latency is kept by the minute")
    query = LatencyQuery(
        range=TimeRange(values["start"], values["end"]),
        group_by=values["group_by"],
        service=values["service"],
        interval_ns=values["interval"],
        limit=MOST_GROUPS,
    )
    found: dict[tuple[Measure, str | None], Series] = {}
    for row in await question.store.latency(query):
        _add(found, row.group, row.interval_start, _figures_of_spans(row))
    return found.values()


async def _of_agents(question: Question) -> Iterable[Series]:
    values = question.values
    if values["interval"] % _HOUR:
        raise BadParameter("interval", None, "must be whole hours here: what agents do is kept by the hour")
    name = values["group_by"]
    query = UsageQuery(
        FactFilter(range=TimeRange(values["start"], values["end"]), service=values["service"]),
        (name,),
        values["interval"],
        "tool_call" if name == "tool" else "llm_call",
        MOST_GROUPS * 100,
    )
    found: dict[tuple[Measure, str | None], Series] = {}
    for row in await question.store.usage(query):
        if row.group[name] is not None:
            _add(found, row.group[name], row.interval_start, _figures_of_agents(row, of_tools=name == "tool"))
    return found.values()


def _add(
    found: dict[tuple[Measure, str | None], Series],
    group: str | None,
    start: int | None,
    figures: Mapping[Measure, float],
) -> None:
    for measure, value in figures.items():
        series = found.setdefault((measure, group), Series(measure, group))
        series.values[start or 0] = value


def _figures_of_spans(row: LatencySummary) -> dict[Measure, float]:
    figures: dict[Measure, float] = {"volume": float(row.count)}
    if row.count >= LEAST_EVENTS:
        figures |= {"latency": row.p95_ns / 1e6, "error_rate": row.error_count / row.count}
    return figures


def _figures_of_agents(row: UsageSummary, *, of_tools: bool) -> dict[Measure, float]:
    sums = row.sums
    calls, errors = (sums.tool_calls, sums.tool_errors) if of_tools else (sums.llm_calls, sums.llm_errors)
    figures: dict[Measure, float] = {"volume": float(calls)}
    if not of_tools:
        figures["tokens"] = float(sums.input_tokens + sums.output_tokens)
    if calls >= LEAST_EVENTS:
        figures["error_rate"] = errors / calls
        if sums.percentiles is not None:
            figures["latency"] = sums.percentiles[1] / 1e6
    return figures


def _shape(anomaly: Anomaly, group_by: str) -> dict[str, Any]:
    series = anomaly.series
    return {
        "measure": series.measure,
        "unit": UNITS[series.measure],
        "group_by": group_by,
        "group": series.group,
        "time": time(anomaly.time),
        "value": anomaly.value,
        "expected": anomaly.expected,
        "score": round(anomaly.score, 3),
        "direction": "above" if anomaly.score > 0 else "below",
        "unusual_count": len(anomaly.unusual),
        "series": [
            {"time": time(moment), "value": value, "unusual": moment in anomaly.unusual}
            for moment, value in series.values.items()
        ],
    }


def _read_score(value: str, _now: int) -> float:
    try:
        score = float(value)
    except ValueError:
        score = -1.0
    if not (0 < score <= MOST_SCORE and value.isascii() and value == value.strip() and "_" not in value):
        raise ValueError(f"is not a number above 0, up to {MOST_SCORE}")
    return score


_SCORE = kinds.Kind({"type": "number", "exclusiveMinimum": 0, "maximum": MOST_SCORE}, _read_score)
_POINT = thing("One interval of the series.", time=TIME, value=NUMBER, unusual={"type": "boolean"})
_ANOMALY = thing(
    "A series that left its usual course, and where it did so most.",
    measure={"type": "string", "enum": list(MEASURES)},
    unit=TEXT,
    group_by=TEXT,
    group=TEXT_OR_NULL,
    time=told(TIME, "The start of the most unusual interval."),
    value=NUMBER,
    expected=told(NUMBER, "The median of the series."),
    score=told(NUMBER, "Distance from the median in robust standard deviations; negative below."),
    direction={"type": "string", "enum": ["above", "below"]},
    unusual_count=COUNT,
    series=array(_POINT),
)
ANOMALIES = Route(
    path="/api/anomalies",
    handler=list_anomalies,
    summary="What left its usual course: latency, error rate, volume, tokens",
    description="By a robust z-score (median and MAD) of each interval within its own series, from the roll-ups. The latency is "
    "the 95th percentile. Series of fewer than 8 intervals are not judged, nor is the interval that is still going on, nor the "
    "latency and error rate of an interval with fewer than 5 events.",
    parameters=(
        replace(vocabulary.START, default="-7d"),
        replace(vocabulary.END, default="now"),
        replace(
            vocabulary.INTERVAL, default="1h", description="The intervals that are compared: whole minutes; of agents hours."
        ),
        Parameter("group_by", kinds.choice((*SPAN_GROUPS, *AGENT_GROUPS)), "Whose series.", example="agent", default="operation"),
        Parameter("measure", kinds.several(kinds.choice(MEASURES)), "Only these, separated by commas.", example="latency"),
        Parameter("threshold", _SCORE, "The least score that is told.", example="5", default="3.5"),
        vocabulary.SERVICE,
        vocabulary.LIMIT,
    ),
    schema=array(_ANOMALY),
    tag="latency",
)
