"""Proves what a metric comes to: increases of counters with resets, net changes, histograms of both temporalities and kinds
merged and subtracted, percentiles by interpolation, and the questions that a type of metric has no answer to."""

from __future__ import annotations

import math
import sys
from typing import TYPE_CHECKING, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.contract import Aggregate
from storage.errors import BadQuestion
from storage.sqlite.reading.distributions import Distribution, ExplicitBuckets, ExponentialBuckets, exponential_buckets
from storage.sqlite.reading.metric_math import Measured, Point, measured_changes, number_changes
from storage.sqlite.reading.metric_points import stored_number
from storage.sqlite.reading.metric_totals import MeasuredTotals, NumberTotals, SummaryTotals, check_aggregate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from storage.sqlite.reading.metric_math import Number

START = 1_000


def numbers(*values: tuple[int, Number | None], start: int = START) -> list[Point[Number]]:
    return [Point(time, start, value) for time, value in values]


def added(
    points: Sequence[Point[Number]], *, cumulative: bool = True, monotonic: bool = True, known_from: int | None = START
) -> list[Number | None]:
    changes = number_changes(points, cumulative=cumulative, monotonic=monotonic, known_from=known_from)
    return [change.added for change in changes]


def test_counter_counts_whole_when_it_started_within_the_time_asked_for() -> None:
    assert added(numbers((1_010, 5), (1_020, 8), (1_030, 8))) == [5, 3, 0]


def test_first_point_of_an_older_counter_is_only_a_base() -> None:
    assert added(numbers((1_010, 500), (1_020, 508), start=10)) == [None, 8]


def test_first_point_without_start_is_only_a_base() -> None:
    assert added(numbers((1_010, 500), (1_020, 508), start=0), known_from=None) == [None, 8]


def test_point_before_the_time_asked_for_is_the_base_of_the_next() -> None:
    assert added(numbers((990, 500), (1_020, 508), start=10)) == [8]


def test_counter_that_falls_started_anew() -> None:
    assert added(numbers((1_010, 5), (1_020, 3), (1_030, 4), start=0)) == [None, 3, 1]


def test_counter_whose_start_moves_started_anew_even_when_it_did_not_fall() -> None:
    points = [*numbers((1_010, 5)), *numbers((1_030, 9), start=1_020)]
    assert added(points) == [5, 9]


def test_start_equal_to_time_says_that_the_past_is_unknown() -> None:
    points = [*numbers((1_010, 5)), *numbers((1_030, 9), start=1_030), *numbers((1_040, 11), start=1_030)]
    assert added(points) == [5, None, 2]


def test_sum_that_may_fall_has_a_net_change() -> None:
    assert added(numbers((1_010, 5), (1_020, 3), (1_030, 4)), monotonic=False) == [5, -2, 1]


def test_gap_is_no_reset_and_no_value() -> None:
    assert added(numbers((1_010, 5), (1_020, None), (1_030, math.nan), (1_040, 7))) == [5, 2]


def test_delta_values_are_increases_themselves() -> None:
    assert added(numbers((1_010, 5), (1_020, 3), start=0), cumulative=False) == [5, 3]


def totals_of(points: Sequence[Point[Number]], *, cumulative: bool = True) -> NumberTotals:
    totals = NumberTotals()
    for change in number_changes(points, cumulative=cumulative, monotonic=True, known_from=START):
        totals.add(1, change, change.added)
    return totals


@given(st.lists(st.integers(0, 10**9), min_size=1, max_size=30), st.sets(st.integers(0, 29)))
def test_cumulative_and_delta_agree(increases: list[int], restarts: set[int]) -> None:
    """The same events told as deltas and as a running total, restarted anywhere, come to the same sum."""
    deltas: list[Point[Number]] = []
    totals: list[Point[Number]] = []
    total, start = 0, START
    for place, increase in enumerate(increases):
        time = START + 10 * (place + 1)
        if place in restarts:
            total, start = 0, time - 5
        total += increase
        deltas.append(Point(time, time - 10, increase))
        totals.append(Point(time, start, total))
    assert totals_of(totals).answer("sum", 1, additive=True) == sum(increases)
    assert totals_of(deltas, cumulative=False).answer("sum", 1, additive=True) == sum(increases)


def test_streams_are_added_as_increases_not_as_totals() -> None:
    totals = NumberTotals()
    for stream, start, values in ((1, START, ((1_010, 5), (1_020, 8))), (2, 10, ((1_010, 700), (1_020, 701)))):
        points = numbers(*values, start=start)
        for change in number_changes(points, cumulative=True, monotonic=True, known_from=START):
            totals.add(stream, change, change.added)
    assert totals.answer("sum", 10, additive=True) == 5 + 3 + 1
    assert totals.answer("rate", 10, additive=True) == pytest.approx(0.9)
    assert totals.answer("last", 10, additive=True) == 8 + 701
    assert totals.answer("count", 10, additive=True) == 4


def test_last_of_a_gauge_is_the_latest_of_all_streams() -> None:
    totals = NumberTotals()
    for stream, time, value in ((1, 1_010, 5), (2, 1_030, 7), (1, 1_020, 6)):
        for change in number_changes(numbers((time, value)), cumulative=False, monotonic=False, known_from=None):
            totals.add(stream, change, change.value)
    assert totals.answer("last", 1, additive=False) == 7
    assert totals.answer("avg", 1, additive=False) == 6
    assert (totals.answer("min", 1, additive=False), totals.answer("max", 1, additive=False)) == (5, 7)


def histogram(time: int, counts: Sequence[int], total: float, start: int = START, **extremes: float) -> Point[Measured]:
    buckets = ExplicitBuckets((10.0, 20.0, 50.0), tuple(counts))
    return Point(time, start, Measured(sum(counts), total, buckets, extremes.get("min"), extremes.get("max")))


def measured(points: Sequence[Point[Measured]], *, cumulative: bool, known_from: int | None = START) -> MeasuredTotals:
    totals = MeasuredTotals()
    for change in measured_changes(points, cumulative=cumulative, known_from=known_from):
        totals.add(change)
    return totals


def test_delta_histograms_add_up() -> None:
    points = [histogram(1_010, (2, 0, 0, 0), 10, min=3, max=7), histogram(1_020, (0, 2, 0, 0), 30, min=12, max=18)]
    totals = measured(points, cumulative=False)
    answers = {name: totals.answer(name, 10) for name in ("count", "sum", "avg", "rate", "min", "max")}
    assert answers == {"count": 4, "sum": 40, "avg": 10, "rate": 0.4, "min": 3, "max": 18}
    assert totals.answer("p50", 10) == 10


def test_cumulative_histograms_are_subtracted() -> None:
    points = [histogram(1_010, (5, 0, 0, 0), 10, start=10), histogram(1_020, (5, 4, 0, 0), 70, start=10)]
    totals = measured(points, cumulative=True)
    assert (totals.answer("count", 1), totals.answer("sum", 1)) == (4, 60)
    assert totals.answer("p50", 1) == 15
    assert (totals.answer("min", 1), totals.answer("max", 1)) == (10, 20)


def test_cumulative_histogram_whose_bucket_falls_started_anew() -> None:
    points = [histogram(1_010, (5, 0, 0, 0), 10, start=0), histogram(1_020, (0, 6, 0, 0), 90, start=0)]
    totals = measured(points, cumulative=True, known_from=None)
    assert (totals.answer("count", 1), totals.answer("sum", 1)) == (6, 90)


def test_other_bounds_without_a_new_start_tell_nothing_of_the_increase() -> None:
    other = Point(1_020, START, Measured(9, 90, ExplicitBuckets((5.0,), (4, 5))))
    assert measured([histogram(1_010, (5, 0, 0, 0), 10), other], cumulative=True).answer("count", 1) == 5


def test_percentile_interpolates_in_its_bucket() -> None:
    distribution = Distribution({(0.0, 10.0): 10, (10.0, 20.0): 10, (20.0, math.inf): 0})
    assert [distribution.percentile(share) for share in (0.05, 0.5, 0.75, 0.99)] == pytest.approx([1.0, 10.0, 15.0, 19.8])


def test_open_buckets_end_at_known_extremes() -> None:
    counts = {(-math.inf, 10.0): 4, (10.0, math.inf): 4}
    assert Distribution(dict(counts), 2.0, 30.0).percentile(0.99) == pytest.approx(29.6)
    assert Distribution(dict(counts), 2.0, 30.0).percentile(0.25) == pytest.approx(6.0)
    assert Distribution(dict(counts)).percentile(0.99) == 10.0
    assert Distribution(dict(counts)).percentile(0.25) == pytest.approx(5.0)
    assert Distribution({(-math.inf, math.inf): 3}).percentile(0.5) is None
    assert Distribution({}).percentile(0.5) is None


def test_histograms_with_other_bounds_are_put_together() -> None:
    distribution = Distribution({(0.0, 10.0): 10, (0.0, 20.0): 10})
    assert distribution.percentile(0.75) == pytest.approx(10.0)
    assert distribution.percentile(1.0) == pytest.approx(20.0)


def exponential(scale: int, positive: dict[int, int], zero: int = 0, threshold: float = 0.0) -> ExponentialBuckets:
    return ExponentialBuckets(scale, zero, threshold, positive, {})


def test_exponential_bounds() -> None:
    assert exponential(0, {}).upper(0) == 2.0
    assert exponential(1, {}).upper(1) == pytest.approx(2.0)
    assert exponential(-1, {}).upper(0) == 4.0
    assert exponential(-10, {}).upper(10) == sys.float_info.max
    assert exponential(-10, {}).upper(-10) == 0.0


def test_exponential_histograms_of_different_scales_are_put_together() -> None:
    fine, coarse = exponential(1, {0: 1, 1: 2, 2: 4, -1: 8}), exponential(0, {0: 10, 1: 20})
    together = fine.plus(coarse)
    assert (together.scale, dict(together.positive)) == (0, {0: 13, 1: 24, -1: 8})


def test_exponential_increase_over_a_change_of_scale() -> None:
    then, now = exponential(2, {0: 4, 3: 4}), exponential(1, {0: 5, 1: 6, 2: 1})
    increase = now.minus(then)
    assert increase is not None
    assert (increase.scale, dict(increase.positive)) == (1, {0: 1, 1: 2, 2: 1})
    assert then.minus(now) is None


def test_wider_zero_bucket_takes_in_what_lies_inside() -> None:
    wide = exponential(0, {-2: 3, 0: 5}, zero=1, threshold=0.1).with_zero_threshold(0.5)
    assert (wide.zero_count, dict(wide.positive)) == (4, {0: 5})


@given(st.lists(st.floats(1e-6, 1e6), min_size=1, max_size=200), st.integers(-2, 6), st.sampled_from([0.5, 0.9, 0.99]))
def test_exponential_percentile_is_as_near_as_its_buckets(values: list[float], scale: int, share: float) -> None:
    positive: dict[int, int] = {}
    for value in values:
        index = math.ceil(math.log2(value) * 2**scale) - 1
        positive[index] = positive.get(index, 0) + 1
    distribution = Distribution()
    exponential(scale, positive).add_to(distribution.counts)
    answer = distribution.percentile(share)
    exact = sorted(values)[max(math.ceil(share * len(values)) - 1, 0)]
    assert answer is not None
    width = 2 ** (2**-scale) * (1 + 1e-9)
    assert exact / width <= answer <= exact * width


def test_negative_and_zero_values() -> None:
    data = {"scale": 0, "zero_count": 2, "positive": {"offset": 0, "counts": [1]}, "negative": {"offset": 1, "counts": [1]}}
    distribution = Distribution()
    exponential_buckets(data).add_to(distribution.counts)
    assert distribution.counts == {(1.0, 2.0): 1, (-4.0, -2.0): 1, (0.0, 0.0): 2}
    assert (distribution.lowest(), distribution.highest()) == (-4.0, 2.0)
    assert distribution.percentile(0.5) == 0.0


def summary(quantiles: dict[float, Number], count: int = 4) -> list[Point[Measured]]:
    return [Point(1_010, START, Measured(count, 20, quantiles=quantiles))]


def test_summary_answers_what_is_stored() -> None:
    totals = SummaryTotals()
    for change in measured_changes(summary({0.0: 1, 0.5: 4, 1.0: 9}), cumulative=True, known_from=START):
        totals.add(1, change)
    assert [totals.answer(name, 2) for name in ("p50", "min", "max", "avg", "rate")] == [4, 1, 9, 5, 2]
    with pytest.raises(BadQuestion, match=r"no quantile 0\.95; it has 0, 0\.5, 1"):
        totals.answer("p95", 2)


def test_quantiles_of_two_summaries_are_refused() -> None:
    totals = SummaryTotals()
    for stream in (1, 2):
        for change in measured_changes(summary({0.5: 4}), cumulative=True, known_from=START):
            totals.add(stream, change)
    with pytest.raises(BadQuestion, match="2 summaries"):
        totals.answer("p50", 1)
    assert totals.answer("count", 1) == 8


ANSWERED: dict[str, set[str]] = {
    "gauge": {"sum", "avg", "min", "max", "last", "count"},
    "sum": {"sum", "avg", "min", "max", "last", "count", "rate"},
    "histogram": {"sum", "avg", "min", "max", "count", "rate", "p50", "p90", "p95", "p99"},
    "exponential_histogram": {"sum", "avg", "min", "max", "count", "rate", "p50", "p90", "p95", "p99"},
    "summary": {"sum", "avg", "min", "max", "count", "rate", "p50", "p90", "p95", "p99"},
}


@pytest.mark.parametrize("kind", sorted(ANSWERED))
@pytest.mark.parametrize("aggregate", get_args(Aggregate))
def test_every_aggregate_is_answered_or_refused(kind: str, aggregate: Aggregate) -> None:
    if aggregate in ANSWERED[kind]:
        check_aggregate(kind, aggregate)
        totals: NumberTotals | MeasuredTotals | SummaryTotals
        if kind in {"gauge", "sum"}:
            assert NumberTotals().answer(aggregate, 1, additive=True) is None
        else:
            totals = SummaryTotals() if kind == "summary" else MeasuredTotals()
            assert totals.answer(aggregate, 1) is None
    else:
        with pytest.raises(BadQuestion) as refusal:
            check_aggregate(kind, aggregate)
        assert refusal.value.parameter == "aggregate"


@pytest.mark.parametrize(
    ("stored", "number"), [(5, 5), ("5.0", 5.0), ("18446744073709551615", 2**64 - 1), ("-1.5e-09", -1.5e-9), (None, None)]
)
def test_stored_numbers(stored: object, number: Number | None) -> None:
    assert stored_number(stored) == number
    assert type(stored_number(stored)) is type(number)
