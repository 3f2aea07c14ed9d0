"""Proves what is taken for unusual: figures worked out by hand, and what must not be."""

from __future__ import annotations

import random
from statistics import fmean, stdev

import pytest

from query.anomalies import Series, anomalies_of
from query.scores import course_of

HOUR = 3600 * 10**9


def test_middle_and_spread_are_those_of_the_book() -> None:
    """Median 14; distances 4 3 2 1 0 1 2 3 86: their median is 2, and twice 1.4826 is the spread."""
    course = course_of([10, 11, 12, 13, 14, 15, 16, 17, 100])
    assert course is not None
    assert course == pytest.approx((14, 2 * 1.4826))
    assert course.score(100) == pytest.approx(86 / (2 * 1.4826))


def test_half_of_the_values_may_be_wild() -> None:
    """A plain z-score loses a tenth of outliers among themselves; the robust one does not."""
    values = [100.0 + number % 5 for number in range(90)] + [1000.0] * 10
    assert (1000 - fmean(values)) / stdev(values) < 3.5
    course = course_of(values)
    assert course is not None
    assert course.score(1000) > 100


def test_scores_of_normal_values_are_z_scores() -> None:
    generator = random.Random(7)
    values = [generator.gauss(1000, 100) for _ in range(5000)]
    course = course_of(values)
    assert course is not None
    assert course == pytest.approx((1000, 100), rel=0.05)


def test_equal_values_and_too_few_have_no_outliers() -> None:
    assert course_of([1.0] * 7) is None
    still = course_of([5.0] * 20)
    assert still is not None
    assert still.score(5.0) == 0
    one = course_of([0.0] * 19 + [9.0])
    assert one is not None
    assert one.score(9.0) > 3.5


def found(measure: str, values: dict[int, float], complete: int = 100) -> list[tuple[int, tuple[int, ...]]]:
    series = Series(measure, "shop", {hour * HOUR: value for hour, value in values.items()})  # type: ignore[arg-type]
    return [
        (anomaly.time // HOUR, tuple(moment // HOUR for moment in anomaly.unusual))
        for anomaly in anomalies_of(series, HOUR, complete * HOUR, 3.5)
    ]


def test_a_slow_hour_is_found_and_trembling_is_not() -> None:
    steady = {hour: 100.0 + hour % 3 for hour in range(24)}
    assert found("latency", steady, 24) == []
    assert found("latency", steady | {13: 300.0, 20: 200.0}, 24) == [(13, (13, 20))]


def test_silence_is_unusual_volume_and_no_latency() -> None:
    values = {hour: 50.0 + hour % 4 for hour in range(24) if hour not in (9, 10)}
    assert found("volume", values, 24) == [(9, (9, 10))]
    assert found("latency", values, 24) == []


def test_the_hour_that_is_going_on_is_not_judged() -> None:
    values = {hour: 50.0 + hour % 4 for hour in range(24)} | {24: 1.0}
    assert found("volume", values, 24) == []
    assert found("volume", values, 25) == [(24, (24,))]
