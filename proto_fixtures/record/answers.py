"""From the story to the answer that its recording must give; the body is asked only for what the story cannot know.

That is: the times of metric points and the start of their streams, the scale an SDK chose for an exponential
histogram, the stack of an exception, the attributes by which an SDK names itself, and which exemplars of an earlier
round are still shown.
"""

from __future__ import annotations

import base64
import math
from bisect import bisect_left
from itertools import groupby
from typing import Any

from proto_fixtures.reading import Facts, point_order, rfc3339, traces

Story = dict[str, Any]
STACK = "exception.stacktrace"
TYPES = {
    "gauge": "gauge",
    "observable_gauge": "gauge",
    "counter": "sum",
    "observable_counter": "sum",
    "up_down_counter": "sum",
    "observable_up_down_counter": "sum",
    "histogram": "histogram",
    "exponential_histogram": "exponential_histogram",
}


def answer(story: Story, part: str, turn: int, body: Facts) -> Facts:
    """Give the answer to one request: ``part`` as the client was told it, ``turn`` counts its requests from 0."""
    if part == "traces":
        spans = _traces(story, body["spans"])
        return {"traces": traces(spans), "spans": spans}
    if part == "logs":
        return {"logs": [_log(story, log, found) for log, found in zip(story["logs"], body["logs"], strict=True)]}
    instruments = sorted(story["instruments"], key=lambda instrument: str(instrument["name"]))
    told = zip(instruments, body["metrics"], strict=True)
    return {"metrics": [_metric(story, one, found, delta="delta" in part, turn=turn) for one, found in told]}


def value(told: Any) -> Any:
    if isinstance(told, list):
        return [value(item) for item in told]
    if isinstance(told, dict):
        if "$hex" in told:
            return {"$bytes": base64.b64encode(bytes.fromhex(told["$hex"])).decode()}
        return {key: value(item) for key, item in told.items()}
    return told


def _around(story: Story, scope: str, found: Facts) -> Facts:
    named = {key: item for key, item in found["resource"].items() if key.startswith("telemetry.sdk.")}
    told = story["scopes"][scope]
    return {
        "service": story["resource"]["service.name"],
        "resource": {**named, **value(story["resource"])},
        "scope": {"name": scope, "version": told["version"], "attributes": value(told["attributes"])},
    }


def _exception(told: Facts, found: Facts) -> Facts:
    return {**told, **{key: item for key, item in found.items() if key == STACK}}


def _traces(story: Story, found: list[Facts]) -> list[Facts]:
    by_id = {span["span_id"]: span for span in found}
    spans = [_span(story, span, by_id[span["span_id"]]) for span in story["spans"]]
    return sorted(spans, key=lambda span: (span["start_time"], span["span_id"]))


def _span(story: Story, span: Story, found: Facts) -> Facts:
    epoch = story["epoch_seconds"] * 10**9
    events = [
        {"name": event["name"], "time": rfc3339(epoch + event["at"]), "attributes": value(event["attributes"])}
        for event in span["events"]
    ]
    if "exception_at" in span:
        attributes = _exception(story["exception"]["span"], found["events"][-1]["attributes"])
        events.append({"name": "exception", "time": rfc3339(epoch + span["exception_at"]), "attributes": attributes})
    return {
        "trace_id": span["trace_id"],
        "span_id": span["span_id"],
        "parent_span_id": span["parent_span_id"] or None,
        "trace_state": span.get("trace_state", ""),
        "name": span["name"],
        "kind": span["kind"],
        "start_time": rfc3339(epoch + span["start"]),
        "end_time": rfc3339(epoch + span["start"] + span["duration"]),
        "duration_ms": span["duration"] / 1e6,
        "status": span["status"],
        "attributes": value(span["attributes"]),
        "events": events,
        "links": [{"trace_state": "", **link, "attributes": value(link["attributes"])} for link in span["links"]],
        **_around(story, span["scope"], found),
    }


def _log(story: Story, log: Story, found: Facts) -> Facts:
    epoch = story["epoch_seconds"] * 10**9
    span = {} if log["span"] is None else story["spans"][log["span"]]
    attributes = value(log["attributes"])
    if log.get("exception"):
        attributes |= _exception(story["exception"]["log"], found["attributes"])
    return {
        "time": rfc3339(epoch + log["at"]),
        "observed_time": rfc3339(epoch + log["observed_at"]),
        "severity_number": log["severity_number"],
        "severity_text": log["severity_text"],
        "event_name": log["event_name"] or None,
        "body": value(log["body"]),
        "trace_id": span.get("trace_id"),
        "span_id": span.get("span_id"),
        "attributes": attributes,
        **_around(story, log["scope"], found),
    }


def _metric(story: Story, instrument: Story, found: Facts, *, delta: bool, turn: int) -> Facts:
    kind = TYPES[instrument["kind"]]
    up_down = "up_down" in instrument["kind"]
    # A delta preference leaves up-down counters cumulative: that is what the specification says of it.
    delta = delta and not up_down
    return {
        "name": instrument["name"],
        "type": kind,
        "unit": instrument["unit"],
        "description": instrument["description"],
        "temporality": None if kind == "gauge" else "delta" if delta else "cumulative",
        "monotonic": not up_down if kind == "sum" else None,
        "points": _points(story, instrument, found["points"], delta=delta, turn=turn),
        **_around(story, next(iter(story["scopes"])), found),
    }


def _points(story: Story, instrument: Story, found: list[Facts], *, delta: bool, turn: int) -> list[Facts]:
    keep = instrument.get("keep")
    told = [
        {**point, "round": at, "kept": {k: v for k, v in point["attributes"].items() if keep is None or k in keep}}
        for at, points in enumerate(instrument["rounds"][: turn + 1])
        for point in points
    ]
    told.sort(key=lambda point: str(sorted(point["kept"].items())))
    series = [list(points) for _, points in groupby(told, key=lambda point: point["kept"])]
    points = []
    for measured in series:
        shown = next(point for point in found if point["attributes"] == measured[0]["kept"])
        times = {"start_time": shown["start_time"], "time": shown["time"]}
        values = _values(instrument, measured, shown, delta=delta, turn=turn)
        exemplars = _exemplars(story, measured, shown, turn)
        points.append({"attributes": measured[0]["kept"], **times, **values, "exemplars": exemplars})
    return sorted(points, key=point_order)


def _values(instrument: Story, measured: list[Story], shown: Facts, *, delta: bool, turn: int) -> Facts:
    now = [point["value"] for point in measured if point["round"] == turn]
    everything = [point["value"] for point in measured]
    kind = instrument["kind"]
    if kind.endswith("gauge"):
        return {"value": now[-1]}
    if kind.startswith("observable"):
        return {"value": now[-1] - (everything[-2] if delta and turn else 0)}
    values = now if delta else everything
    if kind == "histogram":
        return _histogram(values, instrument["bounds"])
    if kind == "exponential_histogram":
        return _exponential_histogram(values, shown["scale"])
    return {"value": sum(values)}


def _summed(values: list[float]) -> Facts:
    return {"count": len(values), "sum": float(sum(values)), "min": float(min(values)), "max": float(max(values))}


def _histogram(values: list[float], bounds: list[float]) -> Facts:
    places = [bisect_left(bounds, one) for one in values]  # a bound belongs to the bucket below it
    counts = [places.count(place) for place in range(len(bounds) + 1)]
    return {**_summed(values), "explicit_bounds": [float(bound) for bound in bounds], "bucket_counts": counts}


def _exponential_histogram(values: list[float], scale: int) -> Facts:
    indexes = sorted(math.ceil(math.log2(one) * 2**scale) - 1 for one in values if one)
    return {
        **_summed(values),
        "scale": scale,
        "zero_count": values.count(0),
        "zero_threshold": 0.0,
        "positive": {str(index): indexes.count(index) for index in indexes},
        "negative": {},
    }


def _exemplars(story: Story, measured: list[Story], shown: Facts, turn: int) -> list[Facts]:
    """Give one exemplar for each measurement that was made within a span; the story makes one a bucket at most."""
    if not story["exemplars"]:
        return []
    sampled = [
        {
            "value": point["value"],
            "trace_id": story["spans"][point["span"]]["trace_id"],
            "span_id": story["spans"][point["span"]]["span_id"],
            "filtered_attributes": {k: v for k, v in point["attributes"].items() if k not in point["kept"]},
        }
        for point in sorted(measured, key=lambda point: float(point["value"]))
        if "span" in point
    ]
    # All were made in the first round; whether a later cumulative point shows them again is the SDK's choice.
    return sampled if turn == 0 else [one for one in sampled if one in shown["exemplars"]]
