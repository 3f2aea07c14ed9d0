"""Proves the figures that a store answers with: latency against the durations that were sent, metrics of every type against
sums done by hand."""

from __future__ import annotations

import math
from collections import defaultdict
from typing import TYPE_CHECKING, Any

import pytest

from storage.contract import AttributeFilter, LatencyQuery, MetricQuery, TimeRange
from storage.errors import BadQuestion
from tests.contract.told import (
    HOUR,
    MINUTE,
    NOW,
    SECOND,
    Span,
    histogram_metric,
    many_spans,
    number_metric,
    write,
    write_spans,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from storage.contract import Aggregate, LatencySummary, Store

SPANS = many_spans(5_000, seed=11)
DELTA, CUMULATIVE = 1, 2
WHOLE_MINUTES = [
    TimeRange(),
    TimeRange(NOW - 100 * MINUTE, NOW - 7 * MINUTE),
    TimeRange(NOW - 50 * MINUTE, NOW - 49 * MINUTE),
    TimeRange(NOW - 12 * HOUR, NOW - 11 * HOUR),
]


def within(span: Span, time_range: TimeRange) -> bool:
    return (time_range.start or 0) <= span.start < (time_range.end or 2**63)


def check_latency(found: Sequence[LatencySummary], expected: dict[Any, list[Span]]) -> None:
    assert {(one.group, one.interval_start) for one in found} == set(expected)
    for one in found:
        spans = expected[one.group, one.interval_start]
        durations = sorted(span.duration for span in spans)
        assert (one.count, one.error_count) == (len(spans), sum(span.status == 2 for span in spans))
        assert (one.min_ns, one.max_ns) == (durations[0], durations[-1])
        assert one.mean_ns == pytest.approx(sum(durations) / len(durations))
        for share, answer in ((0.5, one.p50_ns), (0.9, one.p90_ns), (0.95, one.p95_ns), (0.99, one.p99_ns)):
            exact = durations[max(math.ceil(share * len(durations)) - 1, 0)]
            assert answer == pytest.approx(exact, rel=0.025)


def grouped(group: Callable[[Span], Any], time_range: TimeRange, interval: int | None) -> dict[Any, list[Span]]:
    expected = defaultdict(list)
    for span in SPANS:
        if within(span, time_range):
            expected[group(span), None if interval is None else span.start // interval * interval].append(span)
    return expected


@pytest.fixture
async def filled(store: Store) -> Store:
    await write_spans(store, SPANS)
    return store


def attribute_text(span: Span) -> str:
    value = span.attributes["items"]
    assert isinstance(value, str | int | float)
    return str(value)


async def test_latency(filled: Store) -> None:
    groups: dict[str, Callable[[Span], Any]] = {
        "service": lambda span: span.service,
        "operation": lambda span: span.name,
        "items": attribute_text,
        "absent": lambda _: None,
    }
    for group_by, group in groups.items():
        for time_range in WHOLE_MINUTES:
            for interval in (None, 5 * MINUTE, HOUR, 2 * HOUR):
                found = await filled.latency(LatencyQuery(time_range, group_by, interval_ns=interval))
                check_latency(found, grouped(group, time_range, interval))


async def test_latency_of_one_service_and_operation(filled: Store) -> None:
    for group_by in ("service", "operation", "absent"):
        (found,) = await filled.latency(LatencyQuery(TimeRange(), group_by, service="bank", operation="chat"))
        assert found.count == sum(span.service == "bank" and span.name == "chat" for span in SPANS)


async def test_busiest_groups_come_first_within_the_limit(filled: Store) -> None:
    found = await filled.latency(LatencyQuery(TimeRange(), "service", limit=2))
    assert len(found) == 2
    assert found[0].group == "shop"
    assert found[0].count > found[1].count


async def test_latency_by_attribute_of_the_resource(store: Store) -> None:
    await write_spans(store, [Span(1, 1, resource={"region": "eu"}), Span(2, 2, attributes={"region": "us"}), Span(3, 3)])
    found = await store.latency(LatencyQuery(TimeRange(), "region"))
    assert {one.group for one in found} == {"eu", "us", None}


@pytest.mark.parametrize(("interval", "group_by", "parameter"), [(90 * SECOND, "service", "interval"), (None, 'a"b', "group_by")])
async def test_latency_that_cannot_be_asked(store: Store, interval: int | None, group_by: str, parameter: str) -> None:
    with pytest.raises(BadQuestion) as refusal:
        await store.latency(LatencyQuery(TimeRange(), group_by, interval_ns=interval))
    assert refusal.value.parameter == parameter


START = NOW - 10 * MINUTE


async def values(store: Store, name: str, aggregate: Aggregate, **more: Any) -> dict[tuple[str | None, ...], list[Any]]:
    """Group → values."""
    query = MetricQuery(name, aggregate, more.pop("range", TimeRange(START, NOW)), **more)
    return {tuple(found.group.values()): [point.value for point in found.points] for found in await store.metric_series(query)}


async def test_gauge(store: Store) -> None:
    for host, numbers in {"a": (1.5, 2.5, 0.1 + 0.2), "b": (10, 20, None)}.items():
        points = [(0, START + place * MINUTE, number) for place, number in enumerate(numbers)]
        await write(store, "metrics", number_metric("load", points, {"host": host, "cpu": 1}))
    assert await values(store, "load", "avg", group_by=("host",)) == {("a",): [pytest.approx(4.3 / 3)], ("b",): [15]}
    assert await values(store, "load", "last", group_by=("host",)) == {("a",): [0.1 + 0.2], ("b",): [20]}
    assert await values(store, "load", "max", interval_ns=MINUTE) == {(): [10, 20, 0.1 + 0.2]}
    assert await values(store, "load", "min", interval_ns=MINUTE, group_by=("host", "cpu", "service")) == {
        ("a", "1", "shop"): [1.5, 2.5, 0.1 + 0.2],
        ("b", "1", "shop"): [10, 20, None],
    }
    assert await values(store, "load", "count", attributes=(AttributeFilter("host", "b"),)) == {(): [2]}
    assert await values(store, "load", "sum", service="other") == {}
    assert await values(store, "nothing", "sum") == {}


async def test_cumulative_counters_with_resets_and_deltas_add_up(store: Store) -> None:
    old, restarted = START - HOUR, START + 150 * SECOND
    counter = [
        (old, START - MINUTE, 100),
        (old, START + MINUTE, 104),
        (old, START + 2 * MINUTE, 107),
        (restarted, START + 3 * MINUTE, 5),
        (restarted, START + 4 * MINUTE, 5),
    ]
    options = {"temporality": CUMULATIVE, "unit": "1"}
    await write(store, "metrics", number_metric("requests", counter, {"pod": "a"}, **options))
    fresh = [(START + MINUTE, START + 2 * MINUTE, 7), (START + MINUTE, START + 4 * MINUTE, 9)]
    await write(store, "metrics", number_metric("requests", fresh, {"pod": "b"}, **options))
    deltas = [(START, START + MINUTE, 1), (START + MINUTE, START + 2 * MINUTE, 1)]
    await write(store, "metrics", number_metric("requests", deltas, {"pod": "c"}, temporality=DELTA))
    by_pod = await values(store, "requests", "sum", group_by=("pod",))
    assert by_pod == {("a",): [4 + 3 + 5 + 0], ("b",): [9], ("c",): [2]}
    assert await values(store, "requests", "sum", interval_ns=MINUTE) == {(): [5, 3 + 7 + 1, 5, 2]}
    assert await values(store, "requests", "rate") == {(): [pytest.approx(23 / 600)]}
    assert await values(
        store, "requests", "rate", interval_ns=MINUTE, group_by=("pod",), attributes=(AttributeFilter("pod", "c"),)
    ) == {("c",): [pytest.approx(1 / 60), pytest.approx(1 / 60)]}
    assert await values(store, "requests", "last", group_by=("pod",)) == {("a",): [5], ("b",): [9], ("c",): [1]}


@pytest.mark.parametrize("temporality", [None, DELTA])
async def test_values_before_the_range_do_not_count(store: Store, temporality: int | None) -> None:
    options = {} if temporality is None else {"temporality": temporality}
    points = [(START - 2 * MINUTE, START - MINUTE, 100), (START - MINUTE, START + MINUTE, 1), (START + MINUTE, NOW, 1000)]
    await write(store, "metrics", number_metric("value", points, {}, **options))
    assert await values(store, "value", "sum") == {(): [1]}
    assert await values(store, "value", "max", interval_ns=MINUTE) == {(): [1]}


async def test_up_down_counter_is_a_level(store: Store) -> None:
    points = [(START, START + place * MINUTE, number) for place, number in enumerate((4, 9, 3), 1)]
    request = number_metric("queue", points, {}, temporality=CUMULATIVE, monotonic=False)
    await write(store, "metrics", request)
    answers = {name: (await values(store, "queue", name))[()] for name in ("sum", "min", "max", "last")}
    assert answers == {"sum": [3], "min": [3], "max": [9], "last": [3]}


async def test_histograms(store: Store) -> None:
    cumulative = [(START, START + MINUTE, (1, 0, 0, 0)), (START, START + 2 * MINUTE, (1, 4, 0, 0))]
    await write(store, "metrics", histogram_metric("time", cumulative, {"route": "a"}, CUMULATIVE))
    delta = [(START, START + MINUTE, (0, 0, 2, 0)), (START + MINUTE, START + 2 * MINUTE, (0, 0, 2, 0))]
    await write(store, "metrics", histogram_metric("time", delta, {"route": "b"}, DELTA))
    assert await values(store, "time", "count", interval_ns=MINUTE) == {(): [3, 6]}
    assert await values(store, "time", "avg") == {(): [10]}
    assert await values(store, "time", "p50", group_by=("route",)) == {("a",): [pytest.approx(13.75)], ("b",): [35]}
    assert await values(store, "time", "p99", interval_ns=MINUTE, attributes=(AttributeFilter("route", "a"),)) == {
        (): [pytest.approx(9.9), pytest.approx(19.9)]
    }


@pytest.mark.parametrize(("aggregate", "parameter"), [("p50", "aggregate"), ("rate", "aggregate")])
async def test_metric_question_without_an_answer(store: Store, aggregate: Aggregate, parameter: str) -> None:
    await write(store, "metrics", number_metric("load", [(0, START, 1)], {}))
    with pytest.raises(BadQuestion) as refusal:
        await values(store, "load", aggregate)
    assert refusal.value.parameter == parameter


async def test_metric_sent_as_two_types_is_asked_for_by_one(store: Store) -> None:
    await write(store, "metrics", number_metric("load", [(0, START, 1)], {}))
    await write(store, "metrics", number_metric("load", [(0, START, 2)], {}, temporality=DELTA, service="bank"))
    with pytest.raises(BadQuestion, match="gauge and as sum"):
        await values(store, "load", "sum")
    assert await values(store, "load", "sum", service="bank") == {(): [2]}


async def test_too_many_intervals_are_refused(store: Store) -> None:
    await write(store, "metrics", number_metric("load", [(0, START, 1), (0, NOW - 1, 1)], {}))
    with pytest.raises(BadQuestion) as refusal:
        await values(store, "load", "avg", interval_ns=1_000_000)
    assert refusal.value.parameter == "interval"


async def test_real_numbers_keep_all_their_digits(store: Store) -> None:
    sent = [0.1, 1 / 3, 2**0.5 * 1e-300, 1.7976931348623157e308, -5e-324, 123456789.12345679, 1e22, 2.0]
    await write(store, "metrics", number_metric("digits", [(0, START + place, one) for place, one in enumerate(sent)], {}))
    assert await values(store, "digits", "last", interval_ns=1) == {(): sent}


async def test_list_of_metrics(store: Store) -> None:
    await write(store, "metrics", number_metric("Load", [(0, START, 1)], {"host": "a"}, unit="1"))
    await write(store, "metrics", number_metric("Load", [(0, START, 1)], {"host": "b"}, unit="1", service="bank"))
    await write(store, "metrics", number_metric("requests", [(0, START, 1)], {}, temporality=CUMULATIVE))
    first, second = await store.metrics()
    assert (first.name, first.type, first.unit, first.services, first.series_count) == ("Load", "gauge", "1", ("bank", "shop"), 2)
    assert (first.temporalities, first.monotonic) == ((), None)
    assert (second.name, second.type, second.temporalities, second.monotonic) == ("requests", "sum", (CUMULATIVE,), True)
    assert [found.name for found in await store.metrics("LOA")] == ["Load"]
    assert [found.series_count for found in await store.metrics(service="bank")] == [1]
