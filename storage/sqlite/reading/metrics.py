"""Answers for metrics: which there are, and the values of one over time (what they mean: metric_math)."""

from __future__ import annotations

from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING, Any

import orjson

from storage.contract import MetricSummary
from storage.errors import BadQuestion
from storage.sqlite.reading.attribute_search import WantedAttribute, scalar_group
from storage.sqlite.reading.metric_groups import MetricGroups, Stream
from storage.sqlite.reading.metric_points import StoredPoint
from storage.sqlite.reading.metric_totals import check_aggregate
from storage.sqlite.reading.search import END_OF_TIME

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from storage.contract import MetricQuery, MetricSeries
    from storage.sqlite.connect import Reader

POINTS_AT_ONCE = 2_000
STREAMS_AT_ONCE = 200
SERVICE = "service"


def metrics(reader: Reader, name_contains: str | None = None, service: str | None = None) -> Sequence[MetricSummary]:
    """By name and type."""
    wanted = name_contains.lower() if name_contains else None
    rows = reader.rows("metric_list", {"name_contains": wanted, "service": service})
    return [_metric_summary(*row) for row in sorted(rows, key=lambda row: (row[0], row[1]))]


def _metric_summary(
    name: str, kind: str, unit: str | None, description: str | None, services: str, series: int, *more: Any
) -> MetricSummary:
    temporalities, monotonic = more
    return MetricSummary(
        name=name,
        type=kind,
        unit=unit,
        description=description,
        services=tuple(sorted(found for found in orjson.loads(services) if found)),
        series_count=series,
        temporalities=tuple(sorted(found for found in orjson.loads(temporalities) if found is not None)),
        monotonic=None if monotonic is None else bool(monotonic),
    )


def metric_series(reader: Reader, query: MetricQuery) -> Sequence[MetricSeries]:
    """One series a group, by the values of the group; empty where no stream fits. Intervals count from 1970."""
    if query.interval_ns is not None and query.interval_ns < 1:
        raise BadQuestion("interval", "must be longer than 0")
    streams = {stream.id: stream for stream in _streams(reader, query)}
    kinds = {stream.type for stream in streams.values()}
    if len(kinds) > 1:
        listed = " and as ".join(sorted(kinds))
        raise BadQuestion("name", f"{query.name} was sent as {listed}; narrow it with service or attr.<key> to one of them")
    if kinds:
        check_aggregate(kinds.pop(), query.aggregate)
    groups = MetricGroups(query)
    for stream_id, points in groupby(_points(reader, sorted(streams), query), key=attrgetter("stream_id")):
        groups.add(streams[stream_id], points)
    return groups.series()


def _streams(reader: Reader, query: MetricQuery) -> list[Stream]:
    rows = reader.rows("streams_of_metric", {"name": query.name, "service": query.service})
    wanted = [WantedAttribute.of(one) for one in query.attributes]
    resources = _resources(reader, {row[4] for row in rows})
    found = []
    for id_, kind, temporality, monotonic, resource_id, text in rows:
        attributes = orjson.loads(text)
        service, of_resource = resources[resource_id]
        if all(one.matches(attributes) or one.matches(of_resource) for one in wanted):
            group = tuple(_group_value(key, attributes, of_resource, service) for key in query.group_by)
            found.append(Stream(id_, kind, temporality, bool(monotonic), group))
    return found


def _resources(reader: Reader, ids: set[int]) -> dict[int, tuple[str | None, dict[str, Any]]]:
    rows = reader.rows("resources", {"ids": orjson.dumps(list(ids)).decode()})
    return {id_: (service, orjson.loads(attributes or "{}")) for id_, service, attributes, *_ in rows}


def _group_value(key: str, attributes: Mapping[str, Any], resource: Mapping[str, Any], service: str | None) -> str | None:
    """The key "service" stands for the service, any other key for an attribute of the points or, without one, of the resource."""
    if key == SERVICE:
        return service
    value = attributes.get(key, resource.get(key))
    return None if value is None else scalar_group(orjson.dumps(value).decode())


def _points(reader: Reader, ids: Sequence[int], query: MetricQuery) -> Iterator[StoredPoint]:
    """By stream and time. Of each stream the last point before the range comes first, the base of what follows."""
    for first in range(0, len(ids), STREAMS_AT_ONCE):
        some = list(ids[first : first + STREAMS_AT_ONCE])
        bases = _points_before(reader, some, query.range.start)
        stream = None
        for point in _points_within(reader, some, query):
            if point.stream_id != stream:
                stream = point.stream_id
                if stream in bases:
                    yield bases[stream]
            yield point


def _points_before(reader: Reader, ids: Sequence[int], start: int | None) -> dict[int, StoredPoint]:
    if not start:
        return {}
    rows = reader.rows("points_before", {"ids": orjson.dumps(ids).decode(), "start": start})
    return {row[0]: StoredPoint(*row) for row in rows}


def _points_within(reader: Reader, ids: Sequence[int], query: MetricQuery) -> Iterator[StoredPoint]:
    end = END_OF_TIME if query.range.end is None else query.range.end
    parameters = {"start": query.range.start or 0, "end": end, "count": POINTS_AT_ONCE}
    after = (ids[0], -1)
    while True:
        left = orjson.dumps([id_ for id_ in ids if id_ >= after[0]]).decode()
        rows = reader.rows("points_of_streams", {**parameters, "ids": left, "after_stream": after[0], "after_time": after[1]})
        reader.check_time()
        for row in rows:
            yield StoredPoint(*row)
        if len(rows) < POINTS_AT_ONCE:
            return
        after = (rows[-1][0], rows[-1][1])
