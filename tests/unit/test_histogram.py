"""Proves the promise of the latency histogram: whatever the durations, a quantile is within 2.5 % of the one counted exactly;
and that merging, packing and the edges of buckets neither lose nor invent a value.
"""

from __future__ import annotations

import math
import random
from collections import Counter

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from storage.histogram import ZERO_BUCKET, PackedHistogram, bucket_of, edges_of, middle_of, quantiles, unpack_into

LONGEST = 2**63 - 1
DURATIONS = st.one_of(st.integers(0, 1000), st.integers(0, LONGEST), st.integers(0, 62).map(lambda power: 2**power))
ASKED = [0.0, 0.5, 0.9, 0.95, 0.99, 1.0]


def filled(durations: list[int]) -> dict[int, int]:
    return dict(Counter(map(bucket_of, durations)))


@given(DURATIONS)
@example(0)
@example(1)
@example(LONGEST)
def test_value_lies_within_its_bucket(duration: int) -> None:
    bucket = bucket_of(duration)
    low, high = edges_of({bucket: 1})
    # A float knows 53 bits: at an edge between two buckets a very long duration may fall to either side.
    slack = duration >> 50
    assert low - slack <= duration <= high + slack
    assert bucket == ZERO_BUCKET or 0 <= bucket <= 1008


@given(DURATIONS.filter(bool))
def test_middle_is_near_every_value_of_its_bucket(duration: int) -> None:
    assert math.isclose(middle_of(bucket_of(duration)), duration, rel_tol=0.0225)


@given(st.lists(DURATIONS, min_size=1, max_size=300))
@settings(max_examples=200)
def test_quantiles_are_near_the_exact_ones(durations: list[int]) -> None:
    """By nearest rank, as a plain sort of the durations gives it."""
    ordered = sorted(durations)
    for quantile, answer in zip(ASKED, quantiles(filled(durations), ASKED), strict=True):
        exact = ordered[max(math.ceil(quantile * len(ordered)), 1) - 1]
        assert answer == 0.0 if exact == 0 else math.isclose(answer, exact, rel_tol=0.025), (quantile, exact, answer)


def test_quantiles_of_many() -> None:
    """A hundred thousand durations as services have them, over six decades."""
    chance = random.Random(7)
    durations = [int(chance.lognormvariate(17, 2)) for _ in range(100_000)]
    ordered = sorted(durations)
    for quantile, answer in zip(ASKED, quantiles(filled(durations), ASKED), strict=True):
        exact = ordered[max(math.ceil(quantile * len(ordered)), 1) - 1]
        assert answer == pytest.approx(exact, rel=0.025)


def test_nothing_has_no_quantiles() -> None:
    assert quantiles({}, ASKED) == []
    assert quantiles({5: 0}, ASKED) == []


def pack(buckets: dict[int, int]) -> bytes:
    histogram = PackedHistogram()
    histogram.add(buckets)
    return histogram.packed()


@given(st.lists(st.lists(DURATIONS, max_size=20), max_size=5), st.lists(DURATIONS, max_size=20))
def test_what_was_added_can_be_taken_out(parts: list[list[int]], taken: list[int]) -> None:
    """A packed histogram that is added to, packed and read back in between, and taken out of."""
    histogram = PackedHistogram(pack(filled(taken)))
    for part in parts:
        histogram.add(filled(part))
        histogram = PackedHistogram(histogram.packed())
    histogram.add({bucket: -count for bucket, count in filled(taken).items()})
    assert histogram.filled() == filled([duration for part in parts for duration in part])


def test_more_cannot_be_taken_out_than_is_there() -> None:
    histogram = PackedHistogram()
    histogram.add({7: 2})
    histogram.add({7: -3, 8: -1})
    assert histogram.filled() == {}


@given(st.lists(st.lists(DURATIONS, max_size=20), max_size=5))
def test_merged_parts_are_the_whole(parts: list[list[int]]) -> None:
    """Packed, merged in any order and unpacked, as cells of many minutes are for one answer."""
    total: dict[int, int] = {}
    for part in reversed(parts):
        unpack_into(total, pack(filled(part)))
    assert total == filled([duration for part in parts for duration in part])


@given(st.dictionaries(st.sampled_from([0, 1, 500, 1008, ZERO_BUCKET]), st.integers(1, 2**32 - 1)))
def test_packed_size(buckets: dict[int, int]) -> None:
    assert len(pack(buckets)) == 8 * len(buckets)


@given(st.lists(DURATIONS, min_size=1, max_size=50))
def test_edges_hold_all_values(durations: list[int]) -> None:
    low, high = edges_of(filled(durations))
    slack = max(durations) >> 50
    assert low - slack <= min(durations)
    assert max(durations) <= high + slack
