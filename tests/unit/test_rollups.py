"""Proves that latency cells add up: in any order, with removals, remembered or read back, in groups or one by one."""

from __future__ import annotations

import shutil
import tempfile
from collections import Counter
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from storage.histogram import bucket_of, edges_of, unpack_into
from storage.sqlite.connect import connect_writer
from storage.sqlite.migrate import migrate
from storage.sqlite.writing.references import References
from storage.sqlite.writing.rollups import LatencyChanges, Rollups

if TYPE_CHECKING:
    import sqlite3
    from pathlib import Path

Duration = tuple[int, int]  # minute, ns
OPERATION = ("shop", "work", 1)
DURATIONS = st.lists(st.tuples(st.sampled_from([59, 60, 61, 119, 120]), st.sampled_from([0, 1, 900, 1000, 10**9])), max_size=8)


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("rollups") / "empty.db"
    with closing(connect_writer(path)) as connection:
        migrate(connection)
    return path


def cells(connection: sqlite3.Connection, table: str, period: str) -> dict[int, tuple[int, float, int, int, dict[int, int]]]:
    found = {}
    for period_, count, total, low, high, packed in connection.execute(
        f"select {period}, count, sum, min, max, buckets from {table} where count > 0"
    ):
        buckets: dict[int, int] = {}
        unpack_into(buckets, packed)
        found[period_] = (count, total, low, high, {bucket: number for bucket, number in buckets.items() if number})
    return found


def check(connection: sqlite3.Connection, kept: list[Duration]) -> None:
    for table, period, minutes in (
        ("latency_minutes", "minute", 1), ("service_minutes", "minute", 1),
        ("latency_hours", "hour", 60), ("service_hours", "hour", 60),
    ):  # fmt: skip
        stored = cells(connection, table, period)
        assert set(stored) == {minute // minutes for minute, _ in kept}
        for at, (count, total, low, high, buckets) in stored.items():
            wanted = [duration for minute, duration in kept if minute // minutes == at]
            least, greatest = edges_of(buckets)
            assert (count, total, buckets) == (len(wanted), sum(wanted), Counter(map(bucket_of, wanted)))
            assert least <= low <= min(wanted)
            assert max(wanted) <= high <= greatest


@settings(max_examples=60, deadline=None)
@given(groups=st.lists(DURATIONS, max_size=5), forget=st.booleans(), data=st.data())
def test_cells_add_up(empty: Path, groups: list[list[Duration]], forget: bool, data: st.DataObject) -> None:
    """After each group: some durations come, some of those that are there are taken out again."""
    kept: list[Duration] = []
    with tempfile.TemporaryDirectory() as folder, closing(connect_writer(shutil.copy(empty, folder))) as connection:
        rollups = Rollups(connection)
        for group in groups:
            leaving = data.draw(st.lists(st.sampled_from(kept), max_size=3, unique_by=id)) if kept else []
            leaving = list((Counter(leaving) & Counter(kept)).elements())
            changes = LatencyChanges(References(connection))
            for durations, sign in ((group, 1), (leaving, -1)):
                for minute, one in durations:
                    changes.add([(0, minute, 1, 0, one, one, one, {bucket_of(one): 1})], [OPERATION], sign)
            rollups.write(changes)
            if forget:
                rollups.forget()
            kept = list((Counter([*kept, *group]) - Counter(leaving)).elements())
            check(connection, kept)
